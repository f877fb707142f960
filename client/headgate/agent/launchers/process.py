"""Runs a job as a local process: a fork of a warm interpreter where that can be, else cold."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from headgate.agent.environments import find_python
from headgate.agent.warm_processes import ForkServerLost, WarmProcesses
from headgate.engine.fence import pack_deadline
from headgate.engine.orders import LOOK


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
    """A run's process, the ends of what it says that the agent reads, and of what it is told."""

    process: Waitable
    stdout: int
    stderr: int
    secrets: int
    orders: int
    fence: int | None = None

    def live_until(self, deadline: float) -> None:
        """Tell a process that must not outlive its lease until when it may live.

        Args:
            deadline: by ``fence.seconds_since_boot``.
        """
        if self.fence is not None:
            # A process that is frozen reads nothing, and dies all the sooner when it is not.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self.fence, pack_deadline(deadline))

    def tell_to_look(self) -> None:
        """Tell the process to look at its lease; it may have been told before, or be gone."""
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self.orders, LOOK)

    def close(self) -> None:
        """Let go of what a process that is gone was told."""
        os.close(self.orders)
        if self.fence is not None:
            os.close(self.fence)

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

        A deployment with an environment of its own starts cold in it, after it was built.

        Raises:
            OSError: the machine could not start another process.
            ForkServerLost: the warm interpreter ended twice in a row.
            EnvironmentBuildError: its environment cannot be had.
        """
        python = await find_python(job.get("jobVariables") or {}, environment=environment)
        stdout, child_stdout = os.pipe()
        stderr, child_stderr = os.pipe()
        secrets, child_secrets = os.pipe()
        child_orders, orders = os.pipe()
        os.set_blocking(orders, False)
        ours = [stdout, stderr, secrets, orders]
        theirs = [child_stdout, child_stderr, child_secrets, child_orders]
        fence: int | None = None
        if job.get("onAgentLost") == "RETRY":
            child_fence, fence = os.pipe()
            os.set_blocking(fence, False)
            ours.append(fence)
            theirs.append(child_fence)
        try:
            process = await self._start(
                job, environment=environment, folder=folder, descriptors=theirs, python=python
            )
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return Launched(process, stdout, stderr, secrets, orders, fence)

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
        descriptors: Sequence[int],
        python: Path | None,
    ) -> Waitable:
        if self._warm is None or python is not None:
            return await _start_cold(
                job,
                environment=environment if python is None else _inside(python, environment),
                folder=folder,
                descriptors=descriptors,
                python=python or Path(sys.executable),
            )
        try:
            return await self._warm.start(
                job, environment=environment, folder=folder, descriptors=descriptors
            )
        except ForkServerLost:
            return await self._warm.start(
                job, environment=environment, folder=folder, descriptors=descriptors
            )


def _inside(python: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return a process's environment as it is where a virtual environment is active."""
    path = os.pathsep.join([str(python.parent), environment.get("PATH", os.defpath)])
    return {**environment, "VIRTUAL_ENV": str(python.parent.parent), "PATH": path}


async def _start_cold(
    job: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    folder: Path,
    descriptors: Sequence[int],
    python: Path,
) -> _ColdProcess:
    stdout, stderr, *others = descriptors
    process = await asyncio.create_subprocess_exec(
        str(python),
        "-m",
        "headgate.engine.child",
        *map(str, others),
        pass_fds=others,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
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
