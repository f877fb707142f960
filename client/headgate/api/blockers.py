"""Why a run is not running, over the API."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import Answer, ask, ask_workspace, require
from headgate.api.transport import Transport
from headgate.errors import refusal

NOUN = "blockers"


class HeldBy(Answer, frozen=True):
    """A run, or a call of a task, that holds what is waited for."""

    id: str
    name: str


class StateName(Answer, frozen=True):
    """The state a run is in."""

    type: str
    name: str


class BlockerAnswer(Answer, frozen=True):
    """One cause; ``action`` is a mutation with its variables, or a command."""

    code: str
    message: str
    since: datetime | None = None
    queue_position: int | None = None
    expected_start: datetime | None = None
    action: dict[str, Any] | None = None
    holders: tuple[HeldBy, ...] = ()
    background_tasks: tuple[HeldBy, ...] = ()


class WhyAnswer(Answer, frozen=True):
    """A run and all that holds it up, the nearest first."""

    id: str
    name: str
    state: StateName
    why_not_running: tuple[BlockerAnswer, ...]


class TaskWhyAnswer(Answer, frozen=True):
    """A queued call and all that holds it up, the nearest first."""

    id: str
    name: str
    state_name: str
    why_not_running: tuple[BlockerAnswer, ...]


async def why(transport: Transport, *, flow_run_id: str) -> WhyAnswer:
    """Return why a run is not running.

    Raises:
        NotFoundError: there is no such run, or this key may not see it.
    """
    found = await ask(transport, NOUN, "WhyNotRunning", variables={"id": flow_run_id})
    return msgspec.convert(require(found or None, what=f"flow run {flow_run_id}"), WhyAnswer)


async def why_task(
    transport: Transport, *, organization: str, workspace: str, id: str
) -> TaskWhyAnswer:
    """Return why a queued call is not running.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    place = await ask_workspace(
        transport, NOUN, "BackgroundTaskWhy", organization=organization, workspace=workspace, id=id
    )
    found = require(place["backgroundTask"], what=f"background task {id}")
    return msgspec.convert(found, TaskWhyAnswer)


async def act(transport: Transport, action: dict[str, Any]) -> None:
    """Carry out what was offered to end a cause.

    Raises:
        RefusedError: the server said no.
    """
    data = await transport.execute(action["mutation"], action["variables"], operation="Unblock")
    for payload in data.values():
        if payload["errors"]:
            raise refusal(payload["errors"][0])
