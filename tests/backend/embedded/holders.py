"""Processes that hold embedded services, started and killed by the tests of this folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.fixtures import redis_client
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.processes import is_served

HOLDER = Path(__file__).parents[2] / "fixtures/services_holder.py"


class Holder:
    """One such process; killed at the end of the block if it still runs."""

    def __init__(
        self,
        data_dir: Path,
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self._has_servers = False
        self.process = subprocess.Popen(
            [*prefix, sys.executable, str(HOLDER), str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, **(environment or {})},
        )

    def read_line(self) -> dict[str, str]:
        """Return the next line the process says; fails with its complaint when it says none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.complaint()
        self._has_servers = True
        return json.loads(line)

    def complaint(self) -> str:
        """Return what a process that ended wrote to its standard error."""
        assert self.process.stderr is not None
        self.process.wait(timeout=30)
        return self.process.stderr.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self._has_servers:
            eventually_sync(lambda: not is_served(self.data_dir), what="end of the servers")


def postgres_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres/postmaster.pid").read_text().split("\n", 1)[0])


def valkey_pid(data_dir: Path) -> int:
    return int((data_dir / "valkey/valkey.pid").read_text())


def ping(url: str) -> bool:
    with redis_client.connect(url) as client:
        return bool(client.ping())


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
