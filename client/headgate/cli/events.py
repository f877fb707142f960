"""``headgate events``: list, watch, emit."""

import json
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from headgate.api import events
from headgate.api.calls import given
from headgate.api.events import Event, EventBatch
from headgate.cli.connection import connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.following import follow_events
from headgate.cli.output import Columns, OutputOption, age, say, show_list
from headgate.cli.parameters import read_parameters
from headgate.cli.views import clock
from headgate.clock import now_us
from headgate.deployments.schedules import read_length
from headgate.events import emit_event
from headgate.texts import visible

_ANY_ENDING = "*"

EventOption = Annotated[
    list[str] | None,
    Parameter(name="--event", help="only of this kind: flow_run.completed, or flow_run.*"),
]
ResourceOption = Annotated[
    list[str] | None, Parameter(name="--resource", help="only what happened to this id")
]


def list_events(
    *,
    since: Annotated[str, Parameter(help="how far back to look, as 30m, 24h, 7d")] = "1d",
    event: Annotated[
        str | None, Parameter(help="only of this kind: flow_run.completed, or flow_run.*")
    ] = None,
    resource: ResourceOption = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List events, latest first."""
    begin = now_us() / 1_000_000 - read_length(since).total_seconds()
    filter_: dict[str, Any] = given(
        occurred={"gte": datetime.fromtimestamp(begin, tz=UTC).isoformat()},
        event=None if event is None else _pattern(event),
        resourceId=None if resource is None else {"in": resource},
    )
    with connect() as server:
        lister = partial(events.list_events, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[Event] = {
        "when": lambda found: age(found.occurred),
        "event": lambda found: found.event,
        "resource": _resource,
        "id": lambda found: found.resource.get("id"),
    }
    show_list(found, columns=columns, output=output)


def watch_events(
    *,
    event: EventOption = None,
    resource: ResourceOption = None,
    kind: Annotated[
        list[str] | None, Parameter(name="--kind", help="only what happened to this: flow_run")
    ] = None,
    from_oldest: Annotated[
        bool, Parameter(help="begin with the oldest that is kept, not with what comes")
    ] = False,
    output: Annotated[
        Literal["table", "json"],
        Parameter(name=("--output", "-o"), help="lines to read, or one JSON object a line"),
    ] = "table",
) -> None:
    """Follow events as they happen, until interrupted."""

    def show(batch: EventBatch) -> None:
        for found in batch.events:
            sys.stdout.write((_text(found) if output == "table" else _json(found)) + "\n")
        sys.stdout.flush()

    with connect() as server:
        server.call(
            follow_events,
            workspace_id=server.workspace_id,
            filter=given(events=event, resourceIds=resource, resourceKinds=kind),
            is_from_oldest=from_oldest,
            show=show,
            tell=say,
        )


def send_event(
    event: Annotated[str, Parameter(help="what kind, as acme.order.shipped")],
    /,
    *,
    resource: Annotated[str, Parameter(help="the id of what it happened to")],
    name: Annotated[str | None, Parameter(help="what people call that")] = None,
    payload: Annotated[str | None, Parameter(help="what belongs to it, as a JSON object")] = None,
) -> None:
    """Tell a fact, as code does with emit_event."""
    belonging = read_parameters(None, document=payload)
    with connect():  # Without a server nobody would hear of it.
        told = emit_event(event, {"id": resource, **given(name=name)}, payload=belonging)
    sys.stdout.write(f"{told.id}\n")


def _pattern(event: str) -> dict[str, str]:
    start, star, rest = event.partition(_ANY_ENDING)
    if rest:
        message = f"{event!r}: a * stands at the end only"
        raise CommandError(message, code=ExitCode.USAGE)
    return {"startsWith": start} if star else {"eq": event}


def _resource(found: Event) -> str:
    return str(found.resource.get("name") or found.resource.get("kind") or "")


def _text(found: Event) -> str:
    return visible(f"{clock(found.occurred)} | {found.event:<24} | {_resource(found)}")


def _json(found: Event) -> str:
    return json.dumps(msgspec.to_builtins(found), ensure_ascii=False)
