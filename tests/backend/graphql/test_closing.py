"""Workspaces are archived and deleted, organizations suspended and deleted: who gets in then."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Forbidden, LeaseLost
from headgate_server.domain.ids import Kind, parse
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.loops import deleted_workspaces, rounds
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories import schedules, users
from headgate_server.services import closing
from headgate_server.services.schedules.fire import materialise
from headgate_server.services.schedules.upsert import upsert_schedule
from headgate_server.settings import Timers
from tests.factories.estates import Estate
from tests.factories.people import make_person
from tests.factories.rows import rows_of
from tests.fixtures.browsers import Browser
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

ARCHIVE = """mutation ($id: ID!, $archived: Boolean!) {
  workspaceArchive(input: {id: $id, archived: $archived}) {
    workspace { archivedAt version } errors { code message } } }"""
DELETE = """mutation ($id: ID!) {
  workspaceDelete(input: {id: $id}) { deletedId errors { code message } } }"""
DELETE_ALL = """mutation ($id: ID!) {
  organizationDelete(input: {id: $id}) { deletedId errors { code message } } }"""
UPSERT = """mutation ($id: ID!) {
  flowUpsert(input: {workspaceId: $id, name: "later"}) { flow { id } errors { code message } } }"""
READ = "query ($id: ID!) { node(id: $id) { ... on Workspace { flows { nodes { name } } } } }"
VIEWER = "{ viewer { organizations { nodes { slug } } } }"


@pytest.fixture
async def owner(urls: DatabaseUrls) -> AsyncGenerator[Any]:
    engine = make_engine(urls.system, application_name="test-closing", pool_size=1)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def told(estate: Estate, document: str, field: str, **given: Any) -> Any:
    answer = (await estate.wide.execute(document, **given)).json
    return answer["data"][field]


async def close_all(estate: Estate) -> None:
    await told(estate, ARCHIVE, "workspaceArchive", id=estate.ids[Kind.WORKSPACE], archived=True)


async def test_archived_workspace_is_read_and_not_changed_until_it_is_opened(
    estate: Estate,
) -> None:
    id_ = estate.ids[Kind.WORKSPACE]
    archived = await told(estate, ARCHIVE, "workspaceArchive", id=id_, archived=True)
    again = await told(estate, ARCHIVE, "workspaceArchive", id=id_, archived=True)

    for client in (estate.wide, estate.bound):
        assert (await client.execute(READ, id=id_)).data["node"]["flows"]["nodes"]
        refused = (await client.execute(UPSERT, id=id_)).json["data"]["flowUpsert"]
        assert refused["errors"][0]["code"] == "FORBIDDEN", refused
        assert refused["errors"][0]["message"].startswith("This workspace is archived: it can be")

    opened = await told(estate, ARCHIVE, "workspaceArchive", id=id_, archived=False)
    done = await told(estate, UPSERT, "flowUpsert", id=id_)
    assert archived["workspace"]["archivedAt"]
    assert again["workspace"]["version"] == archived["workspace"]["version"]
    assert opened["workspace"]["archivedAt"] is None
    assert done["flow"]


async def test_what_runs_in_an_archived_workspace_goes_on(estate: Estate) -> None:
    await close_all(estate)

    answer = await estate.run.execute("{ viewer { actor { displayName } } }")

    assert answer.data["viewer"]["actor"]["displayName"]


async def test_nothing_is_offered_in_a_stopped_workspace(world: World) -> None:
    await world.create(3)
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=True)
    held = await world.offer()
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=False)

    assert held == []
    assert len(await world.offer()) > 0


async def test_run_that_was_offered_before_the_archive_is_not_claimed_after_it(
    world: World,
) -> None:
    await world.create()
    (offered,) = await world.offer()
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=True)

    with pytest.raises(LeaseLost, match="archived"):
        await world.claim(offered)


async def test_runs_that_schedules_made_ahead_go_and_are_caught_up_as_the_policy_says(
    world: World,
) -> None:
    """SKIP runs none of what fell into the time of the archive, and counts it as missed."""
    catch_up = CatchUp(CatchUpPolicy.SKIP)
    wanted = ScheduleRequest(slug="often", spec=timedelta(minutes=5), catch_up=catch_up)
    async with world.work() as work:
        made, _ = await upsert_schedule(
            work, deployment_id=world.deployed.deployment_id, wanted=wanted
        )
    await fire_all(world)
    ahead = await waiting(world)
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=True)
    during = await waiting(world)
    world.shift.by = timedelta(minutes=31)
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=False)
    await fire_all(world)
    async with world.work() as work:
        after = (await schedules.get_many(work, [made.id]))[made.id]
        now = work.now

    assert len(ahead) >= 3
    assert during == []
    assert min(await waiting(world)) > now - timedelta(minutes=1)
    assert after.missed_count == 6


async def fire_all(world: World) -> None:
    async with world.database.system() as work:
        await materialise(work, horizon=timedelta(minutes=15), limit=10)


async def waiting(world: World) -> list[datetime]:
    """Return when the runs are due that nobody has taken up."""
    async with world.system() as work:
        rows = await work.execute(text("select due_at from work_items where phase = 'READY'"))
    return list(rows.scalars())


async def test_no_schedule_is_armed_behind_an_archive(world: World) -> None:
    """A writer that was let in before the archive waits for it, and is refused."""
    async with world.work() as archiving:
        await closing.archive_workspace(archiving, id_=world.tenant.workspace_id, is_archived=True)
        writing = asyncio.create_task(_upsert(world))
        async with world.database.glance() as looking:
            await eventually(lambda: is_waiting(looking), what="The writer")

    with pytest.raises(Forbidden, match="archived"):
        await writing


async def _upsert(world: World) -> None:
    wanted = ScheduleRequest(slug="late", spec=timedelta(minutes=5))
    async with world.work() as work:
        await upsert_schedule(work, deployment_id=world.deployed.deployment_id, wanted=wanted)


async def is_waiting(work: UnitOfWork) -> bool:
    found = await work.execute(text("select 1 from pg_locks where not granted limit 1"))
    return found.one_or_none() is not None


async def test_schedules_stop_where_they_are_and_go_on_from_there(
    estate: Estate, owner: Any
) -> None:
    async def instants() -> list[Any]:
        await owner.rollback()
        rows = await owner.execute(
            text("select next_fire_at, held_fire_at from schedules where workspace_id = :id"),
            {"id": estate.tenant.workspace_id},
        )
        return [tuple(row) for row in rows]

    ((first, _),) = await instants()
    await close_all(estate)
    (during,) = await instants()
    await told(estate, ARCHIVE, "workspaceArchive", id=estate.ids[Kind.WORKSPACE], archived=False)
    (after,) = await instants()

    assert first is not None
    assert during == (None, first)
    assert after == (first, None)


async def test_workspace_is_archived_before_it_is_deleted(estate: Estate) -> None:
    refused = await told(estate, DELETE, "workspaceDelete", id=estate.ids[Kind.WORKSPACE])

    assert refused["errors"][0]["code"] == "CONFLICT"
    assert "Archive" in refused["errors"][0]["message"]


async def test_deleted_workspace_lets_nobody_in_and_its_slug_is_free(
    installation: Installation, estate: Estate
) -> None:
    await close_all(estate)
    id_ = estate.ids[Kind.WORKSPACE]
    deleted = await told(estate, DELETE, "workspaceDelete", id=id_)

    assert deleted["deletedId"] == id_
    for client in (estate.bound, estate.agent, estate.run):
        fresh = installation.holding(str(client.token))
        assert (await fresh.execute("{ viewer { actor { id } } }")).status == 401
    assert (await estate.wide.execute(READ, id=id_)).data["node"] is None
    refused = await told(estate, UPSERT, "flowUpsert", id=id_)
    assert refused["errors"][0]["code"] in {"FORBIDDEN", "NOT_FOUND"}
    again = await told(estate, ARCHIVE, "workspaceArchive", id=id_, archived=False)
    assert again["errors"][0]["code"] == "NOT_FOUND"
    made = await estate.wide.execute(
        """mutation ($id: ID!) { workspaceCreate(input: {organizationId: $id, slug: "unused",
        name: "Again"}) { workspace { id } errors { code } } }""",
        id=estate.ids[Kind.ORGANIZATION],
    )
    assert made.data["workspaceCreate"]["errors"][0]["code"] == "CONFLICT", "it is only archived"


async def sweep(installation: Installation) -> int:
    context = LoopContext(installation.database, installation.bus, Timers())
    return await deleted_workspaces.run_once(context)


async def test_sweep_leaves_no_row_of_a_workspace_and_touches_no_other(
    installation: Installation,
    estate: Estate,
    other_estate: Estate,
    owner: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = other_estate
    theirs = await rows_of(owner, "workspace_id", other.tenant.workspace_id)
    assert len(await rows_of(owner, "workspace_id", estate.tenant.workspace_id)) >= 15
    await close_all(estate)
    await told(estate, DELETE, "workspaceDelete", id=estate.ids[Kind.WORKSPACE])

    monkeypatch.setattr(closing, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(rounds, "LONGEST_SECONDS", 0.0)
    first = await sweep(installation)
    monkeypatch.undo()
    swept = first + await sweep(installation)

    assert first == rounds.TURN_STEPS, "a round ends, and the next one goes on"
    assert swept >= 40
    assert await rows_of(owner, "workspace_id", estate.tenant.workspace_id) == {}
    assert await rows_of(owner, "workspace_id", other.tenant.workspace_id) == theirs
    log = await owner.execute(
        text("select count(*) from audit_entries where action = 'workspace.deleted'")
    )
    assert log.scalar_one() == 1
    assert await sweep(installation) == 0


async def test_deleted_organization_leaves_its_audit_log_and_nothing_else(
    installation: Installation, estate: Estate, owner: Any
) -> None:
    id_, organization_id = estate.ids[Kind.ORGANIZATION], estate.tenant.organization_id
    early = await told(estate, DELETE_ALL, "organizationDelete", id=id_)
    await close_all(estate)
    deleted = await told(estate, DELETE_ALL, "organizationDelete", id=id_)
    fresh = installation.holding(str(estate.wide.token))
    refused = await fresh.execute(VIEWER)
    await sweep(installation)

    assert early["errors"][0]["code"] == "CONFLICT"
    assert "is not archived" in early["errors"][0]["message"]
    assert deleted["deletedId"] == id_
    assert refused.status == 401
    assert await rows_of(owner, "organization_id", organization_id) == {}
    actions = await actions_of(owner, organization_id)
    assert actions[-1] == "organization.swept"
    assert actions.index("organization.deleted") < actions.index("workspace.swept")
    left = await owner.execute(
        text("select count(*) from organizations where id = :id"), {"id": organization_id}
    )
    assert left.scalar_one() == 0


async def signed_in(
    installation: Installation, estate: Estate, *, email: str, is_operator: bool
) -> Browser:
    person = await make_person(installation.database, owns=estate.tenant, email=email)
    if is_operator:
        async with installation.database.system() as work:
            await users.set_operator(work, id_=person.id)
    browser = Browser(installation.app)
    await browser.sign_in(person)
    return browser


async def test_operator_suspends_and_resumes_and_the_tenant_sees_it(
    installation: Installation, estate: Estate, other_estate: Estate
) -> None:
    operators = other_estate
    operator = await signed_in(installation, operators, email="op@example.com", is_operator=True)
    member = await signed_in(installation, estate, email="ada@example.com", is_operator=False)
    id_ = estate.ids[Kind.ORGANIZATION]
    suspend = (
        f'mutation {{ organizationSuspend(input: {{id: "{id_}", reason: "Unpaid."}}) '
        "{ errors { code } } }"
    )

    refused = (await member.ask(suspend)).json["data"]["organizationSuspend"]
    by_key = await told(estate, suspend, "organizationSuspend")
    done = (await operator.ask(suspend)).json["data"]["organizationSuspend"]
    shut_out = await installation.holding(str(estate.wide.token)).execute(VIEWER)
    gone_too = await member.ask(VIEWER)
    running = await installation.holding(str(estate.run.token)).execute(
        "{ viewer { actor { id } } }"
    )
    listed = (
        await operator.ask("{ operator { organizations { nodes { id suspendedBecause } } } }")
    ).json
    resume = f'mutation {{ organizationResume(input: {{id: "{id_}"}}) {{ errors {{ code }} }} }}'
    await operator.ask(resume)
    back = await installation.holding(str(estate.wide.token)).execute(
        """query ($id: ID!) { node(id: $id) { ... on Organization {
        auditLog(filter: {action: {startsWith: "organization."}}) {
          nodes { action actor { displayName } } } } } }""",
        id=id_,
    )

    assert refused["errors"][0]["code"] == by_key["errors"][0]["code"] == "FORBIDDEN"
    assert done["errors"] == []
    assert "Unpaid." in str(shut_out.json)
    assert "Unpaid." in str(gone_too.json)
    assert running.data["viewer"]
    nodes = listed["data"]["operator"]["organizations"]["nodes"]
    assert {"id": id_, "suspendedBecause": "Unpaid."} in nodes
    actions = [entry["action"] for entry in back.data["node"]["auditLog"]["nodes"]]
    assert actions[:2] == ["organization.resumed", "organization.suspended"]


async def test_only_operators_see_the_operators_side(
    installation: Installation, estate: Estate
) -> None:
    member = await signed_in(installation, estate, email="ada@example.com", is_operator=False)

    for answer in (
        await member.ask("{ operator { organizations { nodes { id } } } }"),
        await estate.wide.execute("{ operator { organizations { nodes { id } } } }"),
    ):
        assert answer.json == {"data": {"operator": None}}


async def actions_of(owner: Any, organization_id: UUID) -> list[str]:
    """Return what the audit log says of an organization, the oldest first."""
    await owner.rollback()
    found = await owner.execute(
        text("select action from audit_entries where organization_id = :id order by at, id"),
        {"id": organization_id},
    )
    return list(found.scalars())


async def test_who_may_make_an_organization_owns_it(
    installation: Installation, estate: Estate, owner: Any
) -> None:
    make = (
        'mutation { organizationCreate(input: {slug: "new", name: "New"}) '
        "{ organization { id slug } errors { code message } } }"
    )
    member = await signed_in(installation, estate, email="ada@example.com", is_operator=False)
    operator = await signed_in(installation, estate, email="op@example.com", is_operator=True)

    refused = (await member.ask(make)).json["data"]["organizationCreate"]
    machine = (await estate.bound.execute(make)).json["data"]["organizationCreate"]
    made = (await operator.ask(make)).json["data"]["organizationCreate"]
    inside = await operator.ask(
        "{ viewer { scopes organizations { nodes { slug } } } }", x_headgate_organization="new"
    )

    assert refused["errors"][0]["code"] == machine["errors"][0]["code"] == "FORBIDDEN"
    assert await actions_of(owner, parse(made["organization"]["id"], kind=Kind.ORGANIZATION)) == [
        "organization.created",
        "membership.added",
    ]
    assert "BILLING_WRITE" in inside.json["data"]["viewer"]["scopes"]
