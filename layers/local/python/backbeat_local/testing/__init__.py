"""The test kit: a running Backbeat for tests, with a sandbox for each.

`plugin` is found by pytest. Everything else is imported when a test first asks for it.
"""
