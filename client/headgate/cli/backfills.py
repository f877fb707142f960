"""``headgate backfills``: create, list, get, items, pause, resume, cancel, retry."""

import json
from datetime import datetime
from typing import Annotated, Any, cast

from cyclopts import Parameter

from headgate.api import backfills
from headgate.api.backfills import BackfillAnswer, BackfillItemAnswer, NewBackfill
from headgate.api.calls import Page
from headgate.api.transport import Transport
from headgate.cli import names
from headgate.cli.connection import connect
from headgate.cli.deployments import DeploymentName
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.cli.schedules import (
    CronOption,
    IntervalOption,
    RRuleOption,
    TimezoneOption,
    chosen_schedule,
)
from headgate.deployments.schedules import as_input

BackfillId = Annotated[str, Parameter(help="its id, as the list shows it")]
_NAME = ("--name",)


def create_backfill(
    deployment: DeploymentName,
    /,
    *,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    since: Annotated[datetime | None, Parameter(help="the first instant that counts")] = None,
    until: Annotated[datetime | None, Parameter(help="the last instant that counts")] = None,
    into: Annotated[str | None, Parameter(help="the parameter that gets each instant")] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", help="a run's parameters, as a JSON object")
    ] = None,
    param: ParameterOption = None,
    params: ParametersOption = None,
    name: Annotated[str | None, Parameter(name=_NAME, help="what to call it")] = None,
    parallel: Annotated[int, Parameter(help="how many runs at once; 1 to 100")] = 1,
    last_first: Annotated[bool, Parameter(negative="", help="begin with the last")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="only show what it would run")] = False,
    output: OutputOption = "table",
) -> None:
    """Run a deployment for every instant of a range, or for each --set, a few at a time."""
    range_ = None
    if set_ is None:
        if since is None or until is None:
            message = "A range needs --since and --until; without one, say --set"
            raise CommandError(message, code=ExitCode.USAGE)
        schedule = chosen_schedule(cron=cron, interval=interval, rrule=rrule, timezone=timezone)
        (entry,) = as_input([schedule])
        range_ = {"spec": entry["spec"], "since": _text(since), "until": _text(until)}
    with connect() as server:
        asked = NewBackfill(
            deployment_id=names.get_deployment(server, name=deployment).id,
            name=name,
            range=range_,
            parameter_sets=None if set_ is None else [_object(text) for text in set_],
            instant_parameter=into,
            parameters=read_parameters(param, document=params) or None,
            parallelism=parallel,
            is_descending=last_first,
            is_dry_run=dry_run,
        )
        plan = server.call(backfills.create, backfill=asked)
    if plan.backfill is not None:
        _show(plan.backfill, output=output)
        say(f"`headgate backfills items {plan.backfill.id}` shows what became of each.")
        return
    _show_items(plan.items, output=output)
    say(f"It would be {plan.item_count} runs; nothing was made.")


def list_backfills(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List backfills, the newest first."""
    with connect() as server:
        found = server.collect(backfills.list_backfills, limit=limit, is_told=output == "table")
    columns: Columns[BackfillAnswer] = {
        "id": lambda backfill: backfill.id,
        "name": lambda backfill: backfill.name,
        "deployment": _deployment,
        "status": lambda backfill: backfill.status,
        "items": _counts,
        "created": lambda backfill: age(backfill.created_at),
    }
    show_list(found, columns=columns, output=output)


def get_backfill(id_: BackfillId, /, *, output: OutputOption = "table") -> None:
    """Show one backfill."""
    with connect() as server:
        backfill = server.call(backfills.get, backfill_id=id_)
    _show(backfill, output=output)


def list_items(
    id_: BackfillId, /, *, limit: LimitOption = 50, output: OutputOption = "table"
) -> None:
    """Show what became of each item of a backfill."""

    async def lister(
        transport: Transport, *, organization: str, workspace: str, first: int, after: str | None
    ) -> Page[BackfillItemAnswer]:
        # A backfill's id says which workspace it is in.
        del organization, workspace
        return await backfills.list_items(transport, backfill_id=id_, first=first, after=after)

    with connect() as server:
        found = server.collect(lister, limit=limit, is_told=output == "table")
    _show_items(found, output=output)


def pause_backfill(id_: BackfillId, /, *, output: OutputOption = "table") -> None:
    """Let a backfill make no more runs for now; those it has made go on."""
    with connect() as server:
        backfill = server.call(backfills.pause, backfill_id=id_)
    _show(backfill, output=output)


def resume_backfill(id_: BackfillId, /, *, output: OutputOption = "table") -> None:
    """Let a paused backfill go on."""
    with connect() as server:
        backfill = server.call(backfills.pause, backfill_id=id_, is_paused=False)
    _show(backfill, output=output)


def cancel_backfill(
    id_: BackfillId,
    /,
    *,
    runs: Annotated[bool, Parameter(negative="", help="cancel the runs it has made, too")] = False,
    output: OutputOption = "table",
) -> None:
    """End a backfill: what waits of it never runs."""
    with connect() as server:
        backfill = server.call(backfills.cancel, backfill_id=id_, cancels_runs=runs)
    _show(backfill, output=output)


def retry_backfill(id_: BackfillId, /, *, output: OutputOption = "table") -> None:
    """Run the items again that have no completed run: refused, failed and cancelled ones."""
    with connect() as server:
        backfill = server.call(backfills.retry, backfill_id=id_)
    _show(backfill, output=output)


def _show(backfill: BackfillAnswer, *, output: Format) -> None:
    fields: Columns[BackfillAnswer] = {
        "id": lambda backfill: backfill.id,
        "name": lambda backfill: backfill.name,
        "deployment": _deployment,
        "status": lambda backfill: backfill.status,
        "items": _counts,
        "at once": lambda backfill: backfill.parallelism,
        "created": lambda backfill: age(backfill.created_at),
        "ended": lambda backfill: age(backfill.ended_at),
    }
    show_item(backfill, fields=fields, output=output)


def _show_items(found: list[BackfillItemAnswer], *, output: Format) -> None:
    columns: Columns[BackfillItemAnswer] = {
        "position": lambda item: item.position,
        "instant": lambda item: item.instant.isoformat() if item.instant else "",
        "status": lambda item: item.status,
        "run": lambda item: item.flow_run.name if item.flow_run else "",
        "state": lambda item: item.flow_run.state.name if item.flow_run else item.error or "",
        "parameters": lambda item: item.parameters,
    }
    show_list(found, columns=columns, output=output)


def _deployment(backfill: BackfillAnswer) -> str:
    return f"{backfill.deployment.flow.name}/{backfill.deployment.name}"


def _counts(backfill: BackfillAnswer) -> str:
    counted = ", ".join(f"{one.count} {one.status.lower()}" for one in backfill.counts)
    return counted or f"{backfill.item_count}"


def _text(at: datetime) -> str:
    """Return an instant for the API; one without a zone is the reader's own."""
    return at.astimezone().isoformat()


def _object(text: str) -> dict[str, Any]:
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        message = f"--set takes a JSON object, not {text!r}"
        raise CommandError(message, code=ExitCode.USAGE, hints=["For example: --set '{\"n\": 1}'"])
    return cast("dict[str, Any]", value)
