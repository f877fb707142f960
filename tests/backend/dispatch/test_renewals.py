"""Renewals gathered: few transactions for many callers, and to each the exact verdict."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, select
from sqlalchemy.exc import DBAPIError, ProgrammingError

from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.renewals import Answer, Heartbeat, Renewals
from headgate_server.domain.errors import InvalidInput, SessionFenced, Unavailable
from headgate_server.domain.leases import LeaseOutcome, LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.services import agents
from headgate_server.services.agents import SessionReport
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import agent_sessions, work_items
from tests.factories.deployments import make_deployment, make_session
from tests.factories.tenants import make_tenant
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SESSIONS = 40
REFUSE_TO_RENEW = """
do $$
begin
  create function refuse() returns trigger language plpgsql as $refuse$
  begin
    raise exception 'Something is wrong with this workspace';
  end $refuse$;
  create trigger refuse before update on work_items for each row
  when (old.workspace_id = '{workspace_id}') execute function refuse();
end $$
"""


def renewals_of(world: World) -> Renewals:
    return Renewals(database=world.database, timers=Timers())


def renewing(statements: list[str]) -> int:
    return sum("update work_items" in statement for statement in statements)


async def test_callers_of_one_quarter_second_share_one_statement(
    world: World, statements: list[str]
) -> None:
    leases = [await world.started() for _ in range(3)]
    async with world.work() as work:
        ids = [await make_session(work, world.deployed) for _ in range(SESSIONS)]
    renewals = renewals_of(world)
    statements.clear()

    workspace = world.tenant.workspace_id
    beats = [
        Heartbeat(
            workspace,
            held=(leases[place],) if place < len(leases) else (),
            report=SessionReport(workspace, id_, capacity=place, state=None),
        )
        for place, id_ in enumerate(ids)
    ]
    answers = await asyncio.gather(*(renewals.show(beat) for beat in beats))

    assert renewing(statements) <= 2
    assert [answer.session.id for answer in answers if answer.session] == ids
    assert [answer.session.capacity for answer in answers if answer.session] == list(
        range(SESSIONS)
    )
    outcomes = [[verdict.outcome for verdict in answer.verdicts] for answer in answers]
    assert outcomes == [[LeaseOutcome.RENEWED]] * 3 + [[]] * (SESSIONS - 3)


async def test_each_lease_gets_its_own_verdict_whoever_else_asks(world: World) -> None:
    lease, ended = await world.started(), await world.started()
    await world.propose(ended, StateType.COMPLETED)
    stranger = await make_tenant(world.database)
    shown = [
        (world.tenant.workspace_id, lease, LeaseOutcome.RENEWED),
        (world.tenant.workspace_id, replace(lease, token=uuid4()), LeaseOutcome.LOST),
        (world.tenant.workspace_id, replace(lease, epoch=lease.epoch - 1), LeaseOutcome.LOST),
        (stranger.workspace_id, lease, LeaseOutcome.UNKNOWN),
        (world.tenant.workspace_id, ended, LeaseOutcome.FINISHED),
        (world.tenant.workspace_id, LeaseRef(uuid4(), uuid4(), 1), LeaseOutcome.UNKNOWN),
    ]
    renewals = renewals_of(world)

    answers = await asyncio.gather(
        *(renewals.show(Heartbeat(workspace, held=(ref,))) for workspace, ref, _ in shown)
    )

    assert [answer.verdicts[0].outcome for answer in answers] == [
        outcome for _, _, outcome in shown
    ]


async def test_a_session_that_has_ended_renews_nothing_and_hinders_nobody(world: World) -> None:
    lease = await world.started()
    async with world.work() as work:
        other = await make_session(work, world.deployed)
        await agents.leave(work, session_id=world.session_id)
    renewals, workspace = renewals_of(world), world.tenant.workspace_id
    world.shift.by = timedelta(minutes=1)

    fenced, live = await asyncio.gather(
        *(
            renewals.show(Heartbeat(workspace, held, SessionReport(workspace, id_, 1, None)))
            for id_, held in ((world.session_id, (lease,)), (other, ()))
        ),
        return_exceptions=True,
    )

    assert isinstance(fenced, SessionFenced)
    assert isinstance(live, Answer)
    async with world.system() as work:
        (seen_at,) = (await work.execute(select(work_items.c.last_seen_at))).scalars()
        assert seen_at < work.now - timedelta(seconds=50)


async def test_two_epochs_of_one_run_are_judged_each_for_itself(world: World) -> None:
    lease = await world.started()
    other = await world.started()
    older = replace(lease, epoch=lease.epoch - 1)
    renewals, workspace = renewals_of(world), world.tenant.workspace_id

    answer = await renewals.show(Heartbeat(workspace, held=(older, lease, other)))

    assert [verdict.outcome for verdict in answer.verdicts] == ["LOST", "RENEWED", "RENEWED"]


async def test_what_no_holder_can_hold_is_refused_before_it_joins_others(world: World) -> None:
    lease = await world.started()
    renewals, workspace = renewals_of(world), world.tenant.workspace_id

    with pytest.raises(InvalidInput):
        await renewals.show(Heartbeat(workspace, held=(lease,) * 1001))
    with pytest.raises(InvalidInput):
        await renewals.show(
            Heartbeat(workspace, (), SessionReport(workspace, world.session_id, -1, None))
        )


@pytest.mark.parametrize("table", [work_items, agent_sessions])
async def test_what_somebody_holds_holds_up_no_other_and_is_renewed_after_it(
    world: World, table: Table
) -> None:
    lease = await world.started()
    stranger = await make_tenant(world.database)
    async with world.database.tenant(stranger.owner, stranger.workspace_id) as work:
        session_id = await make_session(work, await make_deployment(work))
    renewals = renewals_of(world)

    def beat(workspace: UUID, session_id: UUID, *held: LeaseRef) -> asyncio.Task[Answer]:
        report = SessionReport(workspace, session_id, 1, None)
        return asyncio.create_task(renewals.show(Heartbeat(workspace, held, report)))

    async with world.system() as work:
        own = table.c.workspace_id == world.tenant.workspace_id
        await work.execute(select(table).where(own).with_for_update())
        theirs = beat(world.tenant.workspace_id, world.session_id, lease)
        async with asyncio.timeout(2):
            ours = await beat(stranger.workspace_id, session_id)
        assert not theirs.done()

    assert ours.session is not None
    assert (await theirs).verdicts[0].outcome is LeaseOutcome.RENEWED


async def test_what_is_held_for_long_is_told_to_its_holder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_server.dispatch.renewals.MOST_TRIES", 1)
    lease = await world.started()
    beat = Heartbeat(world.tenant.workspace_id, held=(lease,))

    async with world.system() as work:
        await work.execute(select(work_items).with_for_update())
        with pytest.raises(Unavailable):
            await renewals_of(world).show(beat)


async def test_a_workspace_whose_renewal_fails_fails_alone(
    world: World, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    stranger = await make_tenant(world.database)
    async with world.database.tenant(stranger.owner, stranger.workspace_id) as work:
        session_id = await make_session(work, await make_deployment(work))
    await query(urls.owner, REFUSE_TO_RENEW.format(workspace_id=world.tenant.workspace_id))
    report = SessionReport(stranger.workspace_id, session_id, 1, None)
    beats = [
        Heartbeat(world.tenant.workspace_id, held=(lease,)),
        Heartbeat(world.tenant.workspace_id, held=(lease,)),
        Heartbeat(stranger.workspace_id, (), report),
    ]
    renewals = renewals_of(world)

    *theirs, ours = await asyncio.gather(
        *(renewals.show(beat) for beat in beats), return_exceptions=True
    )

    assert [isinstance(error, DBAPIError) for error in theirs] == [True] * 2
    assert isinstance(ours, Answer)


async def test_a_failure_is_told_to_all_and_the_next_call_works(
    world: World, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    renewals, workspace = renewals_of(world), world.tenant.workspace_id
    beat = Heartbeat(workspace, held=(lease,))
    await query(urls.owner, "alter table work_items rename to hidden")

    refused = await asyncio.gather(*(renewals.show(beat) for _ in "ab"), return_exceptions=True)
    await query(urls.owner, "alter table hidden rename to work_items")
    answer = await renewals.show(beat)

    assert [type(error) for error in refused] == [ProgrammingError] * 2
    assert answer.verdicts[0].outcome is LeaseOutcome.RENEWED
