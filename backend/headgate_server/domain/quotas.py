"""Quotas: how much an organization may use, what it used, and when that starts anew.

Days and months are those of UTC. A quota never ends what runs: it refuses what would begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar

from headgate_server.domain.errors import InvalidInput, LimitExceeded

MAX_LIMIT = 2**53 - 1
"""Beyond it a JSON number is not read exactly everywhere."""
WARN_PERCENTS = (80, 100)


class QuotaKind(StrEnum):
    """What is limited, and over which time."""

    RUNS_PER_DAY = "RUNS_PER_DAY"
    RUNS_PER_MONTH = "RUNS_PER_MONTH"
    API_POINTS_PER_DAY = "API_POINTS_PER_DAY"
    API_POINTS_PER_MONTH = "API_POINTS_PER_MONTH"
    LOG_BYTES_PER_DAY = "LOG_BYTES_PER_DAY"
    LOG_BYTES_PER_MONTH = "LOG_BYTES_PER_MONTH"
    STORED_BYTES = "STORED_BYTES"
    KEPT_DAYS = "KEPT_DAYS"
    RUNS_AT_ONCE = "RUNS_AT_ONCE"
    WORKSPACES = "WORKSPACES"
    MEMBERS = "MEMBERS"
    SERVICE_ACCOUNTS = "SERVICE_ACCOUNTS"
    API_KEYS = "API_KEYS"
    WORK_POOLS = "WORK_POOLS"
    DEPLOYMENTS = "DEPLOYMENTS"
    SCHEDULES = "SCHEDULES"
    BLOCK_DOCUMENTS = "BLOCK_DOCUMENTS"
    VARIABLES = "VARIABLES"

    @property
    def setting(self) -> str:
        """Return the setting of its default, without the prefix of all settings."""
        return f"QUOTA_{self.value}"


RUN_KINDS = frozenset({QuotaKind.RUNS_PER_DAY, QuotaKind.RUNS_PER_MONTH})
API_KINDS = frozenset({QuotaKind.API_POINTS_PER_DAY, QuotaKind.API_POINTS_PER_MONTH})
STORED_KINDS = frozenset({QuotaKind.STORED_BYTES})
LOG_KINDS = STORED_KINDS | {QuotaKind.LOG_BYTES_PER_DAY, QuotaKind.LOG_BYTES_PER_MONTH}
OBJECT_KINDS = frozenset(
    {
        QuotaKind.WORKSPACES,
        QuotaKind.MEMBERS,
        QuotaKind.SERVICE_ACCOUNTS,
        QuotaKind.API_KEYS,
        QuotaKind.WORK_POOLS,
        QuotaKind.DEPLOYMENTS,
        QuotaKind.SCHEDULES,
        QuotaKind.BLOCK_DOCUMENTS,
        QuotaKind.VARIABLES,
    }
)
"""How many of something there may be; whoever deletes one has room for another."""
COUNTED_KINDS = OBJECT_KINDS | {QuotaKind.RUNS_AT_ONCE}

Limits = Mapping[QuotaKind, int]
"""By kind; 0, or none, does not limit."""


class QuotaExceeded(LimitExceeded):
    """A quota of the organization is used up; wait until it starts anew, or ask an operator."""

    code = "QUOTA_EXCEEDED"

    def __init__(self, quota: "Quota", *, asked: int = 0) -> None:
        until = f"; it starts anew at {quota.resets_at:%Y-%m-%dT%H:%MZ}" if quota.resets_at else ""
        is_freed = quota.kind in OBJECT_KINDS | STORED_KINDS
        room = "Delete what is not needed any more; an" if is_freed else "An"
        super().__init__(
            f"The organization has used {quota.used + asked:,} of its quota "
            f"{quota.kind.value} of {quota.limit:,}{until}. {room} operator of this installation "
            "may raise it.",
            limit=quota.limit,
            current=quota.used + asked,
            reset_at=quota.resets_at,
        )
        self.kind = quota.kind


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: runs made, and bytes of their inputs; points of the API; bytes logged.

    ``restarts`` are attempts that started the code of a run again: a retry, whoever asked for it,
    and another start after its agent was lost.
    """

    ZERO: ClassVar["Usage"]

    runs: int = 0
    restarts: int = 0
    run_bytes: int = 0
    api_points: int = 0
    log_bytes: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def minus(self, other: "Usage") -> "Usage":
        """Return the difference."""
        return Usage(*(getattr(self, one.name) - getattr(other, one.name) for one in fields(self)))


Usage.ZERO = Usage()


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What an organization used on one day."""

    day: date
    usage: Usage


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of an organization, and how much of it is used.

    Args:
        kind: what is limited.
        limit: 0 does not limit.
        used: so far; of KEPT_DAYS the longest that a workspace keeps anything.
        resets_at: when it starts anew; None for what is no count over a time.
        is_default: whether the limit is the installation's and not the organization's own.
    """

    kind: QuotaKind
    limit: int
    used: int = 0
    resets_at: datetime | None = None
    is_default: bool = True

    @property
    def room(self) -> int | None:
        """Return how much is left, which may be less than 0; None where nothing limits it."""
        return None if self.limit <= 0 else self.limit - self.used


@dataclass(frozen=True, slots=True)
class Standing:
    """The limits of an organization and what it used, as of one moment.

    Args:
        limits: in force, by kind.
        own: those of them that are the organization's own, and no defaults.
        today: what was used today.
        month: what was used this month, today included.
        stored_bytes: at most what is stored of runs and logs, and what was sampled of the rest.
        kept_days: the longest that a workspace keeps anything.
        counts: how many objects there are, and runs at once; read only to be shown.
    """

    limits: Limits
    own: frozenset[QuotaKind] = frozenset()
    today: Usage = field(default_factory=Usage)
    month: Usage = field(default_factory=Usage)
    stored_bytes: int = 0
    kept_days: int = 0
    counts: Mapping[QuotaKind, int] = field(default_factory=dict[QuotaKind, int])

    def quota(self, kind: QuotaKind, *, now: datetime, since: Usage = Usage.ZERO) -> Quota:
        """Return one quota.

        Args:
            kind: which one.
            now: tells when it starts anew.
            since: what was used after this standing was read.
        """
        today, month = self.today.plus(since), self.month.plus(since)
        used: Mapping[QuotaKind, int] = {
            **dict.fromkeys(COUNTED_KINDS, 0),
            **self.counts,
            QuotaKind.RUNS_PER_DAY: today.runs + today.restarts,
            QuotaKind.RUNS_PER_MONTH: month.runs + month.restarts,
            QuotaKind.API_POINTS_PER_DAY: today.api_points,
            QuotaKind.API_POINTS_PER_MONTH: month.api_points,
            QuotaKind.LOG_BYTES_PER_DAY: today.log_bytes,
            QuotaKind.LOG_BYTES_PER_MONTH: month.log_bytes,
            QuotaKind.STORED_BYTES: self.stored_bytes + since.log_bytes + since.run_bytes,
            QuotaKind.KEPT_DAYS: self.kept_days,
        }
        return Quota(
            kind,
            limit=self.limits.get(kind, 0),
            used=used[kind],
            resets_at=resets_at(kind, now),
            is_default=kind not in self.own,
        )

    def over(
        self,
        kinds: frozenset[QuotaKind],
        *,
        now: datetime,
        since: Usage = Usage.ZERO,
    ) -> Quota | None:
        """Return the quota that is used up, of several the one that stays so the longest."""
        limited = sorted(kind for kind in kinds if self.limits.get(kind, 0) > 0)
        quotas = [self.quota(kind, now=now, since=since) for kind in limited]
        spent = [one for one in quotas if one.room is not None and one.room <= 0]
        forever = datetime.max.replace(tzinfo=UTC)
        return max(spent, key=lambda one: one.resets_at or forever, default=None)


def day_of(now: datetime) -> date:
    """Return the day that something counts for."""
    return now.astimezone(UTC).date()


def month_of(day: date) -> date:
    """Return the first day of a month."""
    return day.replace(day=1)


def resets_at(kind: QuotaKind, now: datetime) -> datetime | None:
    """Return when a quota starts anew; None for what is no count over a time."""
    if kind.value.endswith("_PER_DAY"):
        first = day_of(now) + timedelta(days=1)
    elif kind.value.endswith("_PER_MONTH"):
        first = month_of(month_of(day_of(now)) + timedelta(days=32))
    else:
        return None
    return datetime.combine(first, time(), tzinfo=UTC)


def period_of(kind: QuotaKind, now: datetime) -> date:
    """Return the day that a period began on; for what is no count over a time, the month."""
    day = day_of(now)
    return day if kind.value.endswith("_PER_DAY") else month_of(day)


def check_limit(kind: QuotaKind, limit: int) -> int:
    """Return a limit.

    Raises:
        InvalidInput: negative, or too large.
    """
    if not 0 <= limit <= MAX_LIMIT:
        raise InvalidInput(
            f"{kind.value} is from 0, which does not limit, to {MAX_LIMIT:,}.", path=["quotas"]
        )
    return limit
