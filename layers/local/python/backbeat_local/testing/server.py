"""The server that all tests of a session share, in a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.01
_LISTENING: Final = re.compile(r"http://\S+:\d+$")


class ServerFailed(Exception):
    """The server did not start; the message has what it said."""


class SharedServer:
    """A server by the directory in which its starter tells the others where it is."""

    def __init__(self, directory: Path, *, controller: int) -> None:
        """Is started by the first process that needs it, and ends with process `controller`."""
        self.directory = directory
        self.controller = controller
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def new(cls) -> "SharedServer":
        """Returns one that nobody has started, and that ends with this process."""
        name = f"backbeat-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        return cls(Path(tempfile.gettempdir()) / name, controller=os.getpid())

    def url(self) -> str:
        """Returns where the server answers, after starting it if nobody has.

        Raises:
            ServerFailed: it does not start.
        """
        try:
            self.directory.mkdir(mode=0o700)
        except FileExistsError:
            return self._told_by_others()
        try:
            url = self._start()
        except ServerFailed as failed:
            self._tell({"failed": str(failed)})
            raise
        assert self._process is not None  # noqa: S101 - started
        self._tell({"url": url, "pid": self._process.pid})
        return url

    def stop(self) -> None:
        """Ends the server if anybody started it. Only the controller calls this."""
        if not self.directory.exists():
            return
        told = self._told()
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
            self._process.kill()
            self._process.wait()
        elif told is not None and "pid" in told:
            with suppress(ProcessLookupError):
                os.kill(int(told["pid"]), signal.SIGTERM)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> str:
        errors = (self.directory / "errors.log").open("w+", encoding="utf-8")
        command = [sys.executable, "-m", "backbeat_local", "serve", "--memory", "--port", "0"]
        command += ["--template", str(_own_template()), "--until", str(self.controller)]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Ctrl-C is for the tests; they still need the server to clean up.
            start_new_session=True,
        )
        impatience = threading.Timer(_START_SECONDS, self._process.kill)
        impatience.start()
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        welcome = self._process.stdout.readline().strip()
        impatience.cancel()
        listening = _LISTENING.search(welcome)
        if listening is None:
            self._process.kill()
            errors.seek(0)
            raise ServerFailed(f"Backbeat did not start: {welcome}\n{errors.read()}")
        errors.close()
        # Nobody reads what else it says, and it must not wait for that.
        threading.Thread(target=_drain, args=(self._process,), daemon=True).start()
        return listening[0]

    def _tell(self, what: dict[str, object]) -> None:
        # Moved into place whole: others may be reading.
        draft = self.directory / "server.draft"
        draft.write_text(json.dumps(what), encoding="utf-8")
        draft.replace(self.directory / "server.json")

    def _told(self) -> dict[str, str] | None:
        try:
            told: dict[str, str] = json.loads((self.directory / "server.json").read_text())
        except FileNotFoundError:
            return None
        return told

    def _told_by_others(self) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while (told := self._told()) is None:
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"Backbeat was to be started by another process: {self.directory}"
                )
            time.sleep(_POLL_SECONDS)
        if "failed" in told:
            raise ServerFailed(told["failed"])
        return told["url"]


def _own_template() -> Path:
    from backbeat_local.template_files import own_template

    return own_template()


def _drain(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe
    for _ in process.stdout:
        pass
