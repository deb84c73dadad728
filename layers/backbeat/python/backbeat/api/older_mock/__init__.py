"""Profile `mock`: requests and replies in the shapes of the older open-source mock."""
