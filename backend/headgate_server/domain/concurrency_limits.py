"""Concurrency limits: how many slots of a name may be taken at once, or how fast they come back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from headgate_server.domain.errors import InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.flows import MAX_TAG_LENGTH
from headgate_server.domain.names import check_key

MAX_SLOTS = 1_000_000
MAX_NAMES = 50
MAX_DECAY_PER_SECOND = 1_000_000.0
MIN_DECAY_PER_SECOND = 1e-6
MIN_TTL, MAX_TTL = timedelta(seconds=1), timedelta(days=1)
MAX_WAIT = timedelta(seconds=25)
MAX_IDEMPOTENCY_KEY_LENGTH = 255
MIN_PRIORITY, MAX_PRIORITY = -1_000, 1_000
_LEASES = UUID("5b9c2c0e-6f0a-4c52-9a53-0f3a4be2d7c1")


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """A limit of a workspace, by name.

    Args:
        limit: how many slots there are; with 0 nobody gets one.
        slot_decay_per_second: how many taken slots come back each second; 0 where a slot is taken
            until it is given back.
        task_tag: the tag whose task runs take a slot each; None for a limit that code names.
    """

    workspace_id: UUID
    id: UUID
    name: str
    task_tag: str | None
    limit: int
    slot_decay_per_second: float
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Slots that are taken, by whom, until when they are his without a further word.

    A run holds them, or a background task, or neither where somebody else asked.
    """

    lease_id: UUID
    run_id: UUID | None
    task_id: UUID | None
    slots: int
    acquired_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Waiter:
    """Slots that somebody waits for; ``position`` is the place in the line, from 1."""

    lease_id: UUID
    position: int
    run_id: UUID | None
    task_id: UUID | None
    slots: int
    priority: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit is taken, and how many wait for the rest."""

    active: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """What somebody asks for: slots of several limits, all or none.

    Args:
        lease_id: names the request; sent again, it is answered the same.
        names: of limits.
        task_tags: those that a limit is on count as its name would.
        slots: how many of each.
        ttl: how long the slots are kept without a renewal, where no run holds them.
        is_strict: whether a name without a limit is an error; else it is left out.
        is_rate: whether every limit that is named must give its slots back by itself.
        priority: who is served first, high first; then who waits longest.
    """

    lease_id: UUID
    names: tuple[str, ...]
    task_tags: tuple[str, ...] = ()
    slots: int = 1
    ttl: timedelta = timedelta(minutes=5)
    is_strict: bool = False
    is_rate: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What became of a request.

    Args:
        is_acquired: whether the slots are the caller's now, or none were needed.
        lease_id: under which they are held; None where none were needed or given.
        expires_at: until when without a renewal; None where a run holds them, for its life.
        retry_after: when it is worth asking again, as far as that is known.
        ahead: how many slots those want who are served before; None where nobody looked.
        limit_ids: whose slots were asked for.
        missing: names that no limit has; None where nobody looked.
        limited_tags: all tags that limits are on; None where nobody looked.
    """

    is_acquired: bool
    lease_id: UUID | None = None
    expires_at: datetime | None = None
    retry_after: timedelta = timedelta()
    ahead: int | None = 0
    limit_ids: tuple[UUID, ...] = ()
    missing: tuple[str, ...] | None = ()
    limited_tags: tuple[str, ...] | None = ()


def lease_id_of(key: str, *, owner: UUID | None) -> UUID:
    """Return the lease that a caller's idempotency key stands for.

    Raises:
        InvalidInput: an empty or over-long key.
    """
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise InvalidInput(
            f"idempotencyKey has 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters.",
            path=["idempotencyKey"],
        )
    return uuid5(_LEASES, f"{owner}:{key}")


def check_limit(
    *, name: str, limit: int, slot_decay_per_second: float, task_tag: str | None
) -> None:
    """Refuse a limit that makes no sense.

    Raises:
        InvalidInput: a value out of range; the path names it.
    """
    check_key(name)
    if not 0 <= limit <= MAX_SLOTS:
        raise InvalidInput(f"limit is from 0 to {MAX_SLOTS:,} slots.", path=["limit"])
    decay = slot_decay_per_second
    is_rate = MIN_DECAY_PER_SECOND <= decay <= MAX_DECAY_PER_SECOND
    if not math.isfinite(decay) or not (decay == 0 or is_rate):
        raise InvalidInput(
            f"slotDecayPerSecond is 0, or from {MIN_DECAY_PER_SECOND:g} to "
            f"{MAX_DECAY_PER_SECOND:,.0f} slots a second.",
            path=["slotDecayPerSecond"],
        )
    if task_tag is not None and not (
        1 <= len(task_tag) <= MAX_TAG_LENGTH and task_tag.isprintable()
    ):
        raise InvalidInput(
            f"taskTag has 1 to {MAX_TAG_LENGTH} printable characters.", path=["taskTag"]
        )


def check_request(request: SlotRequest) -> None:
    """Refuse a request that no limit could be right for.

    Raises:
        InvalidInput: a value out of range; the path names it.
    """
    if len(request.names) + len(request.task_tags) > MAX_NAMES:
        raise InvalidInput(f"At most {MAX_NAMES} names and tags at once.", path=["names"])
    if not request.names and not request.task_tags:
        raise InvalidInput("Name a limit, or a tag.", path=["names"])
    for name in request.names:
        check_key(name, field="names")
    if not 1 <= request.slots <= MAX_SLOTS:
        raise InvalidInput(f"slots is from 1 to {MAX_SLOTS:,}.", path=["slots"])
    if not MIN_TTL <= request.ttl <= MAX_TTL:
        raise InvalidInput("ttl is from 1 second to 1 day.", path=["ttl"])
    if not MIN_PRIORITY <= request.priority <= MAX_PRIORITY:
        raise InvalidInput(
            f"priority is from {MIN_PRIORITY:,} to {MAX_PRIORITY:,}.", path=["priority"]
        )


def check_fits(
    request: SlotRequest, limits: Sequence[ConcurrencyLimit], *, missing: Sequence[str] = ()
) -> None:
    """Refuse a request that waits for ever: for more slots than there are, or for what is no rate.

    A limit of 0 is shut for now, and whoever asks waits until it is opened.

    Raises:
        NotFound: names have no limit, and the request is strict.
        LimitExceeded: more slots than a limit has.
        InvalidInput: a rate is asked of a limit whose slots do not come back by themselves.
    """
    if missing and request.is_strict:
        raise NotFound(
            f"There is no concurrency limit named {', '.join(missing)}; make it, or do not be "
            "strict.",
            path=["names"],
        )
    for limit in limits:
        if request.slots > limit.limit > 0:
            raise LimitExceeded(
                f"{request.slots:,} slots were asked of the concurrency limit {limit.name}, "
                f"which has {limit.limit:,}; ask for fewer, or raise it.",
                limit=limit.limit,
                current=request.slots,
            )
        if request.is_rate and limit.slot_decay_per_second == 0:
            raise InvalidInput(
                f"The concurrency limit {limit.name} is no rate limit: set its "
                "slotDecayPerSecond, or hold its slots instead.",
                path=["names"],
            )
