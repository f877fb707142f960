"""Roles over the API: list, upsert, delete; and what holding one looks like."""

import msgspec

from headgate.api.calls import Answer, ask_organization, change, given
from headgate.api.transport import Transport

NOUN = "roles"


class RoleAnswer(Answer, frozen=True):
    """Scopes under one name."""

    id: str
    name: str
    builtin: bool
    scopes: list[str]
    version: int


class RoleName(Answer, frozen=True):
    """A role, named."""

    id: str
    name: str


class HeldIn(Answer, frozen=True):
    """The workspace in which a role is held."""

    id: str
    slug: str


class Binding(Answer, frozen=True):
    """A role that somebody holds in a place.

    Args:
        workspace: None in the whole organization, and where this key may not enter it.
        object_id: the only object it is held on.
    """

    id: str
    role: RoleName
    is_organization_wide: bool
    object_id: str | None = None
    workspace: HeldIn | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A role to be given or taken away, in a place.

    Args:
        workspace_id: None for the whole organization.
        object_id: a deployment, work pool or block of that workspace.
    """

    role_id: str
    workspace_id: str | None = None
    object_id: str | None = None
    is_removed: bool = False

    def as_variables(self) -> dict[str, object]:
        """Return what the API's ``…RoleBindInput`` say of it."""
        return given(
            roleId=self.role_id,
            workspaceId=self.workspace_id,
            objectId=self.object_id,
            remove=self.is_removed,
        )


async def list_roles(transport: Transport, *, organization: str) -> list[RoleAnswer]:
    """Return the built-in roles, the most powerful first, then the organization's own by name."""
    place = await ask_organization(transport, NOUN, "Roles", organization=organization)
    return msgspec.convert(place["roles"], list[RoleAnswer])


async def upsert(
    transport: Transport,
    *,
    organization_id: str,
    name: str,
    scopes: list[str],
    expected_version: int | None = None,
) -> RoleAnswer:
    """Make the role of a name, or change what it gives.

    Raises:
        ForbiddenError: it gives what this key does not hold everywhere itself.
        VersionConflictError: it is not of the expected version.
        InvalidInputError: the name is that of a built-in role, or there is no such scope.
    """
    payload = await change(
        transport,
        NOUN,
        "RoleUpsert",
        input=given(
            organizationId=organization_id,
            name=name,
            scopes=scopes,
            expectedVersion=expected_version,
        ),
    )
    return msgspec.convert(payload["role"], RoleAnswer)


async def delete(transport: Transport, *, role_id: str) -> None:
    """Delete a role of the organization's own.

    Raises:
        ConflictError: somebody holds it.
        NotFoundError: there is none.
    """
    await change(transport, NOUN, "RoleDelete", input={"id": role_id})
