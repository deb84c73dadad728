"""Backbeat: usage billing on a laptop or in your own AWS account."""
