"""Child processes that leave nothing behind: each runs in a group of its own, ended as a whole."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

STOP_SECONDS = 10


class StepFailed(Exception):
    """A step of the check ended with an error or took too long."""


@contextmanager
def process_group(
    command: Sequence[str],
    *,
    output: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a command while the block lasts; it and all it started are ended afterwards.

    `output` takes what the command prints; without one it goes where this process prints.
    `environment` replaces this process's own.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)


def run_step(
    command: Sequence[str], *, limit_seconds: float, output: IO[bytes] | None = None
) -> None:
    """Runs a command to its end.

    Raises:
        StepFailed: it ended with another status than 0, or not within the limit.
    """
    name = " ".join([Path(command[0]).name, *command[1:3]])
    with process_group(command, output=output) as process:
        try:
            status = process.wait(limit_seconds)
        except subprocess.TimeoutExpired as error:
            raise StepFailed(f"`{name}` took more than {limit_seconds:.0f} seconds") from error
    if status != 0:
        raise StepFailed(f"`{name}` ended with status {status}")


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    # First it alone, for it may have children to end in good order; then whoever is left.
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)
