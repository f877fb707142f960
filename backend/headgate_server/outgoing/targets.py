"""Addresses of the web that somebody told us: what of them may be asked, before anybody is."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from headgate_server.domain.errors import InvalidInput
from headgate_server.outgoing.addresses import Address

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_LENGTH = 2048
MAX_NAME_LENGTH = 253
FIRST_FREE_PORT = 1024
"""Below, only the ports of the web: mail, SSH and the like are not to be knocked at."""
BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | set(range(6665, 6670))
)
"""Above, those that browsers do not ask either: no server of the web listens there."""
_PLAIN = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class TargetRefused(InvalidInput):
    """Nothing is sent to this address; name a public one that starts with https:// or http://."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Args:
        host: a name in lower case, or an address without brackets.
        address: of a host that is one.
    """

    scheme: str
    host: str
    port: int
    address: Address | None = None

    @property
    def origin(self) -> tuple[str, int]:
        """Return host and port."""
        return self.host, self.port


def parse_target(url: str) -> Target:
    """Return where a URL leads, if every reader of URLs would say so.

    What two readers may take for different hosts is refused: user names, backslashes, spaces,
    numbers in octal or hex, letters that are not ASCII, a dot at the end.

    Raises:
        TargetRefused: saying what is wrong with it.
    """
    if len(url) > MAX_URL_LENGTH:
        raise TargetRefused(f"A URL has at most {MAX_URL_LENGTH:,} characters.")
    if _PLAIN.fullmatch(url) is None or "\\" in url:
        raise TargetRefused(
            "A URL is of ASCII characters, without spaces and backslashes; "
            "write other letters of a host as xn--, and of a path as %XX."
        )
    try:
        parts = urlsplit(url)
        return _target(parts)
    except ValueError:
        raise TargetRefused("This is no URL that leads anywhere; correct it.") from None


def _target(parts: SplitResult) -> Target:
    if parts.scheme not in DEFAULT_PORTS:
        raise TargetRefused("A URL starts with https:// or http://.")
    if "@" in parts.netloc:
        raise TargetRefused("A URL names no user and no password; send them in another way.")
    if parts.fragment:
        raise TargetRefused("A URL that is asked ends before its #.")
    host, port = _host_of(parts), _port_of(parts)
    if parts.netloc.startswith("["):
        return Target(parts.scheme, host, port, IPv6Address(host))
    return Target(parts.scheme, host, port, _check_name(host))


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname
    if not host or "%" in host:
        raise TargetRefused("A URL names a host: a name, or an address without a zone.")
    return host


def _port_of(parts: SplitResult) -> int:
    before, colon, said = parts.netloc.rpartition("]")[2].partition(":")
    if before and "]" in parts.netloc:
        raise TargetRefused("Only a port follows an address in brackets; correct it.")
    if not colon:
        return DEFAULT_PORTS[parts.scheme]
    port = parts.port
    if port is None or said != str(port):
        raise TargetRefused("A port is a number without anything before it; correct it.")
    is_web = port in DEFAULT_PORTS.values()
    if not is_web and (port < FIRST_FREE_PORT or port in BAD_PORTS):
        raise TargetRefused(f"Nothing is sent to port {port}: use 443, 80, or one from 1024 on.")
    return port


def _check_name(host: str) -> IPv4Address | None:
    """Return the address that a host is, None for a name.

    Raises:
        TargetRefused: it is neither, or something between.
    """
    try:
        return IPv4Address(host)
    except AddressValueError:
        labels = host.split(".")
    is_name = len(host) <= MAX_NAME_LENGTH and all(_LABEL.fullmatch(one) for one in labels)
    if not is_name:
        raise TargetRefused("A host is a name of letters, digits and hyphens; correct it.")
    if _NUMBER.fullmatch(labels[-1]):
        raise TargetRefused("An address has four decimal numbers without zeros before them.")
    return None
