"""One server process, kept alive: started, watched, restarted within bounds, stopped."""

import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from headgate_server.embedded.errors import ServiceFailed

START_ATTEMPTS = 4
START_SECONDS = 30.0
RESTARTS_MAX = 5
RESTART_WINDOW_SECONDS = 60.0
RESTART_PAUSE_SECONDS = 0.1
STOP_SECONDS = 40.0
LOG_SIZE_MAX_BYTES = 16 * 1024 * 1024
LOG_TAIL_LINES = 8

KEEPER = Path(__file__).with_name("keeper.py")


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """Something an operator should see: a service died, came back, or was given up."""

    service: str
    kind: Literal["exited", "restarted", "gave_up"]
    detail: str


class Service(Protocol):
    """What the supervisor needs to know about a server."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        ...

    @property
    def stops(self) -> str:
        """Stop signals and patience, as ``keeper.py`` reads them."""
        ...

    @property
    def user(self) -> str | None:
        """The user to run as, None to stay who we are."""
        ...

    @property
    def folder(self) -> Path:
        """Its working directory."""
        ...

    async def prepare(self) -> None:
        """Make its files if they are not there, and clear what a killed process left."""
        ...

    def move_to_fresh_port(self) -> None:
        """Take another port: it could not start on this one."""
        ...

    def command(self) -> list[str]:
        """Return the command line."""
        ...

    async def wait_ready(self) -> None:
        """Return once it accepts connections; the supervisor bounds the time."""
        ...


class Supervisor:
    """Keeps one service running between ``start`` and ``stop``."""

    def __init__(self, service: Service, *, on_event: Callable[[ServiceEvent], None]) -> None:
        self._service = service
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the service and return when it accepts connections.

        Raises:
            ServiceFailed: it died or stayed deaf, also on another port.
        """
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                await self._launch()
                break
            except ServiceFailed:
                if attempt == START_ATTEMPTS:
                    raise
                self._service.move_to_fresh_port()
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self._service.name}")

    async def stop(self) -> None:
        """Stop the service cleanly. Safe to call twice, and when it never started."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError, ServiceFailed):
                await self._watcher
            self._watcher = None
        await self._end_process()

    async def wait(self) -> None:
        """Return when stopped.

        Raises:
            ServiceFailed: the service died too often and was given up.
        """
        if self._watcher is not None:
            await asyncio.shield(self._watcher)

    async def _launch(self) -> None:
        service = self._service
        await service.prepare()
        self._process = await self._spawn()
        exited = asyncio.create_task(self._process.wait())
        ready = asyncio.create_task(service.wait_ready())
        try:
            await asyncio.wait(
                {exited, ready}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if (trouble := _trouble(exited, ready)) is not None:
                await self._end_process()
                raise self._failure(trouble)
        finally:
            exited.cancel()
            ready.cancel()
            await asyncio.wait({exited, ready})

    async def _spawn(self) -> asyncio.subprocess.Process:
        service = self._service
        with _open_log(service.log_path) as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(KEEPER),
                service.stops,
                service.user or "-",
                *service.command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=service.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                start_new_session=True,
            )

    async def _watch(self) -> None:
        restarts: deque[float] = deque()
        while True:
            self._tell("exited", f"exit code {await self._exit_code()}")
            while not await self._restart(restarts):
                continue
            self._tell("restarted", f"restart {len(restarts)} of {RESTARTS_MAX}")

    async def _restart(self, restarts: deque[float]) -> bool:
        """Try once, and pause if it failed; give up when ``restarts`` holds too many in a row."""
        now = time.monotonic()
        while restarts and restarts[0] < now - RESTART_WINDOW_SECONDS:
            restarts.popleft()
        if len(restarts) >= RESTARTS_MAX:
            reason = f"died again after {RESTARTS_MAX} restarts in {RESTART_WINDOW_SECONDS:.0f} s"
            self._tell("gave_up", reason)
            raise self._failure(reason)
        restarts.append(now)
        try:
            await self._launch()
        except (ServiceFailed, OSError) as error:
            self._tell("exited", str(error))
            await asyncio.sleep(RESTART_PAUSE_SECONDS * 2 ** len(restarts))
            return False
        return True

    async def _exit_code(self) -> int:
        if self._process is None:
            raise self._failure("was never started")
        return await self._process.wait()

    async def _end_process(self) -> None:
        """End our keeper by closing its input; it stops the server first, then itself."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _tell(self, kind: Literal["exited", "restarted", "gave_up"], detail: str) -> None:
        self._on_event(ServiceEvent(self._service.name, kind, detail))

    def _failure(self, reason: str) -> ServiceFailed:
        path = self._service.log_path
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        tail = "\n".join(lines[-LOG_TAIL_LINES:])
        return ServiceFailed(self._service.name, reason=reason, log_path=path, log_tail=tail)


def _trouble(exited: asyncio.Task[int], ready: asyncio.Task[None]) -> str | None:
    """Say why a start failed; None when the service runs and is ready."""
    if exited.done():
        return f"exited with {exited.result()} while starting"
    if not ready.done():
        return f"did not answer within {START_SECONDS:.0f} s"
    error = ready.exception()
    return f"runs but cannot be used: {error}" if error is not None else None


@contextlib.contextmanager
def _open_log(path: Path) -> Generator[BinaryIO]:
    if path.exists() and path.stat().st_size > LOG_SIZE_MAX_BYTES:
        path.replace(path.with_suffix(".old.log"))
    with path.open("ab") as log:
        yield log
