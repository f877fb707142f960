"""Allowlists: the networks from which an organization may be reached."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from headgate_server.domain.errors import HeadgateError, InvalidInput

MAX_NETWORKS = 200
_MAPPED_BITS = 96
Network = IPv4Network | IPv6Network
Networks = tuple[str, ...]
"""As they are stored; none at all lets every address in."""


class AddressNotAllowed(HeadgateError):
    """The organization may not be reached from this address; ask an owner of it to allow it."""

    code = "ADDRESS_NOT_ALLOWED"

    def __init__(self, address: str | None) -> None:
        seen = f"the address {address}" if address else "an unknown address"
        super().__init__(
            f"The organization may not be reached from {seen}; ask an owner of it to allow it."
        )


def parse_networks(sent: Sequence[str]) -> Networks:
    """Return networks in their canonical form, in order and each once.

    Raises:
        InvalidInput: too many, or one that is no address and no network in CIDR notation.
    """
    if len(sent) > MAX_NETWORKS:
        raise InvalidInput(f"An allowlist has at most {MAX_NETWORKS} networks.", path=["networks"])
    found: set[Network] = set()
    for place, text in enumerate(sent):
        try:
            found.add(_plain(ip_network(text.strip())))
        except ValueError:
            raise InvalidInput(
                f"{text[:50]!r} is no network: write an IPv4 or IPv6 address, or a network as "
                "203.0.113.0/24, whose bits behind the prefix are 0.",
                path=["networks", str(place)],
            ) from None
    return tuple(str(one) for one in sorted(found, key=_order))


def admits(networks: Networks, address: str | None) -> bool:
    """Whether an address may reach an organization; an unknown one only where all may."""
    if not networks:
        return True
    try:
        seen = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(seen, IPv6Address) and seen.ipv4_mapped is not None:
        seen = seen.ipv4_mapped
    return any(_holds(network, seen) for network in _parsed(networks))


def check_address(networks: Networks, address: str | None) -> None:
    """Go on only if an address may reach an organization.

    Raises:
        AddressNotAllowed: with the address as it was seen.
    """
    if not admits(networks, address):
        raise AddressNotAllowed(address)


@lru_cache(maxsize=1_000)
def _parsed(networks: Networks) -> tuple[Network, ...]:
    return tuple(ip_network(one) for one in networks)


def _plain(network: Network) -> Network:
    """Return a network of IPv4 addresses as such where IPv6 is used to write it, ::ffff:a.b.c.d."""
    if isinstance(network, IPv4Network) or network.prefixlen < _MAPPED_BITS:
        return network
    mapped = network.network_address.ipv4_mapped
    if mapped is None:
        return network
    return IPv4Network((int(mapped), network.prefixlen - _MAPPED_BITS))


def _holds(network: Network, address: IPv4Address | IPv6Address) -> bool:
    return network.version == address.version and address in network


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
