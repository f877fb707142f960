"""Journeys in a real browser: a server of their own, and what ``frontend/journeys`` does there."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.e2e.dev_server import DevServer, dev_server
from tests.fixtures.network import free_port

FRONTEND = Path(__file__).parents[2] / "frontend"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
POINTS_A_SECOND = "3000"
"""Journeys look at a page a second, as no one person does for long."""
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Journeys:
    """What is done in a browser, and with which server.

    Args:
        folder: for the server, and for what is to be kept.
        files: a pattern below ``frontend`` of what is run.
        demo: how much of the demo the server is filled with; None is nothing.
        seconds: the longest that it may take, without the server's start.
        variables: further settings of the browser's side.
    """

    folder: Path
    files: str = "journeys/**/*.journey.ts"
    demo: float | None = None
    seconds: float = 420.0
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(self) -> str:
        """Run them, and the server anew whenever one asks for it; returns what they said.

        Raises:
            AssertionError: one failed, took too long, or there is no browser.
        """
        browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        assert browser, "No Chromium: apt-get install --no-install-recommends chromium"
        port, wish = free_port(), self.folder / "restart"
        log, deadline = self.folder / "journeys.log", time.monotonic() + self.seconds
        with ExitStack() as serving:
            server = serving.enter_context(self._serve(port))
            with log.open("wb") as output, self._begin(server, browser, output) as process:
                while process.poll() is None:
                    if time.monotonic() > deadline:
                        process.terminate()
                    if wish.exists():
                        serving.close()
                        serving.enter_context(self._serve(port))
                        wish.unlink()
                    time.sleep(_LOOK_SECONDS)
        assert process.returncode == 0, log.read_text()
        return log.read_text()

    def _serve(self, port: int) -> AbstractContextManager[DevServer]:
        options = () if self.demo is None else ("--demo", str(self.demo))
        return dev_server(
            self.folder, port=port, options=options, HEADGATE_RATE_USER=POINTS_A_SECOND
        )

    def _begin(self, server: DevServer, browser: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        (link,) = (
            word
            for word in (self.folder / "server.log").read_text().split()
            if "/auth/password/new#" in word
        )
        settings = {
            **server.environment,
            "HEADGATE_URL": server.url,
            "HEADGATE_SIGN_IN": link,
            "HEADGATE_SHOTS": str(self.folder),
            "HEADGATE_CHROMIUM": browser,
            "HEADGATE_PYTHON": sys.executable,
            "HEADGATE_FLOWS": str(self.folder / "flows.py"),
            "HEADGATE_JOURNEYS": self.files,
            "NO_COLOR": "1",
            **self.variables,
        }
        return subprocess.Popen(
            ["npx", "--no-install", "vitest", "run", "--config", "vitest.journeys.config.ts"],
            cwd=FRONTEND,
            env={**os.environ, **settings},
            stdout=output,
            stderr=output,
        )
