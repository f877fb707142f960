"""Organizations over the API: their ids by name."""

from headgate.api.calls import ask_organization
from headgate.api.transport import Transport

NOUN = "organizations"


async def get_id(transport: Transport, *, organization: str) -> str:
    """Return the id of the organization of a slug.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask_organization(transport, NOUN, "OrganizationId", organization=organization)
    return str(found["id"])
