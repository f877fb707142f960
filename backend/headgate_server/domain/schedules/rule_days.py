"""The days of recurrence rules: whether a time's day matches, and where to look if not."""

import calendar
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from headgate_server.domain.schedules.rule_texts import Frequency, Rule

CACHED = 1_024
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)


def leap(rule: Rule, at: datetime, start: date) -> datetime | None:
    """Return where to look next if a time's day, hour or minute does not match; else None."""
    if not has_day(rule, at.date(), start):
        return datetime.combine(at.date() + timedelta(days=1), time())
    if rule.hours and at.hour not in rule.hours:
        return at.replace(minute=0) + _HOUR
    is_minutely = rule.frequency is Frequency.MINUTELY
    if is_minutely and rule.minutes and at.minute not in rule.minutes:
        return at + _MINUTE
    return None


def has_day(rule: Rule, day: date, start: date) -> bool:
    """Whether a day matches all that a rule says of days, with the start's day for what it omits.

    As RFC 5545 has it, a yearly rule that names no day means the start's day and month, a monthly
    one its day, a weekly one its day of the week.
    """
    if rule.months and day.month not in rule.months:
        return False
    names_no_day = not (rule.weeks or rule.year_days or rule.month_days or rule.days)
    if names_no_day:
        return _is_day_of_start(rule, day, start)
    if rule.weeks and not _has_week(rule, day):
        return False
    if rule.year_days and not _is_one_of(rule.year_days, _number_in_year(day), _days_in_year(day)):
        return False
    if rule.month_days and not _is_one_of(rule.month_days, day.day, _days_in_month(day)):
        return False
    return not rule.days or _has_weekday(rule, day)


def _is_day_of_start(rule: Rule, day: date, start: date) -> bool:
    match rule.frequency:
        case Frequency.YEARLY:
            return day.day == start.day and (bool(rule.months) or day.month == start.month)
        case Frequency.MONTHLY:
            return day.day == start.day
        case Frequency.WEEKLY:
            return day.weekday() == start.weekday()
        case _:
            return True


def _is_one_of(wanted: tuple[int, ...], number: int, length: int) -> bool:
    """Whether a number, counted from the front or from the back, is wanted."""
    return number in wanted or number - length - 1 in wanted


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_in_year(day: date) -> int:
    return 366 if calendar.isleap(day.year) else 365


def _number_in_year(day: date) -> int:
    """Return which day of its year a day is, from 1."""
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _has_weekday(rule: Rule, day: date) -> bool:
    is_in_month = rule.frequency is Frequency.MONTHLY or bool(rule.months)
    for ordinal, weekday in rule.days:
        if day.weekday() != weekday:
            continue
        if ordinal == 0:
            return True
        number = day.day if is_in_month else _number_in_year(day)
        length = _days_in_month(day) if is_in_month else _days_in_year(day)
        if ordinal in {(number - 1) // 7 + 1, -((length - number) // 7 + 1)}:
            return True
    return False


def _has_week(rule: Rule, day: date) -> bool:
    """Whether a day lies in a wanted week; week 1 is the first with four days in the year."""
    thursday = week_of(rule, day) + timedelta(days=3)
    first, weeks = _weeks(rule.week_start, thursday.year)
    return _is_one_of(rule.weeks, (day - first).days // 7 + 1, weeks)


@lru_cache(CACHED)
def _weeks(week_start: int, year: int) -> tuple[date, int]:
    """Return where the weeks of a year begin, and how many it has."""
    first, following = (
        fourth - timedelta(days=(fourth.weekday() - week_start) % 7)
        for fourth in (date(year, 1, 4), date(year + 1, 1, 4))
    )
    return first, (following - first).days // 7


def week_of(rule: Rule, day: date) -> date:
    """Return the first day of a day's week."""
    return day - timedelta(days=(day.weekday() - rule.week_start) % 7)
