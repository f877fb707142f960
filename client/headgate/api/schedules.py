"""Schedules over the API: list, upsert, delete, preview."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api import flow_runs
from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask,
    ask_workspace,
    change,
    read_page,
    require,
)
from headgate.api.transport import Transport

NOUN = "schedules"


class CatchUpAnswer(Answer, frozen=True):
    """What follows an outage."""

    policy: str
    max: int
    window: str


class ScheduleAnswer(Answer, frozen=True):
    """A schedule as the API shows it."""

    id: str
    slug: str
    active: bool
    timezone: str
    description: str
    missed_count: int
    version: int
    catch_up: CatchUpAnswer
    spec: dict[str, Any]
    parameters: dict[str, Any] | None = None
    next_at: datetime | None = None


class ScheduledDeployment(Answer, frozen=True):
    """A deployment with its schedules."""

    id: str
    name: str
    flow: flow_runs.Named
    schedules: list[ScheduleAnswer]


class UpcomingFire(Answer, frozen=True):
    """An instant at which a schedule will fire, and what a change of the clocks did to it."""

    at: datetime
    wall_clock: str
    note: str | None = None


class SpecError(Answer, frozen=True):
    """What is wrong with a specification; ``position`` counts characters from 0."""

    message: str
    path: list[str]
    position: int | None = None


class SchedulePreview(Answer, frozen=True):
    """What a specification would do, or what is wrong with it."""

    fires: list[UpcomingFire]
    description: str | None = None
    timezone: str | None = None
    error: SpecError | None = None


async def list_of_deployments(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[ScheduledDeployment]:
    """Return deployments by name, each with its schedules."""
    place = await ask_workspace(
        transport,
        NOUN,
        "SchedulesOfDeployments",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["deployments"], item=ScheduledDeployment)


async def upsert(transport: Transport, *, input: dict[str, Any]) -> ScheduleAnswer:
    """Make or change the schedule of a slug; ``input`` is the API's ``ScheduleUpsertInput``."""
    payload = await change(transport, NOUN, "ScheduleUpsert", input=input)
    return msgspec.convert(payload["schedule"], ScheduleAnswer)


async def set_active(
    transport: Transport, *, deployment_id: str, schedule: ScheduleAnswer, is_active: bool
) -> ScheduleAnswer:
    """Pause or resume a schedule, if nobody has changed it meanwhile."""
    return await change_one(
        transport, deployment_id=deployment_id, schedule=schedule, changes={"active": is_active}
    )


async def change_one(
    transport: Transport, *, deployment_id: str, schedule: ScheduleAnswer, changes: dict[str, Any]
) -> ScheduleAnswer:
    """Change some of a schedule, if nobody has changed it meanwhile.

    Args:
        changes: of the API's ``ScheduleUpsertInput``; what is not there stays.
    """
    return await upsert(
        transport,
        input={
            "deploymentId": deployment_id,
            "slug": schedule.slug,
            "spec": as_spec(schedule),
            "active": schedule.active,
            "parameters": schedule.parameters,
            "catchUp": msgspec.to_builtins(schedule.catch_up),
            "expectedVersion": schedule.version,
            **changes,
        },
    )


async def delete(transport: Transport, *, schedule_id: str) -> None:
    """Delete a schedule with the runs it has planned."""
    await change(transport, NOUN, "ScheduleDelete", input={"id": schedule_id})


async def list_upcoming(
    transport: Transport, *, schedule_id: str, first: int
) -> list[UpcomingFire]:
    """Return the next instants of a schedule."""
    variables = {"id": schedule_id, "first": first}
    found = await ask(transport, NOUN, "ScheduleUpcoming", variables=variables)
    upcoming = require(found or None, what=f"schedule {schedule_id}")["upcoming"]
    return msgspec.convert(upcoming, list[UpcomingFire])


async def preview(transport: Transport, *, spec: dict[str, Any], first: int) -> SchedulePreview:
    """Return what a specification would do; ``spec`` is the API's ``ScheduleSpecInput``."""
    variables = {"spec": spec, "first": first}
    found = await ask(transport, NOUN, "SchedulePreview", variables=variables)
    return msgspec.convert(found, SchedulePreview)


def as_spec(schedule: ScheduleAnswer) -> dict[str, Any]:
    """Return the ``ScheduleSpecInput`` that means what a schedule has."""
    spec = schedule.spec
    if "cron" in spec:
        values = {"cron": spec["cron"], "timezone": schedule.timezone, "dayOr": spec["dayOr"]}
        return {"cron": values}
    if "rrule" in spec:
        return {"rrule": {"rrule": spec["rrule"], "timezone": schedule.timezone}}
    return {"interval": {"every": spec["every"], "anchor": spec["anchor"]}}
