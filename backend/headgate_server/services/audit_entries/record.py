"""Writing entries with the changes they tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.audit_entries import AuditTarget, NewAuditEntry, difference
from headgate_server.domain.errors import NotFound
from headgate_server.repositories import audit_entries, workspaces


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be written of one change.

    Args:
        verb: what was done, in the past tense; names the action together with the kind.
        kind: what was changed.
        id: its id.
        name: what people call it.
        before: the dataclass or mapping that it was; None where it is new.
        after: what it is from now on; None where it is gone.
    """

    verb: str
    kind: ids.Kind
    id: UUID
    name: str
    before: object = None
    after: object = None


async def record_entries(
    work: UnitOfWork, records: Sequence[Record], *, organization_id: UUID | None = None
) -> None:
    """Write audit entries in the transaction of the changes: all are kept, or none.

    One statement. Secrets stay out: of what people fill in freely only the keys are written.

    Args:
        work: the unit of work that makes the change; its actor and origin are who and from where.
        records: what was changed, in order.
        organization_id: whose log; that of the unit of work if not said.
    """
    if not records:
        return
    entries = [
        NewAuditEntry(
            action=f"{record.kind.name.lower()}.{record.verb}",
            target=AuditTarget(kind=record.kind.name.lower(), id=record.id, name=record.name),
            diff=difference(record.before, record.after),
            workspace_id=work.tenant_id,
        )
        for record in records
    ]
    owner = organization_id or work.organization_id or await _organization_of(work)
    await audit_entries.insert_entries(work, organization_id=owner, entries=entries)
    work.wake(channels.SCHEDULER)


async def record_entry(
    work: UnitOfWork,
    verb: str,
    *,
    kind: ids.Kind,
    id_: UUID,
    name: str,
    before: object = None,
    after: object = None,
    organization_id: UUID | None = None,
) -> None:
    """Write the audit entry of one change; see ``record_entries``."""
    record = Record(verb, kind, id_, name, before=before, after=after)
    await record_entries(work, [record], organization_id=organization_id)


async def record_action(
    work: UnitOfWork,
    verb: str,
    *,
    kind: ids.Kind,
    id_: UUID,
    name: str,
    said: Mapping[str, Any] | None = None,
    organization_id: UUID | None = None,
) -> None:
    """Write the audit entry of what was done with an object, and what else belongs to it."""
    record = Record(verb, kind, id_, name, after=said)
    await record_entries(work, [record], organization_id=organization_id)


async def _organization_of(work: UnitOfWork) -> UUID:
    found = await workspaces.find_organization_id(work, id_=work.workspace_id)
    if found is None:
        raise NotFound
    return found
