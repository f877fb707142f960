"""What the clients of a chaos run do all the while, whatever breaks, and how it comes to rest."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from headgate.api import deployments, flow_runs, work_pools, workspaces
from headgate.api.calls import LeaseInput
from headgate.api.deployments import DeploymentInput
from headgate.api.flow_runs import FlowRun, NewRun
from headgate.api.transport import Transport
from tests.chaos.evidence import Evidence, gather, read_lines, shown
from tests.chaos.history import History, Operation
from tests.chaos.terms import DEPLOYED, PARTS, TICKING, UNSERVED
from tests.chaos.world import DATABASE_AWAY, World
from tests.fixtures.deadlines import eventually

FLOWS = Path(__file__).with_name("user_flows.py")
PAUSE_SECONDS = 0.35
UNSERVED_PAUSE_SECONDS = 2.0
LAST_CALLS = 6
REPEATED_SHARE, DOUBLED_SHARE = 0.2, 0.25
AHEAD_SHARE, AHEAD_SECONDS = 0.2, (0.5, 2.5)
"""How many runs are to start later, and in how long."""
PROOF_SECONDS = 20.0
CHOICES = {
    Operation.CREATE: 11,
    Operation.CANCEL: 3,
    Operation.READ: 2,
    Operation.TRESPASS: 2,
    Operation.STALE: 2,
}
"""How often each operation comes, in twentieths."""
_NOTHING_LEFT = """
select (select count(*) from work_items) + (select count(*) from outbox) as left
"""
_GIVE_UP = """
update work_items set fence_until = least(fence_until, now())
where phase = 'RUNNING' and on_agent_lost = 'CRASH' and last_seen_at < now() - interval '8 seconds'
"""
"""A silent run is given up after a minute at the earliest; let that have passed after a while."""
_STOP = "update schedules set is_active = false, updated_at = now() where is_active"
_STOP_UNLESS_BEHIND = """
with stopped as (
  update schedules set is_active = false, updated_at = now()
  where is_active
    and not exists (select from schedules where is_active and next_fire_at <= now())
  returning id
)
select id from stopped
"""
_STALE = """
select run_id, token, epoch from work_items
where phase in ('CLAIMED', 'RUNNING') and epoch > 0 order by claimed_at desc limit 1
"""


@dataclass
class Client:
    """One user of the API, with a way of its own to it."""

    name: str
    workload: "Workload"
    transport: Transport
    stranger: Transport
    chance: random.Random
    created: list[NewRun] = field(default_factory=list[NewRun])
    run_ids: list[str] = field(default_factory=list[str])

    @property
    def ways(self) -> tuple[Transport, Transport]:
        """Its own way to the API, and the one on which it shows another tenant's key."""
        return self.transport, self.stranger

    async def begin(self) -> None:
        """Create a run of each deployment that agents serve."""
        for name in self.workload.served:
            new = self.workload.new_run(self.chance, key=f"{self.name}-{name}", name=name)
            self.created.append(new)
            await self._create_one(new)

    async def prove(self) -> None:
        """Cancel a run that executes, do to it before what must be refused, and look."""
        new = self.workload.new_run(self.chance, key=f"{self.name}-proof", name="lasting")
        new = msgspec.structs.replace(
            new, parameters={"seconds": PROOF_SECONDS}, expected_start=None
        )
        run = await self._create_one(new)
        if run is None:
            return
        await self._call(Operation.READ, run.id)
        if not await self.workload.is_executed(run.id):
            return
        await self._write_stale()
        for operation in (Operation.TRESPASS, Operation.READ, Operation.CANCEL, Operation.READ):
            await self._call(operation, run.id)

    async def go_on(self) -> None:
        """Call again and again until told to stop."""
        while not self.workload.is_over.is_set():
            (operation,) = self.chance.choices(list(CHOICES), list(CHOICES.values()))
            await self.act(operation)
            await self.workload.pause(PAUSE_SECONDS * self.chance.uniform(0.5, 1.5))

    async def wait_in_vain(self) -> None:
        """Create runs that no agent serves, which are late, and cancel them in the end."""
        deployment_id = self.workload.deployment_ids[UNSERVED]
        while not self.workload.is_over.is_set():
            key = f"{self.name}-{len(self.created)}"
            new = NewRun(deployment_id=deployment_id, idempotency_key=key)
            self.created.append(new)
            await self._create_one(new)
            await self.workload.pause(UNSERVED_PAUSE_SECONDS)

    async def give_up(self) -> None:
        """Create each run again under its key, so that all are known, and cancel them."""
        for new in self.created:
            await self._create_one(new)
        for run_id in self.run_ids:
            await self._call(Operation.CANCEL, run_id)

    async def act(self, operation: Operation) -> None:
        """Carry out one operation and record it."""
        if operation is Operation.CREATE or not self.run_ids:
            await self._create()
            return
        if operation is Operation.STALE:
            await self._write_stale()
            return
        recent = self.run_ids[-3:] if operation is Operation.CANCEL else self.run_ids
        await self._call(operation, self.chance.choice(recent))

    async def _call(self, operation: Operation, run_id: str) -> None:
        """Do something with a run, and record what is said of it."""
        calls = {
            Operation.CANCEL: lambda: flow_runs.cancel(
                self.transport, flow_run_id=run_id, grace_seconds=2
            ),
            Operation.READ: lambda: flow_runs.get(self.transport, flow_run_id=run_id),
            Operation.TRESPASS: lambda: self.chance.choice((flow_runs.get, flow_runs.cancel))(
                self.stranger, flow_run_id=run_id
            ),
        }
        await self.workload.history.call(
            self.name,
            operation,
            calls[operation],
            show=lambda run: {"answer": run.state.type, "sequence": run.state.sequence},
            run_id=run_id,
        )

    async def _create(self) -> None:
        """Create a run, at times twice at once; or again one from before, under its old key."""
        fate = self.chance.random()
        if self.created and fate < REPEATED_SHARE:
            await self._create_one(self.chance.choice(self.created))
            return
        new = self.workload.new_run(self.chance, key=f"{self.name}-{len(self.created)}")
        self.created.append(new)
        async with asyncio.TaskGroup() as group:
            for _ in range(2 if fate > 1 - DOUBLED_SHARE else 1):
                group.create_task(self._create_one(new))

    async def _create_one(self, new: NewRun) -> FlowRun | None:
        run = await self.workload.history.call(
            self.name,
            Operation.CREATE,
            lambda: flow_runs.create(
                self.transport, workspace_id=self.workload.workspace_id, run=new
            ),
            show=lambda run: {"run_id": run.id},
            key=new.idempotency_key or "",
            deployment=self.workload.name_of(new),
            start_at=new.expected_start.timestamp() if new.expected_start else 0,
        )
        if run is not None and run.id not in self.run_ids:
            self.run_ids.append(run.id)
        return run

    async def _write_stale(self) -> None:
        """Say under the lease of the epoch before that a live run has completed."""
        try:
            found = await self.workload.world.records.rows(_STALE)
        except DATABASE_AWAY:
            return  # There is nothing to show just now.
        for row in found:
            run_id = shown(row["run_id"])
            lease = LeaseInput(run_id, str(row["token"]), row["epoch"] - 1)
            complete = partial(self._complete, lease)
            await self.workload.history.call(self.name, Operation.STALE, complete, run_id=run_id)

    async def _complete(self, lease: LeaseInput) -> None:
        proposal = await flow_runs.set_state(
            self.transport,
            flow_run_id=lease.run_id,
            state={"type": "COMPLETED", "name": "Completed"},
            lease=lease,
        )
        if proposal.refusal is not None:
            raise proposal.refusal


@dataclass
class Workload:
    """All clients, what they run, and what they were answered."""

    world: World
    history: History
    workspace_id: str
    deployment_ids: dict[str, str]
    clients: list[Client] = field(default_factory=list["Client"])
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def executions(self) -> Path:
        """The file that user code writes to."""
        return self.world.folder / "executions"

    @property
    def served(self) -> list[str]:
        """The deployments that clients have run and agents serve."""
        return [name for name in self.deployment_ids if name not in {TICKING, UNSERVED}]

    def name_of(self, new: NewRun) -> str:
        """Return the name of the deployment that a run is asked of."""
        names = {id_: name for name, id_ in self.deployment_ids.items()}
        return names[new.deployment_id or ""]

    def new_run(self, chance: random.Random, *, key: str, name: str = "") -> NewRun:
        """Return a run of a deployment, or of any; some are to start only later."""
        name = name or chance.choice(self.served)
        takes_time = DEPLOYED[name].flow == "lasting"
        is_ahead = chance.random() < AHEAD_SHARE
        at = time.time() + chance.uniform(*AHEAD_SECONDS)
        return NewRun(
            deployment_id=self.deployment_ids[name],
            parameters={"seconds": chance.uniform(0.2, 2)} if takes_time else None,
            idempotency_key=key,
            expected_start=datetime.fromtimestamp(at, tz=UTC) if is_ahead else None,
        )

    async def is_executed(self, run_id: str) -> bool:
        """Wait until the code of a run is at it; False where it takes too long."""
        try:
            await eventually(
                lambda: any(line.run_id == run_id for line in read_lines(self.executions)),
                within_seconds=PROOF_SECONDS,
                what=run_id,
            )
        except AssertionError:
            return False
        return True

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.is_over.wait()

    async def run_last_calls(self) -> None:
        """Let every client call as often as is looked at after healing."""
        self.history.has_healed = True
        for _ in range(LAST_CALLS):
            async with asyncio.TaskGroup() as group:
                for client in self.clients[:-1]:
                    group.create_task(client.act(Operation.CREATE))
        await self.clients[0].prove()

    async def settle(self, seconds: float) -> bool:
        """Stop the schedules once none is behind, and wait until nothing is left.

        Returns:
            False where it takes too long.
        """
        records = self.world.records

        async def is_stopped() -> bool:
            return bool(await records.rows(_STOP_UNLESS_BEHIND))

        with suppress(AssertionError):
            await eventually(is_stopped, within_seconds=seconds, what="Schedules that are abreast")
        await records.rows(_STOP)

        async def is_done() -> bool:
            await records.rows(_GIVE_UP)
            (row,) = await records.rows(_NOTHING_LEFT)
            return row["left"] == 0

        try:
            await eventually(is_done, within_seconds=seconds, what="An end of all work")
        except AssertionError:
            return False
        return True

    async def evidence(self, *, began_at: float, is_spared: bool) -> Evidence:
        """Return what is left behind."""
        return await gather(
            self.world.records,
            calls=self.history.calls,
            executions=self.executions,
            began_at=began_at,
            terms={**DEPLOYED, **PARTS},
            is_spared=is_spared,
        )


@asynccontextmanager
async def a_workload(world: World, *, clients: int = 3) -> AsyncGenerator[Workload]:
    """Deploy the flows and let clients come; they stop at the end of the block."""
    transport = world.transport()
    organization, _, workspace = world.installation.workspace.partition("/")
    async with asyncio.timeout(30):
        workspace_id = await workspaces.get_id(
            transport, organization=organization, workspace=workspace
        )
        await work_pools.upsert(transport, workspace_id=workspace_id, name=UNSERVED)
        deployment_ids = {
            name: await _deploy(world, transport, workspace_id=workspace_id, name=name)
            for name in DEPLOYED
        }
    workload = Workload(
        world, History(world.folder / "history.jsonl"), workspace_id, deployment_ids
    )
    for name in (*(f"client-{number}" for number in range(clients)), UNSERVED):
        seed = f"{world.plan.seed}:{name}"
        workload.clients.append(
            Client(
                name=name,
                workload=workload,
                transport=world.transport(),
                stranger=world.transport(world.stranger_key),
                chance=random.Random(seed),  # noqa: S311  no secret
            )
        )
    *clients_that_work, unserved = workload.clients
    await clients_that_work[0].begin()
    calling = [asyncio.create_task(client.go_on()) for client in clients_that_work]
    calling.append(asyncio.create_task(unserved.wait_in_vain()))
    try:
        yield workload
    finally:
        workload.is_over.set()
        await asyncio.gather(*calling)
        await unserved.give_up()
        for one in (transport, *(way for client in workload.clients for way in client.ways)):
            await one.close()


async def _deploy(world: World, transport: Transport, *, workspace_id: str, name: str) -> str:
    terms = DEPLOYED[name]
    stored = await deployments.upsert(
        transport,
        workspace_id=workspace_id,
        deployment=DeploymentInput(
            name=name,
            entrypoint=f"{FLOWS}:{terms.flow}",
            job_variables={"env": {"TEST_FOLDER": str(world.folder)}},
            **terms.options(),
        ),
    )
    return stored.deployment.id
