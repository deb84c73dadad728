"""Profile `mock`: the use cases of the older open-source mock, on documents of their own."""
