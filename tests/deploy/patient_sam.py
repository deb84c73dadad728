"""`sam` that waits for minutes for an answer: run it with the interpreter SAM is installed for.

The emulator turns the template into resources while `CreateChangeSet` waits. On a busy machine that
takes longer than the minute after which botocore asks again, and then the change set exists.
"""

import sys

from botocore.config import Config
from samcli.cli.main import cli  # type: ignore[import-not-found]

Config.OPTION_DEFAULTS["read_timeout"] = 600  # type: ignore[assignment]

if __name__ == "__main__":
    sys.exit(cli())
