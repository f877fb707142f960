"""Clients that create a run every moment over plain HTTP, and what each call and each run took."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from headgate.api.deployments import DeploymentAnswer
from headgate.ids import make_uuid
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey
from tests.load.figures import percentile

PACE_SECONDS = 0.25
LONGEST_SECONDS = 30.0
RETRYABLE = frozenset({429, 502, 503, 504})
CREATE = """mutation Create($input: FlowRunCreateInput!) {
  flowRunCreate(input: $input) { flowRun { id } errors { message } } }"""
_LEFT = """
select count(*) as size from unnest($1::uuid[]) as wanted(id)
left join flow_runs run on run.id = wanted.id
where run.state_type is distinct from 'COMPLETED'
"""
_DELAYS = """
select extract(epoch from min(states.timestamp) - run.expected_start)::float8 as delay
from flow_runs run join states on states.flow_run_id = run.id and states.type = 'RUNNING'
where run.id = any($1::uuid[]) group by run.id, run.expected_start
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when it was made and answered, with which status, and the run that it made."""

    began_at: float
    seconds: float
    status: int
    run_id: str | None


@dataclass
class Calls:
    """What was asked so far, and what came of it."""

    journey: Journey
    deployment: DeploymentAnswer
    made: list[Call] = field(default_factory=list[Call])

    @property
    def run_ids(self) -> list[str]:
        """The runs that were acknowledged."""
        return [call.run_id for call in self.made if call.run_id is not None]

    def since(self, moment: float) -> list[Call]:
        """Return the calls that were made since a moment of ``time.monotonic``."""
        return [call for call in self.made if call.began_at >= moment]

    async def start_delays(self, calls: Sequence[Call]) -> list[float]:
        """Return after how many seconds the runs of some calls started, in ascending order."""
        wanted = [self.journey.run_uuid(call.run_id) for call in calls if call.run_id]
        rows = await self.journey.records.rows(_DELAYS, wanted)
        return sorted(row["delay"] for row in rows)

    async def go_on(self) -> None:
        """Make a call each quarter of a second, however long the others take."""
        clock = asyncio.get_running_loop().time
        timeout = ClientTimeout(total=LONGEST_SECONDS)
        next_at = clock()
        async with ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._call(session))
                next_at += PACE_SECONDS
                await asyncio.sleep(max(next_at - clock(), 0))

    async def _call(self, session: ClientSession) -> None:
        site = self.journey.installation
        given = {
            "workspaceId": self.journey.workspace_id,
            "deploymentId": self.deployment.id,
            "idempotencyKey": make_uuid(),
        }
        body = {"query": CREATE, "variables": {"input": given}}
        headers = {"authorization": f"Bearer {site.api_key}"}
        began_at, status, run_id = time.monotonic(), 0, None
        try:
            async with session.post(f"{site.url}/graphql", json=body, headers=headers) as answer:
                status = answer.status
                said: dict[str, Any] = await answer.json()
                run_id = _run_of(said)
        except (ClientError, TimeoutError, ValueError):
            status = status or 599
        self.made.append(Call(began_at, time.monotonic() - began_at, status, run_id))


@asynccontextmanager
async def steady(journey: Journey) -> AsyncGenerator[Calls]:
    """Let calls go on for the block."""
    calls = Calls(journey, await journey.deploy("quick"))
    going = asyncio.create_task(calls.go_on())
    yield calls
    going.cancel()
    await asyncio.wait({going})


def _run_of(said: dict[str, Any]) -> str | None:
    try:
        return said["data"]["flowRunCreate"]["flowRun"]["id"]
    except (KeyError, TypeError):
        return None  # it was refused


def p95(samples: Sequence[float]) -> float:
    """Return what 95 of 100 stay below; of none, more than anything."""
    return percentile(samples, fraction=0.95) if samples else float("inf")


async def conserved(
    journey: Journey, run_ids: Sequence[str], *, within_seconds: float
) -> dict[str, Any]:
    """Return how many acknowledged runs did not complete in time, and how many did not run once."""
    wanted = [journey.run_uuid(run_id) for run_id in run_ids]

    async def left() -> int:
        (row,) = await journey.records.rows(_LEFT, wanted)
        return row["size"]

    async def are_over() -> bool:
        return await left() == 0

    with suppress(AssertionError):
        await eventually(are_over, within_seconds=within_seconds, what="The end of all runs")
    begun = Counter({run_id: len(journey.executions(run_id)) for run_id in run_ids})
    return {
        "runs": len(run_ids),
        "not_completed": await left(),
        "not_once": sum(begun[run_id] != 1 for run_id in run_ids),
    }
