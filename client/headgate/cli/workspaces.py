"""``headgate workspaces``: list, use, create, archive, unarchive, delete."""

import os
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headgate import profiles
from headgate.api import viewer, workspaces
from headgate.api.transport import SyncTransport
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.output import Columns, OutputOption, say, show_list
from headgate.settings import Settings, home_folder, load_settings

PATIENCE_SECONDS = 5.0

Handle = Annotated[str, Parameter(help="organization/workspace, or its name in yours")]


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


def use_workspace(handle: Handle, /) -> None:
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


def create_workspace(
    slug: Annotated[str, Parameter(help="1 to 50 lower-case letters, digits and hyphens")],
    /,
    *,
    name: Annotated[str | None, Parameter(help="for people; the same if not said")] = None,
) -> None:
    """Create a workspace in the organization of the active one."""
    with connect() as server:
        server.call(
            workspaces.create, organization_id=server.organization_id, slug=slug, name=name or slug
        )
        handle = f"{server.organization}/{slug}"
    say(f"Created {handle}; `headgate workspaces use {handle}` makes it the active one.")


def archive_workspace(handle: Handle, /, *, yes: YesOption = False) -> None:
    """Archive a workspace: it can be read, and nothing starts there until it is unarchived."""
    with connect() as server:
        id_, shown = _find(server, handle)
        confirm(f"Archive the workspace {shown}: nothing will start there", is_sure=yes)
        server.call(workspaces.archive, id_=id_, archived=True)
        say(f"Archived {shown}; what runs goes on. `headgate workspaces unarchive` opens it again.")


def unarchive_workspace(handle: Handle, /) -> None:
    """Open an archived workspace again; its schedules catch up as each is set to."""
    with connect() as server:
        id_, shown = _find(server, handle)
        server.call(workspaces.archive, id_=id_, archived=False)
        say(f"{shown} is open again.")


def delete_workspace(handle: Handle, /, *, yes: YesOption = False) -> None:
    """Delete an archived workspace with everything in it, for good."""
    with connect() as server:
        id_, shown = _find(server, handle)
        confirm(f"Delete the workspace {shown} with everything in it for good", is_sure=yes)
        server.call(workspaces.delete, id_=id_)
        say(f"Deleted {shown}.")


def _find(server: Server, handle: str) -> tuple[str, str]:
    organization, _, workspace = handle.rpartition("/")
    organization = organization or server.organization
    id_ = server.call(workspaces.get_id, organization=organization, workspace=workspace)
    return id_, f"{organization}/{workspace}"


def _rows(settings: Settings) -> list[WorkspaceRow]:
    transport = SyncTransport(
        settings.require_api_url(),
        settings.api_key,
        deadline_seconds=min(PATIENCE_SECONDS, settings.request_deadline_seconds),
    )
    try:
        identity = transport.call(viewer.identify)
    finally:
        transport.close()
    active = f"{settings.organization}/{settings.workspace}"
    return [
        WorkspaceRow(one.handle, one.name, active=one.handle == active) for one in identity.places
    ]
