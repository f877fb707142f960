"""Runs that ask and wait: in their process or without one, answered, refused, or too late."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    LeaseLost,
    NotFound,
)
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import (
    Answer,
    Approvers,
    NewPause,
    Pause,
    PauseKind,
    PauseStatus,
    Refusal,
    WrongFields,
)
from headgate_server.domain.states import StateType
from headgate_server.loops import expired_pauses
from headgate_server.loops.loop import LoopContext
from headgate_server.services import pauses
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.pauses import Asked
from headgate_server.settings import Timers
from headgate_server.tables.events import control_plane
from headgate_server.tables.pauses import pauses as rows
from tests.fixtures.loop_turns import watched_turns
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
LOOP_SECONDS = 0.3
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer", "minimum": 1},
        "places": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "count"],
}


async def test_run_asks_one_thing_at_a_time(world: World) -> None:
    lease = await world.started()
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=NewPause("a"))

    with pytest.raises(IllegalTransition, match="one thing at a time"):
        async with world.work() as work:
            await pauses.pause_run(work, lease=lease, new=NewPause("b"))
    async with world.work() as work:
        again = await pauses.pause_run(work, lease=lease, new=NewPause("a"))
        with pytest.raises(NotFound):
            await pauses.find_pause(work, flow_run_id=lease.run_id, key="b")

    assert again.pause is not None
    assert again.pause.status is PauseStatus.WAITING


async def ask(world: World, lease: LeaseRef, new: NewPause, *, is_asked: bool = True) -> Asked:
    async with world.work() as work:
        return await pauses.pause_run(work, lease=lease, new=new, is_asked=is_asked)


async def resume(world: World, run_id: UUID, answer: Answer) -> FlowRun:
    async with world.work() as work:
        checked = await pauses.check_answer(work, run_id=run_id, answer=answer)
        return await pauses.resume_run(work, run_id=run_id, checked=checked)


async def find(world: World, run_id: UUID, key: str = "1") -> Pause:
    async with world.work() as work:
        return await pauses.find_pause(work, flow_run_id=run_id, key=key)


async def expire(world: World) -> int:
    """Have the loop go round while an API serves."""
    async with world.system() as work:
        await work.execute(update(control_plane).values(last_served_at=work.now))
    return await expired_pauses.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_paused_run_goes_on_in_its_process_with_the_answer(world: World) -> None:
    lease = await world.started()
    asked = await ask(world, lease, NewPause("1", schema=SCHEMA))

    resumed = await resume(
        world, lease.run_id, Answer(input={"name": "Ann", "count": 2}, reason="checked")
    )

    assert asked.run.state_name == "Paused"
    assert (resumed.state_name, resumed.attempt) == ("Running", 1)
    assert resumed.state_message == "Resumed by Olive: checked"
    answered = await find(world, lease.run_id)
    assert answered.status is PauseStatus.RESUMED
    assert answered.input == {"name": "Ann", "count": 2}
    assert answered.answered_by == world.tenant.owner.actor
    await world.propose(lease, StateType.COMPLETED)


async def test_suspended_run_holds_nothing_and_starts_again_when_resumed(world: World) -> None:
    lease = await world.started()
    suspension = NewPause("1", kind=PauseKind.SUSPEND)
    await ask(world, lease, suspension)
    async with world.work() as work:
        items = await read.get_many_leases(work, [lease.run_id])
        (attempt,) = (await read.get_many_attempts(work, [lease.run_id]))[lease.run_id]
    with pytest.raises(LeaseLost):
        await world.propose(lease, StateType.COMPLETED)

    waiting = await resume(world, lease.run_id, Answer())
    (offered,) = await world.offer()
    again = await world.claim(offered)
    started = await world.propose(again, StateType.RUNNING)
    asked = await ask(world, again, suspension)

    assert (items, attempt.outcome) == ({}, "Suspended")
    assert (waiting.state_type, waiting.state_name) == (StateType.SCHEDULED, "Resuming")
    assert again.epoch > lease.epoch
    assert (started.attempt, started.retries_used, started.infrastructure_attempts) == (2, 0, 0)
    assert asked.pause is not None
    assert (asked.pause.status, asked.run.state_name) == (PauseStatus.RESUMED, "Running")


@pytest.mark.parametrize("kind", PauseKind)
async def test_pause_that_is_asked_for_twice_is_one(world: World, kind: PauseKind) -> None:
    lease = await world.started()

    first = await ask(world, lease, NewPause("1", kind=kind))
    second = await ask(world, lease, NewPause("1", kind=kind))

    assert second == first


async def test_every_field_that_does_not_fit_is_named_and_nothing_changes(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1", schema=SCHEMA))
    before = await world.history(lease.run_id)

    with pytest.raises(WrongFields) as refused:
        await resume(world, lease.run_id, Answer(input={"count": 0, "places": ["{{ a }}", 7]}))

    assert {error.path for error in refused.value.fields} == {
        ("input", "name"),
        ("input", "count"),
        ("input", "places", "1"),
    }
    assert await world.history(lease.run_id) == before
    assert (await find(world, lease.run_id)).status is PauseStatus.WAITING


async def test_schema_of_a_pause_is_looked_through_beside_the_loop(world: World) -> None:
    lease = await world.started()
    fields = {f"field {number}": {"type": "string"} for number in range(1_500)}

    async with watched_turns() as turns:
        asked = await ask(world, lease, NewPause("1", schema={"properties": fields}))

    assert asked.pause is not None
    assert turns.longest < LOOP_SECONDS


async def test_run_that_is_not_paused_is_not_resumed(world: World) -> None:
    lease = await world.started()

    with pytest.raises(IllegalTransition):
        await resume(world, lease.run_id, Answer())


async def test_answer_to_what_is_asked_no_more_is_refused(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1"))
    async with world.work() as work:
        checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
    await resume(world, lease.run_id, Answer())
    await ask(world, lease, NewPause("2"))

    with pytest.raises(Conflict):
        async with world.work() as work:
            await pauses.resume_run(work, run_id=lease.run_id, checked=checked)

    assert (await find(world, lease.run_id, "2")).status is PauseStatus.WAITING


async def test_rejected_pause_is_asked_again_only_once_the_run_was_retried(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1"))
    run = await resume(world, lease.run_id, Answer(is_rejected=True, reason="not today"))
    known = await ask(world, lease, NewPause("1"))
    await world.propose(lease, StateType.FAILED)

    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)
    (offered,) = await world.offer()
    again = await world.claim(offered)
    await world.propose(again, StateType.RUNNING)
    asked = await ask(world, again, NewPause("1"))

    assert run.state_message == "Rejected by Olive: not today"
    assert known.pause is not None
    assert (known.pause.status, known.pause.reason) == (PauseStatus.REJECTED, "not today")
    assert asked.pause is not None
    assert (asked.pause.status, asked.pause.reason) == (PauseStatus.WAITING, None)


async def test_process_goes_on_when_time_is_over_and_a_suspended_run_fails(world: World) -> None:
    paused, suspended = await world.started(), await world.started()
    await ask(world, paused, NewPause("1", timeout=HOUR))
    await ask(world, suspended, NewPause("1", kind=PauseKind.SUSPEND, timeout=HOUR))
    early = await expire(world)

    world.shift.by = HOUR + timedelta(seconds=1)
    ended = await expire(world)

    assert (early, ended, await expire(world)) == (0, 2, 0)
    assert [name for _, name in await world.history(paused.run_id)][-2:] == ["Paused", "Running"]
    assert [name for _, name in await world.history(suspended.run_id)][-2:] == [
        "Suspended",
        "Failed",
    ]
    for lease in (paused, suspended):
        assert (await find(world, lease.run_id)).status is PauseStatus.EXPIRED


async def test_nobody_answers_after_the_time_is_over(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1", timeout=HOUR))
    world.shift.by = HOUR

    with pytest.raises(Conflict):
        await resume(world, lease.run_id, Answer())


async def test_suspended_run_is_cancelled_at_once(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1", kind=PauseKind.SUSPEND))

    async with world.work() as work:
        done = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())

    assert done.run.state_type is StateType.CANCELLED
    assert (await find(world, lease.run_id)).status is PauseStatus.ENDED


async def test_paused_run_is_cancelled_through_its_process(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1"))

    async with world.work() as work:
        done = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())
    ended = await world.propose(lease, StateType.CANCELLED)

    assert done.run.state_type is StateType.CANCELLING
    assert ended.state_type is StateType.CANCELLED
    assert (await find(world, lease.run_id)).status is PauseStatus.ENDED


async def test_run_in_its_callers_process_is_paused_and_not_suspended(world: World) -> None:
    async with world.work() as work:
        begun = await create.begin_run(
            work, create.BeginRequest(flow_name="local"), lease=LEASE, parent=None
        )
    await world.propose(begun.lease, StateType.RUNNING)
    suspension = NewPause("1", kind=PauseKind.SUSPEND)

    with pytest.raises(InvalidInput, match="Pause it instead"):
        await ask(world, begun.lease, suspension, is_asked=False)
    with pytest.raises(IllegalTransition, match="Pause it instead"):
        await ask(world, begun.lease, suspension)
    asked = await ask(world, begun.lease, NewPause("1"))

    assert asked.run.state_name == "Paused"


async def test_whoever_started_a_run_does_not_answer_where_four_eyes_are_demanded(
    world: World,
) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1", approvers=Approvers(is_four_eyes=True)))

    with pytest.raises(Forbidden, match="You started this run"):
        await resume(world, lease.run_id, Answer())
    async with world.system() as work:
        checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
        run = await pauses.resume_run(work, run_id=lease.run_id, checked=checked)

    assert run.state_name == "Running"


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("key", NewPause("")),
        ("timeout", NewPause("1", timeout=timedelta(days=367))),
        ("schema", NewPause("1", schema={"type": "text"})),
        ("schema", NewPause("1", schema={"$ref": "#"})),
        ("people", NewPause("1", approvers=Approvers(people=("a@b.c",) * 51))),
    ],
)
async def test_pause_that_cannot_be_asked_is_refused(
    world: World, field: str, new: NewPause
) -> None:
    lease = await world.started()

    with pytest.raises(InvalidInput) as refused:
        await ask(world, lease, new)

    assert refused.value.path == (field,)


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"type": 3}, {"$ref": "#/nowhere"}])
async def test_pause_that_was_stored_with_no_schema_names_the_ways_out(
    world: World, schema: dict[str, Any]
) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("1", schema={"type": "object"}))
    async with world.system() as work:
        await work.execute(update(rows).values(schema=schema))

    with pytest.raises(InvalidInput, match="Reject it, or cancel the run"):
        await resume(world, lease.run_id, Answer(input={"a": 1}))
    run = await resume(world, lease.run_id, Answer(is_rejected=True))

    assert run.state_name == "Running"
    assert (await find(world, lease.run_id)).status is PauseStatus.REJECTED


async def test_answer_that_the_runs_code_cannot_take_is_asked_for_again(world: World) -> None:
    lease = await world.started()
    await ask(world, lease, NewPause("day"))
    await resume(world, lease.run_id, Answer(reason="first"))
    answered = await find(world, lease.run_id, "day")
    assert answered.answered_at is not None
    refusal = Refusal(answered.answered_at, "day: it is a holiday")

    again = [await ask(world, lease, NewPause("day", refusal=refusal)) for _ in range(2)]
    await resume(world, lease.run_id, Answer(reason="second"))
    late = await ask(world, lease, NewPause("day", refusal=refusal))

    told = [(asked.pause.status, asked.pause.refusal) for asked in again if asked.pause]
    assert told == [(PauseStatus.WAITING, "day: it is a holiday")] * 2
    assert late.pause is not None
    assert (late.pause.status, late.pause.reason) == (PauseStatus.RESUMED, "second")
    names = [name for _, name in await world.history(lease.run_id)]
    assert names[-4:] == ["Paused", "Running", "Paused", "Running"]


async def test_answer_of_another_format_is_refused_with_its_field(world: World) -> None:
    lease = await world.started()
    day = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    await ask(world, lease, NewPause("day", schema=day))

    with pytest.raises(WrongFields) as wrong:
        await resume(world, lease.run_id, Answer(input={"day": "31.12.2026"}))
    await resume(world, lease.run_id, Answer(input={"day": "2026-12-31"}))

    assert [field.path for field in wrong.value.fields] == [("input", "day")]
