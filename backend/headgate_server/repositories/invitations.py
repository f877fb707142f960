"""Invitations to organizations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.members import INVITATION_LIFETIME, Invitation, PlannedBinding
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.roles import BindingPlace
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.repositories.organizations import own
from headgate_server.tables.members import invitations

_SHOWN = [column for column in invitations.c if column.name != "token_hash"]


async def insert_invitation(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    email: str,
    planned: Sequence[PlannedBinding],
    token_hash: bytes,
    is_mailed: bool,
    is_for_anybody: bool,
) -> Invitation | None:
    """Store an invitation of the unit of work's actor; None where another one is open."""
    statement = (
        insert(invitations)
        .values(
            organization_id=organization_id,
            id=new_id(),
            email=email,
            token_hash=token_hash,
            grants=[
                {
                    "role": str(one.role_id),
                    "workspace": str(one.place.workspace_id) if one.place.workspace_id else None,
                }
                for one in planned
            ],
            invited_by_kind=work.actor.kind.value,
            invited_by_id=work.actor.id,
            invited_by_name=work.actor.display_name,
            created_at=work.now,
            expires_at=work.now + INVITATION_LIFETIME,
            is_mailed=is_mailed,
            is_for_anybody=is_for_anybody,
        )
        .on_conflict_do_nothing()
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def find_invitation(work: UnitOfWork, *, id_: UUID) -> Invitation | None:
    """Return an invitation to the organization."""
    row = (await work.execute(_own(work).where(invitations.c.id == id_))).one_or_none()
    return _invitation(row) if row is not None else None


async def find_unanswered(work: UnitOfWork, *, email: str) -> Invitation | None:
    """Return the invitation of an address that nobody accepted or revoked; it may be expired."""
    statement = _own(work).where(invitations.c.email == email, _is_unanswered()).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def carry_token(work: UnitOfWork, *, old_hash: bytes, new_hash: bytes) -> None:
    """Store the hash of an invitation's token anew."""
    statement = (
        update(invitations)
        .where(invitations.c.token_hash == old_hash, _is_open(work))
        .values(token_hash=new_hash)
    )
    await work.execute(statement)


async def find_by_token(work: UnitOfWork, *, token_hash: bytes) -> Invitation | None:
    """Return the invitation of a token that can be accepted; as the system."""
    statement = select(*_SHOWN).where(invitations.c.token_hash == token_hash, _is_open(work))
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def use_token(work: UnitOfWork, *, token_hash: bytes) -> Invitation | None:
    """Accept the invitation of a token, once; as the system. None where it is not good."""
    statement = (
        update(invitations)
        .where(invitations.c.token_hash == token_hash, _is_open(work))
        .values(accepted_at=work.now)
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def replace_token(
    work: UnitOfWork, *, token_hash: bytes, new_hash: bytes
) -> Invitation | None:
    """Let an invitation be accepted by another token, which is mailed; None if it is not open."""
    statement = (
        update(invitations)
        .where(invitations.c.token_hash == token_hash, _is_open(work))
        .values(token_hash=new_hash, is_mailed=True)
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def set_revoked(work: UnitOfWork, *, id_: UUID) -> Invitation | None:
    """Revoke an invitation that nobody accepted or revoked; None for any other."""
    statement = (
        update(invitations)
        .where(own(work, invitations.c.organization_id), invitations.c.id == id_, _is_unanswered())
        .values(revoked_at=work.now)
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _invitation(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Invitation]:
    """Return those of the invitations that are to the organization, by id."""
    rows = await work.execute(_own(work).where(invitations.c.id.in_(ids)))
    return {row.id: _invitation(row) for row in rows}


async def list_invitations(work: UnitOfWork, *, page: PageRequest) -> Page[Invitation]:
    """Return a page of the invitations that nobody accepted or revoked, the latest first."""
    sort = pages.Sort((invitations.c.created_at, invitations.c.id), is_descending=True)
    statement = _own(work).where(_is_unanswered())
    return await pages.read(work, statement, sort=sort, page=page, make=_invitation)


async def count_invitations(work: UnitOfWork, *, cap: int) -> int:
    """Return how many invitations nobody accepted or revoked, up to ``cap + 1``."""
    return await pages.count(work, _own(work).where(_is_unanswered()), cap=cap)


async def count_since(work: UnitOfWork, *, since: datetime) -> int:
    """Return how many were made since an instant."""
    statement = _own(work).where(invitations.c.created_at > since)
    counted = select(func.count()).select_from(statement.subquery())
    return int((await work.execute(counted)).scalar_one())


def _own(work: UnitOfWork) -> Select[Any]:
    return select(*_SHOWN).where(own(work, invitations.c.organization_id))


def _is_unanswered() -> ColumnElement[bool]:
    return and_(invitations.c.accepted_at.is_(None), invitations.c.revoked_at.is_(None))


def _is_open(work: UnitOfWork) -> ColumnElement[bool]:
    return and_(_is_unanswered(), invitations.c.expires_at > work.now)


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        organization_id=row.organization_id,
        id=row.id,
        email=row.email,
        planned=tuple(
            PlannedBinding(
                UUID(one["role"]),
                BindingPlace(UUID(one["workspace"]) if one["workspace"] else None),
            )
            for one in row.grants
        ),
        invited_by=Actor(ActorKind(row.invited_by_kind), row.invited_by_id, row.invited_by_name),
        created_at=row.created_at,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        revoked_at=row.revoked_at,
        is_mailed=row.is_mailed,
        is_for_anybody=row.is_for_anybody,
    )
