"""``headgate audit-entries``: list, get, export."""

import json
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headgate.api import audit_entries
from headgate.api.audit_entries import AuditEntryAnswer
from headgate.api.calls import given
from headgate.cli.connection import LONGEST_PAGE, Server, connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.members import get_member
from headgate.cli.output import Columns, OutputOption, age, say, show_list
from headgate.cli.role_bindings import get_workspace_id
from headgate.clock import now_us
from headgate.deployments.schedules import read_length
from headgate.errors import SettingsError

SinceOption = Annotated[
    str | None, Parameter(help="how far back to look, as 24h, 30d, or from when: 2026-11-23")
]
UntilOption = Annotated[str | None, Parameter(help="until when, in the same forms")]
ActorOption = Annotated[
    str | None, Parameter(name="--actor", help="only of this member, or of who has this id")
]
ActionOption = Annotated[
    str | None, Parameter(name="--action", help="only this: deployment.updated, or deployment.*")
]
TargetOption = Annotated[
    str | None, Parameter(name="--target", help="only what was done to this id")
]
PlaceOption = Annotated[
    str | None, Parameter(name="--workspace", help="only in this workspace; - is the organization")
]


def list_audit_entries(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    target: TargetOption = None,
    workspace: PlaceOption = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List who changed what in the organization and its workspaces, the latest first."""
    times = _times(since, until)
    with connect() as server:
        filter_ = _filter(
            server, times=times, actor=actor, action=action, target=target, workspace=workspace
        )
        lister = partial(audit_entries.list_entries, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[AuditEntryAnswer] = {
        "when": lambda entry: age(entry.at),
        "who": lambda entry: entry.actor.display_name,
        "what": lambda entry: entry.action,
        "of": lambda entry: entry.target_name,
        "where": lambda entry: entry.workspace.slug if entry.workspace else None,
        "from": lambda entry: entry.ip,
        "changed": lambda entry: list(entry.diff or ()),
    }
    show_list(found, columns=columns, output=output)


def export_audit_entries(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    target: TargetOption = None,
    workspace: PlaceOption = None,
) -> None:
    """Print every entry that fits as a line of JSON, the latest first, with its place in the chain.

    What comes in meanwhile is left out; how many there were is told on standard error.
    """
    times = _times(since, until)
    count = 0
    with connect() as server:
        filter_ = _filter(
            server, times=times, actor=actor, action=action, target=target, workspace=workspace
        )
        for entry in _every(server, filter_):
            line = json.dumps(msgspec.to_builtins(entry), ensure_ascii=False)
            sys.stdout.write(f"{line}\n")
            count += 1
    say(f"{count} entries.")


def _every(server: Server, filter_: dict[str, Any]) -> Generator[AuditEntryAnswer]:
    after: str | None = None
    while True:
        page = server.call(
            audit_entries.list_entries,
            organization=server.organization,
            workspace=server.workspace,
            filter=filter_,
            first=LONGEST_PAGE,
            after=after,
        )
        yield from page.items
        after = page.end_cursor
        if not page.has_next_page:
            return


def _filter(
    server: Server,
    *,
    times: dict[str, str],
    actor: str | None,
    action: str | None,
    target: str | None,
    workspace: str | None,
) -> dict[str, Any]:
    return given(
        at=times or None,
        actorId=None if actor is None else {"eq": _actor_id(server, actor)},
        action=None if action is None else _pattern(action),
        targetId=None if target is None else {"eq": target},
        workspaceId=None if workspace is None else _place(server, workspace),
    )


def _place(server: Server, workspace: str) -> dict[str, Any]:
    if workspace == "-":
        return {"isNull": True}
    return {"eq": get_workspace_id(server, workspace)}


def _actor_id(server: Server, actor: str) -> str:
    if actor.startswith(("user_", "sa_")):
        return actor
    return get_member(server, actor).user.id


def _pattern(action: str) -> dict[str, str]:
    start, star, rest = action.partition("*")
    if rest:
        message = f"{action!r}: a * stands at the end only"
        raise CommandError(message, code=ExitCode.USAGE)
    return {"startsWith": start} if star else {"eq": action}


def _times(since: str | None, until: str | None) -> dict[str, str]:
    return given(
        gte=None if since is None else _moment(since), lt=None if until is None else _moment(until)
    )


def _moment(text: str) -> str:
    """Return an instant: so long ago, or at a date and time, which is UTC unless it says more."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
    try:
        length = read_length(text)
    except SettingsError as error:
        message = f"{text!r} is neither a time nor a length of time"
        hints = ["Write 2026-11-23, 2026-11-23T06:00, or how long ago: 90m, 24h, 30d."]
        raise CommandError(message, code=ExitCode.USAGE, hints=hints) from error
    begin = now_us() / 1_000_000 - length.total_seconds()
    return datetime.fromtimestamp(begin, tz=UTC).isoformat()
