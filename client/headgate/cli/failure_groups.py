"""``headgate failure-groups``: list, get, mute, resolve, open, retry."""

from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import failure_groups
from headgate.api.failure_groups import FailureGroupAnswer, Status
from headgate.api.flow_runs import CreatedRun
from headgate.cli.connection import connect
from headgate.cli.failures import ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list
from headgate.errors import LimitExceededError

GroupId = Annotated[str, Parameter(help="its id, as the list shows it")]
_MOST_CALLS = 100
"""A hundred runs a call: ten thousand runs are enough for one command."""


def list_failure_groups(
    *,
    all_: Annotated[
        bool, Parameter(name="--all", help="also those that are muted or resolved")
    ] = False,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List failure groups, the one seen last first."""
    wanted = None if all_ else {"statuses": ["OPEN", "REGRESSED"]}
    with connect() as server:
        lister = partial(failure_groups.list_failure_groups, filter=wanted)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[FailureGroupAnswer] = {
        "id": lambda group: group.id,
        "flow": lambda group: group.flow.name,
        "failure": _said,
        "status": lambda group: group.status,
        "runs": lambda group: group.run_count,
        "seen": lambda group: age(group.last_seen_at),
        "since": _since,
    }
    show_list(found, columns=columns, output=output)


def get_failure_group(id_: GroupId, /, *, output: OutputOption = "table") -> None:
    """Show one failure group."""
    with connect() as server:
        group = server.call(failure_groups.get, failure_group_id=id_)
    _show(group, output=output)


def mute_failure_group(id_: GroupId, /, *, output: OutputOption = "table") -> None:
    """Let a group be, also when it is seen again."""
    _set_status(id_, status="MUTED", output=output)


def resolve_failure_group(id_: GroupId, /, *, output: OutputOption = "table") -> None:
    """Call a group done: it becomes REGRESSED if a run fails so again."""
    _set_status(id_, status="RESOLVED", output=output)


def open_failure_group(id_: GroupId, /, *, output: OutputOption = "table") -> None:
    """Undo a mute or a resolution."""
    _set_status(id_, status="OPEN", output=output)


def retry_failure_group(id_: GroupId, /, *, output: OutputOption = "table") -> int:
    """Start the runs again whose last state is this failure; exits 1 if any was refused."""
    results: list[CreatedRun] = []
    refused_in_all = 0
    with connect() as server:
        for _ in range(_MOST_CALLS):
            done = server.call(failure_groups.retry, failure_group_id=id_)
            results += done.results
            refused_in_all = done.refused
            has_room = not any(_is_for_later(result) for result in done.results)
            if done.remaining == 0 or not has_room:
                break
    columns: Columns[CreatedRun] = {
        "run": lambda result: result.flow_run.name if result.flow_run else "",
        "state": lambda result: result.flow_run.state.name if result.flow_run else "",
        "refused": lambda result: str(result.refusal) if result.refusal else "",
    }
    show_list(results, columns=columns, output=output)
    refused = sum(result.refusal is not None for result in results)
    say(f"Started {len(results) - refused} runs again; {refused} were refused.")
    before = refused_in_all - refused
    if before > 0:
        say(f"{before} were refused before: another version of their deployment tries them again.")
    return ExitCode.FAILURE if refused else ExitCode.OK


def _is_for_later(result: CreatedRun) -> bool:
    """Whether a quota has no room for a run now: asked again at once, it has none either."""
    return isinstance(result.refusal, LimitExceededError)


def _set_status(id_: str, *, status: Status, output: Format) -> None:
    with connect() as server:
        group = server.call(failure_groups.set_status, failure_group_id=id_, status=status)
    _show(group, output=output)


def _show(group: FailureGroupAnswer, *, output: Format) -> None:
    fields: Columns[FailureGroupAnswer] = {
        "id": lambda group: group.id,
        "flow": lambda group: group.flow.name,
        "failure": _said,
        "frames": lambda group: group.frames,
        "status": lambda group: group.status,
        "runs": lambda group: group.run_count,
        "failures": lambda group: group.failure_count,
        "first seen": lambda group: age(group.first_seen_at),
        "last seen": lambda group: age(group.last_seen_at),
        "since version": _since,
        "came back": lambda group: group.regression_count,
    }
    show_item(group, fields=fields, output=output)


def _said(group: FailureGroupAnswer) -> str:
    return f"{group.exception_type}: {group.message}" if group.message else group.exception_type


def _since(group: FailureGroupAnswer) -> str:
    version = group.first_version
    if version is None:
        return ""
    return f"{version.number} ({version.label})" if version.label else str(version.number)
