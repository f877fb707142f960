"""The hot paths: task runs and log lines in bulk, sent twice, out of order, or under no lease."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, InvalidInput, LeaseLost, NotFound
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.logs import LogFilter, LogStream, parse_batch
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import RunGrant
from headgate_server.services import logs, task_runs
from headgate_server.services.flow_runs import create, read
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

Json = dict[str, object]
PENDING = ["PENDING", "Pending", 1_000_000, None]
RUNNING = ["RUNNING", "Running", 2_000_000, None]
COMPLETED = ["COMPLETED", "Completed", 3_500_000, None]


def batch(*states: Sequence[Sequence[object]], task_run_ids: list[str] | None = None) -> Json:
    shown = task_run_ids or [show(Kind.TASK_RUN, new_id()) for _ in states]
    size = len(states)
    return {
        "id": shown,
        "taskKey": ["load"] * size,
        "name": [f"load-{place}" for place in range(size)],
        "mapIndex": list(range(size)),
        "tags": [["etl"]] * size,
        "cacheKey": [None] * size,
        "attempt": [1] * size,
        "parents": [[]] * size,
        "states": list(states),
    }


async def sync(world: World, lease: LeaseRef, sent: Json) -> int:
    async with world.work() as work:
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=lease.run_id, lease=lease, batch=sent
        )
    assert rejected == []
    return accepted


async def stored(world: World, sent: Json) -> dict[str, str]:
    wanted = [ids.parse(shown, kind=Kind.TASK_RUN) for shown in sent["id"]]  # type: ignore[attr-defined]  # a list
    async with world.work() as work:
        found = await task_runs.get_many_task_runs(work, wanted)
    return {show(Kind.TASK_RUN, id_): run.state_name for id_, run in found.items()}


async def test_a_report_is_stored_in_one_bulk_statement(
    world: World, statements: list[str]
) -> None:
    lease = await world.started()
    sent = batch(*([[PENDING, RUNNING, COMPLETED]] * 500))
    statements.clear()

    accepted = await sync(world, lease, sent)

    assert accepted == 500
    assert len([line for line in statements if "into task_runs" in line]) == 1
    assert len(statements) == 4
    assert set((await stored(world, sent)).values()) == {"Completed"}


async def test_a_stored_task_run_tells_when_it_started_and_how_long_it_took(world: World) -> None:
    lease = await world.started()
    sent = batch([PENDING, RUNNING, COMPLETED])
    await sync(world, lease, sent)

    async with world.work() as work:
        page = await task_runs.list_task_runs(work, page=PageRequest())

    (run,) = page.items
    assert run.duration is not None
    assert run.duration.total_seconds() == 1.5
    assert (run.task_key, run.map_index, run.tags) == ("load", 0, ("etl",))
    assert [name for _, name, _, _ in run.states] == ["Pending", "Running", "Completed"]


async def test_the_longer_history_wins_in_whatever_order_reports_come(world: World) -> None:
    lease = await world.started()
    late = batch([PENDING, RUNNING, COMPLETED])
    early = batch([PENDING, RUNNING], task_run_ids=late["id"])  # type: ignore[arg-type]  # a list

    await sync(world, lease, late)
    await sync(world, lease, late)
    await sync(world, lease, early)

    assert set((await stored(world, late)).values()) == {"Completed"}


async def test_a_report_under_a_lost_lease_changes_nothing(world: World) -> None:
    lease = await world.started()
    stale = LeaseRef(lease.run_id, lease.token, lease.epoch - 1)
    sent = batch([PENDING])

    with pytest.raises(LeaseLost):
        await sync(world, stale, sent)
    await world.propose(lease, StateType.COMPLETED)
    with pytest.raises(LeaseLost):
        await sync(world, lease, sent)

    assert await stored(world, sent) == {}


async def test_a_report_under_a_made_up_token_changes_nothing(world: World) -> None:
    lease = await world.started()
    forged = LeaseRef(lease.run_id, new_id(), lease.epoch)
    sent = batch([PENDING])

    with pytest.raises(LeaseLost):
        await sync(world, forged, sent)

    assert await stored(world, sent) == {}


async def test_a_run_below_another_reports_under_its_lease(world: World) -> None:
    lease = await world.started()
    caller = new_id()
    await sync(world, lease, batch([RUNNING], task_run_ids=[show(Kind.TASK_RUN, caller)]))
    request = create.BeginRequest(flow_name="inner", parent_task_run_id=caller)
    async with world.work() as work:
        inner = await create.begin_run(
            work,
            request,
            lease=timedelta(seconds=90),
            parent=RunGrant(run_id=lease.run_id, epoch=lease.epoch),
        )
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=inner.run.id, lease=lease, batch=batch([RUNNING])
        )

    assert (accepted, rejected) == (1, [])


async def test_a_report_for_another_run_is_refused(world: World) -> None:
    lease = await world.started()
    (other,) = await world.create()

    async with world.work() as work:
        with pytest.raises(NotFound):
            await task_runs.sync_task_runs(
                work, flow_run_id=other.id, lease=lease, batch=batch([PENDING])
            )


async def test_a_bad_row_is_rejected_alone(world: World) -> None:
    lease = await world.started()
    sent = batch([PENDING], [PENDING])
    sent["name"] = ["good", ""]

    async with world.work() as work:
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=lease.run_id, lease=lease, batch=sent
        )

    assert accepted == 1
    assert [(item.code, item.id) for item in rejected] == [("INVALID", sent["id"][1])]  # type: ignore[index]  # a list


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {"id": []},
        {**batch([PENDING]), "name": []},
        {**batch([PENDING]), "extra": []},
        {**batch([PENDING]), "states": [[["RUNNING"]]]},
    ],
)
async def test_a_malformed_report_is_refused_with_its_place(world: World, broken: object) -> None:
    lease = await world.started()

    async with world.work() as work:
        with pytest.raises(InvalidInput) as refused:
            await task_runs.sync_task_runs(
                work, flow_run_id=lease.run_id, lease=lease, batch=broken
            )

    assert refused.value.path[0] == "batch"


def lines(*messages: str) -> Json:
    size = len(messages)
    return {
        "timestamp": [1_000_000 * place for place in range(size)],
        "level": [20] * size,
        "logger": ["flow"] * size,
        "message": list(messages),
        "taskRunId": [None] * size,
    }


async def append(
    world: World, run: LeaseRef, offset: int, sent: Json, *, lines_per_run: int = 0
) -> logs.Appended:
    async with world.work() as work:
        return await logs.append_lines(
            work,
            stream=LogStream(run.run_id, world.session_id),
            offset=offset,
            batch=parse_batch(sent),
            grant=RunGrant(run.run_id, run.epoch),
            lines_per_run=lines_per_run,
        )


async def read_log(world: World, run: LeaseRef) -> list[tuple[int, str]]:
    async with world.work() as work:
        page = await logs.list_lines(
            work, flow_run_id=run.run_id, page=PageRequest(size=100), filter_=LogFilter()
        )
    return [(line.sequence, line.message) for line in page.items]


async def test_lines_sent_twice_stand_once_and_in_order(world: World) -> None:
    lease = await world.started()

    first = await append(world, lease, 0, lines("a", "b"))
    again = await append(world, lease, 0, lines("a", "b"))
    overlap = await append(world, lease, 1, lines("b", "c", "d"))

    assert [first.next_offset, again.next_offset, overlap.next_offset] == [2, 2, 4]
    assert await read_log(world, lease) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


async def test_a_hole_in_a_stream_is_refused_with_the_offset_to_go_back_to(world: World) -> None:
    lease = await world.started()
    await append(world, lease, 0, lines("a"))

    answer = await append(world, lease, 3, lines("d"))

    assert (answer.is_hole, answer.next_offset) == (True, 1)
    assert await read_log(world, lease) == [(1, "a")]


async def test_a_runs_token_writes_no_other_log(world: World) -> None:
    lease = await world.started()
    (other,) = await world.create()

    async with world.work() as work:
        with pytest.raises(Forbidden):
            await logs.append_lines(
                work,
                stream=LogStream(other.id, world.session_id),
                offset=0,
                batch=parse_batch(lines("x")),
                grant=RunGrant(lease.run_id, lease.epoch),
            )


async def test_what_user_code_said_is_kept_with_its_nul_characters_replaced(world: World) -> None:
    lease = await world.started()
    sent = batch([PENDING, ["FAILED", "Failed", 2_000_000, "bad \0 byte"]])

    await sync(world, lease, sent)
    await append(world, lease, 0, lines("a\0b"))
    failed = await world.propose(lease, StateType.FAILED, error={"message": "\\u0000 and \0"})

    assert await read_log(world, lease) == [(1, "a\ufffdb")]
    async with world.work() as work:
        (last,) = await read.list_states(work, flow_run_id=failed.id, after=3, most=1)
        page = await task_runs.list_task_runs(work, page=PageRequest())
    assert last.details == {"error": {"message": "\\u0000 and \ufffd"}}
    assert page.items[0].states[-1][3] == "bad \ufffd byte"


async def test_parameters_that_no_column_can_hold_are_refused(world: World) -> None:
    request = create.RunRequest(
        deployment_id=world.deployed.deployment_id, parameters={"name": "a\0"}
    )

    async with world.work() as work:
        with pytest.raises(InvalidInput, match="NUL"):
            await create.create_run(work, request)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("taskKey", "x" * 1001),
        ("cacheKey", "x" * 1001),
        ("name", "x" * 301),
        ("tags", ["x"] * 51),
        ("tags", ["x" * 101]),
        ("states", [["FAILED", "x" * 101, 1, None]]),
        ("states", [["FAILED", "Failed", 1, "x" * 10_001]]),
    ],
)
async def test_over_long_text_is_refused_for_its_own_row_only(
    world: World, column: str, value: object
) -> None:
    lease = await world.started()
    sent = batch([PENDING], [PENDING])
    values = sent[column]
    assert isinstance(values, list)
    sent[column] = [value, values[1]]

    async with world.work() as work:
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=lease.run_id, lease=lease, batch=sent
        )

    assert (accepted, [(row.code, row.id) for row in rejected]) == (
        1,
        [("INVALID", sent["id"][0])],  # type: ignore[index]  # a list
    )


@pytest.mark.parametrize("number", [-1, 2**31, 2**70])
async def test_number_that_the_api_could_not_show_is_refused(world: World, number: int) -> None:
    lease = await world.started()

    for column in ("mapIndex", "attempt"):
        with pytest.raises(InvalidInput, match="Expected `int`"):
            await sync(world, lease, {**batch([PENDING]), column: [number]})
    with pytest.raises(InvalidInput, match="Expected `int`"):
        await append(world, lease, 0, {**lines("x"), "level": [number]})


async def test_an_instant_beyond_the_calendar_is_refused_with_a_typed_error(world: World) -> None:
    lease = await world.started()

    with pytest.raises(InvalidInput, match="year 10000"):
        await append(world, lease, 0, {**lines("x"), "timestamp": [2**62]})


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([RUNNING, COMPLETED, RUNNING], "has ended as Completed"),
        ([["RUNNING", "Completed", 1, None]], "is the name of a COMPLETED state"),
        ([["RUNNING", " ", 1, None]], "name has 1 to"),
    ],
)
async def test_states_that_no_task_run_enters_are_rejected_alone(
    world: World, states: list[list[object]], reason: str
) -> None:
    lease = await world.started()
    sent = batch([RUNNING], states)

    async with world.work() as work:
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=lease.run_id, lease=lease, batch=sent
        )

    assert accepted == 1
    assert [one.code for one in rejected] == ["INVALID"]
    assert reason in rejected[0].message


async def test_task_run_that_was_rolled_back_says_so(world: World) -> None:
    lease = await world.started()
    sent = batch([RUNNING, COMPLETED, ["COMPLETED", "RolledBack", 4_000_000, None]])

    assert await sync(world, lease, sent) == 1
    assert list((await stored(world, sent)).values()) == ["RolledBack"]


async def test_task_run_of_another_run_is_rejected_and_stays(world: World) -> None:
    first, second = await world.started(), await world.started()
    sent = batch([RUNNING])
    await sync(world, first, sent)
    forged = {**sent, "states": [[RUNNING, COMPLETED]]}

    async with world.work() as work:
        accepted, rejected = await task_runs.sync_task_runs(
            work, flow_run_id=second.run_id, lease=second, batch=forged
        )

    assert (accepted, [one.code for one in rejected]) == (0, ["CONFLICT"])
    assert list((await stored(world, sent)).values()) == ["Running"]
