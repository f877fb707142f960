"""The demo's server: one ``headgate-server dev`` process with its agent, stopped in the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType

from headgate.api import workspaces
from headgate.api.transport import Transport

READY_SECONDS = 90.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.1
LAST_LINES = 20


class DemoError(Exception):
    """The demo did not go as it should; the message says what to look at."""


class DemoServer:
    """A server on a free port with its data in a folder; entered ready, left stopped."""

    def __init__(self, folder: Path, *, port: int | None) -> None:
        self._folder = folder
        self._log = folder.with_name(f"{folder.name}.log")
        self._port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.api_key = ""
        self.organization = ""
        self.workspace = ""

    def __enter__(self) -> "DemoServer":
        # Either signal stops the server in order, at any time, also in a shell's background.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        if error is None:
            self._log.unlink()

    def headgate(self, *arguments: str) -> str:
        """Run a ``headgate`` command against the server and return what it printed.

        Raises:
            DemoError: it failed.
        """
        environment = {
            **_clean_environment(),
            "HEADGATE_API_URL": self.url,
            "HEADGATE_API_KEY": self.api_key,
            "HEADGATE_WORKSPACE": f"{self.organization}/{self.workspace}",
        }
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "headgate", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            message = f"headgate {' '.join(arguments)} failed:\n{done.stderr}"
            raise DemoError(message)
        return done.stdout

    async def workspace_id(self, transport: Transport) -> str:
        """Return the id of the demo's workspace."""
        return await workspaces.get_id(
            transport, organization=self.organization, workspace=self.workspace
        )

    def wait(self) -> None:
        """Wait until the server ends, which it does not by itself.

        Raises:
            DemoError: it did.
        """
        assert self._process is not None  # noqa: S101 - entered
        code = self._process.wait()
        message = f"The server ended with code {code}: {self._last_words()}"
        raise DemoError(message)

    def _start(self) -> None:
        started_at = time.time()
        command = [sys.executable, "-m", "headgate_server", "dev", "--port", str(self._port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*command, "--data-dir", str(self._folder)],
                env=_clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for the demo: it stops the server in order.
                start_new_session=True,
            )
        file = self._folder / "dev.json"
        # The server writes the file once it answers; an older one is of an earlier start.
        while not (file.exists() and file.stat().st_mtime >= started_at):
            if self._process.poll() is not None:
                message = f"The server did not start: {self._last_words()}"
                raise DemoError(message)
            if time.time() - started_at > READY_SECONDS:
                message = f"The server is not ready after {READY_SECONDS:.0f} s; see {self._log}"
                raise DemoError(message)
            time.sleep(POLL_SECONDS)
        found = json.loads(file.read_text())
        self.api_key = found["api_key"]
        self.organization = found["organization"]
        self.workspace = found["workspace"]

    def _stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"The server does not stop; it is killed. See {self._log}\n")
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(["", *lines])


def _clean_environment() -> dict[str, str]:
    """Return the environment without what would lead elsewhere than to this server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
