"""Where a request came from, for the audit log."""

from ipaddress import ip_address

from starlette.requests import HTTPConnection

from headgate_server.domain.documents import is_storable
from headgate_server.domain.tenancy import Origin

MAX_USER_AGENT_LENGTH = 300


def address_of(connection: HTTPConnection) -> str | None:
    """Return the address that somebody calls from, as far as it is known.

    That of the connection, or what a trusted proxy says of it: the web server has seen to that. One
    of IPv4 is shown as such, also where it comes as ::ffff:a.b.c.d to a socket of both kinds: as
    one of IPv6, all of them would be of one network.
    """
    return None if connection.client is None else _plain(connection.client.host)


def _plain(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or host)


def origin_of(connection: HTTPConnection, *, request_id: str) -> Origin:
    """Return where a request or a socket came from; which credential it showed comes later."""
    address = address_of(connection)
    agent = connection.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH]
    return Origin(
        request_id=request_id,
        address=address,
        user_agent=agent if agent and is_storable(agent) else None,
    )
