"""The commands that talk with a running Backbeat, one module for each group."""
