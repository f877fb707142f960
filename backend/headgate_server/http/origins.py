"""Where a request came from, for the audit log."""

from starlette.requests import HTTPConnection

from headgate_server.domain.documents import is_storable
from headgate_server.domain.tenancy import Origin

MAX_USER_AGENT_LENGTH = 300


def address_of(connection: HTTPConnection) -> str | None:
    """Return the address that somebody calls from, as far as it is known.

    That of the connection, or what a trusted proxy says of it: the web server has seen to that.
    """
    return connection.client.host if connection.client is not None else None


def origin_of(connection: HTTPConnection, *, request_id: str) -> Origin:
    """Return where a request or a socket came from; which credential it showed comes later."""
    address = address_of(connection)
    agent = connection.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH]
    return Origin(
        request_id=request_id,
        address=address,
        user_agent=agent if agent and is_storable(agent) else None,
    )
