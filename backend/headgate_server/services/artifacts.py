"""Artifacts: created by runs or by people, updated, read, and deleted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from msgspec import UNSET

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.artifacts import (
    Artifact,
    NewArtifact,
    check_artifact,
    check_data,
    check_description,
    check_metadata,
)
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import Conflict, Forbidden, NotFound
from headgate_server.domain.events import NewEvent
from headgate_server.domain.filters import ArtifactFilter
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import artifacts as repository
from headgate_server.services.events import record_change, record_events
from headgate_server.services.run_places import RunPlace, find_place, guard_place

get_many_artifacts = repository.get_many_artifacts
get_many_data = repository.get_many_data


async def create_artifact(
    work: UnitOfWork, new: NewArtifact, *, grant: RunGrant | None
) -> tuple[Artifact, bool]:
    """Store an artifact and say whether it is new; sent again with its id it changes nothing.

    Of a key the one that was made last is the latest, whichever comes last: an id tells when.

    Args:
        work: the unit of work.
        new: what to store.
        grant: the run token shown; None for an actor with the right to write artifacts anywhere.

    Raises:
        InvalidInput: data that are not of the type, or a bad key, text or metadata.
        LimitExceeded: more data than 1 MiB.
        Forbidden: a run's token, for another run.
        LeaseLost: a run's token whose lease is lost.
        NotFound: no such run or task run.
        Conflict: the id is that of another artifact.
    """
    check_artifact(new)
    place = await find_place(work, RunPlace(new.flow_run_id, new.task_run_id), grant=grant)
    placed = replace(new, flow_run_id=place.flow_run_id)
    created_at = min(ids.made_at(new.id) or work.now, work.now)
    made = await repository.insert_artifact(work, placed, created_at=created_at)
    if made is None:
        return await _find_same(work, placed), False
    if made.key is not None:
        await repository.mark_latest(work, made)
    await record_events(work, [_event(made, "created", type=made.type.value, key=made.key)])
    return made, True


async def update_artifact(
    work: UnitOfWork,
    *,
    id_: UUID,
    changes: Mapping[str, Any],
    grant: RunGrant | None,
    expected_version: int | None = None,
) -> Artifact:
    """Change what is said of an artifact, in place: its history does not grow.

    An event tells that it changed, and not to what: who follows it reads it anew.

    Args:
        work: the unit of work.
        id_: which.
        changes: data, description and metadata, as far as they change.
        grant: the run token shown, if any.
        expected_version: refuses the change if the artifact has another one.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Forbidden: a run's token, for the artifact of another run.
        LeaseLost: a run's token whose lease is lost.
        VersionConflict: it is not of the expected version.
        InvalidInput: data that are not of its type, or a bad text or metadata.
        LimitExceeded: more data than 1 MiB.
    """
    wanted = {name: value for name, value in changes.items() if value is not UNSET}
    current = await _lock(work, id_, grant=grant)
    check_version(current.version, expected=expected_version)
    if "data" in wanted:
        check_data(wanted["data"], type_=current.type)
    check_description(wanted.get("description"))
    if "metadata" in wanted:
        check_metadata(wanted["metadata"])
    if not wanted:
        return current
    updated = await repository.update_artifact(work, id_=id_, changes=wanted)
    told = _event(updated, "updated", version=updated.version, changed=sorted(wanted))
    await record_events(work, [told])
    return updated


async def delete_artifact(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete an artifact; of its key the one before it is the latest from now on.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await repository.lock_artifact(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    await repository.delete_artifact(work, current)
    await record_change(
        work,
        kind=ids.Kind.ARTIFACT,
        id_=current.id,
        name=current.key or current.type.value,
        version=current.version,
        changed=None,
        verb="deleted",
        before={"type": current.type, "key": current.key, "description": current.description},
    )


async def list_artifacts(
    work: UnitOfWork, *, page: PageRequest, filter: ArtifactFilter | None = None
) -> Page[Artifact]:
    """Return a page of artifacts, the newest first: the page key is ``(created_at, id)``."""
    return await repository.list_artifacts(work, page=page, filter=filter)


async def count_artifacts(
    work: UnitOfWork, *, filter: ArtifactFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many artifacts match; ``cap + 1`` stands for more than ``cap``."""
    return await repository.count_artifacts(work, filter=filter, cap=cap)


async def _find_same(work: UnitOfWork, new: NewArtifact) -> Artifact:
    found = (await repository.get_many_artifacts(work, [new.id])).get(new.id)
    if found is None:
        raise NotFound("This artifact has just been deleted; make another one.")
    if (found.key, found.type, found.flow_run_id) != (new.key, new.type, new.flow_run_id):
        raise Conflict("This id is that of another artifact; make a new one.", path=["id"])
    return found


async def _lock(work: UnitOfWork, id_: UUID, *, grant: RunGrant | None) -> Artifact:
    current = await repository.lock_artifact(work, id_=id_)
    if current is None:
        raise NotFound
    if grant is not None:
        if current.flow_run_id is None:
            raise Forbidden("A run's token changes that run's artifacts only.")
        await guard_place(work, flow_run_id=current.flow_run_id, grant=grant)
    return current


def _event(artifact: Artifact, verb: str, **payload: object) -> NewEvent:
    shown = ids.show(ids.Kind.ARTIFACT, artifact.id)
    place = RunPlace(artifact.flow_run_id, artifact.task_run_id)
    return NewEvent(
        name=f"artifact.{verb}",
        resource_id=shown,
        resource={"id": shown, "kind": "artifact", "name": artifact.key or artifact.type.value},
        payload=payload,
        related=place.related(),
    )
