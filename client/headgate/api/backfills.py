"""Backfills over the API: create or only plan, list, get, pause, resume, cancel."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask,
    ask_workspace,
    change,
    given,
    read_page,
    require,
)
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "backfills"


class BackfilledDeployment(Answer, frozen=True):
    """Whose runs a backfill makes."""

    id: str
    name: str
    flow: Named


class ItemCount(Answer, frozen=True):
    """How many items are in a status."""

    status: str
    count: int


class BackfillAnswer(Answer, frozen=True):
    """A backfill as the API shows it."""

    id: str
    name: str
    status: str
    deployment: BackfilledDeployment
    parallelism: int
    priority: int
    descending: bool
    item_count: int
    counts: list[ItemCount]
    created_at: datetime
    version: int
    ended_at: datetime | None = None


class ItemRunState(Answer, frozen=True):
    """The name of a run's state."""

    name: str


class ItemRun(Answer, frozen=True):
    """The run of an item."""

    id: str
    name: str
    state: ItemRunState


class BackfillItemAnswer(Answer, frozen=True):
    """One item of a backfill."""

    position: int
    status: str
    parameters: dict[str, Any]
    instant: datetime | None = None
    error: str | None = None
    flow_run: ItemRun | None = None


class BackfillPlan(Answer, frozen=True):
    """What a backfill is, or what it would be: ``items`` are the first 100 of a dry run."""

    item_count: int
    items: list[BackfillItemAnswer]
    backfill: BackfillAnswer | None = None


class NewBackfill(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill to create, of a range of instants or of parameter sets.

    Args:
        range: as the API's ``BackfillRangeInput``: spec, since and until.
        instant_parameter: the parameter that gets each instant.
        is_dry_run: whether to plan only.
    """

    deployment_id: str
    name: str | None = None
    range: dict[str, Any] | None = None
    parameter_sets: list[dict[str, Any]] | None = None
    instant_parameter: str | None = None
    parameters: dict[str, Any] | None = None
    parallelism: int = 1
    priority: int = 0
    is_descending: bool = False
    is_dry_run: bool = False


async def create(transport: Transport, *, backfill: NewBackfill) -> BackfillPlan:
    """Create a backfill, or only plan it."""
    payload = await change(
        transport,
        NOUN,
        "BackfillCreate",
        input=given(
            deploymentId=backfill.deployment_id,
            name=backfill.name,
            range=backfill.range,
            parameterSets=backfill.parameter_sets,
            instantParameter=backfill.instant_parameter,
            parameters=backfill.parameters,
            parallelism=backfill.parallelism,
            priority=backfill.priority,
            descending=backfill.is_descending,
            dryRun=backfill.is_dry_run,
        ),
    )
    return msgspec.convert(payload, BackfillPlan)


async def get(transport: Transport, *, backfill_id: str) -> BackfillAnswer:
    """Return one backfill.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "BackfillById", variables={"id": backfill_id})
    return msgspec.convert(require(found or None, what=f"backfill {backfill_id}"), BackfillAnswer)


async def list_backfills(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[BackfillAnswer]:
    """Return backfills, the newest first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Backfills",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["backfills"], item=BackfillAnswer)


async def list_items(
    transport: Transport, *, backfill_id: str, first: int = PAGE_SIZE, after: str | None = None
) -> Page[BackfillItemAnswer]:
    """Return items of a backfill, in its order.

    Raises:
        NotFoundError: there is no such backfill, or this key may not see it.
    """
    variables = given(id=backfill_id, first=first, after=after)
    found = await ask(transport, NOUN, "BackfillItems", variables=variables)
    place = require(found or None, what=f"backfill {backfill_id}")
    return read_page(place["items"], item=BackfillItemAnswer)


async def pause(
    transport: Transport, *, backfill_id: str, is_paused: bool = True
) -> BackfillAnswer:
    """Let a backfill make no more runs for now, or let it go on."""
    payload = await change(
        transport, NOUN, "BackfillPause", input={"id": backfill_id, "paused": is_paused}
    )
    return msgspec.convert(payload["backfill"], BackfillAnswer)


async def cancel(
    transport: Transport, *, backfill_id: str, cancels_runs: bool = False
) -> BackfillAnswer:
    """End a backfill, and the runs that it has made if asked for."""
    payload = await change(
        transport, NOUN, "BackfillCancel", input={"id": backfill_id, "cancelRuns": cancels_runs}
    )
    return msgspec.convert(payload["backfill"], BackfillAnswer)


async def retry(transport: Transport, *, backfill_id: str) -> BackfillAnswer:
    """Run the items of a backfill again that have no completed run.

    Raises:
        ConflictError: it was cancelled, or none of its items has failed.
    """
    payload = await change(transport, NOUN, "BackfillRetry", input={"id": backfill_id})
    return msgspec.convert(payload["backfill"], BackfillAnswer)
