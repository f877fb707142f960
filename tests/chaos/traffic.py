"""Runs that keep coming while something breaks, and what must be true of them afterwards."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from headgate.api.deployments import DeploymentAnswer
from headgate.errors import ApiError
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey

PAUSE_SECONDS = 0.1


@dataclass
class Traffic:
    """The runs that the API acknowledged, and the calls that it did not."""

    journey: Journey
    deployment: DeploymentAnswer
    run_ids: list[str] = field(default_factory=list[str])
    refused: list[ApiError] = field(default_factory=list[ApiError])
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def flow(self) -> None:
        """Create a run again and again."""
        while not self.is_over.is_set():
            try:
                self.run_ids.append(await self.journey.start(self.deployment))
            except ApiError as error:
                # It was not acknowledged: nothing is promised.
                self.refused.append(error)
                continue
            await asyncio.wait({asyncio.ensure_future(self.is_over.wait())}, timeout=PAUSE_SECONDS)

    async def grown(self, *, by: int) -> None:
        """Return once so many more runs were acknowledged."""
        wanted = len(self.run_ids) + by
        await eventually(
            lambda: len(self.run_ids) >= wanted, within_seconds=30, what=f"{wanted} runs"
        )

    async def check(self) -> None:
        """Hold all runs to what was promised: completed, once each, and nothing left over."""
        states = await self.journey.all_ended(self.run_ids)
        assert states == ["Completed"] * len(self.run_ids)
        assert [len(self.journey.executions(run_id)) for run_id in self.run_ids] == [1] * len(
            self.run_ids
        )


@asynccontextmanager
async def traffic(journey: Journey) -> AsyncGenerator[Traffic]:
    """Let runs come during the block; at its end all of them are checked."""
    traffic = Traffic(journey, await journey.deploy("quick"))
    flowing = asyncio.create_task(traffic.flow())
    try:
        await traffic.grown(by=2)
        yield traffic
    finally:
        traffic.is_over.set()
        await flowing
    await traffic.check()
