"""Fourteen days of runs that have ended, for each deployment of the demo."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headgate_server.domain.failure_groups import fingerprint_of
from headgate_server.operating.demo.catalog import Trouble
from headgate_server.operating.demo.definitions import Target, Workspace
from headgate_server.operating.demo.drafts import Draft
from headgate_server.operating.demo.runs import (
    ERROR,
    INFO,
    WARNING,
    Run,
    Step,
    draw_cursor,
    draw_log,
    draw_run,
    draw_task,
)

DAYS = 14
WHOLE = 12_000
"""So many runs a whole demo has, those that have not ended among them."""
_MINUTES = DAYS * 24 * 60
_ADJECTIVES = (
    "amber",
    "brisk",
    "calm",
    "dusty",
    "eager",
    "gilded",
    "hushed",
    "iron",
    "keen",
    "lucid",
)
_NOUNS = ("barge", "crane", "depot", "engine", "ferry", "girder", "harbor", "jetty", "keel", "mast")


@dataclass(slots=True)
class _Failures:
    """Failures of a flow that are alike, as they are gathered."""

    trouble: Trouble
    runs: list[tuple[UUID, int, datetime]]
    details: dict[str, Any]


def draw_histories(draft: Draft, workspaces: list[Workspace], *, beside: int) -> None:
    """Add the past of every deployment; the one without a schedule takes what is left of the whole.

    Args:
        draft: what to draw on.
        workspaces: where.
        beside: how many runs of the whole are drawn elsewhere.
    """
    left = draft.count(WHOLE) - beside
    by_hand: list[tuple[Workspace, Target]] = []
    for workspace in workspaces:
        for target in workspace.targets:
            if target.work.every is None:
                by_hand.append((workspace, target))
                continue
            count = draft.count(_MINUTES // target.work.every)
            _draw_history(draft, workspace, target, count=count)
            left -= count
    for workspace, target in by_hand:
        _draw_history(draft, workspace, target, count=max(1, left // len(by_hand)))


def _draw_history(draft: Draft, workspace: Workspace, target: Target, *, count: int) -> None:
    sessions = list(workspace.sessions.values())
    failures: dict[str, _Failures] = {}
    latest = draft.at - timedelta(minutes=10, seconds=target.work.seconds * 2)
    for nth in range(count):
        expected = latest - timedelta(minutes=_MINUTES) / count * (count - nth - 1)
        run, ending = _plan(draft, target, expected.replace(microsecond=0))
        run.session = draft.draw.choice(sessions) if sessions else None
        if target.schedule_id is None:
            run.by = draft.draw.choice(workspace.organization.people)
        id_ = draw_run(draft, run)
        _draw_inside(draft, run, id_)
        if target.schedule_id is not None:
            draft.add(
                "schedule_fires",
                workspace_id=target.workspace_id,
                schedule_id=target.schedule_id,
                fire_at=run.expected,
                run_id=id_,
                outcome="CREATED",
            )
        if ending == "Failed" and target.work.trouble is not None:
            found = failures.setdefault(
                target.work.trouble.error, _Failures(target.work.trouble, [], run.details)
            )
            found.runs.append((id_, len(run.steps), run.steps[-1][2]))
    for found in failures.values():
        _draw_group(draft, target, found)


def _plan(draft: Draft, target: Target, expected: datetime) -> tuple[Run, str]:
    """Return a run that was to start at a moment, and how it ended."""
    draw, work = draft.draw, target.work
    delay = timedelta(seconds=draw.uniform(0.05, 0.9))
    length = timedelta(seconds=max(0.4, draw.lognormvariate(0, 0.22) * work.seconds))
    start = expected + delay
    steps: list[Step] = [
        ("SCHEDULED", "Scheduled", expected - timedelta(minutes=5), None),
        ("PENDING", "Pending", expected + delay / 2, None),
        ("RUNNING", "Running", start, None),
    ]
    ending = _ending(draft, target, expected)
    details: dict[str, Any] = {}
    if ending == "Retried":
        again = start + length / 3
        steps += [
            ("SCHEDULED", "AwaitingRetry", again, "Trying again in 10 s"),
            ("PENDING", "Pending", again + timedelta(seconds=10), None),
            ("RUNNING", "Retrying", again + timedelta(seconds=10.2), None),
            ("COMPLETED", "Completed", again + timedelta(seconds=10) + length, None),
        ]
    elif ending == "Failed" and work.trouble is not None:
        details = _error(draft, work.trouble)
        message = f"{work.trouble.error}: {details['error']['message']}"
        steps.append(("FAILED", "Failed", start + length * draw.uniform(0.2, 0.9), message))
    else:
        type_, message = {
            "TimedOut": ("FAILED", f"Exceeded its {work.seconds:g} s"),
            "Crashed": ("CRASHED", "The agent lost the process: exit code 137 (out of memory)"),
            "Cancelled": ("CANCELLED", "Cancelled by Amira Haddad"),
        }.get(ending, ("COMPLETED", None))
        steps.append((type_, ending, start + length, message))
    name = f"{draw.choice(_ADJECTIVES)}-{draw.choice(_NOUNS)}-{draw.randrange(10_000):04}"
    parameters = {"region": draw.choice(["eu", "us", "apac"]), "batch_size": 500}
    return Run(target, name, expected, steps, details=details, parameters=parameters), ending


def _ending(draft: Draft, target: Target, at: datetime) -> str:
    chance, trouble = draft.draw.random(), target.work.trouble
    if trouble is not None:
        days = (draft.at - at) / timedelta(days=1)
        if trouble.until_days <= days <= trouble.since_days and chance < trouble.chance:
            return "Failed"
    for ending, share in (("Crashed", 0.005), ("Cancelled", 0.012), ("TimedOut", 0.004)):
        if chance > 1 - share:
            return ending
        chance += share
    return "Retried" if 0.5 < chance < 0.52 else "Completed"


def _error(draft: Draft, trouble: Trouble) -> dict[str, Any]:
    message = trouble.message.format(n=draft.draw.randrange(2, 97))
    file, _, function = trouble.frame.partition(":")
    line = 'File "{file}", line {line}, in {name}\n    {code}\n'
    traceback = "Traceback (most recent call last):\n" + "".join(
        "  " + line.format(file=f"/app/{path}", line=number, name=name, code=code)
        for path, number, name, code in (
            ("flows/main.py", 41, "main", "rows = step(batch)"),
            (file, 128, function, "return client.send(request)"),
        )
    )
    return {
        "error": {
            "type": trouble.error,
            "message": message,
            "traceback": f"{traceback}{trouble.error}: {message}",
        }
    }


def _draw_inside(draft: Draft, run: Run, id_: UUID) -> None:
    """Add the task runs and the log of a run that has ended."""
    start, end = run.first("RUNNING"), run.steps[-1][2]
    if start is None:
        return
    type_, name, _, message = run.steps[-1]
    tasks = run.target.work.tasks
    piece = (end - start) / len(tasks)
    parents: list[UUID] = []
    lines = [(start, INFO, f"Run {run.name} begins: {len(tasks)} tasks")]
    for index, task in enumerate(tasks):
        since, until = start + piece * index, start + piece * (index + 1)
        is_last = type_ != "COMPLETED" and index == len(tasks) - 1
        ending = (type_, name, message) if is_last else ("COMPLETED", "Completed", None)
        parents = [
            draw_task(
                draft,
                run,
                id_,
                name=task,
                index=index,
                start=since,
                end=until,
                ending=ending,
                parents=parents,
            )
        ]
        rows = draft.draw.randrange(200, 90_000)
        lines.append((since, INFO, f"{task}: {rows:,} rows of region {run.parameters['region']}"))
    if any(step[1] == "AwaitingRetry" for step in run.steps):
        lines.append((start + piece, WARNING, "The connection was reset; trying again in 10 s"))
    if message is not None:
        told = run.details.get("error", {}).get("traceback", message)
        lines.append((end, ERROR, told))
    lines.append((end, INFO, f"Run {run.name} ends as {name}"))
    draw_log(draft, run, id_, sorted(lines, key=lambda line: line[0]))
    draw_cursor(draft, run, id_, tasks=len(tasks), lines=len(lines))


def _draw_group(draft: Draft, target: Target, found: _Failures) -> None:
    print_ = fingerprint_of(state_name="Failed", message=None, details=found.details)
    id_, trouble = draft.id(), found.trouble
    first, last = found.runs[0][2], found.runs[-1][2]
    resolved = last - (last - first) / 3 if trouble.status == "REGRESSED" else None
    if trouble.status == "RESOLVED":
        resolved = last + timedelta(hours=5)
    draft.add(
        "failure_groups",
        workspace_id=target.workspace_id,
        id=id_,
        flow_id=target.flow_id,
        fingerprint=print_.key,
        exception_type=print_.exception_type,
        message=print_.message,
        frames=list(print_.frames),
        status=trouble.status,
        first_seen_at=first,
        last_seen_at=last,
        failure_count=len(found.runs),
        run_count=len(found.runs),
        regression_count=int(trouble.status == "REGRESSED"),
        first_version_id=target.version_id,
        last_version_id=target.version_id,
        resolved_at=resolved,
        regressed_at=last if trouble.status == "REGRESSED" else None,
    )
    for run_id, sequence, at in found.runs:
        draft.add(
            "failures",
            workspace_id=target.workspace_id,
            flow_run_id=run_id,
            sequence=sequence,
            group_id=id_,
            failed_at=at,
        )
