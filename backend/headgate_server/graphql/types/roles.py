"""Roles, and where somebody holds one."""

from typing import Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.roles import EVERYWHERE, BindingPlace, ObjectKind
from headgate_server.domain.roles import Role as RoleRow
from headgate_server.domain.roles import RoleBinding as RoleBindingRow
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.beginnings import first_of, more_of
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load, reads, show_id, shows
from headgate_server.graphql.types.workspaces import Workspace
from headgate_server.services import roles, workspaces

OBJECT_KINDS = {
    ids.Kind.DEPLOYMENT: ObjectKind.DEPLOYMENT,
    ids.Kind.WORK_POOL: ObjectKind.WORK_POOL,
    ids.Kind.BLOCK_DOCUMENT: ObjectKind.BLOCK_DOCUMENT,
}
_SHOWN_KINDS = {kind: shown for shown, kind in OBJECT_KINDS.items()}


@strawberry.type(description="Scopes under one name.")
class Role(Node):
    name: str = strawberry.field(description="Unique in the organization.")
    builtin: bool = strawberry.field(description="Whether every organization has it, unchanged.")
    scopes: list[Scope] = strawberry.field(description="What it gives, by name.")
    version: int = strawberry.field(
        description="Rises with every change; pass it back as expectedVersion."
    )


@strawberry.type(description="A role that somebody holds in a place.")
class RoleBinding:
    id: strawberry.ID = strawberry.field(description="Its id.")
    role: Role = strawberry.field(description="What is held.")
    object_id: strawberry.ID | None = strawberry.field(
        description="The only object it is held on; null for all of the workspace."
    )
    row: strawberry.Private[RoleBindingRow]

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The only workspace it is held in; null for the whole organization, and where "
        "the caller may not enter it.",
    )
    async def workspace(self, info: Info) -> Workspace | None:
        workspace_id = self.row.place.workspace_id
        if workspace_id is None or not await info.context.may_enter(workspace_id):
            return None
        shown: Any = await load(
            info.context, workspaces.get_many_workspaces, workspace_id, workspace_id=None
        )
        return shown

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Whether it is held in the whole organization, and not in one workspace.",
    )
    def is_organization_wide(self) -> bool:
        return self.row.place.workspace_id is None

    @scoped_field(requires=ANY_CREDENTIAL, description="Who gave it.")
    def granted_by(self) -> Actor:
        return show_actor(self.row.granted_by)


def show_role(row: RoleRow) -> Role:
    """Return a role."""
    return Role(
        id=show_id(ids.Kind.ROLE, row.id),
        name=row.name,
        builtin=row.builtin is not None,
        scopes=sorted(row.scopes),
        version=row.version,
    )


def show_binding(row: RoleBindingRow) -> RoleBinding:
    """Return a role that somebody holds."""
    place = row.place
    kind = _SHOWN_KINDS.get(place.object_kind) if place.object_kind else None
    return RoleBinding(
        id=show_id(ids.Kind.ROLE_BINDING, row.id),
        role=show_role(row.role),
        object_id=show_id(kind, place.object_id) if kind and place.object_id else None,
        row=row,
    )


def place_of(workspace_id: str | None, object_id: str | None) -> BindingPlace:
    """Return the place that two ids name.

    Raises:
        InvalidInput: an object without its workspace, or one that no role is bound to.
        InvalidId: not an id.
    """
    if workspace_id is None:
        if object_id is not None:
            raise InvalidInput("Name the workspace of the object too.", path=["workspaceId"])
        return EVERYWHERE
    workspace = ids.parse(workspace_id, kind=ids.Kind.WORKSPACE)
    if object_id is None:
        return BindingPlace(workspace)
    kind, id_ = ids.parse_any(object_id)
    if kind not in OBJECT_KINDS:
        raise InvalidInput("Name a deployment or a work pool.", path=["objectId"])
    return BindingPlace(workspace, OBJECT_KINDS[kind], id_)


async def bindings_of(info: Info, holder_id: ids.UUID) -> list[RoleBinding]:
    """Return the first that a member, a service account or a team holds, the oldest first."""
    found = await first_of(info.context, roles.list_first_bindings, holder_id, workspace_id=None)
    return [show_binding(row) for row in found.items]


async def more_bindings_of(info: Info, holder_id: ids.UUID) -> int:
    """Return how many more one holds than ``bindings_of`` says."""
    return await more_of(info.context, roles.list_first_bindings, holder_id)


shows(RoleRow, by=show_role)
reads(
    ids.Kind.ROLE,
    by=NodeKind(fetch=roles.get_many_roles, scope=Scope.ORG_READ, is_of_organization=True),
)
