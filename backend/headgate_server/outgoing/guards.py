"""Where requests may go, and to which addresses exactly."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from headgate_server.outgoing.addresses import Address, Network, is_public, parse_networks
from headgate_server.outgoing.targets import DEFAULT_PORTS, Target, TargetRefused, parse_target
from headgate_server.settings import Settings

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Returns every address of a name; raises OSError where there is none."""

NOT_PUBLIC = (
    "This host is not public, or has an address that is not; "
    "an operator can allow its network with HEADGATE_OUTGOING_NETWORKS."
)


async def resolve(name: str) -> list[Address]:
    """Return every address that the system knows for a name, those that it prefers first."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides where requests may go.

    Args:
        networks: may be reached although they are not public.
        origins: hosts and ports that an operator named, wherever they are.
        resolve: asks for the addresses of a name.
    """

    networks: tuple[Network, ...] = ()
    origins: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve = resolve

    def trusting(self, url: str) -> "Guard":
        """Return a guard that also lets requests go to the origin of a URL that an operator set."""
        parts = urlsplit(url)
        origin = (parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0))
        return replace(self, origins=self.origins | {origin})

    def check(self, url: str) -> Target:
        """Return where a URL leads; what its host's name resolves to is not looked at yet.

        Raises:
            TargetRefused: requests may not go there.
        """
        target = parse_target(url)
        if target.address is not None and target.origin not in self.origins:
            self._check_addresses([target.address])
        return target

    async def addresses_of(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses that a connection may be made to, of which any will do.

        One that may not be reached refuses them all: who controls the name wants it reached.

        Raises:
            TargetRefused: requests may not go there.
            OSError: the name has no address.
        """
        try:
            found: Sequence[Address] = [ip_address(host)]
        except ValueError:
            found = await self.resolve(host)
        if (host, port) not in self.origins:
            self._check_addresses(found)
        return found

    def _check_addresses(self, found: Sequence[Address]) -> None:
        for address in found:
            is_allowed = any(address in network for network in self.networks)
            if not is_allowed and not is_public(address):
                raise TargetRefused(NOT_PUBLIC)


def guard_of(settings: Settings) -> Guard:
    """Return the guard that the settings ask for.

    Raises:
        ConfigurationError: a network in them is none.
    """
    return Guard(networks=parse_networks(settings.outgoing_networks))
