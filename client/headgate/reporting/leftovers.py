"""Delivers what earlier processes on this machine left on disk when the server stayed away."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from headgate.api import workspaces
from headgate.api.background import background_loop
from headgate.api.transport import Transport
from headgate.errors import (
    ApiError,
    ForbiddenError,
    LeaseLostError,
    LimitExceededError,
    NotFoundError,
    RetryableApiError,
    UnauthenticatedError,
)
from headgate.ids import make_uuid
from headgate.reporting.batches import Batch, ProposedState
from headgate.reporting.failures import state_input
from headgate.reporting.left_files import LeftFile, taken_over
from headgate.reporting.sender import Sender
from headgate.reporting.spool import CAN_LOCK, leftovers
from headgate.reporting.tenure import Begin, is_parent_unknown, tell
from headgate.states import Crashed

logger = logging.getLogger("headgate.reporting")

DEADLINE_SECONDS = 5.0
MOST_FILES = 500
"""So many are open at a time."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Between two looks at what is left while the server is away."""
FINISH_SECONDS = 30.0
"""How long a run that ends goes on to deliver what others left."""
GONE_MESSAGE = "The process ended before it told how the run ended."


@dataclass(frozen=True, slots=True)
class Teller:
    """Whom this process is configured as: who tells of runs that began under a person's key.

    Args:
        api_key: None where this process is an agent's: its token is one run's.
    """

    url: str
    api_key: str | None
    organization: str | None
    workspace: str | None

    def may_tell(self, begin: Begin, *, url: str) -> bool:
        """Whether a run is of the server and the workspace that this process is configured for."""
        place = (url, begin.organization, begin.workspace)
        own = (self.url.rstrip("/"), self.organization, self.workspace)
        return self.api_key is not None and place == own


class _ServerAwayError(Exception):
    """The server of a file is away: what is left of it stays as it is."""


class _WaitsError(Exception):
    """A file waits for another one, or for a process that is configured for it."""


async def replay_leftovers(
    home: Path, teller: Teller | None = None, *, told: set[Path] | None = None
) -> int:
    """Send every file that no living process holds, and remove it; return how many were sent.

    What the server does not know of is told first, and so what it is a part of before: the run that
    others are part of ends when these have begun. Nothing more goes to a server that is away. What
    the server will never take is kept beside, for people to look at.

    Args:
        home: where the files are.
        teller: who tells of runs that began under a person's key; without one they stay.
        told: the files of which was said before why they wait.
    """
    with contextlib.ExitStack() as stack:
        paths = leftovers(home)[:MOST_FILES]
        taken = [stack.enter_context(taken_over(path)) for path in paths]
        files = [file for file in taken if file is not None]
        replay = _Replay(files, teller, set() if told is None else told)
        try:
            return await replay.run()
        finally:
            await replay.close()


@dataclass
class _Replay:
    """One look at all that is left.

    Args:
        files: those that this process took over, oldest first.
    """

    files: list[LeftFile]
    teller: Teller | None
    told: set[Path]
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    transports: dict[str, Transport] = field(default_factory=dict[str, Transport])
    away: set[str] = field(default_factory=set[str])

    async def run(self) -> int:
        """Go through the files until none comes any further; return how many are done."""
        sent, has_moved = 0, True
        while has_moved:
            has_moved = False
            for file in tuple(self.files):
                if file.header.url in self.away:
                    continue
                before = file.progress
                if await self._replay(file):
                    self.files.remove(file)
                    sent, has_moved = sent + 1, True
                has_moved = has_moved or file.progress != before
        return sent

    async def close(self) -> None:
        """Close the connections."""
        for transport in self.transports.values():
            await transport.close()

    async def _replay(self, file: LeftFile) -> bool:
        """Send what can be sent of a file now; whether it is done with."""
        try:
            sender = Sender(await self._transport(file), file.header.lease)
            while (batch := file.peek()) is not None:
                if _is_last(batch) and self._has_parts(file):
                    return False
                await self._send(sender, batch, file=file)
                file.advance()
            if file.has_no_end and CAN_LOCK:
                await self._send(sender, _crashed(), file=file)
        except _ServerAwayError as error:
            self.away.add(file.header.url)
            self._say_once(file, str(error))
            return False
        except _WaitsError as error:
            self._say_once(file, str(error))
            return False
        except (ApiError, OSError, msgspec.DecodeError) as error:
            logger.error(  # noqa: TRY400  said in full
                "Run %s cannot be told of (%s); what is left of it is kept in %s",
                file.header.lease.run_id,
                error,
                file.set_aside(),
            )
            return True
        file.remove()
        return True

    def _say_once(self, file: LeftFile, why: str) -> None:
        if file.path not in self.told:
            self.told.add(file.path)
            logger.warning("The reports in %s wait: %s", file.path, why)

    async def _send(self, sender: Sender, batch: Batch, *, file: LeftFile) -> None:
        try:
            await sender.send(batch, deadline_seconds=DEADLINE_SECONDS)
        except RetryableApiError as error:
            raise _ServerAwayError(str(error)) from error
        except ApiError as error:
            logger.warning(
                "A report of run %s came too late (%s); it is kept in %s",
                file.header.lease.run_id,
                error,
                file.reject(batch),
            )

    def _has_parts(self, file: LeftFile) -> bool:
        """Whether a run's token still has to begin runs that are part of it."""
        run_id = file.header.lease.run_id
        return any(
            other is not file
            and other.header.begin is not None
            and other.header.begin.parent_run_id == run_id
            and other.header.begin.run_id not in self.tokens
            for other in self.files
        )

    async def _transport(self, file: LeftFile) -> Transport:
        """Return what speaks for a file's run; the server is told of the run first."""
        begin = file.header.begin
        if begin is None:
            return self._speaking(file.header.url, file.header.token)
        return self._speaking(file.header.url, await self._token(begin, url=file.header.url))

    async def _token(self, begin: Begin, *, url: str) -> str:
        found = self.tokens.get(begin.run_id)
        if found is None:
            found = self.tokens[begin.run_id] = await self._begin(begin, url=url)
        return found

    async def _begin(self, begin: Begin, *, url: str) -> str:
        """Tell the server of a run as its parent or, where that has no say any more, as ourselves.

        Raises:
            ApiError: the server will not know of it.
        """
        own = self.teller
        can_tell = own is not None and own.may_tell(begin, url=url)
        if begin.parent_run_id is None:
            if own is None or not can_tell:
                place = f"{begin.organization}/{begin.workspace} on {url}"
                message = f"a process that is configured for {place} is to tell of it"
                raise _WaitsError(message)
            return await self._tell(begin, url=url, token=own.api_key or "")
        parent = begin.parent
        token = begin.parent_token or (await self._token(parent, url=url) if parent else "")
        try:
            return await self._tell(begin, url=url, token=token)
        except (LeaseLostError, UnauthenticatedError):
            if own is None or not can_tell:
                raise
            return await self._tell(begin, url=url, token=own.api_key or "")

    async def _tell(self, begin: Begin, *, url: str, token: str) -> str:
        transport = self._speaking(url, token)
        try:
            workspace_id = await workspaces.get_id(
                transport, organization=begin.organization, workspace=begin.workspace
            )
            begun = await tell(
                begin,
                transport=transport,
                workspace_id=workspace_id,
                deadline_seconds=DEADLINE_SECONDS,
            )
        except RetryableApiError as error:
            raise _ServerAwayError(str(error)) from error
        except (UnauthenticatedError, ForbiddenError, NotFoundError, LimitExceededError) as error:
            if begin.parent_run_id is None:
                # Another process may have another key, and a quota be filled up again.
                raise _WaitsError(str(error)) from error
            if is_parent_unknown(error) and self._is_parent_left(begin):
                message = "the server has not heard of its parent's task run"
                raise _WaitsError(message) from error
            raise
        return begun.run_token

    def _is_parent_left(self, begin: Begin) -> bool:
        return any(file.header.lease.run_id == begin.parent_run_id for file in self.files)

    def _speaking(self, url: str, token: str) -> Transport:
        if url not in self.transports:
            self.transports[url] = Transport(url, None)
        return self.transports[url].with_token(token)


def _is_last(batch: Batch) -> bool:
    return isinstance(batch, ProposedState) and batch.is_last


def _crashed() -> ProposedState:
    return ProposedState(state_input(Crashed(message=GONE_MESSAGE)), make_uuid())


class Replayer:
    """Looks at what is left on this machine until nothing is, or the process ends."""

    def __init__(self, home: Path, teller: Teller) -> None:
        self._home = home
        self._teller = teller
        self._is_running = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._told: set[Path] = set()

    def start(self) -> None:
        """Begin to look, if nobody does; from any thread."""
        background_loop().submit(self._look_forever())

    async def go_on(self, *, has_more: bool) -> None:
        """Begin to look where there is more; else return once what is being delivered now is.

        A process may be short, and as the interpreter ends no connection is opened any more.
        """
        if has_more:
            self.start()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                await self._is_idle.wait()

    async def _look_forever(self) -> None:
        if self._is_running:
            return
        self._is_running = True
        pause = FIRST_PAUSE_SECONDS
        try:
            while leftovers(self._home):
                await self._look()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except Exception:
            logger.exception("What is left in %s cannot be delivered", self._home)
        finally:
            self._is_running = False

    async def _look(self) -> None:
        self._is_idle.clear()
        try:
            await replay_leftovers(self._home, self._teller, told=self._told)
        finally:
            self._is_idle.set()
