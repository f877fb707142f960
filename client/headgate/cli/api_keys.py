"""``headgate api-keys``: list, create, rotate, revoke."""

import sys
from typing import Annotated

from cyclopts import Parameter

from headgate.api import api_keys, viewer
from headgate.api.api_keys import ApiKeyAnswer
from headgate.cli import names
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, OutputOption, age, say, show_list, write_document
from headgate.clock import now
from headgate.deployments.schedules import read_length

AGENTS_SCOPES = ["AGENTS_CONNECT"]


def list_api_keys(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List the keys of the organization, the oldest first; for its administrators."""
    with connect() as server:
        found = server.collect(api_keys.list_keys, limit=limit, is_told=output == "table")
    columns: Columns[ApiKeyAnswer] = {
        "id": lambda key: key.id,
        "name": lambda key: key.name,
        "of": lambda key: key.owner.display_name,
        "pool": lambda key: key.work_pool.name if key.work_pool else "",
        "scopes": lambda key: key.scopes,
        "used": lambda key: age(key.last_used_at),
        "ends": lambda key: age(key.expires_at),
        "revoked": lambda key: age(key.revoked_at),
    }
    show_list(found, columns=columns, output=output)


def create_api_key(
    name: Annotated[str, Parameter(help="what to call it")],
    /,
    *,
    work_pool: Annotated[
        str | None, Parameter(help="for agents of this pool, and for nothing else")
    ] = None,
    scope: Annotated[
        list[str] | None, Parameter(name="--scope", help="what it may do; as often as needed")
    ] = None,
    owner: Annotated[
        str | None, Parameter(help="the id of the machine that it speaks for; you if not said")
    ] = None,
    expires: Annotated[str | None, Parameter(help="in how long it ends, such as 90d")] = None,
    output: OutputOption = "table",
) -> None:
    """Create a key and print it: this once. It is good for the workspace, or for one pool of it."""
    if (work_pool is None) == (not scope):
        raise CommandError(
            "A key is for a work pool, or has scopes",
            code=ExitCode.USAGE,
            hints=["Say --work-pool NAME, or --scope RUNS_READ."],
        )
    with connect() as server:
        pool = None if work_pool is None else names.get_work_pool(server, name=work_pool)
        made = server.call(
            api_keys.create,
            owner_id=owner or server.call(viewer.get).id,
            name=name,
            scopes=AGENTS_SCOPES if pool is not None else scope or [],
            workspace_id=server.workspace_id,
            work_pool_id=pool.id if pool is not None else None,
            expires_at=None if expires is None else now() + read_length(expires),
        )
    if output != "table":
        write_document({"id": made.api_key.id, "name": name, "secret": made.secret}, output)
        return
    say(f"Created the key {name} ({made.api_key.id}). It is shown this once:")
    sys.stdout.write(f"{made.secret}\n")


def rotate_api_key(
    id_: Annotated[str, Parameter(help="its id, as of list")],
    /,
    *,
    overlap: Annotated[
        str | None, Parameter(help="how long the old one works beside it, as 1h, at most 7d")
    ] = None,
    yes: YesOption = False,
    output: OutputOption = "table",
) -> None:
    """Give a key a new token and print it: this once. The old one ends at once, or after --overlap.

    Who has just that one is shut out.
    """
    seconds = 0 if overlap is None else int(read_length(overlap).total_seconds())
    confirm(f"Give the key {id_} a new token", is_sure=yes)
    with connect() as server:
        made = server.call(api_keys.rotate, id=id_, overlap_seconds=seconds)
    key = made.api_key
    if output != "table":
        write_document({"id": key.id, "name": key.name, "secret": made.secret}, output)
        return
    say(f"Rotated the key {key.name} ({key.id}). It is shown this once:")
    sys.stdout.write(f"{made.secret}\n")


def revoke_api_key(
    id_: Annotated[str, Parameter(help="its id, as of list")], /, *, yes: YesOption = False
) -> None:
    """Revoke a key, for good: what began with it ends."""
    confirm(f"Revoke the key {id_}", is_sure=yes)
    with connect() as server:
        server.call(api_keys.revoke, id=id_)
    say(f"Revoked the key {id_}.")
