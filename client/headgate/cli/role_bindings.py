"""Which role is given, where; and how the roles that somebody holds are shown."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from headgate.api import roles, workspaces
from headgate.api.roles import Binding, Grant, RoleAnswer
from headgate.cli.choosing import choose
from headgate.cli.connection import Server

RoleArgument = Annotated[str, Parameter(help="the role's name, or its id")]
WorkspaceOption = Annotated[
    str | None,
    Parameter(name="--workspace", help="only in this workspace; everywhere if not said"),
]
ObjectOption = Annotated[
    str | None,
    Parameter(name="--object", help="only on this deployment, work pool or block, by its id"),
]


def get_role(server: Server, name: str) -> RoleAnswer:
    """Return the role of this name or id.

    Raises:
        CommandError: there is none.
    """
    found = server.call(roles.list_roles, organization=server.organization)
    return choose(
        name,
        found,
        texts=lambda role: (role.id, role.name),
        what="role",
        listing="headgate roles list",
    )


def get_workspace_id(server: Server, name: str) -> str:
    """Return the id of a workspace of this organization, by its name or organization/name.

    Raises:
        NotFoundError: there is none, or the key may not enter it.
    """
    organization, _, workspace = name.rpartition("/")
    return server.call(
        workspaces.get_id, organization=organization or server.organization, workspace=workspace
    )


def grant_of(
    server: Server, role: str, *, workspace: str | None, object_: str | None, is_removed: bool
) -> Grant:
    """Return what is given or taken away; an object is one of the active workspace's by itself.

    Raises:
        CommandError: there is no such role.
        NotFoundError: there is no such workspace.
    """
    workspace_id = None
    if workspace is not None:
        workspace_id = get_workspace_id(server, workspace)
    elif object_ is not None:
        workspace_id = server.workspace_id
    return Grant(
        role_id=get_role(server, role).id,
        workspace_id=workspace_id,
        object_id=object_,
        is_removed=is_removed,
    )


def held(bindings: Sequence[Binding]) -> list[str]:
    """Return the roles that somebody holds, each with its place where that is not everywhere."""
    return [f"{binding.role.name}{_place(binding)}" for binding in bindings]


def _place(binding: Binding) -> str:
    if binding.is_organization_wide:
        return ""
    where = binding.workspace.slug if binding.workspace else "another workspace"
    return f" on {binding.object_id} in {where}" if binding.object_id else f" in {where}"
