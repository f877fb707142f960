"""Which addresses are public: those that are of no network of ours, and stand for no other one."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)

from headgate_server.domain.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
"""All that is handed out of IPv6; everything else is local, reserved, or multicast."""
_SPECIAL: Sequence[Network] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network, and the address that is none
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's agent of every machine
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocols, and the metadata of Oracle's cloud
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocols: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an address of IPv4
        "2620:4f:8000::/48",
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether an address is one that everybody may reach, and says so in plain form.

    Addresses of IPv6 that hold one of IPv4 (mapped, NAT64, 6to4, Teredo) are not: what they lead
    to is decided by whoever translates them.
    """
    if address.version == 6 and address not in _UNICAST:
        return False
    return not any(address in network for network in _SPECIAL)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a setting, by comma, such as ``10.0.0.0/8,fd00::/8``.

    Raises:
        ConfigurationError: one of them is none.
    """
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"HEADGATE_OUTGOING_NETWORKS holds networks by comma, such as 10.0.0.0/8: {error}."
        ) from None
