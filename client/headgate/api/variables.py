"""Variables over the API: set, get, list, delete."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    change_or_make,
    given,
    read_page,
    require,
)
from headgate.api.transport import Transport

NOUN = "variables"


class VariableAnswer(Answer, frozen=True):
    """A variable as the API shows it."""

    id: str
    name: str
    value: Any
    tags: list[str]
    version: int
    updated_at: datetime


class Changer(Answer, frozen=True):
    """Who set a variable."""

    display_name: str


class VariableVersion(Answer, frozen=True):
    """What a variable was set to."""

    version: int
    value: Any
    tags: list[str]
    changed_at: datetime
    changed_by: Changer


class StoredVariable(msgspec.Struct, frozen=True, kw_only=True):
    """The variable after it was set, and whether it is new."""

    variable: VariableAnswer
    is_created: bool


class FoundVariable(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for in a workspace, if anything."""

    workspace_id: str
    variable: VariableAnswer | None


async def set_variable(
    transport: Transport,
    *,
    workspace_id: str,
    name: str,
    value: Any,
    tags: list[str] | None = None,
    expected_version: int | None = None,
    is_new: bool = False,
) -> StoredVariable:
    """Make the variable of this name, or change it.

    Args:
        tags: all its tags; None leaves them alone.
        is_new: whether one that is there is left as it is.

    Raises:
        VersionConflictError: it is not of the expected version.
        ConflictError: it was to be new, and is there.
    """
    payload = await change_or_make(
        transport,
        NOUN,
        "VariableSet",
        input={
            "value": value,
            **given(
                workspaceId=workspace_id, name=name, tags=tags, expectedVersion=expected_version
            ),
        },
        is_new=is_new,
    )
    return StoredVariable(
        variable=msgspec.convert(payload["variable"], VariableAnswer),
        is_created=bool(payload["created"]),
    )


async def delete(
    transport: Transport, *, variable_id: str, expected_version: int | None = None
) -> None:
    """Delete a variable with its history.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    wanted = given(id=variable_id, expectedVersion=expected_version)
    await change(transport, NOUN, "VariableDelete", input=wanted)


async def find(
    transport: Transport, *, organization: str, workspace: str, name: str
) -> FoundVariable:
    """Return the variable of this name, if there is one, and the workspace's id.

    Raises:
        NotFoundError: there is no such workspace, or this key may not see it.
    """
    place = await ask_workspace(
        transport, NOUN, "Variable", organization=organization, workspace=workspace, name=name
    )
    found = place["variable"]
    return FoundVariable(
        workspace_id=str(place["id"]),
        variable=None if found is None else msgspec.convert(found, VariableAnswer),
    )


async def list_variables(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[VariableAnswer]:
    """Return variables by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Variables",
        organization=organization,
        workspace=workspace,
        filter=filter,
        first=first,
        after=after,
    )
    return read_page(place["variables"], item=VariableAnswer)


async def list_history(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    name: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[VariableVersion]:
    """Return what a variable was set to, the newest first.

    Raises:
        NotFoundError: there is no such variable, or this key may not see it.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "VariableHistory",
        organization=organization,
        workspace=workspace,
        name=name,
        first=first,
        after=after,
    )
    found = require(place["variable"], what=f"variable {name!r}")
    return read_page(found["history"], item=VariableVersion)
