"""Fair shares of writing logs, per replica: a run that floods its log waits for nobody but itself.

A run writes one batch at a time and a workspace few, so that neither takes the connections of all.
What goes beyond the pace of a run or of its workspace is held back, and refused where it would have
to wait for long.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from headgate_server.dispatch.gates import Gates
from headgate_server.settings import LogLimits

WRITERS_OF_A_WORKSPACE = 4
BURST_SECONDS = 2.0
"""So many seconds' worth may come at once."""
MOST_WAIT_SECONDS = 1.5
"""Longer nobody is held back here: whoever comes too early is told when to come again."""
MOST_PACES = 20_000

_Place = tuple[UUID, UUID | None]
"""A workspace, and a run in it."""


class LogShares:
    """Holds back whoever writes more than a share."""

    def __init__(self, limits: LogLimits | None = None) -> None:
        self.limits = limits or LogLimits()
        self._runs = Gates(width=1)
        self._workspaces = Gates(width=WRITERS_OF_A_WORKSPACE)
        self._due: dict[_Place, float] = {}

    def reserve(self, *, workspace_id: UUID, flow_run_id: UUID, lines: int) -> tuple[bool, float]:
        """Reserve room for so many lines.

        Returns:
            Whether they may be written, and after how many seconds; where not, when to ask again.
        """
        now = asyncio.get_running_loop().time()
        paces = [
            (key, per_second, max(self._due.get(key, now), now))
            for key, per_second in (
                # A run's id alone may be anybody's guess.
                ((workspace_id, flow_run_id), self.limits.run_lines_per_second),
                ((workspace_id, None), self.limits.workspace_lines_per_second),
            )
            if per_second > 0
        ]
        wait = max((due - BURST_SECONDS - now for _, _, due in paces), default=0.0)
        if wait > MOST_WAIT_SECONDS:
            return False, wait
        self._forget_some(now)
        for key, per_second, due in paces:
            self._due[key] = due + lines / per_second
        return True, max(wait, 0.0)

    @asynccontextmanager
    async def turn(
        self, *, workspace_id: UUID, flow_run_id: UUID, wait_seconds: float
    ) -> AsyncGenerator[None]:
        """Wait as long as was reserved and for the run's other batches; then it is its turn."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._runs.through((workspace_id, flow_run_id)))
            if wait_seconds > 0:
                await asyncio.sleep(wait_seconds)
            await stack.enter_async_context(self._workspaces.through((workspace_id, None)))
            yield

    def _forget_some(self, now: float) -> None:
        """Forget the paces that are long over, where many are known."""
        if len(self._due) < MOST_PACES:
            return
        self._due = {key: due for key, due in self._due.items() if due > now}
