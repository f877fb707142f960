"""One run of the demo: its row with everything that belongs to it, as it would have come to be."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.tenancy import SYSTEM, Actor, ActorKind
from headgate_server.operating.demo.definitions import PROMISES, Target
from headgate_server.operating.demo.drafts import NEVER, Draft, named

INFO, WARNING, ERROR = 20, 30, 40
_ENDINGS = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
_WAITING = frozenset({"SCHEDULED", "PAUSED"})
_EVENTS_SINCE = timedelta(days=2)
Step = tuple[str, str, datetime, str | None]
"""Type, name, moment and message of a state."""


@dataclass(slots=True)
class Run:
    """What is told of a run to be drawn; the last step is how it stands.

    Args:
        expected: when it was to start.
        steps: its states, the first of them Scheduled.
        details: of its last state.
        columns: of its row, beside what follows from the rest.
        item: columns of its work item, where it has one that is not as it would follow.
    """

    target: Target
    name: str
    expected: datetime
    steps: list[Step]
    by: Actor = SYSTEM
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    parameters: dict[str, Any] = field(default_factory=lambda: {"region": "eu", "batch_size": 500})
    columns: dict[str, Any] = field(default_factory=dict[str, Any])
    item: dict[str, Any] = field(default_factory=dict[str, Any])
    session: tuple[UUID, UUID] | None = None
    tags: tuple[str, ...] = ()

    def first(self, type_: str) -> datetime | None:
        """Return when it was in a state of a type first."""
        return next((at for kind, _, at, _ in self.steps if kind == type_), None)


def draw_run(draft: Draft, run: Run) -> UUID:
    """Add a run with its states, attempts, work item and events, and return its id."""
    id_ = draft.id(run.steps[0][2])
    target = run.target
    place = {"workspace_id": target.workspace_id}
    type_, name, since, message = run.steps[-1]
    attempts = sum(kind == "RUNNING" for kind, *_ in run.steps)
    has_ended = type_ in _ENDINGS
    draft.add(
        "flow_runs",
        **place,
        **{
            "late_cause": None,
            "cancel_requested_at": None,
            "unresponsive_since": None,
            "parent_task_run_id": None,
            "root_run_id": None,
            **run.columns,
        },
        id=id_,
        name=run.name,
        flow_id=target.flow_id,
        deployment_id=target.id,
        deployment_version_id=target.version_id,
        schedule_id=target.schedule_id if run.by is SYSTEM else None,
        work_pool_id=target.queue.pool_id if target.queue else None,
        work_queue_id=target.queue.id if target.queue else None,
        state_type=type_,
        state_name=name,
        state_message=message,
        state_timestamp=since,
        state_sequence=len(run.steps),
        attempt=attempts,
        last_epoch=attempts,
        expected_start=run.expected,
        started_at=run.first("RUNNING"),
        ended_at=since if has_ended else None,
        **named("created_by", run.by),
        parameters=run.parameters,
        created_at=run.steps[0][2],
        updated_at=since,
    )
    _draw_states(draft, id_, run)
    _draw_attempts(draft, id_, run)
    _draw_events(draft, id_, run)
    for tag in {*target.work.tags, *run.tags}:
        draft.add("flow_run_tags", **place, tag=tag, flow_run_id=id_)
    if not has_ended:
        _draw_item(draft, id_, run)
    return id_


def _draw_states(draft: Draft, id_: UUID, run: Run) -> None:
    agent = Actor(ActorKind.AGENT_SESSION, run.session[1] if run.session else None, "fleet-a")
    for sequence, (type_, name, at, message) in enumerate(run.steps, start=1):
        is_last = sequence == len(run.steps)
        actor = run.by if sequence == 1 else agent
        draft.add(
            "states",
            workspace_id=run.target.workspace_id,
            flow_run_id=id_,
            sequence=sequence,
            type=type_,
            name=name,
            message=message,
            timestamp=at,
            details=run.details if is_last else {},
            **named("actor", actor),
            decision={"verdict": "accept", "rules": []},
        )


def _draw_attempts(draft: Draft, id_: UUID, run: Run) -> None:
    starts = [place for place, step in enumerate(run.steps) if step[0] == "RUNNING"]
    for number, place in enumerate(starts, start=1):
        after = run.steps[place + 1 : place + 2]
        draft.add(
            "attempts",
            workspace_id=run.target.workspace_id,
            flow_run_id=id_,
            number=number,
            epoch=number,
            agent_id=run.session[0] if run.session else None,
            started_at=run.steps[place][2],
            ended_at=after[0][2] if after else None,
            outcome=after[0][1] if after else None,
        )


def _draw_events(draft: Draft, id_: UUID, run: Run) -> None:
    shown = ids.show(ids.Kind.FLOW_RUN, id_)
    for nth, (type_, name, at, message) in enumerate(run.steps):
        if at < draft.at - _EVENTS_SINCE or at > draft.at:
            continue
        draft.add(
            "events",
            workspace_id=run.target.workspace_id,
            occurred_at=at,
            received_at=at,
            id=draft.id(at),
            name="flow_run.created" if nth == 0 else f"flow_run.{name.lower()}",
            resource_id=shown,
            resource={"id": shown, "kind": "flow_run", "name": run.name},
            payload={"state": {"type": type_, "name": name, "message": message}},
        )


def _draw_item(draft: Draft, id_: UUID, run: Run) -> None:
    target, (type_, _, since, _) = run.target, run.steps[-1]
    is_ready = type_ in _WAITING
    held = {
        "phase": "RUNNING",
        "session_id": run.session[1] if run.session else None,
        "token": draft.id(since),
        "epoch": 1,
        # So far ahead that no loop of a live installation takes it back.
        "fence_until": draft.at + NEVER,
        "last_seen_at": draft.at + NEVER,
        "claimed_at": since,
    }
    free = dict.fromkeys(held) | {"phase": "READY", "epoch": 0}
    draft.add(
        "work_items",
        **{
            "workspace_id": target.workspace_id,
            "run_id": id_,
            "work_pool_id": target.queue.pool_id if target.queue else None,
            "work_queue_id": target.queue.id if target.queue else None,
            "deployment_id": target.id,
            "queue_priority": target.queue.priority if target.queue else 5,
            "priority": 0,
            "due_at": run.expected,
            "is_held": type_ == "PAUSED" or target.queue is None,
            "cancel_requested_at": None,
            **PROMISES,
            **(free if is_ready else held),
            **run.item,
        },
    )


def draw_log(draft: Draft, run: Run, id_: UUID, lines: list[tuple[datetime, int, str]]) -> None:
    """Add the log of a run: moment, level and text of each line, and how far it goes."""
    for sequence, (at, level, message) in enumerate(lines, start=1):
        draft.add(
            "logs",
            workspace_id=run.target.workspace_id,
            flow_run_id=id_,
            sequence=sequence,
            timestamp=at,
            level=level,
            logger="headgate.flow_runs",
            message=message,
        )


def draw_cursor(draft: Draft, run: Run, id_: UUID, *, tasks: int, lines: int) -> None:
    """Add how far the reports of a run have come."""
    draft.add(
        "flow_run_cursors",
        workspace_id=run.target.workspace_id,
        flow_run_id=id_,
        task_sequence=tasks,
        log_sequence=lines,
        # As if its lines had just come: a loop notes their words, so that they are found.
        chunk_due_at=draft.at if lines else None,
    )


def draw_task(
    draft: Draft,
    run: Run,
    run_id: UUID,
    *,
    name: str,
    index: int,
    start: datetime,
    end: datetime | None,
    ending: tuple[str, str, str | None] = ("COMPLETED", "Completed", None),
    parents: list[UUID],
    map_index: int | None = None,
) -> UUID:
    """Add a task run, and return its id; one without an end still runs."""
    id_ = draft.id(start)
    states: list[list[object]] = [
        ["PENDING", "Pending", _micros(start), None],
        ["RUNNING", "Running", _micros(start), None],
    ]
    if end is not None:
        states.append([ending[0], ending[1], _micros(end), ending[2]])
    draft.add(
        "task_runs",
        workspace_id=run.target.workspace_id,
        id=id_,
        flow_run_id=run_id,
        task_key=name,
        name=f"{name}-{index}",
        map_index=map_index,
        tags=None,
        attempt=1,
        parents=parents or None,
        state_type=states[-1][0],
        state_name=states[-1][1],
        states=states,
        state_count=len(states),
        update_sequence=index + 1,
        started_at=start,
        ended_at=end,
        updated_at=end or start,
    )
    return id_


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)
