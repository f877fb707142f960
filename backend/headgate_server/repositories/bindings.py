"""Bindings of roles as a list shows them: the first of each holder's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Beginning
from headgate_server.domain.roles import RoleBinding
from headgate_server.repositories import pages
from headgate_server.repositories.roles import bindings_of, read_binding
from headgate_server.tables.roles import HOLDERS, role_bindings


async def list_first_bindings(
    work: UnitOfWork, holders: Sequence[UUID]
) -> dict[UUID, Beginning[RoleBinding]]:
    """Return the first bindings of each of some members, service accounts and teams, by age."""

    def of(some: Sequence[UUID]) -> Select[Any]:
        return bindings_of(work, some).order_by(None)

    return await pages.read_beginnings(
        work,
        holders,
        of,
        owner=func.coalesce(*(role_bindings.c[name] for name in HOLDERS)),
        sort=pages.by(role_bindings.c.id),
        make=read_binding,
    )
