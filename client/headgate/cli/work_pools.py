"""``headgate work-pools``: list, get, create, update, pause, resume."""

from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import configurations, work_pools
from headgate.api.work_pools import WorkPoolAnswer
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import get_work_pool as find_by_name
from headgate.cli.output import Columns, Format, OutputOption, show_item, show_list
from headgate.cli.parameters import read_parameters
from headgate.errors import NotFoundError

PoolName = Annotated[str, Parameter(help="its name")]


def list_work_pools(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List pools by name."""
    with connect() as server:
        found = server.collect(work_pools.list_work_pools, limit=limit, is_told=output == "table")
    columns: Columns[WorkPoolAnswer] = {
        "name": lambda pool: pool.name,
        "id": lambda pool: pool.id,
        "type": lambda pool: pool.type,
        "status": lambda pool: pool.status,
        "limit": lambda pool: pool.concurrency_limit,
        "queues": lambda pool: [queue.name for queue in pool.queues],
    }
    show_list(found, columns=columns, output=output)


def get_work_pool(name: PoolName, /, *, output: OutputOption = "table") -> None:
    """Show one pool."""
    with connect() as server:
        pool = find_by_name(server, name=name)
    show_pool(pool, output=output)


def create_work_pool(
    name: PoolName,
    /,
    *,
    type_: Annotated[str, Parameter(name="--type", help="what its agents start")] = "process",
    limit: Annotated[
        int | None, Parameter(name="--concurrency-limit", help="runs at once, of all agents")
    ] = None,
    output: OutputOption = "table",
) -> None:
    """Create a pool; a pool of this name is left as it is and the command exits 5."""
    with connect() as server:
        if _is_taken(server, name=name):
            raise CommandError(
                f"There is a work pool {name!r} already",
                code=ExitCode.CONFLICT,
                hints=[f"`headgate work-pools get {name}` shows it."],
            )
        stored = server.call(
            work_pools.upsert,
            workspace_id=server.workspace_id,
            name=name,
            type=type_,
            concurrency_limit=limit,
        )
    show_pool(stored.work_pool, output=output)


def update_work_pool(
    name: PoolName,
    /,
    *,
    limit: Annotated[
        int | None, Parameter(name="--concurrency-limit", help="runs at once, of all agents")
    ] = None,
    unlimited: Annotated[
        bool, Parameter(name="--no-concurrency-limit", negative="", help="as many as agents take")
    ] = False,
    template: Annotated[
        str | None,
        Parameter(
            name="--base-job-template",
            help="what every job is made of, also of runs that wait, as JSON: "
            '{"variables": {"properties": {NAME: {"default": VALUE}}}, "job_configuration": {}}',
        ),
    ] = None,
    output: OutputOption = "table",
) -> None:
    """Change a pool; what is not said stays."""
    is_limit_said = limit is not None or unlimited
    if (limit is not None and unlimited) or (not is_limit_said and template is None):
        raise CommandError(
            "Say what to change, and one limit at most",
            code=ExitCode.USAGE,
            hints=["--concurrency-limit, --no-concurrency-limit or --base-job-template"],
        )
    wanted: dict[str, Any] = {}
    if is_limit_said:
        wanted["concurrencyLimit"] = limit
    if template is not None:
        wanted["baseJobTemplate"] = read_parameters(None, document=template)
    with connect() as server:
        pool = find_by_name(server, name=name)
        server.call(
            configurations.put_work_pool,
            input={
                "workspaceId": server.workspace_id,
                "name": pool.name,
                "type": pool.type,
                "expectedVersion": pool.version,
                **wanted,
            },
        )
        pool = find_by_name(server, name=name)
    show_pool(pool, output=output)


def pause_work_pool(name: PoolName, /, *, output: OutputOption = "table") -> None:
    """Let a pool's agents take no more runs; those that run go on."""
    _set_paused(name, is_paused=True, output=output)


def resume_work_pool(name: PoolName, /, *, output: OutputOption = "table") -> None:
    """Let a pool's agents take runs again."""
    _set_paused(name, is_paused=False, output=output)


def _set_paused(name: str, *, is_paused: bool, output: Format) -> None:
    with connect() as server:
        pool = find_by_name(server, name=name)
        stored = server.call(
            work_pools.upsert,
            workspace_id=server.workspace_id,
            name=pool.name,
            type=pool.type,
            is_paused=is_paused,
        )
    show_pool(stored.work_pool, output=output)


def _is_taken(server: Server, *, name: str) -> bool:
    place = {"organization": server.organization, "workspace": server.workspace}
    try:
        server.call(work_pools.get, **place, name=name)
    except NotFoundError:
        return False
    return True


def show_pool(pool: WorkPoolAnswer, *, output: Format) -> None:
    """Print one pool."""
    fields: Columns[WorkPoolAnswer] = {
        "id": lambda pool: pool.id,
        "name": lambda pool: pool.name,
        "type": lambda pool: pool.type,
        "status": lambda pool: pool.status,
        "paused": lambda pool: pool.paused,
        "limit": lambda pool: pool.concurrency_limit,
        "queues": lambda pool: [queue.name for queue in pool.queues],
    }
    show_item(pool, fields=fields, output=output)
