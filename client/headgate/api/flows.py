"""Flows over the API: upsert, find, list."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    given,
    read_page,
)
from headgate.api.transport import Transport

NOUN = "flows"


class FlowAnswer(Answer, frozen=True):
    """A flow as the API shows it."""

    id: str
    name: str
    tags: list[str]
    version: int


class Maker(Answer, frozen=True):
    """Who ran or deployed a flow first."""

    display_name: str


class Durations(Answer, frozen=True):
    """How runs ended, and how long those took that completed; None where none did."""

    completed: int
    failed: int
    p50: timedelta | None = None
    p95: timedelta | None = None


class FlowSummary(FlowAnswer, frozen=True, kw_only=True):
    """A flow with its deployments, and how its runs of the last 30 days ended."""

    durations: Durations
    deployments: list[str]
    created_by: Maker | None = None


async def upsert(
    transport: Transport, *, workspace_id: str, name: str, tags: Sequence[str] | None = None
) -> FlowAnswer:
    """Make sure that a flow of this name exists."""
    payload = await change(
        transport,
        NOUN,
        "FlowUpsert",
        input=given(
            workspaceId=workspace_id, name=name, tags=list(tags) if tags is not None else None
        ),
    )
    return msgspec.convert(payload["flow"], FlowAnswer)


async def find(
    transport: Transport, *, organization: str, workspace: str, name: str
) -> FlowAnswer | None:
    """Return the flow of this name; None when there is none."""
    place = await ask_workspace(
        transport, NOUN, "Flow", organization=organization, workspace=workspace, name=name
    )
    return msgspec.convert(place["flow"], FlowAnswer | None)


async def list_flows(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[FlowAnswer]:
    """Return flows by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Flows",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["flows"], item=FlowAnswer)


async def find_summary(
    transport: Transport, *, organization: str, workspace: str, name: str
) -> FlowSummary | None:
    """Return the flow of this name with its deployments and durations; None when there is none."""
    place = await ask_workspace(
        transport, NOUN, "FlowSummary", organization=organization, workspace=workspace, name=name
    )
    found = place["flow"]
    if found is None:
        return None
    deployments = [one["name"] for one in found["deployments"]["nodes"]]
    return msgspec.convert({**found, "deployments": deployments}, FlowSummary)
