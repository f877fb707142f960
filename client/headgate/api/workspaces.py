"""Workspaces over the API: their ids by name."""

from headgate.api.calls import ask, require
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
