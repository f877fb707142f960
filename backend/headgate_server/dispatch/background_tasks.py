"""Background tasks as they are pushed: to workers with room, and to whoever waits for an end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.topics import Topics
from headgate_server.domain.background_tasks import BackgroundTask, Worker, check_worker
from headgate_server.domain.errors import NotFound
from headgate_server.domain.tenancy import Principal
from headgate_server.services import background_tasks
from headgate_server.settings import Timers

SHORTEST_SECONDS = 0.02
"""An instant that has just passed is looked at again after so long."""


@dataclass(frozen=True, slots=True)
class _Look:
    taken: list[BackgroundTask]
    again_in: timedelta | None


class BackgroundTasks:
    """Opens the streams of workers and of waiting callers over one database and one bus."""

    def __init__(self, *, database: Database, bus: Bus, timers: Timers, topics: Topics) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers
        self._topics = topics

    async def offers(
        self, principal: Principal, workspace_id: UUID, worker: Worker
    ) -> AsyncGenerator[list[BackgroundTask]]:
        """Yield what a worker may start, each time there is some; the first may be empty.

        Raises:
            InvalidInput: a worker that takes nothing, or too much.
        """
        check_worker(worker)

        async def look() -> _Look:
            duration = timedelta(seconds=self._timers.offer_ttl_seconds)
            async with self._database.tenant(principal, workspace_id) as work:
                taken, next_at = await background_tasks.take_tasks(work, worker, duration=duration)
                return _Look(taken, _until(next_at, now=work.now))

        is_first = True
        async with self._bus.listen(channels.background_tasks(workspace_id)) as listener:
            while True:
                found = await self._topics.read(look())
                if found.taken or is_first:
                    yield found.taken
                is_first = False
                if not found.taken:
                    await listener.wait(self._patience(found.again_in))

    async def updates(
        self, principal: Principal, workspace_id: UUID, id_: UUID, *, queued_by: UUID | None
    ) -> AsyncGenerator[BackgroundTask]:
        """Yield a call as it is, then each change; ends when it is over.

        Args:
            principal: who follows it.
            workspace_id: where.
            id_: which.
            queued_by: the run that must have queued it; None for whoever did.

        Raises:
            NotFound: there is none in this workspace.
        """

        async def look() -> BackgroundTask:
            async with self._database.tenant(principal, workspace_id) as work:
                found = await background_tasks.find_task(work, id_)
            is_others = queued_by is not None and found is not None
            if found is None or (is_others and found.created_by.id != queued_by):
                raise NotFound("No such background task, or you may not see it.")
            return found

        seen: tuple[object, ...] | None = None
        async with self._bus.listen(channels.background_task(id_)) as listener:
            while True:
                found = await self._topics.read(look())
                shown = (found.state_name, found.epoch, found.cancel_requested_at)
                if shown != seen:
                    seen = shown
                    yield found
                if found.ended_at is not None:
                    return
                await listener.wait(self._patience(None))

    def _patience(self, again_in: timedelta | None) -> float:
        """Return how many seconds nobody has to look by himself."""
        sweep = self._timers.sweep(is_woken=self._bus.is_connected)
        if again_in is None:
            return sweep
        return min(sweep, max(again_in.total_seconds(), SHORTEST_SECONDS))


def _until(instant: datetime | None, *, now: datetime) -> timedelta | None:
    return None if instant is None else instant - now
