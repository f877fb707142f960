"""Recurrence rules as text: read into values, with the place of every mistake.

A text is lines: one RRULE (its name may be left out), and perhaps DTSTART, RDATE and EXDATE.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from enum import IntEnum
from zoneinfo import ZoneInfo

from headgate_server.domain.schedules.specs import InvalidSpec

MAX_LENGTH = 6_500
MAX_INTERVAL = 10_000
MAX_COUNT = 1_000
PATH = ("spec", "rrule", "rrule")

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_LINE = re.compile(r"(?:([A-Za-z]+)((?:;[A-Za-z-]+=[^:;]*)*):)?(.*)", re.DOTALL)
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?\d{1,5}")
_MOMENT = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")


class Frequency(IntEnum):
    """How often a rule's period comes round, the longest first."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """The parts of an RRULE; what it does not name is empty."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0
    months: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    days: tuple[tuple[int, int], ...] = ()
    """Of each an ordinal, 0 for every one, and a day of the week from 0 for Monday."""
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a text says; a time in UTC is an instant, any other one of the wall clock."""

    rule: Rule
    start: datetime | None
    dates: tuple[datetime, ...] = ()
    excluded: frozenset[datetime] = frozenset()


_LISTS: dict[str, tuple[str, int, int]] = {
    "BYMONTH": ("months", 1, 12),
    "BYWEEKNO": ("weeks", -53, 53),
    "BYYEARDAY": ("year_days", -366, 366),
    "BYMONTHDAY": ("month_days", -31, 31),
    "BYHOUR": ("hours", 0, 23),
    "BYMINUTE": ("minutes", 0, 59),
    "BYSECOND": ("seconds", 0, 59),
    "BYSETPOS": ("positions", -366, 366),
}


def read(text: str, *, zone: ZoneInfo) -> RuleText:
    """Return what a text says.

    Args:
        text: at most 6,500 characters.
        zone: whose clock its times are of, but for those in UTC.

    Raises:
        InvalidSpec: what it says is no rule, or one that Headgate does not walk.
    """
    if len(text) > MAX_LENGTH:
        raise _mistake(f"A rule has at most {MAX_LENGTH} characters.", MAX_LENGTH)
    found = _Found(zone)
    at = 0
    for line in text.split("\n"):
        if line.strip():
            found.read_line(line.rstrip("\r"), at)
        at += len(line) + 1
    if found.rule is None:
        raise _mistake("Name one RRULE, such as `FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9`.", 0)
    return RuleText(
        rule=found.rule,
        start=found.start,
        dates=tuple(found.dates),
        excluded=frozenset(found.excluded),
    )


@dataclass(slots=True)
class _Found:
    """What the lines have said so far."""

    zone: ZoneInfo
    rule: Rule | None = None
    start: datetime | None = None
    dates: list[datetime] = field(default_factory=list[datetime])
    excluded: list[datetime] = field(default_factory=list[datetime])

    def read_line(self, line: str, at: int) -> None:
        match = _LINE.fullmatch(line)
        if match is None:
            raise _mistake("Write NAME:VALUE.", at)
        name, options, value = (match[1] or "RRULE").upper(), match[2] or "", match[3]
        value_at = at + match.start(3)
        self._check_options(options, at + max(match.start(2), 0))
        if name == "RRULE":
            if self.rule is not None:
                raise _mistake("Name one RRULE only; make a second schedule for another.", at)
            self.rule = _rule(value, value_at, zone=self.zone)
        elif name == "DTSTART":
            self.start = _moment(value, value_at, zone=self.zone)
        elif name in {"RDATE", "EXDATE"}:
            kept = self.dates if name == "RDATE" else self.excluded
            for part, place in _split(value, value_at, ","):
                kept.append(_moment(part, place, zone=self.zone))
        else:
            raise _mistake(f"{name} is none of RRULE, DTSTART, RDATE and EXDATE.", at)

    def _check_options(self, options: str, at: int) -> None:
        for option, place in _split(options, at, ";"):
            key, _, value = option.partition("=")
            if key.upper() == "TZID" and value != self.zone.key:
                raise _mistake(f"All times are of {self.zone.key}, or end in Z.", place)
            if key.upper() not in {"TZID", "VALUE"}:
                raise _mistake(f"{key[:30]} is not understood here.", place)


def _rule(text: str, at: int, *, zone: ZoneInfo) -> Rule:
    values: dict[str, object] = {}
    for part, place in _split(text, at, ";"):
        key, has_value, value = part.partition("=")
        value_at = place + len(key) + 1
        if not has_value or not value:
            raise _mistake(f"Write NAME=VALUE instead of {part[:30]!r}.", place)
        name, read_value = _value(key.strip().upper(), value.strip().upper(), value_at, zone)
        if name in values:
            raise _mistake(f"{key} is named twice.", place)
        values[name] = read_value
    if "frequency" not in values:
        raise _mistake("Name a FREQ, such as FREQ=DAILY.", at)
    rule = Rule(**values)  # type: ignore[arg-type]  # each value was read for its name
    _check(rule, at)
    return rule


def _value(key: str, value: str, at: int, zone: ZoneInfo) -> tuple[str, object]:
    if key in _LISTS:
        name, low, high = _LISTS[key]
        read_list = [
            _number(part, place, low, high, is_zero_meant=low == 0)
            for part, place in _split(value, at, ",")
        ]
        return name, tuple(sorted(set(read_list)))
    match key:
        case "FREQ":
            return "frequency", _frequency(value, at)
        case "INTERVAL":
            return "interval", _number(value, at, 1, MAX_INTERVAL)
        case "COUNT":
            return "count", _number(value, at, 1, MAX_COUNT)
        case "UNTIL":
            return "until", _moment(value, at, zone=zone, is_end=True)
        case "WKST" if value in WEEKDAYS:
            return "week_start", WEEKDAYS.index(value)
        case "BYDAY":
            return "days", tuple(sorted({_day(*part) for part in _split(value, at, ",")}))
        case _:
            raise _mistake(f"{key}={value[:30]} is not understood.", at - len(key) - 1)


def _check(rule: Rule, at: int) -> None:
    if rule.count is not None and rule.until is not None:
        raise _mistake("A rule has a COUNT or an UNTIL, not both.", at)
    if len(rule.seconds) > 1:
        raise _mistake("BYSECOND names one second; use an interval for less than a minute.", at)
    if rule.weeks and rule.frequency is not Frequency.YEARLY:
        raise _mistake("BYWEEKNO goes with FREQ=YEARLY only.", at)
    has_ordinals = any(ordinal for ordinal, _ in rule.days)
    if has_ordinals and (rule.frequency > Frequency.MONTHLY or rule.weeks):
        raise _mistake(
            "BYDAY counts, as in 2MO, with FREQ=MONTHLY or FREQ=YEARLY without BYWEEKNO only.", at
        )


def _frequency(value: str, at: int) -> Frequency:
    if value == "SECONDLY":
        raise _mistake("FREQ=SECONDLY is not for rules; use an interval.", at)
    if value not in Frequency.__members__:
        raise _mistake(f"FREQ is one of {', '.join(Frequency.__members__)}.", at)
    return Frequency[value]


def _number(text: str, at: int, low: int, high: int, *, is_zero_meant: bool = False) -> int:
    if _NUMBER.fullmatch(text):
        number = int(text)
        if low <= number <= high and (number or is_zero_meant):
            return number
    but = "" if is_zero_meant or low > 0 else " but 0"
    raise _mistake(f"{text[:30]!r} is not a number from {low} to {high}{but}.", at)


def _day(text: str, at: int) -> tuple[int, int]:
    match = _DAY.fullmatch(text)
    ordinal = int(match[1] or 0) if match else 0
    if match is None or abs(ordinal) > 53 or (match[1] and not ordinal):
        raise _mistake(f"{text[:30]!r} is not a day such as MO, 2TU or -1FR.", at)
    return ordinal, WEEKDAYS.index(match[2])


def _moment(text: str, at: int, *, zone: ZoneInfo, is_end: bool = False) -> datetime:
    """Return a time of the wall clock, or an instant where it ends in Z.

    A bare date is its first or its last second.
    """
    match = _MOMENT.fullmatch(text.strip().upper())
    try:
        if match is None:
            raise ValueError
        day = datetime.strptime(match[1], "%Y%m%d")  # noqa: DTZ007  wall-clock time on purpose
        if match[2] is None:
            return datetime.combine(day, time(23, 59, 59) if is_end else time())
        hour, minute, second = int(match[2][:2]), int(match[2][2:4]), int(match[2][4:])
        moment = day.replace(hour=hour, minute=minute, second=second)
        if match[3]:
            moment = moment.replace(tzinfo=UTC)
            moment.astimezone(zone)  # which has no time outside of the calendar
    except (ValueError, OverflowError):
        raise _mistake(f"{text[:30]!r} is not a time such as 20261231T090000.", at) from None
    return moment


def _split(text: str, at: int, by: str) -> list[tuple[str, int]]:
    """Return the parts of a text that are not empty, each with its place."""
    parts: list[tuple[str, int]] = []
    for part in text.split(by):
        if part:
            parts.append((part, at))
        at += len(part) + 1
    return parts


def _mistake(message: str, position: int) -> InvalidSpec:
    return InvalidSpec(message, path=PATH, position=position)
