"""The formats of JSON Schema that parameters and the answers of people are held against.

Each is looked at in one pass, without expressions that backtrack; other formats fit everything.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit
from uuid import UUID

_DATE_LENGTH = len("2026-12-31")
_DURATION = re.compile(
    r"[-+]?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?"
)
_CLOCK = re.compile(r"[-+]?(\d+ ?d(ays?)?,? )?\d{1,2}:\d\d(:\d\d([.,]\d+)?)?", re.IGNORECASE)


def is_of_format(text: str, format: str) -> bool:
    """Whether a text is of a format of JSON Schema; of one that is unknown here, all are."""
    check = _CHECKS.get(format)
    if check is None:
        return True
    try:
        return check(text) is not False
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    date.fromisoformat(text)
    return len(text) == _DATE_LENGTH and text[4] == text[7] == "-"


def _is_duration(text: str) -> bool:
    return bool(_DURATION.fullmatch(text) or _CLOCK.fullmatch(text))


def _is_url(text: str) -> bool:
    return bool(urlsplit(text).scheme) and not any(sign.isspace() for sign in text)


def _is_address_of_mail(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and not any(sign.isspace() for sign in text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "date": _is_date,
    "date-time": datetime.fromisoformat,
    "time": time.fromisoformat,
    "duration": _is_duration,
    "uuid": UUID,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "ipvanyaddress": ip_address,
    "uri": _is_url,
    "email": _is_address_of_mail,
}
