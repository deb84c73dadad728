"""The server under measurement: `backbeat serve` in a process of its own, on a fresh state."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "bench"
_START_SECONDS = 30
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running server. `started_in` is what it took to the first answer, in seconds."""

    pid: int
    port: int
    state: Path
    started_in: float

    @property
    def resident_mb(self) -> float:
        """What the process holds in memory now (10^6 bytes)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def disk_mb(self) -> float:
        """What the state directory takes on disk now (10^6 bytes)."""
        return sum(path.stat().st_size for path in self.state.iterdir()) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """What the process has spent on all its threads, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Makes one request and returns the decoded answer, which must be a success."""
        return self._sent(method, path, json.dumps(body) if body else None)

    def post(self, path: str, text: str) -> None:
        """Posts a body that is text already; the answer must be a success."""
        self._sent("POST", path, text)

    def _sent(self, method: str, path: str, text: str | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said.decode()}")
        return json.loads(said) if said else None


@contextlib.contextmanager
def serving(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Starts a server on an empty state directory; stops it and removes the directory.

    `environment` are variables it finds beside those of this process.
    """
    with tempfile.TemporaryDirectory(prefix="backbeat-bench-") as directory:
        state, port = Path(directory), _free_port()
        begun = time.perf_counter()
        process = _start(state, port, {**_compiling(os.environ), **(environment or {})})
        try:
            _wait_for_answer(process, port)
            yield Server(process.pid, port, state, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)


def _compiling(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a user's shell: there, Python keeps what it has compiled."""
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _start(state: Path, port: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = Path(sys.executable).with_name("backbeat")
    return subprocess.Popen(
        [command, "serve", "--port", str(port), "--state", state],
        stdout=subprocess.DEVNULL,
        env=environment,
        cwd=Path(__file__).parents[2],
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            # Nothing can be waited for before the server listens.
            time.sleep(0.002)
