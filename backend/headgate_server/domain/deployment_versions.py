"""Versions of deployments: what of a deployment they keep, and how two of them differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from headgate_server.domain.deployments import Deployment
from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.tenancy import Actor

MAX_LABEL_LENGTH = 200
MAX_GIT_BYTES = 16 * 1024
MAX_CHANGES = 500
"""So many differences of two versions are told at most."""
KEPT_VERSIONS = 500
"""So many of a deployment are kept; the oldest go, but never the one that is current."""

_MILLISECOND = timedelta(milliseconds=1)
PLAIN = (
    "entrypoint",
    "description",
    "parameters",
    "parameter_schema",
    "is_schema_enforced",
    "job_variables",
    "pull_steps",
    "on_agent_lost",
    "infrastructure_retries",
)
PLACES = ("work_pool_id", "work_queue_id")
LENGTHS = ("abandon_after", "fence", "late_threshold")
VERSIONED = frozenset({*PLAIN, *PLACES, *LENGTHS, "tags"})
"""What a version keeps. Not whether it is paused, its schedules and its limit: those are today's,
whichever version runs. What its runs may read and start it keeps once another takes its place."""


@dataclass(frozen=True, slots=True)
class DeploymentVersion:
    """What a deployment was from one change to the next.

    ``content`` is keyed by the names in ``VERSIONED``; lengths of time are in milliseconds, with
    ``_ms`` behind their name.
    """

    workspace_id: UUID
    id: UUID
    deployment_id: UUID
    number: int
    label: str | None
    git: dict[str, Any] | None
    content: dict[str, Any]
    created_by: Actor
    created_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two versions differ; what is absent in one of them is None there."""

    path: tuple[str, ...]
    before: Any
    after: Any


def content_of(deployment: Deployment, *, tags: Iterable[str]) -> dict[str, Any]:
    """Return what a version keeps of a deployment."""
    content: dict[str, Any] = {name: _plain(getattr(deployment, name)) for name in PLAIN}
    for name in PLACES:
        id_: UUID | None = getattr(deployment, name)
        content[name] = None if id_ is None else str(id_)
    for name in LENGTHS:
        content[f"{name}_ms"] = getattr(deployment, name) // _MILLISECOND
    return {**content, "tags": sorted(tags)}


def columns_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a deployment's fields that a version kept; its tags are beside them."""
    columns: dict[str, Any] = {name: content[name] for name in PLAIN}
    for name in PLACES:
        columns[name] = None if content[name] is None else UUID(content[name])
    for name in LENGTHS:
        columns[name] = content[f"{name}_ms"] * _MILLISECOND
    return columns


def check_said(*, label: str | None, git: dict[str, Any] | None) -> None:
    """Refuse a label or git metadata that cannot be kept.

    Raises:
        InvalidInput: an empty, over-long or unprintable label, or over-large metadata.
    """
    if label is not None and not (
        1 <= len(label) <= MAX_LABEL_LENGTH and label.isprintable() and is_storable(label)
    ):
        raise InvalidInput(
            f"versionLabel has 1 to {MAX_LABEL_LENGTH} printable characters.", path=["versionLabel"]
        )
    check_document(git, field="git", most_bytes=MAX_GIT_BYTES)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return where two contents differ, by path: objects are compared member by member."""
    found: list[Difference] = []
    for difference in _walk((), before, after):
        found.append(difference)
        if len(found) == MAX_CHANGES:
            break
    return found


def _walk(
    path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other and (name in before) == (name in after):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            members = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
            yield from _walk((*path, name), *members)
        else:
            yield Difference((*path, name), one, other)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value
