"""``headgate schedules``: list, create, update, pause, resume, delete, preview."""

from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import schedules
from headgate.api.calls import given
from headgate.api.schedules import ScheduleAnswer, ScheduledDeployment, UpcomingFire
from headgate.cli import names
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.deployments.schedules import Cron, Interval, RRule, Schedule, as_input, read_length

DeploymentName = Annotated[str, Parameter(help="flow/deployment, its name alone, or its id")]
Slug = Annotated[str, Parameter(help="the schedule's slug")]
CronOption = Annotated[str | None, Parameter(help="five fields, as '0 6 * * MON-FRI'")]
IntervalOption = Annotated[str | None, Parameter(help="a length of time, as 90s, 15m, 1d")]
RRuleOption = Annotated[str | None, Parameter(help="RFC 5545, as 'FREQ=WEEKLY;BYDAY=MO'")]
TimezoneOption = Annotated[str | None, Parameter(help="an IANA name; UTC if not said")]
FirstOption = Annotated[
    int, Parameter(name=("--limit", "-n"), help="how many", validator=Number(gte=1, lte=100))
]


def list_schedules(
    *,
    deployment: Annotated[str | None, Parameter(help="only of this deployment")] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List the schedules of deployments, by deployment."""
    with connect() as server:
        filter_ = None
        if deployment is not None:
            filter_ = {"id": {"eq": names.get_deployment(server, name=deployment).id}}
        lister = partial(schedules.list_of_deployments, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    rows = [(owner, schedule) for owner in found for schedule in owner.schedules]
    if output != "table":
        show_list([schedule for _, schedule in rows], columns={}, output=output)
        return
    columns: Columns[tuple[ScheduledDeployment, ScheduleAnswer]] = {
        "deployment": lambda row: f"{row[0].flow.name}/{row[0].name}",
        "slug": lambda row: row[1].slug,
        "when": lambda row: row[1].description,
        "active": lambda row: row[1].active,
        "next": lambda row: age(row[1].next_at),
        "missed": lambda row: row[1].missed_count,
    }
    show_list(rows, columns=columns, output=output)


def create_schedule(
    deployment: DeploymentName,
    /,
    slug: Slug = "default",
    *,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    param: ParameterOption = None,
    params: ParametersOption = None,
    output: OutputOption = "table",
) -> None:
    """Give a deployment a schedule; one of this slug is left as it is and the command exits 5."""
    wanted = chosen_schedule(cron=cron, interval=interval, rrule=rrule, timezone=timezone)
    parameters = read_parameters(param, document=params)
    with connect() as server:
        owner = _owner(server, deployment)
        if any(schedule.slug == slug for schedule in owner.schedules):
            raise CommandError(
                f"There is a schedule {slug!r} already",
                code=ExitCode.CONFLICT,
                hints=["Give it another slug, or delete that one first."],
            )
        (entry,) = as_input([wanted])
        values = given(**entry, parameters=parameters or None)
        made = server.call(
            schedules.upsert, input={**values, "deploymentId": owner.id, "slug": slug}
        )
    _show(made, output=output)


def update_schedule(
    deployment: DeploymentName,
    slug: Slug = "default",
    /,
    *,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    param: ParameterOption = None,
    params: ParametersOption = None,
    output: OutputOption = "table",
) -> None:
    """Change when a schedule fires, or its parameters; what is not said stays."""
    is_time_said = any(value is not None for value in (cron, interval, rrule, timezone))
    parameters = read_parameters(param, document=params)
    if not is_time_said and not parameters:
        message = "Say what to change"
        hints = ["--cron, --interval, --rrule, or -p for its parameters"]
        raise CommandError(message, code=ExitCode.USAGE, hints=hints)
    changes: dict[str, Any] = {}
    if is_time_said:
        wanted = chosen_schedule(cron=cron, interval=interval, rrule=rrule, timezone=timezone)
        changes["spec"] = as_input([wanted])[0]["spec"]
    with connect() as server:
        owner, schedule = _find(server, deployment, slug)
        if parameters:
            changes["parameters"] = {**(schedule.parameters or {}), **parameters}
        changed = server.call(
            schedules.change_one, deployment_id=owner.id, schedule=schedule, changes=changes
        )
    _show(changed, output=output)


def pause_schedule(deployment: DeploymentName, slug: Slug = "default", /) -> None:
    """Stop a schedule; what it has planned is taken back."""
    _set_active(deployment, slug, is_active=False)


def resume_schedule(deployment: DeploymentName, slug: Slug = "default", /) -> None:
    """Let a schedule go on from now."""
    _set_active(deployment, slug, is_active=True)


def delete_schedule(
    deployment: DeploymentName, slug: Slug = "default", /, *, yes: YesOption = False
) -> None:
    """Delete a schedule with the runs it has planned."""
    with connect() as server:
        owner, schedule = _find(server, deployment, slug)
        what = f"the schedule {slug} of {owner.flow.name}/{owner.name}"
        confirm(f"Delete {what}", is_sure=yes)
        server.call(schedules.delete, schedule_id=schedule.id)
    say(f"Deleted {what}.")


def preview_schedule(
    deployment: Annotated[str | None, Parameter(help="whose schedule; none with --cron …")] = None,
    slug: Slug = "default",
    /,
    *,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    limit: FirstOption = 10,
    output: OutputOption = "table",
) -> None:
    """Show when a schedule fires next, or when one would that nobody has made yet."""
    with connect() as server:
        if deployment is not None:
            _, schedule = _find(server, deployment, slug)
            fires = server.call(schedules.list_upcoming, schedule_id=schedule.id, first=limit)
        else:
            wanted = chosen_schedule(cron=cron, interval=interval, rrule=rrule, timezone=timezone)
            fires = _preview(server, wanted, limit=limit)
    columns: Columns[UpcomingFire] = {
        "at": lambda fire: fire.wall_clock,
        "utc": lambda fire: f"{fire.at:%Y-%m-%d %H:%M:%S}",
        "in": lambda fire: age(fire.at),
        "note": lambda fire: fire.note,
    }
    show_list(fires, columns=columns, output=output)


def _preview(server: Server, wanted: Schedule, *, limit: int) -> list[UpcomingFire]:
    (entry,) = as_input([wanted])
    spec: dict[str, Any] = entry["spec"]
    found = server.call(schedules.preview, spec=spec, first=limit)
    if found.error is None:
        say(f"Fires {found.description}.")
        return found.fires
    hints: list[str] = []
    text = ""
    match wanted:
        case Cron():
            text = wanted.cron
        case RRule():
            text = wanted.rrule
        case Interval():
            pass
    if found.error.position is not None and "\n" not in text:
        hints = [text, " " * found.error.position + "^"]
    raise CommandError(found.error.message, code=ExitCode.USAGE, hints=hints)


def chosen_schedule(
    *, cron: str | None, interval: str | None, rrule: str | None, timezone: str | None
) -> Schedule:
    """Return the schedule that the options say.

    Raises:
        CommandError: none or several of them, or a zone for what has none.
    """
    if sum(value is not None for value in (cron, interval, rrule)) != 1:
        message = "Give one of --cron, --interval and --rrule"
        raise CommandError(message, code=ExitCode.USAGE)
    if cron is not None:
        return Cron(cron=cron, timezone=timezone or "UTC")
    if rrule is not None:
        return RRule(rrule=rrule.replace("\\n", "\n"), timezone=timezone or "UTC")
    if timezone is not None:
        message = "An interval has no time zone: it counts seconds"
        raise CommandError(message, code=ExitCode.USAGE)
    return Interval(every=read_length(interval or ""))


def _set_active(deployment: str, slug: str, *, is_active: bool) -> None:
    with connect() as server:
        owner, schedule = _find(server, deployment, slug)
        changed = server.call(
            schedules.set_active, deployment_id=owner.id, schedule=schedule, is_active=is_active
        )
    _show(changed, output="table")


def _owner(server: Server, deployment: str) -> ScheduledDeployment:
    id_ = names.get_deployment(server, name=deployment).id
    lister = partial(schedules.list_of_deployments, filter={"id": {"eq": id_}})
    (found,) = server.collect(lister, limit=1, is_told=False)
    return found


def _find(server: Server, deployment: str, slug: str) -> tuple[ScheduledDeployment, ScheduleAnswer]:
    owner = _owner(server, deployment)
    for schedule in owner.schedules:
        if schedule.slug == slug:
            return owner, schedule
    raise CommandError(
        f"{owner.flow.name}/{owner.name} has no schedule {slug!r}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            slug,
            known=(schedule.slug for schedule in owner.schedules),
            listing=f"headgate schedules list --deployment {owner.flow.name}/{owner.name}",
        ),
    )


def _show(schedule: ScheduleAnswer, *, output: Format) -> None:
    fields: Columns[ScheduleAnswer] = {
        "id": lambda schedule: schedule.id,
        "slug": lambda schedule: schedule.slug,
        "when": lambda schedule: schedule.description,
        "active": lambda schedule: schedule.active,
        "next": lambda schedule: age(schedule.next_at),
        "missed": lambda schedule: schedule.missed_count,
        "parameters": lambda schedule: schedule.parameters,
        "catch up": lambda schedule: schedule.catch_up.policy,
    }
    show_item(schedule, fields=fields, output=output)
