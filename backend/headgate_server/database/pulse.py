"""Whether a database answers at all: one that hangs is told from a statement that takes long.

Whoever waits for a connection or an answer for longer than usual is no sign of anything: locks and
large reads take their time. So the server is asked for something else meanwhile. Does it not answer
that either, every connection that waits is dropped, and nobody else waits until it answers again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from headgate_server.database.stalls import Driven, Stalls
from headgate_server.domain.errors import Unavailable

logger = logging.getLogger("headgate.database")

PULSE = "headgate_pulse"
"""The execution option of an engine that holds its pulse."""
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 0.4
"""So long nothing has to come back from the server before it is asked."""
LONGEST_PATIENCE_SECONDS = 2.0
"""And so long where it has answered, time and again, and nobody else has come to wait."""
ANSWER_SECONDS = 1.4
POOLED_ANSWER_SECONDS = 5.0
"""Behind a pooler the question may have to wait for a connection of the pooler's."""
TURN_SECONDS = 0.1
"""Answers are waited for in turns: an event loop that was held itself has not waited long."""


_connect = cast("Callable[..., Coroutine[Any, Any, Any]]", asyncpg.connect)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream


class Pulse:
    """Watches the connections of one pool while they are in use."""

    def __init__(self, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Know nothing yet.

        Args:
            answer_seconds: in this time a server that works answers anything.
        """
        self.is_hung = False
        self._stalls = Stalls(self.connect_beside)
        self._answer_seconds = answer_seconds
        self._waiting: dict[object, tuple[float, Driven | None]] = {}
        self._connecting: set[asyncio.Task[Any]] = set()
        self._answered_at = 0.0
        self._patience = PATIENCE_SECONDS
        self._look: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._questions: set[asyncio.Task[bool]] = set()
        self._how: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    @property
    def is_watching(self) -> bool:
        """Whether anybody waits for the server, as far as this knows."""
        return self._look is not None

    def check(self) -> None:
        """Refuse to wait for a server that does not answer.

        Raises:
            Unavailable: it is known not to answer.
        """
        if self.is_hung:
            raise Unavailable

    async def connect(self, *args: Any, **options: Any) -> Any:
        """Connect as the driver does, but no longer than the server answers.

        Raises:
            ConnectionError: it does not answer.
        """
        self._how = args, options
        if self.is_hung:
            raise ConnectionError("The database does not answer.")
        task = asyncio.create_task(_connect(*args, **options))
        self._connecting.add(task)
        self._begin(task, None)
        try:
            return await task
        except asyncio.CancelledError:
            task.add_done_callback(_end_unwanted)
            current = asyncio.current_task()
            if self.is_hung and current is not None and not current.cancelling():
                raise ConnectionError("The database does not answer.") from None
            raise
        finally:
            self._connecting.discard(task)
            self._end(task)

    def attach(self, engine: AsyncEngine, *, has_backends: bool) -> None:
        """Watch the connections of an engine's pool.

        Args:
            engine: whose.
            has_backends: each connection is served by one backend, which can be asked after.
        """

        def checkout(_: object, entry: ConnectionPoolEntry, __: object) -> None:
            self._begin(entry, cast("Driven | None", entry.driver_connection))

        def checkin(connection: object, entry: ConnectionPoolEntry) -> None:
            if connection is not None and not self.is_hung:
                self._answered_at = time.monotonic()
            self._end(entry)

        event.listen(engine.sync_engine, "checkout", checkout)
        event.listen(engine.sync_engine, "checkin", checkin)
        if has_backends:
            self._stalls.attach(engine)

    async def connect_beside(self) -> Driven:
        """Connect as the pool does, beside it.

        Raises:
            ConnectionError: the pool has not connected yet.
        """
        if self._how is None:
            raise ConnectionError("Nobody has connected yet.")
        args, options = self._how
        return cast("Driven", await _connect(*args, **options))

    async def stop(self) -> None:
        """Look no more."""
        self.is_hung = False
        self._waiting.clear()
        self._rest()
        await self._stalls.stop()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        for question in self._questions:
            question.cancel()
        if self._questions:
            await asyncio.wait(self._questions)

    def _begin(self, who: object, connection: Driven | None) -> None:
        self._waiting[who] = (time.monotonic(), connection)
        self._patience = PATIENCE_SECONDS
        if self._look is None and not self.is_hung:
            self._look_later()

    def _end(self, who: object) -> None:
        self._waiting.pop(who, None)
        if not self._waiting and not self.is_hung:
            self._rest()

    def _rest(self) -> None:
        """Leave nothing open: nobody waits."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._asking is not None:
            self._asking.cancel()

    def _look_later(self) -> None:
        self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_now)

    def _look_now(self) -> None:
        self._look_later()
        if not self._waiting or self._how is None:
            return
        oldest = min(since for since, _ in self._waiting.values())
        silent = time.monotonic() - max(oldest, self._answered_at)
        if silent >= self._patience and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(), name="database pulse")

    async def _ask(self) -> None:
        """Ask for something else; where no answer comes, let nobody wait until one does."""
        if await self._answers():
            self._answered_at = time.monotonic()
            self._patience = min(2 * self._patience, LONGEST_PATIENCE_SECONDS)
            return
        self._drop_all()
        while not await self._answers():
            pass
        self.is_hung = False
        logger.warning("The database answers again")
        self._asking = None
        if self._waiting:
            self._look_later()

    def _drop_all(self) -> None:
        logger.warning(
            "The database has not answered for %.1f s: what waits for it is refused until it does",
            PATIENCE_SECONDS + self._answer_seconds,
        )
        self.is_hung = True
        if self._look is not None:
            self._look.cancel()
            self._look = None
        for task in list(self._connecting):
            task.cancel()
        for _, connection in list(self._waiting.values()):
            if connection is not None:
                connection.terminate()

    async def _answers(self) -> bool:
        """Whether the server answers in time; a refusal is an answer, too.

        Where nobody wants to know any more, a question that was asked is answered all the same:
        the driver would complain of one that is dropped while it connects.
        """
        task = asyncio.create_task(self._question())
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)
        for _ in range(round(self._answer_seconds / TURN_SECONDS)):
            await asyncio.wait({task}, timeout=TURN_SECONDS)
            if task.done():
                return task.result()
        task.cancel()
        return False

    async def _question(self) -> bool:
        """Ask on a connection of its own: those there are may each be held up by something else."""
        if self._how is None:
            return True
        try:
            connection = await self.connect_beside()
            try:
                await connection.execute("select 1")
            finally:
                connection.terminate()
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001  whatever it is, who waits meets it as well
            logger.debug("The database refuses to answer: %s", error)
        return True


def _end_unwanted(task: asyncio.Task[Any]) -> None:
    """End a connection that came in the moment in which who asked for it was cancelled."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def pulse_of(engine: AsyncEngine) -> Pulse | None:
    """Return what watches an engine; None where nothing does."""
    return engine.get_execution_options().get(PULSE)
