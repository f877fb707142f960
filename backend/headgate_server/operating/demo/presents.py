"""What goes on in the demo right now: runs that run, wait, are late or ask, and two giants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.operating.demo.definitions import Target, Workspace
from headgate_server.operating.demo.drafts import NEVER, Draft
from headgate_server.operating.demo.runs import (
    INFO,
    Run,
    Step,
    draw_cursor,
    draw_log,
    draw_run,
    draw_task,
)

TASKS_OF_GIANT = 10_000
LINES_OF_GIANT = 1_000_000
LINES_NAME, TASKS_NAME = "million-lines", "ten-thousand-tasks"
_HOSTILE = "<script>alert(1)</script>", "\u202eevil-run", "long-" + "x" * 10_000
_LATE = (
    ("fleet-is-behind", "track-positions", "CONTROL_PLANE"),
    ("nobody-is-there", "newsletter", "NO_AGENT"),
    ("slots-are-taken", "quote-rates", "LIMIT"),
    ("the-pool-is-paused", "line-inspection", "PAUSED"),
)
_APPROVAL = {
    "type": "object",
    "required": ["post"],
    "properties": {
        "post": {"type": "boolean", "title": "Post these entries"},
        "note": {"type": "string", "title": "Note for the auditors"},
    },
}


@dataclass(frozen=True, slots=True)
class LongLog:
    """A run that is to have a log of many lines."""

    workspace_id: UUID
    run_id: UUID
    since: datetime
    count: int


def draw_presents(draft: Draft, workspaces: list[Workspace]) -> tuple[int, LongLog]:
    """Add the present of every workspace; how many runs there are, and which has the long log."""
    before = len(draft.rows["flow_runs"])
    by_flow = {
        target.work.flow: (workspace, target)
        for workspace in reversed(workspaces)
        for target in workspace.targets
    }
    for workspace in workspaces:
        _draw_running(draft, workspace)
        _draw_coming(draft, workspace)
    _draw_late(draft, by_flow)
    _draw_waits(draft, by_flow)
    _draw_approval(draft, *by_flow["reconcile-ledger"])
    _draw_hostile(draft, by_flow["container-audit"][1])
    _draw_many_tasks(draft, *by_flow["partner-feeds"])
    log = _draw_many_lines(draft, by_flow["nightly-archive"][1])
    return len(draft.rows["flow_runs"]) - before, log


def _past(at: datetime) -> list[Step]:
    """Return the states of a run that began to run at a moment."""
    return [
        ("SCHEDULED", "Scheduled", at - timedelta(minutes=3), None),
        ("PENDING", "Pending", at - timedelta(milliseconds=400), None),
        ("RUNNING", "Running", at, None),
    ]


def _draw_running(draft: Draft, workspace: Workspace) -> None:
    online = [
        name for pool in workspace.site.pools for name, state, _ in pool.agents if state == "ONLINE"
    ]
    for nth, target in enumerate(workspace.targets[: 4 if online else 1]):
        since = draft.ago(seconds=target.work.seconds * (0.3 + 0.2 * nth))
        run = Run(target, f"running-{target.work.flow}", since, _past(since))
        if online:
            run.session = workspace.sessions[online[nth % len(online)]]
        id_ = draw_run(draft, run)
        tasks, parents = target.work.tasks, list[UUID]()
        piece = target.work.seconds / len(tasks)
        lines = [(since, INFO, f"Run {run.name} begins")]
        for index, task in enumerate(tasks):
            start = since + timedelta(seconds=piece * index)
            if start > draft.at:
                break
            end = start + timedelta(seconds=piece)
            task_id = draw_task(
                draft,
                run,
                id_,
                name=task,
                index=index,
                start=start,
                end=end if end < draft.at else None,
                parents=parents,
            )
            parents = [task_id]
            lines.append((start, INFO, f"{task} begins"))
        draw_log(draft, run, id_, lines)
        draw_cursor(draft, run, id_, tasks=len(tasks), lines=len(lines))


def _draw_coming(draft: Draft, workspace: Workspace) -> None:
    for target in workspace.targets:
        every = target.work.every
        for nth in range(1, 1 + (0 if every is None else max(1, 120 // every))):
            due = draft.at + timedelta(minutes=(every or 0) * nth * 0.9)
            made = ("SCHEDULED", "Scheduled", draft.ago(minutes=5), None)
            run = Run(target, f"{target.work.flow}-{due:%d-%H%M}", due, [made])
            id_ = draw_run(draft, run)
            if target.schedule_id is not None:
                draft.add(
                    "schedule_fires",
                    workspace_id=workspace.id,
                    schedule_id=target.schedule_id,
                    fire_at=due,
                    run_id=id_,
                    outcome="CREATED",
                )


def _draw_late(draft: Draft, by_flow: dict[str, tuple[Workspace, Target]]) -> None:
    for name, flow, cause in _LATE:
        due = draft.ago(minutes=11)
        steps: list[Step] = [
            ("SCHEDULED", "Scheduled", due - timedelta(minutes=5), None),
            ("SCHEDULED", "Late", due + timedelta(seconds=15), None),
        ]
        run = Run(by_flow[flow][1], name, due, steps, columns={"late_cause": cause})
        run.item = {"is_limited": cause == "LIMIT"}
        draw_run(draft, run)
    limited = by_flow["quote-rates"][1]
    for row in draft.rows["deployments"]:
        row["concurrency_limit"] = 1 if row["id"] == limited.id else None


def _draw_waits(draft: Draft, by_flow: dict[str, tuple[Workspace, Target]]) -> None:
    """Add a limit with slots taken and waited for, and runs that retry, cancel and are silent."""
    workspace, target = by_flow["load-warehouse"]
    limit_id = draft.id()
    place = {"workspace_id": workspace.id}
    draft.add("concurrency_limits", **place, id=limit_id, name="warehouse-writes", slot_limit=2)
    draft.add("concurrency_limits", **place, id=draft.id(), name="partner-api", slot_limit=20)
    session = workspace.sessions["fleet-a"]
    for nth in range(4):
        since = draft.ago(minutes=2 + nth)
        run = Run(target, f"writes-{nth + 1}", since, _past(since), session=session)
        id_ = draw_run(draft, run)
        lease = {**place, "limit_id": limit_id, "lease_id": draft.id(), "slots": 1, "run_id": id_}
        if nth < 2:
            draft.add("concurrency_slots", **lease, acquired_at=since)
        else:
            until = draft.at + NEVER
            draft.add("concurrency_waiters", **lease, priority=0, since=since, expires_at=until)
    since = draft.ago(minutes=4)
    flow = by_flow["invoice-batch"][1]
    steps = [*_past(since), ("SCHEDULED", "AwaitingRetry", draft.ago(seconds=40), "In 20 min")]
    draw_run(draft, Run(flow, "tries-again", draft.at + timedelta(minutes=20), steps))
    steps = [*_past(since), ("CANCELLING", "Cancelling", draft.ago(seconds=9), "Asked by Ana")]
    draw_run(draft, Run(flow, "is-being-cancelled", since, steps, session=session))
    silent = {"unresponsive_since": draft.ago(minutes=6)}
    lost = workspace.sessions["fleet-c"]
    run = Run(flow, "agent-is-silent", since, _past(since), session=lost, columns=silent)
    run.item = {"unresponsive_at": draft.ago(minutes=6)}
    draw_run(draft, run)


def _draw_approval(draft: Draft, workspace: Workspace, target: Target) -> None:
    for nth, minutes in enumerate((18, 95)):
        since = draft.ago(minutes=minutes)
        steps = [*_past(since), ("PAUSED", "Suspended", since + timedelta(minutes=4), None)]
        run = Run(target, f"ledger-week-{47 - nth}", since, steps)
        id_ = draw_run(draft, run)
        draft.add(
            "pauses",
            workspace_id=workspace.id,
            flow_run_id=id_,
            key="approve",
            kind="SUSPEND",
            status="WAITING",
            epoch=1,
            schema=_APPROVAL,
            initial={"post": True},
            description=f"**{1204 - nth * 77} entries** differ by 0.03 EUR in sum. Post them?",
            approvers={},
            created_at=since + timedelta(minutes=4),
            expires_at=draft.at + NEVER,
        )


def _draw_hostile(draft: Draft, target: Target) -> None:
    for nth, name in enumerate(_HOSTILE):
        since = draft.ago(minutes=40 + nth)
        steps = [*_past(since), ("FAILED", "Failed", since + timedelta(seconds=7), name)]
        run = Run(target, name, since, steps, tags=(name[:60],), parameters={"note": name})
        id_ = draw_run(draft, run)
        draw_log(draft, run, id_, [(since, INFO, name)])
        draw_cursor(draft, run, id_, tasks=0, lines=1)


def _draw_many_tasks(draft: Draft, workspace: Workspace, target: Target) -> None:
    since = draft.ago(hours=3)
    count = draft.count(TASKS_OF_GIANT, least=20)
    end = since + timedelta(minutes=42)
    steps = [*_past(since), ("COMPLETED", "Completed", end, None)]
    run = Run(target, TASKS_NAME, since, steps, session=workspace.sessions["fleet-b"])
    id_ = draw_run(draft, run)
    span, wide = end - since, 64
    plan = draw_task(
        draft, run, id_, name="plan", index=0, start=since, end=since + span / 100, parents=[]
    )
    for index in range(1, count):
        start = since + span / 100 + span * 0.97 * ((index // wide) / (count / wide))
        length = timedelta(seconds=draft.draw.uniform(2, 14))
        ending = ("COMPLETED", "Completed", None)
        if draft.draw.random() < 0.004:
            ending = ("FAILED", "Failed", "ConnectionResetError: the partner hung up")
        draw_task(
            draft,
            run,
            id_,
            name="upload-part",
            index=index,
            start=start,
            end=min(start + length, end),
            ending=ending,
            parents=[plan],
            map_index=index - 1,
        )
    draw_log(draft, run, id_, [(since, INFO, f"{count:,} tasks are planned")])
    draw_cursor(draft, run, id_, tasks=count, lines=1)


def _draw_many_lines(draft: Draft, target: Target) -> LongLog:
    since = draft.ago(hours=5)
    count = draft.count(LINES_OF_GIANT, least=200)
    end = since + timedelta(milliseconds=5) * count
    run = Run(target, LINES_NAME, since, [*_past(since), ("COMPLETED", "Completed", end, None)])
    id_ = draw_run(draft, run)
    draw_cursor(draft, run, id_, tasks=0, lines=count)
    return LongLog(target.workspace_id, id_, since, count)
