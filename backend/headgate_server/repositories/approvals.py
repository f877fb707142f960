"""Who started runs and who stands behind keys, as histories and the audit log tell it."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, exists, false, func, or_, select, tuple_

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import ActorKind
from headgate_server.repositories.statements import named
from headgate_server.tables.audit_entries import audit_entries
from headgate_server.tables.flow_runs import states

_BY_ITSELF = ("Late", "AwaitingRetry", "Resuming")
"""How a run comes to wait without anybody starting it."""
_BEGINS_BACKFILL = ("backfill.created", "backfill.resumed", "backfill.retried")
_ACTING = (ActorKind.USER, ActorKind.SERVICE_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Starter:
    """A person or a service account that started something.

    Args:
        kind: which of the two.
        id: of whom.
        api_key_id: the key that was used; None where none was, or nobody wrote down which.
    """

    kind: ActorKind
    id: UUID
    api_key_id: UUID | None = None


async def list_starting_runs(work: UnitOfWork, run_id: UUID) -> list[UUID]:
    """Return a run and all that made it or started it again, and what did so with those."""
    values = {"run_id": run_id, "by_itself": list(_BY_ITSELF)}
    found = await work.execute(
        named("list_starting_runs"), {"workspace_id": work.workspace_id, **values}
    )
    return list(found.scalars())


async def list_run_starters(work: UnitOfWork, run_ids: Collection[UUID]) -> set[Starter]:
    """Return who made one of the runs, or put it back to be started again."""
    state = states.c
    fact = {
        name: state.decision[("facts", name)].astext
        for name in ("current_type", "phase", "retries_used", "infrastructure_attempts")
    }
    # A retry that comes by itself is nobody's, whoever has it come sooner.
    is_retry_sooner = and_(
        fact["current_type"] == StateType.SCHEDULED,
        fact["phase"].in_((Phase.READY, Phase.OFFERED)),
        or_(fact["retries_used"] != "0", fact["infrastructure_attempts"] != "0"),
    )
    found = await work.execute(
        select(state.actor_kind, state.actor_id)
        .distinct()
        .where(
            state.workspace_id == work.workspace_id,
            state.flow_run_id.in_(run_ids),
            state.actor_kind.in_(_ACTING),
            or_(
                state.sequence == 1,
                and_(
                    state.type == StateType.SCHEDULED,
                    state.name.not_in(_BY_ITSELF),
                    func.coalesce(is_retry_sooner, false()).is_(False),
                ),
            ),
        )
    )
    return {Starter(ActorKind(row.actor_kind), row.actor_id) for row in found if row.actor_id}


async def list_backfill_starters(work: UnitOfWork, ids: Collection[UUID]) -> set[Starter]:
    """Return who made one of the backfills, or let it go on."""
    entry = audit_entries.c
    found = await work.execute(
        select(entry.actor_kind, entry.actor_id, entry.api_key_id)
        .distinct()
        .where(
            entry.organization_id == work.organization_id,
            entry.target_id.in_(ids),
            entry.actor_kind.in_(_ACTING),
            entry.action.in_(_BEGINS_BACKFILL),
        )
    )
    return {Starter(ActorKind(row.actor_kind), row.actor_id, row.api_key_id) for row in found}


async def list_schedule_setters(work: UnitOfWork, ids: Collection[UUID]) -> set[Starter]:
    """Return who made one of the schedules, or changed it last."""
    entry, later = audit_entries.c, audit_entries.alias("later").c
    is_outdone = exists().where(
        later.organization_id == entry.organization_id,
        later.target_id == entry.target_id,
        later.actor_id.is_not(None),
        tuple_(later.at, later.id) > tuple_(entry.at, entry.id),
    )
    found = await work.execute(
        select(entry.actor_kind, entry.actor_id, entry.api_key_id)
        .distinct()
        .where(
            entry.organization_id == work.organization_id,
            entry.target_id.in_(ids),
            entry.actor_kind.in_(_ACTING),
            or_(entry.action == "schedule.created", ~is_outdone),
        )
    )
    return {Starter(ActorKind(row.actor_kind), row.actor_id, row.api_key_id) for row in found}


async def list_key_makers(
    work: UnitOfWork, *, key_ids: Collection[UUID], owner_ids: Collection[UUID]
) -> set[UUID]:
    """Return who was shown a token of some keys, or of any key of some owners."""
    if not key_ids and not owner_ids:
        return set()
    found = await work.execute(
        named("list_key_makers"),
        {
            "organization_id": work.organization_id,
            "key_ids": list(key_ids),
            "owner_ids": list(owner_ids),
        },
    )
    return set(found.scalars())
