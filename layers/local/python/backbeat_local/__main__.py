"""`python -m backbeat_local` is the `backbeat` command."""

from backbeat_local.cli import main

main(prog_name="backbeat")
