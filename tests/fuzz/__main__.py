"""Calls every operation of Backbeat's own document with made-up requests: `python -m tests.fuzz`.

No answer may be an unforeseen error, have a status or a content type that is not documented, or
break the schema of its status.
"""

import subprocess
import sys
import uuid
from pathlib import Path

from tests.e2e.server import ROOT, Server

_CHECKS = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
_LEFT_OUT = {
    "/mock/clock": "a jump of centuries does the work of centuries",
    "/mock/rate-limit": "every call would be refused from then on",
    "/mock/faults": "everything would fail on purpose from then on",
    "/mock/faults/{fault_id}": "likewise",
}
_EXAMPLES = 8
"""Requests per operation."""


def main() -> int:
    """Returns the exit code of the run."""
    tool = ROOT / ".tools" / "schemathesis" / "bin" / "st"
    options = [option for path in _LEFT_OUT for option in ("--exclude-path", path)]
    with Server("--memory") as server:
        done = subprocess.run(
            [
                *(str(tool), "run", f"{server.url}/openapi.json"),
                *("--header", f"Authorization: Bearer {uuid.uuid4()}"),
                *("--checks", ",".join([*_CHECKS, "no_unforeseen_error"])),
                *("--phases", "fuzzing", "--max-examples", str(_EXAMPLES), "--seed", "1"),
                *("--suppress-health-check", "all", "--warnings", "off"),
                *options,
            ],
            cwd=Path(__file__).parent,
            env={"SCHEMATHESIS_HOOKS": "checks", "PATH": "/usr/bin:/bin"},
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
