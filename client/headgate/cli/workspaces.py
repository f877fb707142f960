"""``headgate workspaces``: list, use."""

import os
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headgate import profiles
from headgate.api import viewer
from headgate.api.transport import SyncTransport
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.output import Columns, OutputOption, say, show_list
from headgate.settings import Settings, home_folder, load_settings

PATIENCE_SECONDS = 5.0


class WorkspaceRow(msgspec.Struct, frozen=True):
    """A workspace that the key may enter."""

    handle: str
    name: str
    active: bool


def list_workspaces(*, output: OutputOption = "table") -> None:
    """List the workspaces that you may enter; the active one is the one that commands mean."""
    rows = _rows(load_settings())
    columns: Columns[WorkspaceRow] = {
        "workspace": lambda row: row.handle,
        "name": lambda row: row.name,
        "active": lambda row: row.active,
    }
    show_list(rows, columns=columns, output=output)


def use_workspace(
    handle: Annotated[str, Parameter(help="organization/workspace, or its name in yours")], /
) -> None:
    """Make a workspace the one that commands mean, in the active profile."""
    settings = load_settings()
    rows = _rows(settings)
    found = [row for row in rows if handle in {row.handle, row.handle.partition("/")[2]}]
    if len(found) != 1:
        raise CommandError(
            f"There is no workspace {handle!r}, or you may not enter it",
            code=ExitCode.NOT_FOUND,
            hints=near_names(
                handle, known=[row.handle for row in rows], listing="headgate workspaces list"
            ),
        )
    if settings.profile is None:
        raise CommandError(
            "No profile is active, which would keep the workspace",
            code=ExitCode.USAGE,
            hints=["`headgate login`", f"or set HEADGATE_WORKSPACE={found[0].handle}"],
        )
    chosen = found[0].handle
    home = home_folder(os.environ)
    profiles.set_values(home, name=settings.profile, values={"workspace": chosen})
    say(f"The workspace of the profile {settings.profile} is {chosen}.")


def _rows(settings: Settings) -> list[WorkspaceRow]:
    transport = SyncTransport(
        settings.require_api_url(), settings.api_key, deadline_seconds=PATIENCE_SECONDS
    )
    try:
        identity = transport.call(viewer.identify)
    finally:
        transport.close()
    active = f"{settings.organization}/{settings.workspace}"
    return [
        WorkspaceRow(one.handle, one.name, active=one.handle == active) for one in identity.places
    ]
