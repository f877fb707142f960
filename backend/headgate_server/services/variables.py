"""Variables: set, read and deleted; what they were set to before is kept."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids, templates
from headgate_server.domain.changes import check_absent, check_version
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.domain.filters import NameFilter
from headgate_server.domain.flows import check_tags
from headgate_server.domain.names import KEY
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.variables import (
    KEPT_VERSIONS,
    Variable,
    VariableVersion,
    check_variable,
    list_changes,
)
from headgate_server.repositories import tags, variables
from headgate_server.services import object_counts
from headgate_server.services.events import record_change


async def set_variable(
    work: UnitOfWork,
    *,
    name: str,
    value: Any,
    tags: Sequence[str] | None = None,
    expected_version: int | None = None,
) -> tuple[Variable, bool]:
    """Make or change the variable of a name, and say whether it was made.

    Setting what is set already changes nothing, not even the version.

    Args:
        work: the unit of work.
        name: a key.
        value: any JSON but null, at most 64 KiB.
        tags: replaces its tags; None leaves them alone.
        expected_version: refuses the change if the variable has another one; 0 if there is one.

    Raises:
        InvalidInput: a bad name, value or tag.
        NotFound: a version is expected of a variable that does not exist.
        Conflict: none was expected, and there is one.
        QuotaExceeded: the organization has as many as it may.
        VersionConflict: the variable is not of the expected version.
    """
    check_variable(name, value)
    wanted = check_tags(tuple(tags)) if tags is not None else None
    current = await variables.lock_variable(work, name=name)
    if current is None:
        if expected_version:
            raise NotFound
        made = await variables.insert_variable(work, id_=ids.new_id(), name=name, value=value)
        if made is not None:
            await object_counts.claim(work, QuotaKind.VARIABLES)
            await _keep(work, made, wanted or (), changed=None, before=None)
            return made, True
        current = await variables.lock_variable(work, name=name)
    if current is None:
        raise Unavailable
    check_absent(ids.show(ids.Kind.VARIABLE, current.id), expected=expected_version)
    check_version(current.version, expected=expected_version)
    return await _change(work, current, value, wanted), False


async def delete_variable(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a variable with its history; runs whose parameters name it fail to start from now on.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await variables.lock_variable(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    await variables.delete_variable(work, id_=id_)
    await object_counts.release(work, QuotaKind.VARIABLES)
    await record_change(
        work,
        kind=ids.Kind.VARIABLE,
        id_=current.id,
        name=current.name,
        version=current.version,
        changed=None,
        verb="deleted",
        before=current,
    )


async def find_by_name(work: UnitOfWork, *, name: str) -> Variable | None:
    """Return the variable of a name."""
    return await variables.find_by_name(work, name=name) if KEY.fullmatch(name) else None


async def get_many_variables(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Variable]:
    """Return those of the variables that are in the workspace, by id."""
    return await variables.get_many(work, ids_)


async def get_many_tags(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return the sorted tags of each variable; one without any is absent."""
    return await tags.get_many_tags(work, ids_, of=tags.OF_VARIABLES)


async def list_variables(
    work: UnitOfWork, *, page: PageRequest, filter: NameFilter | None = None
) -> Page[Variable]:
    """Return a page of variables: the page key is ``(name, id)``."""
    return await variables.list_variables(work, page=page, filter=filter)


async def count_variables(
    work: UnitOfWork, *, filter: NameFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many variables match; ``cap + 1`` stands for more than ``cap``."""
    return await variables.count_variables(work, filter=filter, cap=cap)


async def list_versions(
    work: UnitOfWork, *, variable_id: UUID, page: PageRequest
) -> Page[VariableVersion]:
    """Return a page of what a variable was set to, the newest first: the key is ``(version,)``."""
    return await variables.list_versions(work, variable_id=variable_id, page=page)


async def count_versions(work: UnitOfWork, *, variable_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many versions of a variable are kept; at most 100 are."""
    return await variables.count_versions(work, variable_id=variable_id, cap=cap)


async def fill_job(work: UnitOfWork, job: dict[str, Any]) -> dict[str, Any]:
    """Return a job with the variables that its parameters and job variables name filled in.

    As a run is claimed, and not as it is made: a run that waited for days, or was planned by a
    schedule, starts with what the variables are then, and the run itself keeps the templates, so
    that a retry reads them again. ``missing`` names those that do not exist; nobody starts such a
    run, nor one for which values would put the name of a block together or come to more than a job
    holds: ``refused`` says why.
    """
    filled = {name: job[name] for name in ("parameters", "jobVariables")}
    documents = [*filled.values()]
    names = templates.list_variables(documents)
    if not names:
        return job
    values = await variables.get_many_values(work, names[: templates.MAX_NAMES])
    missing = [f"variables.{name}" for name in names if name not in values]
    written = templates.written_length(documents, values)
    if written > templates.MAX_WRITTEN_LENGTH:
        said = {"missing": [*missing, "room for the values"], "refused": _too_long(written)}
        return {**job, **said}
    composing = ", ".join(
        f"variables.{name}" for name in templates.list_composing(documents, values)
    )
    refused = {
        "missing": [*missing, f"blocks that {composing} would name"],
        "refused": f"Its parameters or job variables would name a block by the values of "
        f"{composing}; a variable names none, nor a part of one. Write the block's name out in "
        "the parameters or job variables themselves, and start the run again.",
    }
    return {
        **job,
        **{name: templates.fill(document, values) for name, document in filled.items()},
        **({"missing": missing} if missing else {}),
        **(refused if composing else {}),
    }


def _too_long(written: int) -> str:
    return (
        f"The variables in its parameters and job variables come to {written:,} characters, each "
        f"counted wherever it is named; a job takes {templates.MAX_WRITTEN_LENGTH:,}. Name them "
        "less often, or read them in the flow with Variable.get, and start the run again."
    )


async def _change(
    work: UnitOfWork, current: Variable, value: Any, wanted: tuple[str, ...] | None
) -> Variable:
    own = (await get_many_tags(work, [current.id])).get(current.id, ())
    changes = list_changes(value=(current.value, value), tags=(own, wanted))
    if not changes:
        return current
    changed = await variables.update_variable(work, id_=current.id, value=value)
    before = {"value": current.value, "tags": own}
    await _keep(work, changed, own if wanted is None else wanted, changed=changes, before=before)
    return changed


async def _keep(
    work: UnitOfWork,
    variable: Variable,
    wanted: tuple[str, ...],
    *,
    changed: list[str] | None,
    before: dict[str, Any] | None,
) -> None:
    await tags.replace_tags(work, owner_id=variable.id, tags=wanted, of=tags.OF_VARIABLES)
    await variables.insert_version(work, variable, tags=wanted, kept=KEPT_VERSIONS)
    await record_change(
        work,
        kind=ids.Kind.VARIABLE,
        id_=variable.id,
        name=variable.name,
        version=variable.version,
        changed=changed,
        before=before,
        after={"value": variable.value, "tags": wanted},
    )
