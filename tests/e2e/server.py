"""`backbeat serve` as a process that can be killed."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]

_START_SECONDS = 60
_STOP_SECONDS = 30


class Server:
    """Serves the template of this repository on loopback; also a context manager."""

    def __init__(self, *options: str) -> None:
        """Takes further options of `backbeat serve`. The port is a free one, and stays the same."""
        self._options = options
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns once it listens."""
        command = Path(sys.executable).with_name("backbeat")
        self._process = subprocess.Popen(
            [str(command), "serve", "--port", str(self._port), *self._options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        impatience = threading.Timer(_START_SECONDS, self._process.kill)
        impatience.start()
        assert self._process.stdout is not None
        welcome = self._process.stdout.readline()
        impatience.cancel()
        listening = re.search(r"http://127\.0\.0\.1:(\d+)$", welcome.strip())
        assert listening is not None, f"the server said {welcome!r}"
        self._port = int(listening[1])

    def kill(self) -> None:
        """Ends it as a power cut would: without a chance to finish anything."""
        assert self._process is not None
        self._process.kill()
        self._close()

    def stop(self) -> None:
        """Ends it in good order, and insists on it."""
        assert self._process is not None
        self._process.terminate()
        try:
            assert self._process.wait(_STOP_SECONDS) == 0
        finally:
            self._process.kill()
            self._close()

    def _close(self) -> None:
        assert self._process is not None
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
