"""``headgate deployments``: list, get, run, pause, resume."""

from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import deployments, flow_runs
from headgate.api.deployments import DeploymentAnswer, ScheduleAnswer
from headgate.cli import flow_runs as run_verbs
from headgate.cli.connection import connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption, TagOption
from headgate.cli.names import full_name
from headgate.cli.names import get_deployment as find_by_name
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters

DeploymentName = Annotated[str, Parameter(help="flow/deployment, its name alone, or its id")]


def list_deployments(
    *,
    flow: Annotated[str | None, Parameter(help="only of this flow")] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List deployments by name."""
    wanted = {"flow": {"name": {"eq": flow}}} if flow else None
    with connect() as server:
        lister = partial(deployments.list_deployments, filter=wanted)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[DeploymentAnswer] = {
        "name": full_name,
        "id": lambda deployment: deployment.id,
        "pool": _pool,
        "schedules": _schedules,
        "next": _next,
        "paused": lambda deployment: deployment.paused,
        "tags": lambda deployment: deployment.tags,
    }
    show_list(found, columns=columns, output=output)


def get_deployment(name: DeploymentName, /, *, output: OutputOption = "table") -> None:
    """Show one deployment."""
    with connect() as server:
        deployment = find_by_name(server, name=name)
    show_deployment(deployment, output=output)


def run_deployment(
    name: DeploymentName,
    /,
    *,
    param: ParameterOption = None,
    params: ParametersOption = None,
    run_name: Annotated[str | None, Parameter(name="--name", help="the run's name")] = None,
    tag: TagOption = None,
    watch: Annotated[bool, Parameter(help="follow it until it ends")] = False,
    output: OutputOption = "table",
) -> int:
    """Create a run of a deployment; with --watch exits 7 when it did not complete."""
    parameters = read_parameters(param, document=params)
    with connect() as server:
        deployment = find_by_name(server, name=name)
        check_names(deployment, parameters=parameters)
        run = server.call(
            deployments.run,
            workspace_id=server.workspace_id,
            run=flow_runs.NewRun(
                deployment_id=deployment.id,
                name=run_name,
                parameters=parameters or None,
                tags=tag,
            ),
        )
        if watch:
            return run_verbs.watch(server, run=run, output=output)
    run_verbs.show_run(run, output=output)
    say(f"`headgate flow-runs watch {run.id}` follows it.")
    return ExitCode.OK


def pause_deployment(name: DeploymentName, /, *, output: OutputOption = "table") -> None:
    """Hold a deployment's runs and schedules."""
    _set_paused(name, is_paused=True, output=output)


def resume_deployment(name: DeploymentName, /, *, output: OutputOption = "table") -> None:
    """Let a deployment's runs and schedules go on."""
    _set_paused(name, is_paused=False, output=output)


def check_names(deployment: DeploymentAnswer, *, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the flow does not have.

    Raises:
        CommandError: there is such a parameter.
    """
    schema: dict[str, Any] = deployment.parameter_schema or {}
    known: list[str] = list(schema.get("properties", {}))
    unknown = [name for name in parameters if name not in known]
    if not unknown or not schema or schema.get("additionalProperties"):
        return
    message = f"The flow {deployment.flow.name!r} has no parameter {unknown[0]!r}"
    hint = f"It has: {', '.join(known)}." if known else "It takes no parameters."
    raise CommandError(message, code=ExitCode.USAGE, hints=[hint])


def show_deployment(deployment: DeploymentAnswer, *, output: Format) -> None:
    """Print one deployment."""
    fields: Columns[DeploymentAnswer] = {
        "id": lambda deployment: deployment.id,
        "name": full_name,
        "description": lambda deployment: deployment.description,
        "entrypoint": lambda deployment: deployment.entrypoint,
        "pool": _pool,
        "schedules": _schedules,
        "next": _next,
        "paused": lambda deployment: deployment.paused,
        "parameters": lambda deployment: deployment.parameters,
        "tags": lambda deployment: deployment.tags,
        "version": lambda deployment: deployment.version,
    }
    show_item(deployment, fields=fields, output=output)


def _set_paused(name: str, *, is_paused: bool, output: Format) -> None:
    with connect() as server:
        deployment = server.call(
            deployments.pause,
            deployment_id=find_by_name(server, name=name).id,
            is_paused=is_paused,
        )
    show_deployment(deployment, output=output)


def _pool(deployment: DeploymentAnswer) -> str:
    pool = deployment.work_pool.name if deployment.work_pool else ""
    queue = deployment.work_queue.name if deployment.work_queue else ""
    return f"{pool}/{queue}" if queue and queue != "default" else pool


def _schedules(deployment: DeploymentAnswer) -> list[str]:
    return [_schedule(schedule) for schedule in deployment.schedules]


def _schedule(schedule: ScheduleAnswer) -> str:
    spec = schedule.spec
    words = f"cron {spec['cron']}" if "cron" in spec else f"every {spec.get('every', '?')}"
    if "rrule" in spec:
        words = f"rrule {spec['rrule'].splitlines()[-1]}"
    zone = f" {schedule.timezone}" if schedule.timezone != "UTC" else ""
    return f"{words}{zone}" + ("" if schedule.active else " (off)")


def _next(deployment: DeploymentAnswer) -> str:
    moments = [
        schedule.next_at for schedule in deployment.schedules if schedule.next_at is not None
    ]
    return "" if deployment.paused or not moments else age(min(moments))
