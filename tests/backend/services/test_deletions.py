"""Deletions on a real database: what goes, what stays, and what is refused while runs need it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, func, select, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    LimitExceeded,
    NotFound,
    VersionConflict,
)
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import BindingPlace, ObjectKind
from headgate_server.services import deletions, work_queues
from headgate_server.services.flow_runs import change, read
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.tables.events import idempotency_keys, outbox
from headgate_server.tables.flow_runs import attempts, flow_run_tags, flow_runs, logs, states
from headgate_server.tables.flows import flows, schedule_fires, schedules
from headgate_server.tables.organizations import api_keys
from headgate_server.tables.roles import role_bindings
from headgate_server.tables.work_pools import work_items, work_pools
from tests.factories.databases import somebody_waits
from tests.factories.events import recorded
from tests.factories.members import make_member
from tests.factories.runs import make_log_lines, make_pool_key, make_task_runs
from tests.factories.schedules import EVERY_5, Scene, set_scene
from tests.fixtures.deadlines import eventually

Delete = Callable[..., Awaitable[None]]


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


@dataclass(frozen=True)
class Hand:
    """Does things in the scene's workspace, each in a transaction of its own."""

    scene: Scene

    async def create(self) -> FlowRun:
        async with self.work() as work:
            return await create_run(work, RunRequest(self.scene.deployment.id, tags=("x",)))

    async def ended(self) -> FlowRun:
        run = await self.create()
        await self.cancel(run.id)
        return run

    async def cancel(self, run_id: UUID) -> None:
        async with self.work() as work:
            await change.cancel_run(work, run_id=run_id, request=change.CancelRequest())

    async def delete(self, by: Delete, id_: UUID, **given: Any) -> None:
        async with self.work() as work:
            await by(work, id_=id_, **given)

    async def count(self, table: Table) -> int:
        async with self.scene.database.system() as work:
            return (await work.execute(select(func.count()).select_from(table))).scalar_one()

    def work(self) -> Any:
        tenant = self.scene.tenant
        return self.scene.database.tenant(tenant.owner, tenant.workspace_id)


async def test_ended_run_goes_with_all_that_is_its_own(scene: Scene) -> None:
    hand = Hand(scene)
    gone, kept = await hand.ended(), await hand.ended()
    for run in (gone, kept):
        await make_log_lines(scene.database, run, count=3)
        await make_task_runs(scene.database, run, count=2)

    await hand.delete(deletions.delete_flow_run, gone.id)

    for table in (flow_runs, states, logs, flow_run_tags):
        async with scene.database.system() as work:
            column = table.c.id if table is flow_runs else table.c.flow_run_id
            found = set((await work.execute(select(column))).scalars())
        assert found == {kept.id}, table.name
    name, resource, payload = (await recorded(scene.database, scene.tenant))[-1]
    assert (name, resource) == ("flow_run.deleted", show(Kind.FLOW_RUN, gone.id))
    assert payload == {"reason": "It was deleted by request.", "state": "CANCELLED"}
    assert await hand.count(attempts) == 0


async def test_run_that_has_not_ended_is_cancelled_first(scene: Scene) -> None:
    hand = Hand(scene)
    run = await hand.create()
    before = await hand.count(outbox)

    with pytest.raises(Conflict, match="cancel it first") as refused:
        await hand.delete(deletions.delete_flow_run, run.id)

    assert refused.value.existing_id == show(Kind.FLOW_RUN, run.id)
    assert (await hand.count(flow_runs), await hand.count(outbox)) == (1, before)
    await hand.cancel(run.id)
    with pytest.raises(VersionConflict):
        await hand.delete(deletions.delete_flow_run, run.id, expected_version=1)
    await hand.delete(deletions.delete_flow_run, run.id, expected_version=2)
    with pytest.raises(NotFound):
        await hand.delete(deletions.delete_flow_run, run.id)


async def test_each_run_of_a_batch_is_deleted_for_itself(scene: Scene) -> None:
    hand = Hand(scene)
    first, live, last = await hand.ended(), await hand.create(), await hand.ended()
    wanted = [last.id, live.id, new_id(), first.id]

    async with hand.work() as work:
        results = await deletions.delete_flow_runs(work, wanted)

    assert [type(result) for result in results] == [type(None), Conflict, NotFound, type(None)]
    async with scene.database.system() as work:
        assert list((await work.execute(select(flow_runs.c.id))).scalars()) == [live.id]
    async with hand.work() as work:
        for ids in ([], [live.id, live.id], [new_id() for _ in range(101)]):
            with pytest.raises(InvalidInput):
                await deletions.delete_flow_runs(work, ids)


async def test_instant_whose_run_was_deleted_never_fires_again(scene: Scene) -> None:
    hand = Hand(scene)
    await scene.put(EVERY_5)
    await scene.tick()
    async with scene.database.system() as work:
        run_id = (await work.execute(select(flow_runs.c.id).order_by("expected_start"))).scalars()
        first = next(iter(run_id))
    await hand.cancel(first)

    await hand.delete(deletions.delete_flow_run, first)

    assert await scene.ledger() == [
        ("12:05", "SKIPPED"),
        ("12:10", "CREATED"),
        ("12:15", "CREATED"),
    ]
    await scene.pause()
    await scene.pause(is_paused=False)
    await scene.tick()
    assert await scene.starts() == ["12:10", "12:15"]


async def test_key_that_made_a_deleted_run_is_free_again(scene: Scene) -> None:
    hand = Hand(scene)
    run = await hand.ended()
    async with scene.database.system(workspace_id=scene.tenant.workspace_id) as work:
        await work.execute(update(flow_runs).values(idempotency_key="k"))
        row = {"workspace_id": run.workspace_id, "actor": "a", "key": "k", "input_hash": "h"}
        for operation, id_ in (("flowRunCreate", run.id), ("flowRunBegin", new_id())):
            await work.execute(
                idempotency_keys.insert().values(
                    **row, operation=operation, answer={"id": str(id_)}, expires_at=work.now
                )
            )

    await hand.delete(deletions.delete_flow_run, run.id)

    async with scene.database.system() as work:
        left = (await work.execute(select(idempotency_keys.c.operation))).scalars()
        assert list(left) == ["flowRunBegin"]


async def test_deployment_goes_with_its_plans_and_leaves_ended_runs_readable(scene: Scene) -> None:
    hand = Hand(scene)
    ended = await hand.ended()
    await scene.put(EVERY_5)
    await scene.tick()
    assert await hand.count(flow_runs) == 4

    await hand.delete(deletions.delete_deployment, scene.deployment.id)

    async with hand.work() as work:
        left = await read.get_many_flow_runs(work, [ended.id])
        again = await change.retry_run(work, run_id=ended.id)
    assert left[ended.id].deployment_id == scene.deployment.id
    assert isinstance(again.error, IllegalTransition)
    for table, count in ((flow_runs, 1), (schedules, 0), (schedule_fires, 0), (work_items, 0)):
        assert await hand.count(table) == count, table.name
    names = [name for name, _, _ in await recorded(scene.database, scene.tenant)]
    assert names[-5:] == [*["flow_run.deleted"] * 3, "schedule.deleted", "deployment.deleted"]


async def test_what_live_runs_or_deployments_need_is_not_deleted(scene: Scene) -> None:
    hand = Hand(scene)
    run = await hand.create()
    deployment = scene.deployment
    assert deployment.work_pool_id is not None
    assert deployment.work_queue_id is not None
    async with hand.work() as work:
        lane, _ = await work_queues.upsert_work_queue(
            work, work_pool_id=deployment.work_pool_id, name="lane"
        )

    for by, id_, message in (
        (deletions.delete_deployment, deployment.id, show(Kind.FLOW_RUN, run.id)),
        (deletions.delete_flow, deployment.flow_id, "Deployments need this flow: prod"),
        (deletions.delete_work_pool, deployment.work_pool_id, "need this work pool: prod"),
        (deletions.delete_work_queue, deployment.work_queue_id, "default queue"),
    ):
        with pytest.raises(Conflict, match=message):
            await hand.delete(by, id_)
    await hand.delete(deletions.delete_work_queue, lane.id)

    assert await hand.count(flow_runs) == 1
    assert await hand.count(work_pools) == 1


async def test_all_goes_in_the_end_and_the_pools_keys_with_it(scene: Scene) -> None:
    hand = Hand(scene)
    await hand.ended()
    deployment = scene.deployment
    assert deployment.work_pool_id is not None
    await make_pool_key(scene.database, scene.tenant, work_pool_id=deployment.work_pool_id)

    await hand.delete(deletions.delete_deployment, deployment.id)
    await hand.delete(deletions.delete_work_pool, deployment.work_pool_id)
    await hand.delete(deletions.delete_flow, deployment.flow_id)

    for table in (flow_runs, flows, work_pools):
        assert await hand.count(table) == 0, table.name
    async with scene.database.system() as work:
        (revoked_at,) = (await work.execute(select(api_keys.c.revoked_at))).scalars()
    assert revoked_at is not None


async def test_roles_on_a_deployment_and_a_pool_go_with_them(scene: Scene) -> None:
    hand = Hand(scene)
    deployment, tenant = scene.deployment, scene.tenant
    assert deployment.work_pool_id is not None
    await make_member(
        scene.database,
        tenant,
        *(
            (BuiltinRole.OPERATOR, BindingPlace(tenant.workspace_id, kind, id_))
            for kind, id_ in (
                (ObjectKind.DEPLOYMENT, deployment.id),
                (ObjectKind.WORK_POOL, deployment.work_pool_id),
            )
        ),
    )
    before = await hand.count(role_bindings)

    await hand.delete(deletions.delete_deployment, deployment.id)
    assert await hand.count(role_bindings) == before - 1
    await hand.delete(deletions.delete_work_pool, deployment.work_pool_id)
    assert await hand.count(role_bindings) == before - 2


async def test_flow_with_too_many_runs_is_not_deleted_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(scene)
    for _ in range(3):
        await hand.ended()
    await hand.delete(deletions.delete_deployment, scene.deployment.id)
    monkeypatch.setattr(deletions, "MAX_RUNS_OF_FLOW", 2)

    with pytest.raises(LimitExceeded, match="at most 2"):
        await hand.delete(deletions.delete_flow, scene.deployment.flow_id)

    assert await hand.count(flow_runs) == 3


async def test_run_made_while_its_deployment_goes_is_seen_or_refused(scene: Scene) -> None:
    hand = Hand(scene)
    async with hand.work() as work:
        await create_run(work, RunRequest(scene.deployment.id))
        deleting = asyncio.create_task(
            hand.delete(deletions.delete_deployment, scene.deployment.id)
        )
        await eventually(lambda: is_waiting(scene), what="The deletion waits")

    with pytest.raises(Conflict):
        await deleting

    async with scene.database.system() as work:
        await work.execute(update(flow_runs).values(ended_at=work.now, state_type="CANCELLED"))
        await work.execute(work_items.delete())
    async with hand.work() as work:
        await deletions.delete_deployment(work, id_=scene.deployment.id)
        creating = asyncio.create_task(hand.create())
        await eventually(lambda: is_waiting(scene), what="The creation waits")
    with pytest.raises(NotFound):
        await creating
    assert await hand.count(flow_runs) == 1


async def is_waiting(scene: Scene) -> bool:
    async with scene.database.system() as work:
        return await somebody_waits(work)
