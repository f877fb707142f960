"""Reads schedules, and says what they would do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.schedules import preview
from headgate_server.domain.schedules.preview import UpcomingFire
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.times import settle_spec
from headgate_server.repositories import schedules


async def find_schedule(work: UnitOfWork, *, id_: UUID) -> Schedule | None:
    """Return a schedule of the workspace."""
    return (await schedules.get_many(work, [id_])).get(id_)


async def get_many_schedules(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Schedule]:
    """Return those of the schedules that are in the workspace, by id."""
    return await schedules.get_many(work, ids_)


async def get_many_of_deployments(
    work: UnitOfWork, deployment_ids: Sequence[UUID]
) -> dict[UUID, list[Schedule]]:
    """Return the schedules of each deployment by slug; one without any is absent."""
    return await schedules.get_many_of_deployments(work, deployment_ids)


def preview_spec(
    wanted: Spec | timedelta, *, now: datetime, limit: int
) -> tuple[Spec, list[UpcomingFire]]:
    """Return a specification in full, and its next instants after now.

    Raises:
        InvalidInput: it is not valid, never fires, or the limit is not from 1 to 100.
    """
    spec = settle_spec(wanted, current=None, now=now)
    return spec, preview.preview(spec, after=now, limit=limit)
