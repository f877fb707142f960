"""Where a request came from, for the audit log."""

from starlette.requests import HTTPConnection

from headgate_server.domain.documents import is_storable
from headgate_server.domain.tenancy import Origin

MAX_USER_AGENT_LENGTH = 300


def origin_of(connection: HTTPConnection, *, request_id: str) -> Origin:
    """Return where a request or a socket came from; which credential it showed comes later."""
    address = connection.client.host if connection.client is not None else None
    agent = connection.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH]
    return Origin(
        request_id=request_id,
        address=address,
        user_agent=agent if agent and is_storable(agent) else None,
    )
