"""The formats of JSON Schema that parameters and the answers of people are held against.

Each is looked at in one pass, without expressions that backtrack; other formats fit everything.
What the types of a flow's code would take is never refused here: Pydantic reads instants as
numbers, days with a time of midnight and durations in words. The run itself has the last word.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit
from uuid import UUID

_DATE_LENGTH = len("2026-12-31")
_NUMBER = re.compile(r"[-+]?\d+([.]\d+)?")
_PART = r"(\d+([.,]\d+)?{})?"
_PERIOD = re.compile(
    "[-+]?P(?=.)"
    + "".join(map(_PART.format, "YMWD"))
    + "(T(?=.)"
    + "".join(map(_PART.format, "HMS"))
    + ")?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"[-+]?(?=.)(\d+ ?d(ays?)?,? ?)?([-+]?\d+:\d\d(:\d\d([.,]\d+)?)?)?", re.IGNORECASE
)


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
    if len(text) == _DATE_LENGTH and text[4] == text[7] == "-":
        date.fromisoformat(text)
        return True
    return _is_number(text) or (len(text) > _DATE_LENGTH and _read_instant(text).time() == time())


def _is_instant(text: str) -> bool:
    if not _is_number(text):
        _read_instant(text)
    return True


def _is_time(text: str) -> bool:
    if not _is_number(text):
        time.fromisoformat(text.strip().upper())
    return True


def _read_instant(text: str) -> datetime:
    return datetime.fromisoformat(text.strip().upper())


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None


def _is_duration(text: str) -> bool:
    said = text.strip()
    return any(one.fullmatch(said) is not None for one in (_PERIOD, _CLOCK, _NUMBER))


def _is_url(text: str) -> bool:
    return bool(urlsplit(text.strip()).scheme)


def _is_address_of_mail(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and not any(sign.isspace() for sign in text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "date": _is_date,
    "date-time": _is_instant,
    "time": _is_time,
    "duration": _is_duration,
    "uuid": UUID,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "ipvanyaddress": ip_address,
    "uri": _is_url,
    "email": _is_address_of_mail,
}
