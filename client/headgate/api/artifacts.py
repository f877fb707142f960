"""Artifacts over the API: create, update, find, list, delete."""

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

NOUN = "artifacts"


class ArtifactAnswer(Answer, frozen=True):
    """An artifact as the API shows it; lists of them are without their data."""

    id: str
    key: str | None
    type: str
    description: str | None
    metadata: dict[str, Any]
    size_bytes: int
    version: int
    created_at: datetime
    updated_at: datetime
    flow_run: Named | None = None
    task_run: Named | None = None


class WholeArtifact(ArtifactAnswer, frozen=True):
    """An artifact with its data."""

    data: Any = None


async def create(
    transport: Transport, *, input: dict[str, Any], deadline_seconds: float | None = None
) -> None:
    """Create an artifact; safe to repeat with the id in the input.

    Args:
        input: as the API's ``ArtifactCreateInput``.
    """
    await change(transport, NOUN, "ArtifactCreate", input=input, deadline_seconds=deadline_seconds)


async def update(
    transport: Transport, *, input: dict[str, Any], deadline_seconds: float | None = None
) -> None:
    """Change an artifact in place.

    Args:
        input: as the API's ``ArtifactUpdateInput``.
    """
    await change(transport, NOUN, "ArtifactUpdate", input=input, deadline_seconds=deadline_seconds)


async def delete(transport: Transport, *, artifact_id: str) -> None:
    """Delete an artifact.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    await change(transport, NOUN, "ArtifactDelete", input={"id": artifact_id})


async def get(transport: Transport, *, artifact_id: str) -> WholeArtifact:
    """Return an artifact with its data.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "Artifact", variables={"id": artifact_id})
    return msgspec.convert(require(found, what=f"artifact {artifact_id}"), WholeArtifact)


async def find_latest(
    transport: Transport, *, organization: str, workspace: str, key: str
) -> WholeArtifact | None:
    """Return the latest artifact of a key, with its data."""
    place = await ask_workspace(
        transport,
        NOUN,
        "LatestArtifact",
        organization=organization,
        workspace=workspace,
        filter={"key": {"eq": key}, "latestPerKey": True},
    )
    nodes = place["artifacts"]["nodes"]
    return msgspec.convert(nodes[0], WholeArtifact) if nodes else None


async def list_artifacts(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[ArtifactAnswer]:
    """Return artifacts, the newest first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Artifacts",
        **given(filter=filter, after=after),
        organization=organization,
        workspace=workspace,
        first=first,
    )
    return read_page(place["artifacts"], item=ArtifactAnswer)
