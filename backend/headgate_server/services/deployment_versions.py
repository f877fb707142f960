"""Versions of deployments: kept with every change, read back, and compared."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployment_versions import (
    KEPT_VERSIONS,
    DeploymentVersion,
    content_of,
)
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import NotFound
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.repositories import deployment_versions, tags

OF_A_VERSION = frozenset({"version_label", "git"})
"""What is said of a version beside what the deployment is."""


async def list_news(
    work: UnitOfWork, current: Deployment, wanted: Mapping[str, Any]
) -> frozenset[str]:
    """Return which of a label and git metadata are said and differ from the current version's."""
    said = {name: wanted[name] for name in OF_A_VERSION if name in wanted}
    kept = None
    if said and current.current_version_id is not None:
        found = await deployment_versions.get_many(work, [current.current_version_id])
        kept = found.get(current.current_version_id)
    now = {"version_label": kept.label, "git": kept.git} if kept else {}
    return frozenset(name for name, value in said.items() if value != now.get(name))


async def keep_version(
    work: UnitOfWork,
    deployment: Deployment,
    *,
    said: Mapping[str, Any],
    replaced_id: UUID | None,
) -> None:
    """Store what a locked deployment is from now on, under the id that its row names already.

    Of more than 500 versions the oldest go, but for the one that this replaces; their runs then
    tell of no version.
    """
    assert deployment.current_version_id is not None  # noqa: S101  set by the caller
    own = await tags.get_many_tags(work, [deployment.id], of=tags.OF_DEPLOYMENTS)
    number = await deployment_versions.insert_version(
        work,
        id_=deployment.current_version_id,
        deployment_id=deployment.id,
        replaced_id=replaced_id,
        label=said.get("version_label"),
        git=said.get("git"),
        content=content_of(deployment, tags=own.get(deployment.id, ())),
    )
    if number > KEPT_VERSIONS:
        await deployment_versions.delete_before(
            work, deployment_id=deployment.id, number=number - KEPT_VERSIONS + 1
        )


async def leave_version(work: UnitOfWork, before: Deployment) -> None:
    """Let the version that a locked deployment leaves keep what its runs might read and start.

    Whoever names more for the code of now has not looked at the code of before.
    """
    if before.current_version_id is not None:
        named = {"blocks": before.block_references, "starts": before.start_references}
        await deployment_versions.keep_named(
            work,
            id_=before.current_version_id,
            named={what: None if said is None else list(said) for what, said in named.items()},
        )


async def get_many_versions(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, DeploymentVersion]:
    """Return those of the versions that are in the workspace, by id."""
    return await deployment_versions.get_many(work, ids)


async def get_many_before(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, DeploymentVersion]:
    """Return the version before each; absent for the first that is kept."""
    return await deployment_versions.get_many_before(work, ids)


async def get_version(work: UnitOfWork, *, id_: UUID) -> DeploymentVersion:
    """Return a version of a deployment of the workspace.

    Raises:
        NotFound: it is in another workspace, or does not exist (any more).
    """
    found = (await deployment_versions.get_many(work, [id_])).get(id_)
    if found is None:
        raise NotFound("No such version of a deployment, or you may not see it.", path=["id"])
    return found


async def list_versions(
    work: UnitOfWork, *, deployment_id: UUID, page: PageRequest
) -> Page[DeploymentVersion]:
    """Return a page of a deployment's versions, the newest first: the page key is ``(number,)``."""
    return await deployment_versions.list_versions(work, deployment_id=deployment_id, page=page)


async def count_versions(work: UnitOfWork, *, deployment_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many versions a deployment has; ``cap + 1`` stands for more than ``cap``."""
    return await deployment_versions.count_versions(work, deployment_id=deployment_id, cap=cap)
