"""``headgate concurrency-limits``: list, create, update, inspect, delete."""

from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import concurrency_limits
from headgate.api.concurrency_limits import (
    HolderAnswer,
    LimitAnswer,
    RunAnswer,
    WaiterAnswer,
)
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list

LimitName = Annotated[str, Parameter(help="its name")]
SlotsOption = Annotated[int, Parameter(name="--limit", help="how many slots; 0 lets nobody go on")]
DecayOption = Annotated[
    float | None,
    Parameter(name="--slot-decay-per-second", help="a rate: so many slots come back each second"),
]
TagOption = Annotated[
    str | None, Parameter(name="--tag", help="task runs with this tag take a slot each")
]


def list_limits(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List concurrency limits by name, with how much of each is taken."""
    with connect() as server:
        found = server.collect(
            concurrency_limits.list_limits, limit=limit, is_told=output == "table"
        )
    columns: Columns[LimitAnswer] = {
        "name": lambda one: one.name,
        "tag": lambda one: one.task_tag,
        "active": lambda one: f"{one.active}/{one.limit}",
        "waiting": lambda one: one.waiting,
        "decay/s": lambda one: (
            f"{one.slot_decay_per_second:g}" if one.slot_decay_per_second else ""
        ),
        "changed": lambda one: age(one.updated_at),
    }
    show_list(found, columns=columns, output=output)


def create_limit(
    name: LimitName,
    /,
    *,
    limit: SlotsOption,
    slot_decay_per_second: DecayOption = None,
    tag: TagOption = None,
) -> None:
    """Create a concurrency limit; one that exists is left as it is, and the command exits 5."""
    with connect() as server:
        if _find(server, name) is not None:
            raise CommandError(
                f"There is a concurrency limit {name!r} already",
                code=ExitCode.CONFLICT,
                hints=[f"Change it with `headgate concurrency-limits update {name}`."],
            )
        _put(server, name, limit=limit, decay=slot_decay_per_second, tag=tag)
    say(f"Made the concurrency limit {name}.")


def update_limit(
    name: LimitName,
    /,
    *,
    limit: Annotated[
        int | None, Parameter(name="--limit", help="how many slots; kept if not said")
    ] = None,
    slot_decay_per_second: DecayOption = None,
    tag: TagOption = None,
) -> None:
    """Change a concurrency limit; what is not said stays. --tag '' takes the tag off."""
    with connect() as server:
        found = _get(server, name)
        slots = found.limit if limit is None else limit
        _put(server, name, limit=slots, decay=slot_decay_per_second, tag=tag)
    say(f"Changed the concurrency limit {name}.")


def inspect_limit(name: LimitName, /, *, output: OutputOption = "table") -> None:
    """Show a concurrency limit, who holds its slots, and who waits for some."""
    with connect() as server:
        found = _get(server, name)
    fields: Columns[LimitAnswer] = {
        "name": lambda one: one.name,
        "tag": lambda one: one.task_tag,
        "limit": lambda one: one.limit,
        "active": lambda one: one.active,
        "waiting": lambda one: one.waiting,
        "decay/s": lambda one: f"{one.slot_decay_per_second:g}",
        "version": lambda one: one.version,
    }
    show_item(found, fields=fields, output=output)
    if output == "table" and found.holders:
        columns: Columns[HolderAnswer] = {
            "held by": lambda holder: _who(holder).name,
            "id": lambda holder: _who(holder).id,
            "slots": lambda holder: holder.slots,
            "since": lambda holder: age(holder.acquired_at),
        }
        show_list(list(found.holders), columns=columns, output=output)
    if output == "table" and found.waiters:
        waiting: Columns[WaiterAnswer] = {
            "place": lambda waiter: waiter.position,
            "waiting": lambda waiter: _who(waiter).name,
            "id": lambda waiter: _who(waiter).id,
            "slots": lambda waiter: waiter.slots,
            "since": lambda waiter: age(waiter.since),
        }
        show_list(list(found.waiters), columns=waiting, output=output)


def _who(one: HolderAnswer | WaiterAnswer) -> RunAnswer:
    """Return who it is: where neither a run nor a background task is, what names the slots."""
    return one.run or one.background_task or RunAnswer(id=one.lease_id, name="somebody else")


def delete_limit(name: LimitName, /, *, yes: YesOption = False) -> None:
    """Delete a concurrency limit; who waits for it waits no longer."""
    with connect() as server:
        found = _get(server, name)
        confirm(f"Delete the concurrency limit {found.name}", is_sure=yes)
        server.call(concurrency_limits.delete, limit_id=found.id)
    say(f"Deleted the concurrency limit {found.name}.")


def _put(server: Server, name: str, *, limit: int, decay: float | None, tag: str | None) -> None:
    more: dict[str, Any] = {}
    if decay is not None:
        more["slotDecayPerSecond"] = decay
    if tag is not None:
        more["taskTag"] = tag or None
    workspace_id = server.workspace_id
    server.call(
        concurrency_limits.upsert, workspace_id=workspace_id, name=name, limit=limit, **more
    )


def _find(server: Server, name: str) -> LimitAnswer | None:
    place = {"organization": server.organization, "workspace": server.workspace}
    return server.call(concurrency_limits.find, **place, name=name)


def _get(server: Server, name: str) -> LimitAnswer:
    found = _find(server, name)
    if found is not None:
        return found
    known = server.collect(concurrency_limits.list_limits, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no concurrency limit {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            name, known=(one.name for one in known), listing="headgate concurrency-limits list"
        ),
    )
