"""Renews leases and takes expired ones back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import CancelRequest, LeaseRef, Offer, Phase
from headgate_server.repositories.statements import named
from headgate_server.tables.work_pools import work_items, work_queues


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the database says of one shown lease."""

    run_id: UUID
    epoch: int
    is_renewed: bool
    is_cancel_requested: bool
    is_known: bool
    is_ended: bool
    is_back: bool


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A lease whose time is over, as seen before its run is locked."""

    workspace_id: UUID
    run_id: UUID
    phase: Phase
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SilentRun:
    """A run whose holder has gone silent."""

    workspace_id: UUID
    run_id: UUID
    name: str
    last_seen_at: datetime


async def renew_leases(
    work: UnitOfWork, *, held: Sequence[LeaseRef], lease: timedelta
) -> list[Renewal]:
    """Renew every lease that is still the holder's and describe each; in the order of ``held``."""
    if not held:
        return []
    rows = await work.execute(
        named("renew_leases"),
        {
            "workspace_id": work.workspace_id,
            "run_ids": [ref.run_id for ref in held],
            "tokens": [ref.token for ref in held],
            "epochs": [ref.epoch for ref in held],
            "now": work.now,
            "lease": lease,
        },
    )
    found = {(row.run_id, row.epoch): row for row in rows}
    return [_renewal(found[ref.run_id, ref.epoch]) for ref in held]


def _renewal(row: Any) -> Renewal:
    return Renewal(
        run_id=row.run_id,
        epoch=row.epoch,
        is_renewed=row.is_renewed,
        is_cancel_requested=row.cancel_requested_at is not None,
        is_known=row.is_known,
        is_ended=row.is_ended,
        is_back=row.is_back,
    )


async def take_back_offers(work: UnitOfWork, *, most: int) -> list[UUID]:
    """Return expired offers to their pools; the pools with ready work again."""
    rows = await work.execute(named("reap_offers"), {"now": work.now, "most": most})
    return [row.work_pool_id for row in rows if row.work_pool_id is not None]


async def take_back_offer(work: UnitOfWork, ref: LeaseRef, *, due_at: datetime) -> UUID | None:
    """Return one offer to its pool, to be due again at ``due_at``; None where it is not live."""
    row = await work.execute(
        update(work_items)
        .where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.run_id == ref.run_id,
            work_items.c.token == ref.token,
            work_items.c.epoch == ref.epoch,
            work_items.c.phase == Phase.OFFERED,
        )
        .values(
            phase=Phase.READY,
            session_id=None,
            token=None,
            fence_until=None,
            offered_at=None,
            epoch=work_items.c.epoch + 1,
            due_at=due_at,
        )
        .returning(work_items.c.work_pool_id)
    )
    return row.scalar_one_or_none()


async def list_expired(work: UnitOfWork, *, most: int) -> list[ExpiredLease]:
    """Return claimed and running leases whose time is over, longest first, unlocked."""
    rows = await work.execute(
        select(
            work_items.c.workspace_id,
            work_items.c.run_id,
            work_items.c.phase,
            work_items.c.last_seen_at,
        )
        .where(
            work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
            work_items.c.fence_until < work.now,
        )
        .order_by(work_items.c.fence_until)
        .limit(most)
    )
    return [
        ExpiredLease(row.workspace_id, row.run_id, Phase(row.phase), row.last_seen_at)
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


async def list_offers(work: UnitOfWork, session_id: UUID) -> list[Offer]:
    """Return the live offers of a session, oldest first: what a reopened stream sends again."""
    rows = await work.execute(
        select(
            work_items.c.run_id,
            work_items.c.workspace_id,
            work_items.c.session_id,
            work_items.c.token,
            work_items.c.epoch,
            work_items.c.fence_until.label("expires_at"),
            work_queues.c.name.label("queue_name"),
            work_items.c.priority,
            work_items.c.deliveries,
        )
        .join(
            work_queues,
            (work_queues.c.workspace_id == work_items.c.workspace_id)
            & (work_queues.c.id == work_items.c.work_queue_id),
        )
        .where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.session_id == session_id,
            work_items.c.phase == Phase.OFFERED,
            work_items.c.fence_until > work.now,
        )
        .order_by(work_items.c.offered_at)
    )
    return [Offer(**row) for row in rows.mappings()]


async def list_cancels(work: UnitOfWork, session_id: UUID) -> list[CancelRequest]:
    """Return the cancels that a session has still to carry out."""
    rows = await work.execute(
        select(
            work_items.c.run_id,
            work_items.c.session_id,
            work_items.c.epoch,
            work_items.c.cancel_reason.label("reason"),
            work_items.c.cancel_grace_seconds.label("grace_seconds"),
        ).where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.session_id == session_id,
            work_items.c.phase != Phase.READY,
            work_items.c.cancel_requested_at.is_not(None),
        )
    )
    return [CancelRequest(**row) for row in rows.mappings()]
