"""MiniStack as a child process: AWS on a loopback port, with IAM policies enforced."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from tests.deploy.processes import StepFailed, process_group

if TYPE_CHECKING:
    from subprocess import Popen

READY_SECONDS = 60

_POLL_SECONDS = 0.2


def client_environment(endpoint: str, programs: Path) -> dict[str, str]:
    """Returns the caller's environment with every AWS call bent to the emulator.

    The caller's own AWS and Backbeat settings are left out: nothing of a deploy check may reach
    an account or a state of theirs. `programs` is a directory to be searched first.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BACKBEAT_", "SAM_"))
    }
    return kept | {
        "PATH": f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }


@contextmanager
def running_emulator(programs: Path, directory: Path) -> Iterator[str]:
    """Runs MiniStack from `programs` and yields its endpoint.

    It writes `ministack.log` and its scratch files below `directory`. It and the functions it
    started are gone when the block is left, however that happens.

    Raises:
        StepFailed: it ended early or was not ready in time.
    """
    port = _free_port()
    scratch = directory / "scratch"
    scratch.mkdir()
    # The functions inherit this environment, so it holds nothing of the caller's.
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.defpath}",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # A listener of its own that would be open to the network.
        "IOT_MTLS_ENABLED": "0",
        # Functions may only do what the template's policies allow them.
        "AUTH": "true",
    }
    endpoint = f"http://127.0.0.1:{port}"
    with (
        (directory / "ministack.log").open("wb") as log,
        process_group(
            [str(programs / "ministack")], environment=environment, output=log
        ) as process,
    ):
        _wait_until_ready(process, endpoint)
        yield endpoint


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: "Popen[bytes]", endpoint: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    http = urllib3.PoolManager(retries=False, timeout=2)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StepFailed(f"MiniStack ended with status {process.returncode}")
        try:
            reply = http.request("GET", f"{endpoint}/_ministack/ready")
        except urllib3.exceptions.HTTPError:
            time.sleep(_POLL_SECONDS)
            continue
        if reply.status == 200 and json.loads(reply.data)["status"] == "completed":
            return
        time.sleep(_POLL_SECONDS)
    raise StepFailed(f"MiniStack was not ready after {READY_SECONDS} seconds")
