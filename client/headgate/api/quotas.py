"""Quotas of an organization over the API, and what it used day by day."""

from datetime import datetime

import msgspec

from headgate.api.calls import Answer, ask_organization
from headgate.api.transport import Transport

NOUN = "quotas"


class QuotaAnswer(Answer, frozen=True):
    """One limit and how much of it is used; ``limit`` is None where nothing limits it."""

    kind: str
    used: int
    is_default: bool
    limit: int | None = None
    resets_at: datetime | None = None


class UsageDayAnswer(Answer, frozen=True):
    """What was used on one day, in UTC."""

    day: str
    runs: int
    restarts: int
    run_bytes: int
    api_points: int
    log_bytes: int


async def list_quotas(transport: Transport, *, organization: str) -> list[QuotaAnswer]:
    """Return the quotas of an organization, by kind."""
    place = await ask_organization(transport, NOUN, "Quotas", organization=organization)
    return msgspec.convert(place["quotas"], list[QuotaAnswer])


async def list_usage_days(
    transport: Transport, *, organization: str, days: int
) -> list[UsageDayAnswer]:
    """Return what was used day by day, the latest first; idle days are left out.

    Args:
        days: how many back, today included: 1 to 400.
    """
    place = await ask_organization(
        transport, NOUN, "UsageDays", organization=organization, days=days
    )
    return msgspec.convert(place["usageDays"], list[UsageDayAnswer])
