"""Quotas: what an organization may use, and what it used."""

from datetime import datetime
from typing import Annotated

import strawberry

from headgate_server.domain.quotas import Quota as QuotaRow
from headgate_server.domain.quotas import UsageDay as UsageDayRow
from headgate_server.graphql.enums import QuotaKind
from headgate_server.graphql.scalars import BigInt

Days = Annotated[
    int,
    strawberry.argument(description="How many days back, today included: 1 to 400."),
]


@strawberry.type(description="One limit of an organization, and how much of it is used.")
class Quota:
    kind: QuotaKind = strawberry.field(description="What is limited, and over which time.")
    limit: BigInt | None = strawberry.field(description="How much; null where nothing limits it.")
    used: BigInt = strawberry.field(
        description="How much of it is used. Runs are counted with their creation; points and log "
        "bytes up to two seconds later. Of STORED_BYTES at most so much, as if every workspace "
        "kept as long as the one that keeps longest, and but for runs and logs as of the last "
        "sample, five minutes ago at most."
    )
    resets_at: datetime | None = strawberry.field(
        description="When it starts anew, at midnight UTC; null for what is no count over a time."
    )
    is_default: bool = strawberry.field(
        description="Whether the limit is the installation's, and not the organization's own."
    )


@strawberry.type(description="What an organization used on one day.")
class UsageDay:
    day: str = strawberry.field(description="The day in UTC, such as 2026-11-23.")
    runs: BigInt = strawberry.field(
        description="Runs that were created; those that schedules made ahead and took back are "
        "not counted."
    )
    restarts: BigInt = strawberry.field(
        description="Attempts that started the code of a run again: retries, whoever asked for "
        "them, and starts after an agent was lost. They count as runs do."
    )
    run_bytes: BigInt = strawberry.field(description="Bytes of what runs were created with.")
    api_points: BigInt = strawberry.field(
        description="Points of the API that people and keys spent; agents and runs are not counted."
    )
    log_bytes: BigInt = strawberry.field(description="Bytes of log messages that were kept.")


def show_quota(row: QuotaRow) -> Quota:
    """Return a quota."""
    return Quota(
        kind=row.kind,
        limit=BigInt(row.limit) if row.limit > 0 else None,
        used=BigInt(row.used),
        resets_at=row.resets_at,
        is_default=row.is_default,
    )


def show_day(row: UsageDayRow) -> UsageDay:
    """Return what was used on a day."""
    used = row.usage
    return UsageDay(
        day=row.day.isoformat(),
        runs=BigInt(used.runs),
        restarts=BigInt(used.restarts),
        run_bytes=BigInt(used.run_bytes),
        api_points=BigInt(used.api_points),
        log_bytes=BigInt(used.log_bytes),
    )
