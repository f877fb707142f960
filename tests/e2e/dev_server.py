"""``headgate-server dev --no-agent`` as one process, and the command line pointed at it."""

import json
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.client.cli.commands import Done, headgate, headgate_here, run_python
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DevServer:
    """A running server, and a folder with flows where commands run."""

    folder: Path
    url: str
    api_key: str
    workspace: str

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client here."""
        return {
            "HEADGATE_HOME": str(self.folder / "home"),
            "HEADGATE_API_URL": self.url,
            "HEADGATE_API_KEY": self.api_key,
            "HEADGATE_WORKSPACE": self.workspace,
        }

    def headgate(self, *arguments: str, **variables: str) -> Done:
        """Run a command against the server."""
        return headgate(
            *arguments,
            environment={**self.environment, **variables},
            folder=self.folder,
        )

    def here(self, *arguments: str, **variables: str) -> Done:
        """Run a command against the server, in this process."""
        environment = {**self.environment, **variables}
        return headgate_here(*arguments, environment=environment, folder=self.folder)

    def script(self, name: str) -> Done:
        """Run a Python script of the folder against the server."""
        return run_python(name, environment=self.environment, folder=self.folder)

    def read(self, *arguments: str) -> Any:
        """Run a command that must succeed, in this process, and return its JSON."""
        done = self.here(*arguments, "-o", "json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def start(self, *arguments: str, name: str, **variables: str) -> Leashed:
        """Start a command that goes on, such as an agent."""
        return start(
            name,
            [sys.executable, "-m", "headgate", *arguments],
            folder=self.folder,
            variables={**self.environment, **variables},
        )


@contextmanager
def dev_server(
    folder: Path, *, port: int | None = None, options: Sequence[str] = (), **variables: str
) -> Generator[DevServer]:
    """Start a server with nothing in it but the default pool; stopped with all it started.

    Args:
        port: where it listens; a free one where it is not said.
        options: of its command line, such as what it is to be filled with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = ["--port", str(port or free_port()), "--data-dir", str(folder / "data")]
    command = [sys.executable, "-m", "headgate_server", "dev", "--no-agent", *place, *options]
    with start("server", command, folder=folder, variables=variables) as process:
        file = folder / "data" / "dev.json"
        eventually_sync(
            lambda: file.exists() or process.exit_code is not None,
            within_seconds=READY_SECONDS,
            what="The server's file",
        )
        assert process.exit_code is None, process.log
        found = json.loads(file.read_text())
        yield DevServer(
            folder=folder,
            url=found["url"],
            api_key=found["api_key"],
            workspace=f"{found['organization']}/{found['workspace']}",
        )
        assert process.stop() == 0


def start(name: str, command: list[str], *, folder: Path, variables: dict[str, str]) -> Leashed:
    """Start a process that takes nothing of Headgate's over from this one's environment."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HEADGATE_")}
    return Leashed(name, command, environment={**clean, **variables}, log=folder / f"{name}.log")
