"""The graph of a run: task runs with what went into them, grouped by task where they are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.states import StateType
from headgate_server.domain.task_runs import TaskRun

DEFAULT_MOST, MAX_MOST = 300, 500


@dataclass(frozen=True, slots=True)
class GraphGroup:
    """All task runs of one task in a run.

    Args:
        task_key: the task.
        counts: how many are in which state; no zeros.
        parents: the tasks whose results went into some of them, by key; perhaps itself.
        subflow_count: how many of them stand for runs of other flows.
    """

    task_key: str
    counts: Mapping[StateType, int]
    parents: tuple[str, ...]
    subflow_count: int


@dataclass(frozen=True, slots=True)
class RunGraph:
    """What a run's graph shows; either the groups or the task runs are there.

    Args:
        sequence: of the latest change to its task runs.
        total: how many task runs there are.
        task_runs: those that have changed, in the order they were made.
        subflows: the runs of other flows that task runs stand for.
        groups: None where the task runs are shown.
    """

    sequence: int
    total: int
    task_runs: Sequence[TaskRun]
    subflows: Sequence[FlowRun]
    groups: Sequence[GraphGroup] | None


def check_most(most: int) -> int:
    """Return how many task runs are shown one by one.

    Raises:
        InvalidInput: out of range.
    """
    if not 0 <= most <= MAX_MOST:
        raise InvalidInput(f"most is from 0 to {MAX_MOST}.", path=["most"])
    return most


def parents_of(run: TaskRun | FlowRun) -> tuple[UUID, ...]:
    """Return what a node of the graph follows: for a subflow, the task run that stands for it."""
    if isinstance(run, TaskRun):
        return run.parents
    return (run.parent_task_run_id,) if run.parent_task_run_id else ()
