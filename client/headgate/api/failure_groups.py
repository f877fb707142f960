"""Failure groups over the API: list, get, mute, resolve, open, retry."""

from datetime import datetime
from typing import Any, Literal

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
from headgate.api.flow_runs import CreatedRun, FlowRun, Named
from headgate.api.transport import Transport
from headgate.errors import refusal

NOUN = "failure_groups"

Status = Literal["OPEN", "MUTED", "RESOLVED"]


class BadVersion(Answer, frozen=True):
    """The version of a deployment whose run failed first."""

    id: str
    number: int
    label: str | None = None


class FailureGroupAnswer(Answer, frozen=True):
    """A failure group as the API shows it."""

    id: str
    flow: Named
    exception_type: str
    message: str
    frames: list[str]
    status: str
    version: int
    first_seen_at: datetime
    last_seen_at: datetime
    failure_count: int
    run_count: int
    regression_count: int
    first_version: BadVersion | None = None


class GroupRetry(Answer, frozen=True):
    """What became of runs that were started again, and how many are still to be.

    ``refused`` are not to be: they were refused a new start, now or before.
    """

    results: list[CreatedRun]
    remaining: int
    refused: int


async def list_failure_groups(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[FailureGroupAnswer]:
    """Return failure groups, the one seen last first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "FailureGroups",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["failureGroups"], item=FailureGroupAnswer)


async def get(transport: Transport, *, failure_group_id: str) -> FailureGroupAnswer:
    """Return one failure group.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "FailureGroupById", variables={"id": failure_group_id})
    what = f"failure group {failure_group_id}"
    return msgspec.convert(require(found or None, what=what), FailureGroupAnswer)


async def set_status(
    transport: Transport, *, failure_group_id: str, status: Status
) -> FailureGroupAnswer:
    """Mute, resolve or open a failure group."""
    payload = await change(
        transport, NOUN, "FailureGroupUpdate", input={"id": failure_group_id, "status": status}
    )
    return msgspec.convert(payload["failureGroup"], FailureGroupAnswer)


async def retry(
    transport: Transport, *, failure_group_id: str, first: int | None = None
) -> GroupRetry:
    """Start runs of the group again, the oldest first, at most 100 in one call."""
    payload = await change(
        transport, NOUN, "FailureGroupRetry", input=given(id=failure_group_id, first=first)
    )
    return GroupRetry(
        results=[
            CreatedRun(
                flow_run=msgspec.convert(result["flowRun"], FlowRun | None),
                refusal=refusal(result["errors"][0]) if result["errors"] else None,
            )
            for result in payload["results"]
        ],
        remaining=payload["remaining"],
        refused=payload["refused"],
    )
