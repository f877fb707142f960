"""Artifacts on a real database: history by key, leases, sent twice, deletion and retention."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from headgate_server.domain.artifacts import MAX_DATA_BYTES, Artifact, ArtifactType, NewArtifact
from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LeaseLost,
    LimitExceeded,
    NotFound,
)
from headgate_server.domain.filters import ArtifactFilter, IdFilter, StringFilter
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories.retention import Kept
from headgate_server.services import artifacts, deletions, retention
from tests.factories.events import recorded
from tests.factories.runs import Old, make_old_run
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

LATEST = ArtifactFilter(is_latest=True)


def note(data: Any = "# Note", *, type: str = "markdown", **given: Any) -> NewArtifact:
    fields: dict[str, Any] = {"id": new_id(), "type": ArtifactType(type), "data": data, **given}
    return NewArtifact(**fields)


async def create(world: World, new: NewArtifact, grant: RunGrant | None = None) -> Artifact:
    async with world.work() as work:
        made, _ = await artifacts.create_artifact(work, new, grant=grant)
    return made


async def progress(world: World, id_: UUID, data: float, grant: RunGrant | None = None) -> Artifact:
    async with world.work() as work:
        return await artifacts.update_artifact(work, id_=id_, changes={"data": data}, grant=grant)


async def listed(world: World, filter: ArtifactFilter | None = None) -> list[UUID]:
    async with world.work() as work:
        page = await artifacts.list_artifacts(work, page=PageRequest(size=100), filter=filter)
        assert await artifacts.count_artifacts(work, filter=filter) == len(page.items)
    return [artifact.id for artifact in page.items]


async def test_a_key_has_a_history_and_a_latest_whatever_the_order_of_arrival(
    world: World,
) -> None:
    first, second, other, single = (
        note(key="report"),
        note(key="report"),
        note(key="other"),
        note(),
    )

    for new in (second, other, single, first):
        await create(world, new)

    report = ArtifactFilter(key=StringFilter(eq="report"))
    assert await listed(world) == [single.id, other.id, second.id, first.id]
    assert await listed(world, report) == [second.id, first.id]
    assert await listed(world, LATEST) == [other.id, second.id]


async def test_the_latest_of_a_key_is_one_whoever_writes_at_once(world: World) -> None:
    news = [note(number, type="progress", key="report") for number in range(12)]

    await asyncio.gather(*(create(world, new) for new in news))

    assert await listed(world, LATEST) == [max(new.id for new in news)]


async def test_an_artifact_that_is_sent_again_is_one_and_tells_one_event(world: World) -> None:
    lease = await world.started()
    new = note(key="report", flow_run_id=lease.run_id)

    made = await create(world, new)
    again = await create(world, new)

    assert again == made
    shown, _run = show(Kind.ARTIFACT, new.id), show(Kind.FLOW_RUN, lease.run_id)
    told = [one for one in await recorded(world.database, world.tenant) if one[1] == shown]
    assert told == [("artifact.created", shown, {"type": "markdown", "key": "report"})]
    with pytest.raises(Conflict, match="another artifact"):
        await create(world, note(id=new.id, key="elsewhere"))


async def test_a_run_s_token_creates_for_its_own_run_while_its_lease_is_held(
    world: World,
) -> None:
    lease, other = await world.started(), await world.started()
    grant = RunGrant(lease.run_id, lease.epoch)

    made = await create(world, note(), grant)
    with pytest.raises(Forbidden, match="that run only"):
        await create(world, note(flow_run_id=other.run_id), grant)
    with pytest.raises(LeaseLost):
        await create(world, note(), RunGrant(lease.run_id, lease.epoch + 1))
    await world.propose(lease, StateType.COMPLETED)
    with pytest.raises(LeaseLost):
        await create(world, note(), grant)

    assert made.flow_run_id == lease.run_id
    assert await listed(world) == [made.id]


async def test_a_run_or_task_run_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(NotFound):
        await create(world, note(flow_run_id=new_id()))
    with pytest.raises(NotFound, match="task run"):
        await create(world, note(task_run_id=new_id()))


async def test_progress_is_updated_in_place(world: World) -> None:
    lease, other = await world.started(), await world.started()
    grant = RunGrant(lease.run_id, lease.epoch)
    made = await create(world, note(0, type="progress", key="load"), grant)

    async with world.work() as work:
        changed = await artifacts.update_artifact(
            work, id_=made.id, changes={"data": 50.5, "description": "half"}, grant=grant
        )
    with pytest.raises(Forbidden):
        await progress(world, made.id, 60, RunGrant(other.run_id, other.epoch))
    with pytest.raises(InvalidInput, match="0 to 100"):
        await progress(world, made.id, 101)

    async with world.work() as work:
        data = await artifacts.get_many_data(work, [made.id])
    assert data == {made.id: 50.5}
    assert (changed.version, changed.description, changed.created_at) == (
        2,
        "half",
        made.created_at,
    )
    assert await listed(world) == [made.id]
    shown = show(Kind.ARTIFACT, made.id)
    *_, told = [one for one in await recorded(world.database, world.tenant) if one[1] == shown]
    payload = {"version": 2, "changed": ["data", "description"]}
    assert told == ("artifact.updated", shown, payload)


@pytest.mark.parametrize(
    ("type_", "data", "words"),
    [
        ("markdown", {"a": 1}, "a text"),
        ("table", "rows", "a list of rows"),
        ("table", [1, 2], "a list of rows"),
        ("link", {"url": "javascript:alert(1)"}, "relative, or of http"),
        ("link", {"url": " javascript:alert(1)\n"}, "relative, or of http"),
        ("link", {"text": "x"}, "relative, or of http"),
        ("image", {"url": "data:text/html,x"}, "relative, or of http"),
        ("progress", True, "0 to 100"),
        ("progress", -1, "0 to 100"),
    ],
)
async def test_data_that_are_not_of_the_type_are_refused(
    world: World, type_: str, data: Any, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await create(world, note(data, type=type_))


async def test_data_beyond_the_limit_are_refused_with_the_limit(world: World) -> None:
    fits = "x" * (MAX_DATA_BYTES - 2)

    made = await create(world, note(fits))
    with pytest.raises(LimitExceeded) as refused:
        await create(world, note(fits + "x"))

    assert made.size_bytes == MAX_DATA_BYTES
    assert (refused.value.limit, refused.value.current) == (MAX_DATA_BYTES, MAX_DATA_BYTES + 1)


async def test_deleting_the_latest_gives_its_place_to_the_one_before(world: World) -> None:
    first, second = note(key="report"), note(key="report")
    for new in (first, second):
        await create(world, new)

    async with world.work() as work:
        await artifacts.delete_artifact(work, id_=second.id)
    assert await listed(world, LATEST) == [first.id]
    async with world.work() as work:
        await artifacts.delete_artifact(work, id_=first.id)
    assert await listed(world, LATEST) == []


async def test_a_deleted_run_takes_its_artifacts_along(world: World) -> None:
    kept = await create(world, note(key="report"))
    gone = await make_old_run(world.database, world.tenant, Old(began=2, ended=1))
    await create(world, note(key="report", flow_run_id=gone))
    await create(world, note(flow_run_id=gone))

    async with world.work() as work:
        await deletions.delete_flow_run(work, id_=gone)

    assert await listed(world) == [kept.id]
    assert await listed(world, LATEST) == [kept.id]


async def test_retention_keeps_the_latest_of_a_key_beyond_its_run(world: World) -> None:
    old = await make_old_run(world.database, world.tenant, Old(began=40, ended=39))
    stale, latest = note(key="report", flow_run_id=old), note(key="report", flow_run_id=old)
    for new in (stale, latest, note(flow_run_id=old)):
        await create(world, new)
    days = timedelta(days=30)
    kept = Kept(world.tenant.workspace_id, runs=days, logs=days, events=days)

    while True:
        async with world.system() as work:
            if not await retention.purge(work, kept):
                break

    assert await listed(world) == [latest.id]
    of_run = ArtifactFilter(flow_run_id=IdFilter(eq=old))
    assert await listed(world, of_run) == [latest.id]
