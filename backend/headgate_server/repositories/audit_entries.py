"""SQL of the audit log: writing entries, making the chain longer, reading both."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Text,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.audit_entries import (
    GENESIS,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditSeal,
    AuditTarget,
    ChainLink,
    NewAuditEntry,
)
from headgate_server.domain.filters import AuditFilter
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind, Origin
from headgate_server.repositories import audit_actions, filters, pages
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.audit_entries import (
    audit_checkpoints,
    audit_entries,
    audit_heads,
    audit_queue,
    audit_seals,
)
from headgate_server.tables.organizations import organizations

_ENTRY = audit_entries.c
_SEALED = audit_entries.outerjoin(
    audit_seals,
    (audit_seals.c.organization_id == _ENTRY.organization_id)
    & (audit_seals.c.entry_id == _ENTRY.id),
)
_CHECKPOINT = audit_checkpoints.c
_HEAD = [one for one in audit_heads.c if one.name != "checkpointed_at"]
_EARLIEST = literal_column("timestamptz '0001-01-02 00:00+00'", _ENTRY.at.type)
_LATEST = literal_column("timestamptz '9999-12-30 00:00+00'", _ENTRY.at.type)
_WITH_SEAL = select(audit_entries, audit_seals.c.sequence, audit_seals.c.hash).select_from(_SEALED)


async def insert_entries(
    work: UnitOfWork, *, organization_id: UUID, entries: Sequence[NewAuditEntry]
) -> None:
    """Write entries in the name of the unit of work's actor."""
    said = [
        {
            "organization_id": organization_id,
            "id": new_id(),
            "actor_kind": work.actor.kind.value,
            "actor_id": work.actor.id,
            "actor_name": work.actor.display_name,
            "api_key_id": work.origin.api_key_id,
            "login_session_id": work.origin.login_session_id,
            "support_grant_id": work.origin.support_grant_id,
            "address": work.origin.address,
            "user_agent": work.origin.user_agent,
            "request_id": work.origin.request_id,
            "action": new.action,
            "target_kind": new.target.kind,
            "target_id": new.target.id,
            "target_name": new.target.name,
            "workspace_id": new.workspace_id,
            "diff": None if new.diff is None else packed(new.diff),
        }
        for new in entries
    ]
    await work.execute(named("insert_audit_entry"), said[0] if len(said) == 1 else said)


async def list_entries(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest, filter: AuditFilter | None
) -> Page[AuditEntry]:
    """Return a page of entries, the latest first."""
    wanted = await audit_actions.spell_out(work, organization_id=organization_id, filter=filter)
    sort = pages.Sort((_ENTRY.at, _ENTRY.id), is_descending=True)
    statement = _WITH_SEAL.where(*_matching(organization_id, wanted))
    return await pages.read(work, statement, sort=sort, page=page, make=_sealed)


async def count_entries(
    work: UnitOfWork, *, organization_id: UUID, filter: AuditFilter | None, cap: int
) -> int:
    """Return how many entries match, up to ``cap + 1``."""
    wanted = await audit_actions.spell_out(work, organization_id=organization_id, filter=filter)
    statement = select(_ENTRY.id).where(*_matching(organization_id, wanted))
    return await pages.count(work, statement, cap=cap)


async def get_many(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, AuditEntry]:
    """Return those of the entries that the unit of work may see, by id."""
    rows = await work.execute(_WITH_SEAL.where(_ENTRY.id.in_(ids_), *_own(work)))
    return {row.id: _sealed(row) for row in rows}


async def list_waiting(work: UnitOfWork, *, until: datetime, most: int) -> list[UUID]:
    """Return organizations whose entries have awaited their place since a time, the longest first.

    Args:
        work: the unit of work.
        until: what was written after it does not count.
        most: how many organizations.
    """
    rows = await work.execute(
        select(audit_queue.c.organization_id)
        .where(audit_queue.c.at <= until)
        .group_by(audit_queue.c.organization_id)
        .order_by(func.min(audit_queue.c.at))
        .limit(most)
    )
    return list(rows.scalars())


async def lock_head(work: UnitOfWork, *, organization_id: UUID) -> AuditHead:
    """Return where a chain ends, locked: whoever else makes it longer waits."""
    await work.execute(
        upsert(audit_heads)
        .values(organization_id=organization_id, sequence=0, hash=GENESIS, checkpointed=0)
        .on_conflict_do_nothing()
    )
    row = (
        await work.execute(
            select(*_HEAD).where(audit_heads.c.organization_id == organization_id).with_for_update()
        )
    ).one()
    return _head(row)


async def find_head(work: UnitOfWork, *, organization_id: UUID) -> AuditHead | None:
    """Return where a chain is said to end; None where nothing was ever sealed."""
    statement = select(*_HEAD).where(audit_heads.c.organization_id == organization_id)
    row = (await work.execute(statement)).one_or_none()
    return None if row is None else _head(row)


async def take_unsealed(work: UnitOfWork, *, organization_id: UUID, most: int) -> list[AuditEntry]:
    """Take entries from the queue, the oldest first; they are to be sealed in this transaction."""
    rows = await work.execute(
        named("take_unsealed_entries"), {"organization_id": organization_id, "most": most}
    )
    return [_entry(row) for row in rows]


async def insert_seals(
    work: UnitOfWork, *, head: AuditHead, seals: Sequence[tuple[UUID, AuditSeal]]
) -> None:
    """Write seals, by entry, and the head of the chain that they lead to."""
    await work.execute(
        insert(audit_seals),
        [
            {
                "organization_id": head.organization_id,
                "sequence": seal.sequence,
                "entry_id": entry_id,
                "hash": seal.hash,
            }
            for entry_id, seal in seals
        ],
    )
    await work.execute(
        update(audit_heads)
        .where(audit_heads.c.organization_id == head.organization_id)
        .values(sequence=head.sequence, hash=head.hash)
    )


async def list_unsigned(work: UnitOfWork, *, before: datetime, most: int) -> list[UUID]:
    """Return organizations whose chain has grown since its last checkpoint, made before then."""
    head = audit_heads.c
    rows = await work.execute(
        select(head.organization_id)
        .where(
            head.sequence > head.checkpointed,
            head.checkpointed_at.is_(None) | (head.checkpointed_at < before),
        )
        .order_by(head.checkpointed_at.nulls_first())
        .limit(most)
    )
    return list(rows.scalars())


async def insert_checkpoint(work: UnitOfWork, checkpoint: AuditCheckpoint) -> None:
    """Write a checkpoint, and that the chain has one this far."""
    await work.execute(
        insert(audit_checkpoints).values(
            organization_id=checkpoint.organization_id,
            sequence=checkpoint.sequence,
            hash=checkpoint.hash,
            at=checkpoint.at,
            public_key=checkpoint.public_key,
            signature=checkpoint.signature,
        )
    )
    await work.execute(
        update(audit_heads)
        .where(audit_heads.c.organization_id == checkpoint.organization_id)
        .values(checkpointed=checkpoint.sequence, checkpointed_at=checkpoint.at)
    )


async def list_checkpoints(work: UnitOfWork, *, organization_id: UUID) -> list[AuditCheckpoint]:
    """Return the checkpoints of a chain, in its order, whatever they say."""
    columns = [_held(one) if one is _CHECKPOINT.at else one for one in _CHECKPOINT]
    rows = await work.execute(
        select(*columns)
        .where(_CHECKPOINT.organization_id == organization_id)
        .order_by(_CHECKPOINT.sequence)
    )
    return [
        AuditCheckpoint(
            organization_id=row.organization_id,
            sequence=row.sequence,
            hash=row.hash,
            at=row.at,
            public_key=row.public_key,
            signature=row.signature,
        )
        for row in rows
    ]


async def list_chain(
    work: UnitOfWork, *, organization_id: UUID, after: int, most: int
) -> list[ChainLink]:
    """Return the links of a chain behind a number, in order, whatever their entries say."""
    seal = audit_seals.c
    read = {_ENTRY.diff: _ENTRY.diff.cast(Text), _ENTRY.at: _held(_ENTRY.at)}
    columns = [read.get(one, one) for one in _ENTRY]
    joined = audit_seals.outerjoin(
        audit_entries,
        (_ENTRY.organization_id == seal.organization_id) & (_ENTRY.id == seal.entry_id),
    )
    rows = await work.execute(
        select(*columns, seal.sequence, seal.hash)
        .select_from(joined)
        .where(seal.organization_id == organization_id, seal.sequence > after)
        .order_by(seal.sequence)
        .limit(most)
    )
    return [_link(row) for row in rows]


def _held(moment: Column[datetime]) -> ColumnElement[datetime]:
    """Return a time that Python has, for one that it has not another, which was never signed."""
    return func.least(func.greatest(moment, _EARLIEST), _LATEST).label(moment.name)


def _link(row: Row[Any]) -> ChainLink:
    seal = AuditSeal(row.sequence, row.hash)
    if row.id is None:
        return ChainLink(seal, has_entry=False)
    try:
        diff = None if row.diff is None else orjson.loads(row.diff)
        return ChainLink(seal, replace(_entry(row, seal), diff=diff))
    except ValueError:
        # No server writes such a kind of actor, or such a number.
        return ChainLink(seal)


async def is_longer(work: UnitOfWork, *, organization_id: UUID) -> bool:
    """Whether a chain has links behind where it is said to end."""
    head, seal = audit_heads.c, audit_seals.c
    behind = (
        select(seal.sequence)
        .select_from(
            audit_seals.outerjoin(audit_heads, head.organization_id == seal.organization_id)
        )
        .where(
            seal.organization_id == organization_id,
            seal.sequence > func.coalesce(head.sequence, 0),
        )
    )
    return bool((await work.execute(select(behind.exists()))).scalar_one())


async def find_unchained(work: UnitOfWork, *, organization_id: UUID) -> UUID | None:
    """Return an entry that has no place in the chain and awaits none."""
    queued = exists().where(
        audit_queue.c.organization_id == organization_id, audit_queue.c.entry_id == _ENTRY.id
    )
    sealed = exists().where(
        audit_seals.c.organization_id == organization_id, audit_seals.c.entry_id == _ENTRY.id
    )
    rows = await work.execute(
        select(_ENTRY.id)
        .where(_ENTRY.organization_id == organization_id, ~queued, ~sealed)
        .order_by(_ENTRY.at, _ENTRY.id)
        .limit(1)
    )
    return rows.scalar_one_or_none()


async def is_emptied(work: UnitOfWork, *, organization_id: UUID) -> bool:
    """Whether an organization exists without a single entry; each begins with one."""
    written = exists().where(_ENTRY.organization_id == organizations.c.id)
    rows = await work.execute(
        select(organizations.c.id).where(organizations.c.id == organization_id, ~written)
    )
    return rows.one_or_none() is not None


async def has_vanished(work: UnitOfWork, *, organization_id: UUID) -> bool:
    """Whether an organization with entries is gone, and none of them says that it was deleted."""
    its = _ENTRY.organization_id == organization_id
    deletion = (_ENTRY.target_id == organization_id) & (_ENTRY.action == "organization.deleted")
    rows = await work.execute(
        select(
            exists().where(its)
            & ~exists().where(its, deletion)
            & ~exists().where(organizations.c.id == organization_id)
        )
    )
    return bool(rows.scalar_one())


async def list_organizations(work: UnitOfWork) -> list[UUID]:
    """Return every organization that exists, or that anything was ever written for."""
    rows = await work.execute(
        select(_ENTRY.organization_id)
        .union(
            select(audit_seals.c.organization_id),
            select(audit_heads.c.organization_id),
            select(organizations.c.id),
        )
        .order_by(_ENTRY.organization_id)
    )
    return list(rows.scalars())


def _own(work: UnitOfWork) -> list[ColumnElement[bool]]:
    if work.organization_id is None:
        return []
    return [_ENTRY.organization_id == work.organization_id]


def _matching(organization_id: UUID, filter: AuditFilter | None) -> list[ColumnElement[bool]]:
    return [_ENTRY.organization_id == organization_id, *filters.audit_entries(filter)]


def _head(row: Row[Any]) -> AuditHead:
    return AuditHead(
        organization_id=row.organization_id,
        sequence=row.sequence,
        hash=row.hash,
        checkpointed=row.checkpointed,
    )


def _sealed(row: Row[Any]) -> AuditEntry:
    seal = None if row.sequence is None else AuditSeal(row.sequence, row.hash)
    return _entry(row, seal)


def _entry(row: Row[Any], seal: AuditSeal | None = None) -> AuditEntry:
    return AuditEntry(
        organization_id=row.organization_id,
        id=row.id,
        at=row.at,
        actor=Actor(ActorKind(row.actor_kind), row.actor_id, row.actor_name),
        origin=Origin(
            request_id=row.request_id,
            address=row.address,
            user_agent=row.user_agent,
            api_key_id=row.api_key_id,
            login_session_id=row.login_session_id,
            support_grant_id=row.support_grant_id,
        ),
        action=row.action,
        target=AuditTarget(row.target_kind, row.target_id, row.target_name),
        workspace_id=row.workspace_id,
        diff=row.diff,
        seal=seal,
    )
