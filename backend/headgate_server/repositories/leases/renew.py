"""Renews leases and takes expired ones back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import CancelRequest, LeaseRef, Offer, PauseRequest, Phase
from headgate_server.repositories.statements import named
from headgate_server.tables.work_pools import work_items


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the database says of one shown lease.

    ``is_held``: it is the holder's, and somebody has locked it: it was not renewed now.
    """

    run_id: UUID
    epoch: int
    is_renewed: bool
    is_cancel_requested: bool
    cancel_grace_seconds: int | None
    pause_key: str | None
    pause_kind: str | None
    is_known: bool
    is_ended: bool
    is_back: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class ForSession:
    """What a session is to hear of its runs: live offers, and cancels and pauses to carry out."""

    offers: list[Offer] = field(default_factory=list[Offer])
    requests: list[CancelRequest | PauseRequest] = field(
        default_factory=list[CancelRequest | PauseRequest]
    )


@dataclass(frozen=True, slots=True)
class GoneLease:
    """An offer or a lease that is good no more.

    ``is_own_end``: its holder ended it; ``state_name`` is the run's, None where there is no run.
    """

    run_id: UUID
    epoch: int
    state_name: str | None
    is_own_end: bool


@dataclass(frozen=True, slots=True)
class ExpiredOffer:
    """An offer that was taken back; ``is_session_paused`` where it was one too many."""

    workspace_id: UUID
    run_id: UUID
    work_pool_id: UUID | None
    deliveries: int
    session_id: UUID
    is_session_paused: bool


@dataclass(frozen=True, slots=True)
class DeclineDelays:
    """How long a declined run waits: what was asked, or a step that doubles, up to the longest."""

    asked: timedelta
    step: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class DeclinedOffer:
    """A run that was given back."""

    work_pool_id: UUID | None
    due_at: datetime
    declines: int


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A lease whose time is over, as seen before its run is locked.

    ``is_pooled``: agents of a pool may take the run; else only the process that began it could.
    """

    workspace_id: UUID
    run_id: UUID
    phase: Phase
    last_seen_at: datetime | None
    deliveries: int
    is_pooled: bool


@dataclass(frozen=True, slots=True)
class SilentRun:
    """A run whose holder has gone silent."""

    workspace_id: UUID
    run_id: UUID
    name: str
    last_seen_at: datetime


async def renew_leases(
    work: UnitOfWork, *, shown: Sequence[tuple[UUID, LeaseRef]], lease: timedelta
) -> list[Renewal]:
    """Renew every lease that is still the holder's and describe each; in the order shown."""
    if not shown:
        return []
    rows = await work.execute(
        named("renew_leases"),
        {
            "workspace_ids": [workspace_id for workspace_id, _ in shown],
            "run_ids": [ref.run_id for _, ref in shown],
            "tokens": [ref.token for _, ref in shown],
            "epochs": [ref.epoch for _, ref in shown],
            "now": work.now,
            "lease": lease,
        },
    )
    return [Renewal(**row) for row in rows.mappings()]


async def take_back_offers(
    work: UnitOfWork, *, most: int, to_pause: int, reason: str
) -> list[ExpiredOffer]:
    """Return expired offers to their pools, and pause sessions that let too many expire."""
    rows = await work.execute(
        named("reap_offers"),
        {"now": work.now, "most": most, "to_pause": to_pause, "reason": reason},
    )
    return [ExpiredOffer(**row) for row in rows.mappings()]


async def return_offers(work: UnitOfWork, session_ids: Sequence[UUID]) -> set[UUID]:
    """Take back the live offers of sessions; the pools with ready work again."""
    rows = await work.execute(named("return_offers"), {"session_ids": list(session_ids)})
    return {row.work_pool_id for row in rows if row.work_pool_id is not None}


async def decline_offer(
    work: UnitOfWork, ref: LeaseRef, *, session_id: UUID, delays: DeclineDelays
) -> DeclinedOffer | None:
    """Return one offer to its pool, to be due again later; None where it is not the session's."""
    rows = await work.execute(
        named("decline_offer"),
        {
            "workspace_id": work.workspace_id,
            "run_id": ref.run_id,
            "token": ref.token,
            "epoch": ref.epoch,
            "session_id": session_id,
            "now": work.now,
            "retry_after": delays.asked,
            "step": delays.step,
            "longest": delays.longest,
        },
    )
    row = rows.mappings().one_or_none()
    return DeclinedOffer(**row) if row is not None else None


async def list_expired(work: UnitOfWork, *, most: int) -> list[ExpiredLease]:
    """Return claimed and running leases whose time is over, longest first, unlocked."""
    rows = await work.execute(
        select(
            work_items.c.workspace_id,
            work_items.c.run_id,
            work_items.c.phase,
            work_items.c.last_seen_at,
            work_items.c.deliveries,
            work_items.c.work_pool_id.is_not(None).label("is_pooled"),
        )
        .where(
            work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
            work_items.c.fence_until < work.now,
        )
        .order_by(work_items.c.fence_until)
        .limit(most)
    )
    return [
        ExpiredLease(
            row.workspace_id,
            row.run_id,
            Phase(row.phase),
            row.last_seen_at,
            row.deliveries,
            row.is_pooled,
        )
        for row in rows
    ]


async def mark_unresponsive(
    work: UnitOfWork, *, silent_for: timedelta, most: int
) -> list[SilentRun]:
    """Mark running runs whose holder has been silent so long, and return them."""
    rows = await work.execute(
        named("mark_unresponsive"),
        {"now": work.now, "before": work.now - silent_for, "most": most},
    )
    return [SilentRun(row.workspace_id, row.id, row.name, row.last_seen_at) for row in rows]


async def list_for_sessions(
    work: UnitOfWork, sessions: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, ForSession]:
    """Return what sessions, by workspace and id, are to hear of their runs; offers oldest first.

    A reopened stream sends live offers again; a session for which nothing waits is left out.
    """
    rows = await work.execute(
        named("list_for_sessions"),
        {
            "workspace_ids": [workspace_id for workspace_id, _ in sessions],
            "session_ids": [session_id for _, session_id in sessions],
            "now": work.now,
        },
    )
    found: dict[UUID, ForSession] = {}
    for row in rows:
        known = found.setdefault(row.session_id, ForSession())
        if row.is_offer:
            known.offers.append(_offer(row))
        if row.cancel_requested_at is not None or row.pause_key is not None:
            known.requests.append(_request(row))
    return found


async def list_gone(work: UnitOfWork, held: Sequence[tuple[UUID, LeaseRef]]) -> list[GoneLease]:
    """Return those of some offers and leases, each with its workspace, that are good no more."""
    if not held:
        return []
    rows = await work.execute(
        named("list_gone_leases"),
        {
            "workspace_ids": [workspace_id for workspace_id, _ in held],
            "run_ids": [ref.run_id for _, ref in held],
            "tokens": [ref.token for _, ref in held],
            "epochs": [ref.epoch for _, ref in held],
        },
    )
    return [GoneLease(**row) for row in rows.mappings()]


def _offer(row: Row[Any]) -> Offer:
    return Offer(
        run_id=row.run_id,
        workspace_id=row.workspace_id,
        session_id=row.session_id,
        token=row.token,
        epoch=row.epoch,
        expires_at=row.expires_at,
        queue_name=row.queue_name,
        priority=row.priority,
        deliveries=row.deliveries,
    )


def _request(row: Row[Any]) -> CancelRequest | PauseRequest:
    """Return what is to be done with a run: cancelled, it need not be paused any more."""
    if row.cancel_requested_at is None:
        return PauseRequest(row.run_id, row.session_id, row.epoch, row.pause_key)
    return CancelRequest(
        row.run_id, row.session_id, row.epoch, row.cancel_reason, row.cancel_grace_seconds
    )
