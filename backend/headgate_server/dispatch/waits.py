"""What a run's own process waits for: the answer to its pause, and the inputs it is sent.

Woken by the bus, and looking by itself from time to time, as everything that listens to it.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.topics import Topics
from headgate_server.domain.pauses import Pause, PauseStatus
from headgate_server.domain.run_inputs import RunInput
from headgate_server.domain.tenancy import Principal
from headgate_server.services import pauses, run_inputs
from headgate_server.services.flow_runs.read import get_flow_run
from headgate_server.settings import Timers

T = TypeVar("T")


class Waits:
    """Opens waits over one database and one bus; reads under way are let end."""

    def __init__(self, *, database: Database, bus: Bus, timers: Timers, topics: Topics) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers
        self._topics = topics

    async def pause_updates(
        self, principal: Principal, workspace_id: UUID, *, flow_run_id: UUID, key: str
    ) -> AsyncGenerator[Pause]:
        """Yield a pause as it is, then each change; ends when it waits no more.

        Raises:
            NotFound: no such run in this workspace, or it never asked under this key.
        """

        async def read() -> Pause:
            async with self._database.tenant(principal, workspace_id) as work:
                return await pauses.find_pause(work, flow_run_id=flow_run_id, key=key)

        async with aclosing(self._looks(channels.run(flow_run_id), read)) as looks:
            seen: Pause | None = None
            async for pause in looks:
                if pause != seen:
                    seen = pause
                    yield pause
                if pause.status is not PauseStatus.WAITING:
                    return

    async def run_inputs(
        self,
        principal: Principal,
        workspace_id: UUID,
        *,
        flow_run_id: UUID,
        keyset: str | None,
        after: int,
    ) -> AsyncGenerator[list[RunInput]]:
        """Yield the inputs of a run behind a place, in order, then each that comes.

        Raises:
            NotFound: no such run in this workspace.
        """
        position = after

        async def read() -> list[RunInput]:
            async with self._database.tenant(principal, workspace_id) as work:
                await get_flow_run(work, flow_run_id)
                return await run_inputs.list_inputs(
                    work, flow_run_id=flow_run_id, keyset=keyset, after=position
                )

        async with aclosing(self._looks(channels.run(flow_run_id), read)) as looks:
            async for found in looks:
                batch = found
                while batch:
                    position = batch[-1].sequence
                    yield batch
                    batch = await self._topics.read(read())

    async def _looks(
        self, channel: str, read: Callable[[], Coroutine[Any, Any, T]]
    ) -> AsyncGenerator[T]:
        """Yield what a read finds, at once and whenever the channel is woken."""
        async with self._bus.listen(channel) as listener:
            while True:
                yield await self._topics.read(read())
                await listener.wait(self._timers.sweep(is_woken=self._bus.is_connected))
