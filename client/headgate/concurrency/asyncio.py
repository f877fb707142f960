"""Slots of concurrency limits in coroutines; the arguments are those of ``sync``."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from headgate.concurrency.wishes import make_wish
from headgate.engine.slots import holding_async, take_once_async


@asynccontextmanager
async def concurrency(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300.0,
    strict: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    holder: Mapping[str, Any] | None = None,
    raise_on_lease_renewal_failure: bool | None = None,  # noqa: FBT001
    *,
    priority: int = 0,
) -> AsyncGenerator[None]:
    """Hold slots of every limit named while the block runs; wait for all of them together.

    Raises:
        SlotTimeoutError: no slots came free in time.
        LimitExceededError: more slots than a limit has.
        NotFoundError: ``strict``, and there is no such limit.
        SlotsLostError: ``strict``, and the slots could not be renewed in time.
    """
    wish = make_wish(
        names,
        occupy=occupy,
        timeout_seconds=timeout_seconds,
        max_retries=max_retries,
        lease_duration=lease_duration,
        strict=strict,
        holder=holder,
        raise_on_lease_renewal_failure=raise_on_lease_renewal_failure,
        priority=priority,
    )
    async with holding_async(wish):
        yield


async def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    strict: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    *,
    priority: int = 0,
) -> None:
    """Wait until every limit named has room, and take slots that come back by themselves.

    Raises:
        SlotTimeoutError: there was no room in time.
        InvalidInputError: a limit whose slots do not come back by themselves.
    """
    await take_once_async(
        make_wish(
            names,
            occupy=occupy,
            timeout_seconds=timeout_seconds,
            strict=strict,
            priority=priority,
            is_rate=True,
        )
    )


__all__ = ["concurrency", "rate_limit"]
