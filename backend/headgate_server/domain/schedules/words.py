"""A schedule in words, such as people say it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from headgate_server.domain.schedules import rule_texts
from headgate_server.domain.schedules.rule_texts import Frequency, Rule
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.domain.wall_clocks import find_zone

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS = (0, 1, 2, 3, 4)
_SUNDAY_FIRST = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_DAYS = {name: (index - 1) % 7 for index, name in enumerate(_SUNDAY_FIRST)}
_UNITS = (
    (timedelta(weeks=1), "week"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)
_PERIODS = {
    Frequency.YEARLY: "year",
    Frequency.MONTHLY: "month",
    Frequency.WEEKLY: "week",
    Frequency.DAILY: "day",
    Frequency.HOURLY: "hour",
    Frequency.MINUTELY: "minute",
}


def describe(spec: Spec) -> str:
    """Return a checked specification in words; what has no simple ones is quoted."""
    match spec:
        case IntervalSpec():
            return _every(spec.every)
        case CronSpec():
            return f"{_cron(spec)} {spec.timezone}"
        case RRuleSpec():
            return f"{_rule(spec)} {spec.timezone}"


def _every(length: timedelta) -> str:
    for unit, name in _UNITS:
        if length % unit == timedelta():
            return _times(length // unit, name)
    return f"every {length.total_seconds():g} seconds"


def _times(number: int, name: str) -> str:
    return f"every {name}" if number == 1 else f"every {number} {name}s"


def _cron(spec: CronSpec) -> str:
    minute, hour, day, month, weekday = spec.cron.upper().split()
    if (day, month, weekday) == ("*", "*", "*"):
        repeated = _repeated(minute, hour)
        if repeated is not None:
            return repeated
    days = _cron_days(day, weekday)
    if minute.isdigit() and hour.isdigit() and month == "*" and days is not None:
        return f"{days} at {int(hour):02}:{int(minute):02}"
    return f"cron {spec.cron}"


def _repeated(minute: str, hour: str) -> str | None:
    if hour == "*" and minute == "*":
        return "every minute"
    step = minute.removeprefix("*/")
    if hour == "*" and step != minute and step.isdigit() and 60 % int(step) == 0:
        return _times(int(step), "minute")
    if hour == "*" and minute.isdigit():
        return "every hour" if int(minute) == 0 else f"every hour at minute {int(minute)}"
    return None


def _cron_days(day: str, weekday: str) -> str | None:
    if day == "*" and weekday == "*":
        return "every day"
    if weekday == "*" and day.isdigit():
        return f"every month on day {int(day)}"
    if day != "*":
        return None
    if weekday in {"MON-FRI", "1-5"}:
        return "every weekday"
    found = [_cron_day(part) for part in weekday.split(",")]
    known = [one for one in found if one is not None]
    return _day_names(tuple(sorted(known))) if len(known) == len(found) else None


def _cron_day(text: str) -> int | None:
    if text in _CRON_DAYS:
        return _CRON_DAYS[text]
    return (int(text) - 1) % 7 if text.isdigit() else None


def _day_names(days: tuple[int, ...]) -> str:
    if days == _WEEKDAYS:
        return "every weekday"
    names = [_DAYS[day] for day in days]
    return "every " + (names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")


def _rule(spec: RRuleSpec) -> str:
    zone = find_zone(spec.timezone)
    text = rule_texts.read(spec.rrule, zone=zone)
    rule = text.rule
    base = _simple(rule)
    if base is None or text.dates or text.excluded:
        return f"rule {spec.rrule.splitlines()[-1][:200]}"
    start = _shown(text.start or spec.start or datetime(2000, 1, 1, tzinfo=zone), zone)
    hour = rule.hours[0] if rule.hours else start.hour
    minute = rule.minutes[0] if rule.minutes else start.minute
    at = "" if rule.frequency >= Frequency.HOURLY else f" at {hour:02}:{minute:02}"
    return f"{base}{at}{_end(rule, zone)}"


def _simple(rule: Rule) -> str | None:
    """Return the days or the period of a rule that names no more than those and one time."""
    parts = (rule.months, rule.weeks, rule.year_days, rule.month_days, rule.positions)
    is_plain = not any(parts) and len(rule.hours) <= 1 and len(rule.minutes) <= 1
    if not is_plain or any(ordinal for ordinal, _ in rule.days):
        return None
    if rule.days:
        days = tuple(day for _, day in rule.days)
        weekly = rule.frequency in {Frequency.WEEKLY, Frequency.DAILY} and rule.interval == 1
        return _day_names(days) if weekly else None
    if rule.frequency >= Frequency.HOURLY and (rule.hours or rule.minutes):
        return None
    return _times(rule.interval, _PERIODS[rule.frequency])


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock of a zone shows."""
    return moment if moment.tzinfo is None else moment.astimezone(zone)


def _end(rule: Rule, zone: ZoneInfo) -> str:
    if rule.count is not None:
        return f", {rule.count} times"
    return f", until {_shown(rule.until, zone):%Y-%m-%d}" if rule.until is not None else ""
