"""Which actions an audit log has: entries are found by them, not one by one."""

from dataclasses import replace
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import MAX_VALUES, AuditFilter, StringFilter, check_filter
from headgate_server.repositories.statements import named

_NONE = ("",)
"""What no entry is about."""


async def spell_out(
    work: UnitOfWork, *, organization_id: UUID, filter: AuditFilter | None
) -> AuditFilter | None:
    """Return a filter that names the actions of which another names a part.

    There are a few hundred at most, and millions of entries. More than a filter can name stay as
    they are: that many are most of the log.

    Raises:
        InvalidInput: the filter is beyond the limits of filters.
    """
    wanted = filter.action if filter is not None else None
    if filter is None or wanted is None or not (wanted.contains or wanted.starts_with):
        return filter
    check_filter(filter)
    rows = await work.execute(named("list_actions"), {"organization_id": organization_id})
    found = tuple(action for action in rows.scalars() if _is_meant(action, wanted))
    if len(found) > MAX_VALUES:
        return filter
    return replace(filter, action=StringFilter(eq=wanted.eq, in_=found or _NONE))


def _is_meant(action: str, wanted: StringFilter) -> bool:
    said = action.lower()
    return (
        (wanted.in_ is None or action in wanted.in_)
        and (wanted.contains or "").lower() in said
        and said.startswith((wanted.starts_with or "").lower())
    )
