"""What of a run is done again when it is started again, and why."""

import pytest
from msgspec.structs import replace

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.ids import new_id
from headgate_server.domain.reruns import (
    RanTask,
    RerunReason,
    RerunRequest,
    check_rerun,
    keys_again,
    plan_rerun,
    request_of,
    rerun_details,
)


def task(*parents: RanTask, is_completed: bool = True) -> RanTask:
    return RanTask(
        id=new_id(),
        parents=tuple(str(parent.id) for parent in parents),
        is_completed=is_completed,
        is_kept=True,
    )


EXTRACT = task()
CLEAN = task(EXTRACT)
LOAD = task(CLEAN, is_completed=False)
REPORT = task(LOAD, is_completed=False)
OTHER = task()
TASKS = [EXTRACT, CLEAN, LOAD, REPORT, OTHER]


def reasons(request: RerunRequest, *, tasks: list[RanTask] = TASKS) -> list[RerunReason]:
    planned = plan_rerun(tasks, request)
    for one in planned:
        assert one.is_reused == (one.reason is RerunReason.COMPLETED)
    return [one.reason for one in planned]


def test_whole_run_does_everything_again() -> None:
    assert reasons(RerunRequest()) == [RerunReason.WHOLE_RUN] * 5


def test_from_failed_does_again_what_did_not_complete() -> None:
    assert reasons(RerunRequest(is_from_failed=True)) == [
        RerunReason.COMPLETED,
        RerunReason.COMPLETED,
        RerunReason.NOT_COMPLETED,
        RerunReason.NOT_COMPLETED,
        RerunReason.COMPLETED,
    ]


def test_chosen_tasks_take_along_what_depends_on_them() -> None:
    assert reasons(RerunRequest(from_task_run_ids=(CLEAN.id,))) == [
        RerunReason.COMPLETED,
        RerunReason.CHOSEN,
        RerunReason.DOWNSTREAM,
        RerunReason.DOWNSTREAM,
        RerunReason.COMPLETED,
    ]


def test_what_failed_is_done_again_even_where_it_was_not_chosen() -> None:
    assert reasons(RerunRequest(from_task_run_ids=(OTHER.id,)))[2:] == [
        RerunReason.NOT_COMPLETED,
        RerunReason.NOT_COMPLETED,
        RerunReason.CHOSEN,
    ]


def test_task_without_a_kept_result_is_done_again() -> None:
    tasks = [replace(one, is_kept=one is OTHER) for one in TASKS]

    assert reasons(RerunRequest(is_from_failed=True), tasks=tasks)[:2] == [
        RerunReason.RESULT_NOT_KEPT,
        RerunReason.RESULT_NOT_KEPT,
    ]


def test_tasks_that_depend_on_each_other_are_planned_all_the_same() -> None:
    one, other = task(), task()
    circle = [replace(one, parents=(str(other.id),)), replace(other, parents=(str(one.id),))]

    planned = plan_rerun(circle, RerunRequest(from_task_run_ids=(one.id,)))

    assert [task.reason for task in planned] == [RerunReason.CHOSEN, RerunReason.DOWNSTREAM]


@pytest.mark.parametrize(
    "request_",
    [
        RerunRequest(is_from_failed=True, from_task_run_ids=(CLEAN.id,)),
        RerunRequest(from_task_run_ids=(CLEAN.id,) * 1001),
    ],
)
def test_what_cannot_be_asked_for_is_refused(request_: RerunRequest) -> None:
    with pytest.raises(InvalidInput):
        check_rerun(request_)


def test_task_of_another_run_is_not_chosen() -> None:
    with pytest.raises(InvalidInput):
        plan_rerun(TASKS, RerunRequest(from_task_run_ids=(new_id(),)))


def test_keys_of_what_is_done_again_are_told() -> None:
    keyed = [replace(one, cache_key=f"k{number}") for number, one in enumerate(TASKS)]

    assert keys_again(keyed, RerunRequest(from_task_run_ids=(CLEAN.id, new_id()))) == [
        "k1",
        "k2",
        "k3",
    ]
    assert keys_again(keyed, RerunRequest(is_from_failed=True)) == ["k2", "k3"]
    assert keys_again(TASKS, RerunRequest(is_from_failed=True)) == []


def test_subflow_that_failed_is_done_again_as_a_whole_only_where_it_is_chosen() -> None:
    failed = replace(LOAD, cache_key="begun:kept:k")
    tasks = [replace(EXTRACT, cache_key="e"), replace(CLEAN, cache_key="c"), failed]

    assert keys_again(tasks, RerunRequest(is_from_failed=True)) == []
    assert keys_again(tasks, RerunRequest(from_task_run_ids=(LOAD.id,))) == ["kept:k"]
    assert keys_again(tasks, RerunRequest(from_task_run_ids=(CLEAN.id,))) == ["c", "kept:k"]


@pytest.mark.parametrize(
    "request_",
    [
        RerunRequest(is_from_failed=True),
        RerunRequest(from_task_run_ids=(CLEAN.id, LOAD.id)),
        RerunRequest(),
    ],
)
def test_request_is_read_from_its_details(request_: RerunRequest) -> None:
    assert request_of(rerun_details(request_)) == request_
    assert request_of({}) is None
