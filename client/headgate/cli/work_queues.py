"""``headgate work-queues``: list, set, pause, resume, delete."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import configurations, deletions
from headgate.api.calls import given
from headgate.api.work_pools import WorkQueueAnswer
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.names import get_work_pool, list_queues
from headgate.cli.output import Columns, OutputOption, say, show_list

PoolName = Annotated[str, Parameter(help="the pool's name")]
QueueName = Annotated[str, Parameter(help="its name")]


def list_work_queues(pool: PoolName, /, *, output: OutputOption = "table") -> None:
    """List the queues of a pool, the one served first first."""
    with connect() as server:
        found = list_queues(server, pool=get_work_pool(server, name=pool))
    columns: Columns[WorkQueueAnswer] = {
        "name": lambda queue: queue.name,
        "priority": lambda queue: queue.priority,
        "limit": lambda queue: queue.concurrency_limit,
        "paused": lambda queue: queue.paused,
        "id": lambda queue: queue.id,
    }
    show_list(found, columns=columns, output=output)


def set_work_queue(
    pool: PoolName,
    name: QueueName,
    /,
    *,
    priority: Annotated[
        int | None,
        Parameter(help="1 to 1000, 1 is served first", validator=Number(gte=1, lte=1000)),
    ] = None,
    limit: Annotated[
        int | None,
        Parameter(name="--concurrency-limit", help="how many of its runs may be held at once"),
    ] = None,
    unlimited: Annotated[
        bool, Parameter(name="--no-concurrency-limit", negative="", help="as many as there are")
    ] = False,
) -> None:
    """Make a queue of a pool, or change it; what is not said stays."""
    if limit is not None and unlimited:
        message = "--concurrency-limit and --no-concurrency-limit do not go together"
        raise CommandError(message, code=ExitCode.USAGE)
    wanted: dict[str, object] = given(priority=priority, concurrencyLimit=limit)
    if unlimited:
        wanted["concurrencyLimit"] = None
    with connect() as server:
        pool_id = get_work_pool(server, name=pool).id
        server.call(
            configurations.put_work_queue, input={"workPoolId": pool_id, "name": name, **wanted}
        )
    say(f"Set the queue {name} of {pool}.")


def pause_work_queue(pool: PoolName, name: QueueName, /) -> None:
    """Let agents take no more runs of a queue; those that run go on."""
    _set_paused(pool, name, is_paused=True)


def resume_work_queue(pool: PoolName, name: QueueName, /) -> None:
    """Let agents take runs of a queue again."""
    _set_paused(pool, name, is_paused=False)


def delete_work_queue(pool: PoolName, name: QueueName, /, *, yes: YesOption = False) -> None:
    """Delete a queue that nothing needs; a pool keeps its queue default."""
    with connect() as server:
        queue = _get(server, pool, name)
        confirm(f"Delete the queue {name} of {pool}", is_sure=yes)
        server.call(deletions.delete, kind="WorkQueue", id_=queue.id)
    say(f"Deleted the queue {name} of {pool}.")


def _set_paused(pool: str, name: str, *, is_paused: bool) -> None:
    with connect() as server:
        _get(server, pool, name)
        pool_id = get_work_pool(server, name=pool).id
        server.call(
            configurations.put_work_queue,
            input={"workPoolId": pool_id, "name": name, "paused": is_paused},
        )
    say(f"{'Paused' if is_paused else 'Resumed'} the queue {name} of {pool}.")


def _get(server: Server, pool: str, name: str) -> WorkQueueAnswer:
    queues = list_queues(server, pool=get_work_pool(server, name=pool))
    for queue in queues:
        if queue.name == name:
            return queue
    raise CommandError(
        f"The work pool {pool} has no queue {name!r}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            name,
            known=(queue.name for queue in queues),
            listing=f"headgate work-queues list {pool}",
        ),
    )
