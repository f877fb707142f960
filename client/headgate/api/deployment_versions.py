"""Versions of deployments over the API: list, compare, promote, roll back."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask, change, given, read_page, require
from headgate.api.deployments import NOUN, DeploymentAnswer
from headgate.api.transport import Transport


class Author(Answer, frozen=True):
    """Who made a version."""

    display_name: str


class VersionAnswer(Answer, frozen=True):
    """A version of a deployment as the API shows it."""

    id: str
    number: int
    created_at: datetime
    is_current: bool
    label: str | None = None
    git: dict[str, Any] | None = None
    created_by: Author | None = None


class VersionChange(Answer, frozen=True):
    """One place at which two versions differ."""

    path: list[str]
    before: Any = None
    after: Any = None


async def list_versions(
    transport: Transport,
    *,
    deployment_id: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[VersionAnswer]:
    """Return versions of a deployment, the newest first.

    Raises:
        NotFoundError: there is no such deployment, or this key may not see it.
    """
    variables = given(id=deployment_id, first=first, after=after)
    found = await ask(transport, NOUN, "DeploymentVersions", variables=variables)
    place = require(found or None, what=f"deployment {deployment_id}")
    return read_page(place["versions"], item=VersionAnswer)


async def changes(
    transport: Transport, *, version_id: str, since: str | None = None
) -> list[VersionChange]:
    """Return what a version changed: against the one before, or against another by its id.

    Raises:
        NotFoundError: there is no such version, or this key may not see it.
    """
    variables = given(id=version_id, since=since)
    found = await ask(transport, NOUN, "DeploymentVersionChanges", variables=variables)
    place = require(found or None, what=f"version {version_id}")
    return msgspec.convert(place["changes"], list[VersionChange])


async def promote(transport: Transport, *, version_id: str) -> DeploymentAnswer:
    """Make a version the one that new runs are made of."""
    payload = await change(transport, NOUN, "DeploymentPromote", input={"id": version_id})
    return msgspec.convert(payload["deployment"], DeploymentAnswer)


async def roll_back(transport: Transport, *, deployment_id: str) -> DeploymentAnswer:
    """Make the version before the current one current."""
    payload = await change(transport, NOUN, "DeploymentRollback", input={"id": deployment_id})
    return msgspec.convert(payload["deployment"], DeploymentAnswer)
