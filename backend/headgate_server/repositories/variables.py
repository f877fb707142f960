"""Variables: their rows, and the versions that their history keeps."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import NameFilter
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.domain.variables import Variable, VariableVersion
from headgate_server.repositories import filters, pages
from headgate_server.tables.variables import variable_versions, variables


async def insert_variable(work: UnitOfWork, *, id_: UUID, name: str, value: Any) -> Variable | None:
    """Store a variable; None when the workspace has one of this name."""
    statement = (
        insert(variables)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            name=name,
            value=value,
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
        .returning(variables)
    )
    row = (await work.execute(statement)).one_or_none()
    return _variable(row) if row is not None else None


async def lock_variable(
    work: UnitOfWork, *, name: str | None = None, id_: UUID | None = None
) -> Variable | None:
    """Return a variable, by its name or its id, that others cannot change until the end."""
    condition = variables.c.name == name if id_ is None else variables.c.id == id_
    statement = _own(work).where(condition).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _variable(row) if row is not None else None


async def update_variable(work: UnitOfWork, *, id_: UUID, value: Any) -> Variable:
    """Write the value of a locked variable and raise its version."""
    statement = (
        update(variables)
        .where(variables.c.workspace_id == work.workspace_id, variables.c.id == id_)
        .values(value=value, version=variables.c.version + 1, updated_at=work.now)
        .returning(variables)
    )
    return _variable((await work.execute(statement)).one())


async def delete_variable(work: UnitOfWork, *, id_: UUID) -> None:
    """Delete a locked variable with its tags and its history."""
    await work.execute(
        delete(variables).where(
            variables.c.workspace_id == work.workspace_id, variables.c.id == id_
        )
    )


async def insert_version(
    work: UnitOfWork, variable: Variable, *, tags: Sequence[str], kept: int
) -> None:
    """Keep what a locked variable is now, and of its versions the newest ``kept``."""
    own = variable_versions.c
    await work.execute(
        insert(variable_versions).values(
            workspace_id=work.workspace_id,
            variable_id=variable.id,
            version=variable.version,
            value=variable.value,
            tags=list(tags),
            changed_by_kind=work.actor.kind.value,
            changed_by_id=work.actor.id,
            changed_by_name=work.actor.display_name,
            changed_at=work.now,
        )
    )
    await work.execute(
        delete(variable_versions).where(
            own.workspace_id == work.workspace_id,
            own.variable_id == variable.id,
            own.version <= variable.version - kept,
        )
    )


async def find_by_name(work: UnitOfWork, *, name: str) -> Variable | None:
    """Return the variable of a name."""
    row = (await work.execute(_own(work).where(variables.c.name == name))).one_or_none()
    return _variable(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Variable]:
    """Return those of the variables that exist, by id."""
    rows = await work.execute(_own(work).where(variables.c.id.in_(ids)))
    return {row.id: _variable(row) for row in rows}


async def get_many_values(work: UnitOfWork, names: Sequence[str]) -> dict[str, Any]:
    """Return the values of those of the variables that exist, by name."""
    statement = select(variables.c.name, variables.c.value).where(
        variables.c.workspace_id == work.workspace_id, variables.c.name.in_(names)
    )
    return {row.name: row.value for row in await work.execute(statement)}


async def list_variables(
    work: UnitOfWork, *, page: PageRequest, filter: NameFilter | None
) -> Page[Variable]:
    """Return a page of variables by name and id."""
    sort = pages.by(variables.c.name, variables.c.id)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_variable)


async def count_variables(work: UnitOfWork, *, filter: NameFilter | None, cap: int) -> int:
    """Return how many variables match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def list_versions(
    work: UnitOfWork, *, variable_id: UUID, page: PageRequest
) -> Page[VariableVersion]:
    """Return a page of a variable's versions, the newest first."""
    sort = pages.Sort(columns=(variable_versions.c.version,), is_descending=True)
    statement = _versions(work, variable_id)
    return await pages.read(work, statement, sort=sort, page=page, make=_version)


async def count_versions(work: UnitOfWork, *, variable_id: UUID, cap: int) -> int:
    """Return how many versions of a variable are kept, up to ``cap + 1``."""
    return await pages.count(work, _versions(work, variable_id), cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(variables).where(variables.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, filter: NameFilter | None) -> Select[Any]:
    return _own(work).where(*filters.variables(filter, workspace_id=work.workspace_id))


def _versions(work: UnitOfWork, variable_id: UUID) -> Select[Any]:
    return select(variable_versions).where(
        variable_versions.c.workspace_id == work.workspace_id,
        variable_versions.c.variable_id == variable_id,
    )


def _variable(row: Row[Any]) -> Variable:
    return Variable(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        value=row.value,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _version(row: Row[Any]) -> VariableVersion:
    return VariableVersion(
        workspace_id=row.workspace_id,
        variable_id=row.variable_id,
        version=row.version,
        value=row.value,
        tags=tuple(row.tags),
        changed_by=Actor(ActorKind(row.changed_by_kind), row.changed_by_id, row.changed_by_name),
        changed_at=row.changed_at,
    )
