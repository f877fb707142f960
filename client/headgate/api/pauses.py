"""Pauses over the API: ask, answer, list, wait."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    LeaseInput,
    Page,
    ask,
    ask_workspace,
    change,
    given,
    read_page,
    require,
)
from headgate.api.documents import document
from headgate.api.flow_runs import FlowRun
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.errors import InvalidInputError, RetryableApiError, refusal
from headgate.ids import make_uuid

NOUN = "pauses"

logger = logging.getLogger("headgate.api")


class ApproversAnswer(Answer, frozen=True):
    """Who may answer; whoever may write runs where nobody is named."""

    roles: list[str]
    people: list[str]
    teams: list[str]
    four_eyes: bool


class Answerer(Answer, frozen=True):
    """Who answered."""

    display_name: str


class RunName(Answer, frozen=True):
    """What a run is called."""

    name: str


class Pause(Answer, frozen=True):
    """What a run waits for, or waited for, and what was answered.

    Args:
        kind: PAUSE or SUSPEND.
        status: WAITING, RESUMED, REJECTED, EXPIRED or ENDED.
        refusal: why it is asked again, where an answer did not fit.
    """

    run_id: str
    key: str
    kind: str
    status: str
    created_at: datetime
    approvers: ApproversAnswer
    description: str | None = None
    schema: dict[str, Any] | None = None
    initial: dict[str, Any] | None = None
    expires_at: datetime | None = None
    input: Any = None
    reason: str | None = None
    refusal: str | None = None
    answered_at: datetime | None = None
    answered_by: Answerer | None = None
    run: RunName | None = None


class NewPause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause that a run's process asks for.

    Args:
        timeout_seconds: how long to wait for an answer; None waits for ever.
        schema: the JSON Schema of the answer; None where it takes none.
        approvers: the API's ``ApproversInput``.
        refused: the API's ``PauseRefusalInput``: which answer does not fit, and why.
    """

    key: str
    is_suspension: bool = False
    timeout_seconds: float | None = None
    schema: dict[str, Any] | None = None
    initial: dict[str, Any] | None = None
    description: str | None = None
    approvers: dict[str, Any] | None = None
    refused: dict[str, Any] | None = None

    def again(self, pause: Pause, *, message: str) -> "NewPause":
        """Return the same question once more: the answer it got does not fit, as is told."""
        answered_at = pause.answered_at or pause.created_at
        refused = {"answeredAt": answered_at.isoformat(), "message": message}
        given = cast("dict[str, Any]", pause.input)
        initial = given if isinstance(pause.input, dict) else self.initial
        return msgspec.structs.replace(self, refused=refused, initial=initial)

    def as_variables(self, *, lease: LeaseInput, is_peek: bool) -> dict[str, Any]:
        """Return it as the API's ``FlowRunPauseInput``."""
        seconds = self.timeout_seconds
        return given(
            lease=lease.as_variables(),
            key=self.key,
            suspend=self.is_suspension,
            timeout=None if seconds is None else msgspec.to_builtins(timedelta(seconds=seconds)),
            schema=self.schema,
            initial=self.initial,
            description=self.description,
            approvers=self.approvers,
            refused=self.refused,
            peek=is_peek or None,
        )


async def pause(
    transport: Transport, *, lease: LeaseInput, new: NewPause, is_peek: bool = False
) -> Pause | None:
    """Pause or suspend the run of a lease, unless the key was answered before.

    Nobody can answer while the server is away: it is asked again until it is back.

    Args:
        is_peek: only look whether it was; None where it was not.
    """
    asked = new.as_variables(lease=lease, is_peek=is_peek)
    failures = 0
    while True:
        try:
            payload = await change(transport, NOUN, "FlowRunPause", input=asked)
        except RetryableApiError as error:
            logger.warning("The pause %r waits until the server can be asked: %s", new.key, error)
            wish = error.retry_after_seconds
            await asyncio.sleep(retry_delay_seconds(failures, wish_seconds=wish))
            failures += 1
        else:
            return msgspec.convert(payload["pause"], Pause | None)


async def request(
    transport: Transport, *, flow_run_id: str, is_suspension: bool, reason: str | None = None
) -> FlowRun:
    """Ask a run to pause, or to be suspended, before its next task.

    Raises:
        IllegalTransitionError: no process of the run would hear of it.
        ConflictError: the other kind was asked for.
    """
    payload = await change(
        transport,
        NOUN,
        "FlowRunRequestPause",
        input=given(id=flow_run_id, suspend=is_suspension, reason=reason),
    )
    return msgspec.convert(payload["flowRun"], FlowRun)


async def resume(
    transport: Transport,
    *,
    flow_run_id: str,
    input: Any = None,
    is_rejected: bool = False,
    reason: str | None = None,
    pause_key: str | None = None,
    paused_at: datetime | None = None,
) -> FlowRun:
    """Answer a run that is paused or suspended.

    Args:
        pause_key: of the pause that is answered, where whoever answers has seen one.
        paused_at: its ``created_at``: under one key a run may ask again.

    Raises:
        ConflictError: the run asks for something else by now, or for nothing.
        InvalidInputError: the input does not fit; its message tells every field that does not.
        IllegalTransitionError: the run is not paused.
    """
    payload = await ask(
        transport,
        NOUN,
        "FlowRunResume",
        variables={
            "input": given(
                id=flow_run_id,
                input=input,
                reject=is_rejected or None,
                reason=reason,
                pauseKey=pause_key,
                pausedAt=None if paused_at is None else paused_at.isoformat(),
                idempotencyKey=make_uuid(),
            )
        },
    )
    errors: list[dict[str, Any]] = payload["errors"]
    if len(errors) > 1:
        message = "; ".join(str(error["message"]) for error in errors)
        facts = {"fields": [error["path"] for error in errors]}
        raise InvalidInputError(message, path=errors[0]["path"], facts=facts)
    if errors:
        raise refusal(errors[0])
    return msgspec.convert(payload["flowRun"], FlowRun)


async def list_pauses(transport: Transport, *, flow_run_id: str) -> list[Pause]:
    """Return everything that a run ever asked, in the order it did.

    Raises:
        NotFoundError: there is no such run, or this key may not see it.
    """
    found = await ask(transport, NOUN, "FlowRunPauses", variables={"id": flow_run_id})
    run = require(found, what=f"flow run {flow_run_id}")
    return msgspec.convert(run["pauses"], list[Pause])


async def list_waiting(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[Pause]:
    """Return what the runs of a workspace wait for an answer to, the oldest first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "WaitingPauses",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["pauses"], item=Pause)


async def updates(transport: Transport, *, flow_run_id: str, key: str) -> AsyncIterator[Pause]:
    """Follow a pause of the run whose token speaks; the caller re-opens a broken stream."""
    async with aclosing(
        transport.subscribe(
            document(NOUN, "PauseUpdates"),
            {"flowRunId": flow_run_id, "key": key},
            operation="PauseUpdates",
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["pauseUpdates"], Pause)
