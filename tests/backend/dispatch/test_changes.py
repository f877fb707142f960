"""Claims and states gathered: few transactions for many holders, and to each the exact answer."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.changes import MOST_APART_OF_A_WORKSPACE, Changes
from headgate_server.domain.errors import (
    IdempotencyMismatch,
    InvalidInput,
    LeaseLost,
    NotFound,
    SessionFenced,
    Unavailable,
)
from headgate_server.domain.leases import LeaseRef, Offer
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import cancels
from headgate_server.services.flow_runs import read
from headgate_server.services.leases.hold import Claim, Claimed, check_release
from headgate_server.services.transitions import Proposal, Transition
from headgate_server.tables.flow_runs import attempts
from tests.factories.subflows import end_below, subflow
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

RUNS = 10
BLOCKED = (
    """from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"""
)
TERMINATED = f"select pg_terminate_backend(pid) {BLOCKED} and query like '%accepted states%'"
CANCELLED = f"select pg_cancel_backend(pid) {BLOCKED} and query like '%accepted states%'"
LOCKED = "-- Locks a run, then its work item"
OPENED = "set_config('app.workspace_id'"
DEADLINE_SECONDS = 5


class Holders:
    """Asks on behalf of the holders of a world's leases, through one replica."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.changes = Changes(database=world.database)

    async def claim(self, offered: Offer, *, session_id: object = None) -> Claimed:
        lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
        owner, workspace_id = self.world.tenant.owner, self.world.tenant.workspace_id
        claim = Claim(session_id or self.world.session_id, lease, LEASE, owner.actor)  # type: ignore[arg-type]
        claimed, now = await self.changes.claim(owner, workspace_id, claim)
        assert now == claimed.transition.run.updated_at
        return claimed

    async def propose(
        self,
        lease: LeaseRef,
        type_: StateType,
        *,
        key: str | None = None,
        actor: Actor | None = None,
        details: dict[str, Any] | None = None,
    ) -> Transition:
        owner = self.world.tenant.owner
        proposal = Proposal(
            state=propose(type_, details=details or {}),
            proposer=Proposer.HOLDER,
            lease=lease,
            key=key,
        )
        return await self.changes.propose(
            replace(owner, actor=actor) if actor else owner,
            self.world.tenant.workspace_id,
            run_id=lease.run_id,
            proposal=proposal,
        )


async def together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def start_many(world: World, holders: Holders, count: int) -> list[LeaseRef]:
    await world.create(count)
    offers = await world.offer()
    await asyncio.gather(*(holders.claim(one) for one in offers))
    leases = [LeaseRef(one.run_id, one.token, one.epoch) for one in offers]
    await asyncio.gather(*(holders.propose(lease, StateType.RUNNING) for lease in leases))
    return leases


def names(history: Sequence[tuple[int, str]]) -> list[str]:
    return [name for _, name in history]


async def test_many_whole_runs_take_a_few_statements(world: World, statements: list[str]) -> None:
    await world.create(RUNS)
    offers = await world.offer()
    holders = Holders(world)
    statements.clear()

    claimed = await asyncio.gather(*(holders.claim(one) for one in offers))
    leases = [LeaseRef(one.run_id, one.token, one.epoch) for one in offers]
    for type_ in (StateType.RUNNING, StateType.COMPLETED):
        await asyncio.gather(*(holders.propose(lease, type_) for lease in leases))

    assert sum("update flow_runs" in statement for statement in statements) == 3
    assert [one.transition.run.id for one in claimed] == [one.run_id for one in offers]
    assert {one.job["attempt"] for one in claimed} == {1}
    assert "is_stopped" not in claimed[0].job
    whole = ["Scheduled", "Pending", "Running", "Completed"]
    assert [names(await world.history(one.run_id)) for one in offers] == [whole] * RUNS
    async with world.work() as work:
        kept = (await work.execute(select(attempts.c.number, attempts.c.outcome))).all()
    assert [tuple(row) for row in kept] == [(1, "Completed")] * RUNS


async def test_what_is_refused_harms_no_other(world: World) -> None:
    leases = [await world.started() for _ in range(6)]
    fine, stale, mismatch, huge, edge, twice = leases
    await world.propose(mismatch, StateType.PAUSED, key="once")
    await world.create()
    (offered,) = await world.offer()
    holders, unknown = Holders(world), LeaseRef(uuid4(), uuid4(), 1)

    answers = await together(
        holders.propose(replace(stale, token=uuid4()), StateType.COMPLETED),
        holders.propose(mismatch, StateType.FAILED, key="once"),
        holders.propose(huge, StateType.COMPLETED, details={"number": 2**70}),
        holders.propose(edge, StateType.PENDING),
        holders.propose(unknown, StateType.COMPLETED),
        holders.claim(offered, session_id=uuid4()),
        holders.propose(twice, StateType.COMPLETED, key="end"),
        holders.propose(twice, StateType.COMPLETED, key="end"),
        holders.propose(fine, StateType.COMPLETED),
    )

    stale_answer, mismatched, too_large, no_edge, missing, fenced, *ended = answers
    assert isinstance(stale_answer.error, LeaseLost)
    assert isinstance(mismatched, IdempotencyMismatch)
    assert isinstance(too_large, InvalidInput)
    assert no_edge.error is not None
    assert isinstance(missing, NotFound)
    assert isinstance(fenced, SessionFenced)
    assert [(one.error, one.run.state_type) for one in ended] == [(None, StateType.COMPLETED)] * 3
    assert names(await world.history(twice.run_id))[-2:] == ["Running", "Completed"]
    assert names(await world.history(huge.run_id))[-1] == "Running"


async def test_a_run_that_somebody_holds_is_waited_for_apart(world: World) -> None:
    held, free = await world.started(), await world.started()
    holders = Holders(world)

    async with world.work() as work:
        await lock_run(work, held.run_id)
        waiting = asyncio.create_task(holders.propose(held, StateType.COMPLETED))
        done = await holders.propose(free, StateType.COMPLETED)
        later = await holders.propose(free, StateType.FAILED)
        assert not waiting.done()

    assert done.is_accepted
    assert later.error is not None
    assert (await waiting).is_accepted


async def test_each_state_is_written_in_the_name_of_its_own_holder(world: World) -> None:
    leases = [await world.started() for _ in range(3)]
    actors = [Actor(ActorKind.RUN, lease.run_id, f"run {n}") for n, lease in enumerate(leases)]
    holders = Holders(world)

    await asyncio.gather(
        *(
            holders.propose(lease, StateType.COMPLETED, actor=actor)
            for lease, actor in zip(leases, actors, strict=True)
        )
    )

    async with world.work() as work:
        last = [
            (await read.list_states(work, flow_run_id=lease.run_id, after=3, most=1))[0].actor
            for lease in leases
        ]
    assert last == actors


async def test_a_batch_that_is_cut_off_leaves_nothing_and_can_be_sent_again(
    world: World, urls: DatabaseUrls
) -> None:
    leases = [await world.started() for _ in range(3)]
    holders = Holders(world)

    async def end_all() -> list[Any]:
        return await together(
            *(holders.propose(lease, StateType.COMPLETED, key="end") for lease in leases)
        )

    async with world.system() as work:
        await work.execute(select(attempts).with_for_update())
        cut = asyncio.create_task(end_all())
        await eventually(lambda: query(urls.owner, TERMINATED), what="A batch that waits")
        answers = await cut

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert [names(await world.history(lease.run_id))[-1] for lease in leases] == ["Running"] * 3
    assert [answer.is_accepted for answer in await end_all()] == [True] * 3
    assert [len(await world.history(lease.run_id)) for lease in leases] == [4] * 3


async def test_a_batch_that_collided_is_carried_out_one_by_one(
    world: World, urls: DatabaseUrls
) -> None:
    holders = Holders(world)
    leases = await start_many(world, holders, 3)

    async with world.system() as work:
        await work.execute(select(attempts).with_for_update())
        ending = asyncio.gather(
            *(holders.propose(lease, StateType.COMPLETED, key="end") for lease in leases)
        )
        await eventually(lambda: query(urls.owner, CANCELLED), what="A batch that waits")

    assert [answer.is_accepted for answer in await ending] == [True] * 3
    assert [len(await world.history(lease.run_id)) for lease in leases] == [4] * 3


async def test_an_end_waits_for_nothing_below_the_run_and_reaches_it_later(world: World) -> None:
    parent = await world.started()
    inside, holders = await subflow(world, parent), Holders(world)

    async with world.system() as work:
        await lock_run(work, inside.run_id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            crash = await holders.propose(parent, StateType.CRASHED)
            held_up = await end_below(world)
    world.shift.by = 2 * cancels.LOOK_AGAIN

    assert (crash.is_accepted, held_up, await end_below(world)) == (True, 0, 1)
    assert names(await world.history(inside.run_id))[-1] == "Crashed"


async def test_replicas_that_end_parents_and_subflows_crosswise_never_meet(world: World) -> None:
    here, there = Holders(world), Holders(world)

    for _ in range(2):
        first, second = await world.started(), await world.started()
        below_first, below_second = await subflow(world, first), await subflow(world, second)
        async with asyncio.timeout(DEADLINE_SECONDS):
            answers = await together(
                here.propose(first, StateType.CRASHED),
                here.propose(below_second, StateType.COMPLETED),
                there.propose(second, StateType.CRASHED),
                there.propose(below_first, StateType.COMPLETED),
            )
        assert [type(answer) for answer in answers] == [Transition] * 4
        assert [answers[0].error, answers[2].error] == [None, None]


async def test_what_is_asked_of_one_run_is_carried_out_in_that_order(
    world: World, statements: list[str]
) -> None:
    holders = Holders(world)
    held, free, *others = await start_many(world, holders, 5)

    async with world.system() as work:
        await lock_run(work, held.run_id)
        statements.clear()
        first = asyncio.create_task(holders.propose(held, StateType.COMPLETED))
        await holders.propose(free, StateType.COMPLETED)
        second = asyncio.create_task(holders.propose(held, StateType.FAILED))
        for lease in others:
            await holders.propose(lease, StateType.COMPLETED)
        assert sum(LOCKED in statement for statement in statements) == 1

    assert (await first).is_accepted
    assert isinstance((await second).error, LeaseLost)


async def test_many_held_runs_leave_connections_for_the_others(
    world: World, statements: list[str]
) -> None:
    holders = Holders(world)
    free, *held = await start_many(world, holders, RUNS)

    async with world.system() as work:
        for lease in held:
            await lock_run(work, lease.run_id)
        statements.clear()
        ends = [asyncio.create_task(holders.propose(one, StateType.COMPLETED)) for one in held]
        await eventually(lambda: any(LOCKED in one for one in statements), what="A run apart")
        async with asyncio.timeout(DEADLINE_SECONDS):
            await holders.propose(free, StateType.COMPLETED)
        assert sum(LOCKED in one for one in statements) <= MOST_APART_OF_A_WORKSPACE

    assert [(await end).is_accepted for end in ends] == [True] * len(held)


async def test_a_bad_one_of_many_is_found_by_halves_and_quietly(
    world: World, statements: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    holders = Holders(world)
    bad, *fine = await start_many(world, holders, RUNS)
    statements.clear()

    refused, *ended = await together(
        holders.propose(bad, StateType.COMPLETED, details={"number": 2**70}),
        *(holders.propose(lease, StateType.COMPLETED) for lease in fine),
    )

    assert isinstance(refused, InvalidInput)
    assert [answer.is_accepted for answer in ended] == [True] * len(fine)
    assert sum(OPENED in statement for statement in statements) == len([10, 5, 5, 2, 3, 1, 1])
    assert [one for one in caplog.records if one.levelname == "WARNING" or one.exc_info] == []


def test_details_that_no_column_holds_are_refused_at_the_door() -> None:
    lease = LeaseRef(uuid4(), uuid4(), 1)
    for details in ({"number": 2**70}, {"text": "x" * 300_000}):
        with pytest.raises(InvalidInput) as refused:
            check_release(lease, propose(StateType.CRASHED, details=details))
        assert refused.value.path == ("finalState", "details")
