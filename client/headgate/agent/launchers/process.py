"""Runs a job as a local process: a fork of a warm interpreter where that can be, else cold."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from headgate.agent.warm_processes import ForkServerLost, WarmProcesses


class Waitable(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its id, which is also the id of its process group."""
        ...

    async def wait(self) -> int:
        """Return its exit code; negative for the signal that killed it."""
        ...


@dataclass(frozen=True, slots=True)
class Launched:
    """A run's process and the ends of its output that the agent reads."""

    process: Waitable
    stdout: int
    stderr: int

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the whole process group; nothing happens where it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class _ColdProcess:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def wait(self) -> int:
        return await self._process.wait()


class ProcessLauncher:
    """Starts jobs as processes of this machine, each the leader of its own process group.

    Args:
        is_warm: fork from a warm interpreter where the platform allows it.
    """

    def __init__(self, *, is_warm: bool = True) -> None:
        self._warm = WarmProcesses() if is_warm and WarmProcesses.is_supported() else None

    @property
    def warm_server_pid(self) -> int | None:
        """The process id of the warm interpreter; None while there is none."""
        return self._warm.server_pid if self._warm is not None else None

    async def warm_up(self) -> None:
        """Prepare, so that the first run starts as fast as the others."""
        if self._warm is not None:
            await self._warm.warm_up()

    async def launch(
        self, job: Mapping[str, Any], *, environment: Mapping[str, str], folder: Path
    ) -> Launched:
        """Start a job; returns once its process exists.

        Raises:
            OSError: the machine could not start another process.
            ForkServerLost: the warm interpreter ended twice in a row.
        """
        stdout, child_stdout = os.pipe()
        stderr, child_stderr = os.pipe()
        try:
            process = await self._start(
                job,
                environment=environment,
                folder=folder,
                outputs=(child_stdout, child_stderr),
            )
        except BaseException:
            os.close(stdout)
            os.close(stderr)
            raise
        finally:
            os.close(child_stdout)
            os.close(child_stderr)
        return Launched(process, stdout, stderr)

    async def stop(self) -> None:
        """Let go of the warm interpreter."""
        if self._warm is not None:
            await self._warm.stop()

    async def _start(
        self,
        job: Mapping[str, Any],
        *,
        environment: Mapping[str, str],
        folder: Path,
        outputs: tuple[int, int],
    ) -> Waitable:
        if self._warm is None:
            return await _start_cold(job, environment=environment, folder=folder, outputs=outputs)
        try:
            return await self._warm.start(
                job, environment=environment, folder=folder, outputs=outputs
            )
        except ForkServerLost:
            return await self._warm.start(
                job, environment=environment, folder=folder, outputs=outputs
            )


async def _start_cold(
    job: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    folder: Path,
    outputs: tuple[int, int],
) -> _ColdProcess:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headgate.engine.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=outputs[0],
        stderr=outputs[1],
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101  asked for above
    with suppress(ConnectionError):
        process.stdin.write(msgspec.json.encode(job))
        await process.stdin.drain()
        process.stdin.close()
    return _ColdProcess(process)
