"""Workspaces over the API: their ids by name, and their closing."""

from headgate.api.calls import ask, change, require
from headgate.api.transport import Transport


async def get_id(transport: Transport, *, organization: str, workspace: str) -> str:
    """Return the id of a workspace named by its slugs.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(
        transport,
        "workspaces",
        "Workspace",
        variables={"organization": organization, "workspace": workspace},
    )
    return str(require(found, what=f"workspace {organization}/{workspace}")["id"])


async def archive(transport: Transport, *, id_: str, archived: bool) -> None:
    """Archive a workspace, in which nothing starts then, or open it again.

    Raises:
        ForbiddenError: this key is not an administrator's of the organization.
    """
    given = {"id": id_, "archived": archived}
    await change(transport, "workspaces", "WorkspaceArchive", input=given)


async def delete(transport: Transport, *, id_: str) -> None:
    """Delete an archived workspace with everything in it, for good.

    Raises:
        ConflictError: it is not archived.
        ForbiddenError: this key is not an administrator's of the organization.
    """
    await change(transport, "workspaces", "WorkspaceDelete", input={"id": id_})


async def create(transport: Transport, *, organization_id: str, slug: str, name: str) -> str:
    """Make a workspace and return its id.

    Raises:
        ConflictError: the organization has one of this slug.
        ForbiddenError: this key is not an administrator's of the organization.
    """
    wanted = {"organizationId": organization_id, "slug": slug, "name": name}
    payload = await change(transport, "workspaces", "WorkspaceCreate", input=wanted)
    return str(payload["workspace"]["id"])
