"""Concurrency limits over the API: set, list, delete; their slots taken, kept and given back."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    read_page,
)
from headgate.api.transport import Transport

NOUN = "concurrency_limits"


class RunAnswer(Answer, frozen=True):
    """The run, or the background task, that holds slots or waits for some."""

    id: str
    name: str


class HolderAnswer(Answer, frozen=True):
    """Slots that somebody holds: a run, a background task, or neither."""

    lease_id: str
    slots: int
    acquired_at: datetime
    expires_at: datetime
    run: RunAnswer | None = None
    background_task: RunAnswer | None = None


class WaiterAnswer(Answer, frozen=True):
    """Slots that somebody waits for, and his place in the line."""

    lease_id: str
    position: int
    slots: int
    priority: int
    since: datetime
    run: RunAnswer | None = None
    background_task: RunAnswer | None = None


class LimitAnswer(Answer, frozen=True):
    """A concurrency limit as the API shows it; who is at its slots, where one was asked for."""

    id: str
    name: str
    limit: int
    slot_decay_per_second: float
    active: int
    waiting: int
    version: int
    updated_at: datetime
    task_tag: str | None = None
    holders: tuple[HolderAnswer, ...] = ()
    waiters: tuple[WaiterAnswer, ...] = ()


class StoredLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The limit after it was set, and whether it is new."""

    limit: LimitAnswer
    is_created: bool


class AcquireAnswer(Answer, frozen=True):
    """What became of asking for slots; ``lease_id`` is None where none are held."""

    acquired: bool
    lease_id: str | None = None
    expires_at: datetime | None = None
    retry_after: timedelta | None = None
    missing: list[str] | None = None
    limited_tags: list[str] | None = None


async def upsert(
    transport: Transport, *, workspace_id: str, name: str, limit: int, **more: Any
) -> StoredLimit:
    """Make the limit of this name, or change it.

    Args:
        more: ``slotDecayPerSecond``, ``taskTag`` (None takes it off) and ``expectedVersion``;
            what is left out keeps its value.

    Raises:
        ConflictError: another limit is on the tag.
        VersionConflictError: it is not of the expected version.
    """
    wanted = {"workspaceId": workspace_id, "name": name, "limit": limit, **more}
    payload = await change(transport, NOUN, "ConcurrencyLimitUpsert", input=wanted)
    return StoredLimit(
        limit=msgspec.convert(payload["concurrencyLimit"], LimitAnswer),
        is_created=bool(payload["created"]),
    )


async def delete(transport: Transport, *, limit_id: str) -> None:
    """Delete a limit; who waits for it waits no longer.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    await change(transport, NOUN, "ConcurrencyLimitDelete", input={"id": limit_id})


async def acquire(
    transport: Transport,
    *,
    wanted: dict[str, Any],
    wait_seconds: float = 0.0,
    deadline_seconds: float | None = None,
) -> AcquireAnswer:
    """Ask for slots once, and wait at the server for a turn up to 25 seconds.

    Args:
        wanted: the API's ``ConcurrencyAcquireInput``, without ``wait``.
        wait_seconds: how long the server may hold the call; 0 answers at once.

    Raises:
        LimitExceededError: more slots than a limit has.
        NotFoundError: a name that no limit has, where that was to be an error.
        LeaseLostError: the run is no longer this process's.
    """
    wait = {"wait": f"PT{wait_seconds:.3f}S"} if wait_seconds > 0 else {}
    payload = await change(
        transport,
        NOUN,
        "ConcurrencyAcquire",
        input={**wanted, **wait},
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload, AcquireAnswer)


async def release(
    transport: Transport,
    *,
    workspace_id: str,
    lease_id: str,
    deadline_seconds: float | None = None,
) -> None:
    """Give slots back; done again, it changes nothing."""
    await change(
        transport,
        NOUN,
        "ConcurrencyRelease",
        input={"leaseId": lease_id, "workspaceId": workspace_id},
        deadline_seconds=deadline_seconds,
    )


async def find(
    transport: Transport, *, organization: str, workspace: str, name: str
) -> LimitAnswer | None:
    """Return the limit of this name with who holds its slots and waits for some, if there is one.

    Raises:
        NotFoundError: there is no such workspace, or this key may not see it.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "ConcurrencyLimit",
        organization=organization,
        workspace=workspace,
        name=name,
    )
    found = place["concurrencyLimit"]
    return None if found is None else msgspec.convert(found, LimitAnswer)


async def list_limits(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[LimitAnswer]:
    """Return limits by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "ConcurrencyLimits",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["concurrencyLimits"], item=LimitAnswer)
