"""Limits, pauses, cancels, backfills and reruns under kills: ``--only orchestration``.

Clients create runs and backfills, answer pauses several at once, have runs and deployments pause,
cancel some and start failed ones again, while a nemesis kills servers, agents and runs. Then all is
mended, everything comes to its end, and the judge looks at what is left. The same with a bug
planted must be found out.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from headgate.api import backfills, concurrency_limits, deployments, flow_runs, pauses, workspaces
from headgate.api.backfills import NewBackfill
from headgate.api.deployments import DeploymentInput
from headgate.api.flow_runs import NewRun
from headgate.api.pauses import Pause
from headgate.api.transport import Transport
from headgate.errors import ApiError
from tests.chaos import nemesis as faults
from tests.chaos.evidence import shown
from tests.chaos.history import History, Operation
from tests.chaos.nemesis import Nemesis
from tests.chaos.orchestration_evidence import LEFTOVERS, read_left
from tests.chaos.orchestration_rules import AT_ONCE, ITEMS, PROOFS, Left, judge, proofs
from tests.chaos.terms import FILLED, LIMITED, PLAYED
from tests.chaos.verdicts import Verdict
from tests.chaos.world import DATABASE_AWAY, Plan, World, a_world
from tests.fixtures.deadlines import eventually

logger = logging.getLogger(__name__)

NAME = "orchestration"
FLOWS = Path(__file__).with_name("orchestration_flows.py")
NAMES = tuple(name for name in PLAYED if name != FILLED)
PLANTED = {
    "limit_forgotten": "limit_kept",
    "answer_without_a_look": "answered_once",
    "pause_lost": "paused_as_asked",
}
"""Bugs that the judge must see, each with the rule that it breaks."""
ONLY = {"limit_forgotten": (LIMITED,), "pause_lost": ("stepping",)}
"""What runs where a bug needs many of a kind at once."""
STORM_SECONDS, CALM_SECONDS = 25.0, 8.0
SETTLE_SECONDS, PROOF_SECONDS = 90.0, 45.0
LOOK_SECONDS = 1.0
MOST_RERUNS = 3

_RUNNING = """
select run.id from flow_runs run join deployments deployment on deployment.id = run.deployment_id
where deployment.name = 'stepping' and run.state_type = 'RUNNING'
"""
_CANCELLABLE = """
select run.id from flow_runs run join deployments deployment on deployment.id = run.deployment_id
where deployment.name = 'ending' and run.state_type in ('SCHEDULED', 'PENDING', 'RUNNING')
order by random()
"""
_FAILED = """
select run.id from flow_runs run join deployments deployment on deployment.id = run.deployment_id
where deployment.name = 'breaking' and run.state_type = 'FAILED' and run.attempt <= $1
"""


@dataclass
class Play:
    """What the clients do, and what they were answered."""

    world: World
    history: History
    workspace_id: str
    deployment_ids: dict[str, str]
    chance: random.Random
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    has_settled: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    filled: int = 0

    async def create(self, transport: Transport) -> None:
        """Create a run of any deployment; lost answers are asked for again under its key."""
        self.made += 1
        name = self.chance.choice(ONLY.get(self.world.plan.planted, NAMES))
        new = NewRun(deployment_id=self.deployment_ids[name], idempotency_key=f"run-{self.made}")
        create = partial(flow_runs.create, transport, workspace_id=self.workspace_id, run=new)
        await self.history.call(
            "creator",
            Operation.CREATE,
            create,
            show=lambda run: {"run_id": run.id},
            key=str(new.idempotency_key),
            deployment=name,
        )

    async def answer(self, transport: Transport) -> None:
        """Answer all that waits, each with an answer of its own."""
        organization, _, workspace = self.world.installation.workspace.partition("/")
        with suppress(ApiError):
            page = await pauses.list_waiting(
                transport, organization=organization, workspace=workspace
            )
            for pause in page.items:
                await self._answer_one(transport, pause)

    async def _answer_one(self, transport: Transport, pause: Pause) -> None:
        given = self.chance.randrange(10**9) if pause.schema else None
        ask = partial(
            pauses.resume,
            transport,
            flow_run_id=pause.run_id,
            input=None if given is None else {"value": given},
        )
        await self.history.call(
            "answerer",
            Operation.ANSWER,
            ask,
            run_id=pause.run_id,
            key=pause.key,
            answer="" if given is None else str(given),
        )

    async def pause(self, transport: Transport) -> None:
        """Have a run pause or leave that is in the middle of its steps."""
        for run_id in await self._some(_RUNNING):
            ask = partial(
                pauses.request,
                transport,
                flow_run_id=run_id,
                is_suspension=self.chance.random() < 0.5,
            )
            await self.history.call("pauser", Operation.PAUSE, ask, run_id=run_id)

    async def start_again(self, transport: Transport) -> None:
        """Start a failed run again, as somebody else does at the same moment."""
        for run_id in await self._some(_FAILED, MOST_RERUNS):
            ask = partial(flow_runs.retry, transport, flow_run_id=run_id)
            await self.history.call("rerunner", Operation.RERUN, ask, run_id=run_id)

    async def cancel(self, transport: Transport) -> None:
        """Cancel a run that waits or goes on."""
        for run_id in (await self._some(_CANCELLABLE))[:1]:
            ask = partial(flow_runs.cancel, transport, flow_run_id=run_id, grace_seconds=2)
            await self.history.call(
                "canceller",
                Operation.CANCEL,
                ask,
                show=lambda run: {"answer": run.state.type, "sequence": run.state.sequence},
                run_id=run_id,
            )

    async def backfill(self, transport: Transport) -> None:
        """Have runs made for some sets of parameters, a few at a time."""
        self.filled += 1
        new = NewBackfill(
            deployment_id=self.deployment_ids[FILLED],
            name=f"fill-{self.filled}",
            parameter_sets=[{"number": number} for number in range(ITEMS)],
            parallelism=AT_ONCE,
        )
        ask = partial(backfills.create, transport, backfill=new)
        await self.history.call("filler", Operation.BACKFILL, ask, key=str(new.name))

    async def hold(self, transport: Transport) -> None:
        """Pause a deployment, and resume it; a call whose answer is lost may have done so."""
        for is_paused in (True, False):
            with suppress(ApiError):
                await self.set_paused(transport, is_paused=is_paused)

    async def set_paused(self, transport: Transport, *, is_paused: bool) -> None:
        """Pause or resume the deployment whose runs wait between their attempts."""
        await deployments.pause(
            transport, deployment_id=self.deployment_ids["patient"], is_paused=is_paused
        )

    async def _some(self, statement: str, *arguments: object) -> list[str]:
        with suppress(*DATABASE_AWAY):
            rows = await self.world.records.rows(statement, *arguments)
            return [shown(row["id"]) for row in rows][:2]
        return []

    async def go_on(
        self,
        act: Callable[[Transport], Awaitable[None]],
        *,
        every_seconds: float,
        until: asyncio.Event,
    ) -> None:
        """Do the same again and again, on a way to the API of one's own."""
        transport = self.world.transport()
        try:
            while not until.is_set():
                await act(transport)
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_seconds):
                        await until.wait()
        finally:
            await transport.close()

    async def release(self) -> None:
        """Have all go on that may have been left paused."""
        transport = self.world.transport()
        await self.set_paused(transport, is_paused=False)
        await transport.close()

    async def prove(self, left: Callable[[], Awaitable[Left]]) -> None:
        """Return once all has happened that the judge asks for, or it takes too long."""
        until = time.monotonic() + PROOF_SECONDS
        while time.monotonic() < until:
            counted = proofs(await left())
            if all(counted[name] for name in PROOFS):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def settle(self) -> bool:
        """Wait until nothing is left that somebody holds or waits for; False where that stays."""

        async def is_done() -> bool:
            (row,) = await self.world.records.rows(LEFTOVERS)
            return not any(row.values())

        try:
            await eventually(is_done, within_seconds=SETTLE_SECONDS, what="An end of all work")
        except AssertionError:
            return False
        return True


@asynccontextmanager
async def a_play(world: World) -> AsyncGenerator[Play]:
    """Deploy the flows and let clients come; who answers goes on until all has settled."""
    transport = world.transport()
    organization, _, workspace = world.installation.workspace.partition("/")
    workspace_id = await workspaces.get_id(
        transport, organization=organization, workspace=workspace
    )
    await concurrency_limits.upsert(
        transport, workspace_id=workspace_id, name="chaos", limit=AT_ONCE
    )
    ids = {name: await _deploy(world, transport, workspace_id, name) for name in (*NAMES, FILLED)}
    history = History(world.folder / "history.jsonl")
    chance = random.Random(f"{NAME}:{world.plan.seed}")  # noqa: S311  no secret
    play = Play(world, history, workspace_id, ids, chance)
    async with asyncio.TaskGroup() as group:
        for act, times, every, until in (
            (play.create, 2, 0.5, play.is_over),
            (play.pause, 1, 0.4, play.is_over),
            (play.start_again, 2, 0.4, play.is_over),
            (play.cancel, 2, 0.7, play.is_over),
            (play.backfill, 1, 4.0, play.is_over),
            (play.hold, 1, 0.5, play.is_over),
            (play.answer, 3, 0.3, play.has_settled),
        ):
            for _ in range(times):
                group.create_task(play.go_on(act, every_seconds=every, until=until))
        try:
            yield play
        finally:
            play.is_over.set()
            play.has_settled.set()
    await transport.close()


async def _deploy(world: World, transport: Transport, workspace_id: str, name: str) -> str:
    environment = {
        "TEST_FOLDER": str(world.folder),
        "HEADGATE_RESCHEDULE_RETRIES_AFTER_SECONDS": "0",
        "PYTHONPATH": str(FLOWS.parent),
    }
    stored = await deployments.upsert(
        transport,
        workspace_id=workspace_id,
        deployment=DeploymentInput(
            name=name,
            entrypoint=f"{FLOWS}:{name}",
            job_variables={"env": environment},
            concurrency_limit=AT_ONCE if name == LIMITED else None,
            **PLAYED[name].options(),
        ),
    )
    return stored.deployment.id


async def measure(*, seed: int, planted: str = "") -> tuple[Verdict, dict[str, Any]]:
    """Play it in a world of its own; the verdict, and what it is about."""
    began_at = time.time()
    plan = Plan(apis=2, schedulers=2, agents=3, seed=seed, planted=planted)
    async with a_world(plan) as world, a_play(world) as play:
        nemesis = Nemesis(world, random.Random(f"{NAME}:{seed}"))  # noqa: S311  no secret
        if planted:
            await nemesis.wait(CALM_SECONDS, CALM_SECONDS)
        else:
            await nemesis.storm(faults.KILLS, seconds=STORM_SECONDS)
        await world.revive()
        look = partial(read_left, world, play.history, began_at=began_at)
        if not planted:
            await play.prove(look)
        play.is_over.set()
        await play.release()
        has_settled = await play.settle()
        play.has_settled.set()
        left = await look()
        verdict = judge(left)
        logs = "" if verdict.is_well or planted else world.installation.report()
    figures: dict[str, Any] = {
        "faults": nemesis.faults,
        "runs": len(left.deployments),
        "calls": len(left.calls),
        **proofs(left),
        "has_settled": has_settled,
        "seconds": round(time.time() - began_at),
    }
    if logs:
        figures["logs"] = _keep(logs, seed=seed)
    return verdict, figures


def _keep(logs: str, *, seed: int) -> str:
    path = Path(f"/tmp/headgate-chaos/{NAME}-{seed}.log")  # noqa: S108 - of failures only
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(logs)
    return str(path)


def main(arguments: list[str]) -> int:
    """Run it, and once with each bug; 0 where all was kept and each bug was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.orchestration")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planted", default=",".join(PLANTED), help="bugs, with commas")
    given = parser.parse_args(arguments)
    outcomes: list[bool] = []
    for bug in ("", *filter(None, given.planted.split(","))):
        verdict, figures = asyncio.run(measure(seed=given.seed, planted=bug))
        rules = {violation.rule for violation in verdict.violations}
        is_well = PLANTED[bug] in rules if bug else verdict.is_well
        outcomes.append(is_well)
        line = {
            "scenario": f"{NAME}-{bug}" if bug else NAME,
            "seed": given.seed,
            "verdict": verdict.word,
            **figures,
            "violations": [f"{one.rule}: {one.what}" for one in verdict.violations[:20]],
            "doubts": list(verdict.doubts),
            "expected": PLANTED.get(bug, "OK"),
            "is_well": is_well,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
