"""Makes a version of a deployment the current one: promotion, and the way back."""

from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import deployments as rules
from headgate_server.domain.blocks.access import EVERYTHING, Allowance
from headgate_server.domain.changes import check_version
from headgate_server.domain.deployment_versions import DeploymentVersion, columns_of
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.repositories import deployment_versions, deployments
from headgate_server.services.blocks.naming import name_blocks
from headgate_server.services.deployment_places import check_place
from headgate_server.services.deployment_versions import get_version
from headgate_server.services.deployments import apply_changes


async def promote_version(
    work: UnitOfWork,
    *,
    id_: UUID,
    expected_version: int | None = None,
    allowance: Allowance = EVERYTHING,
    is_starter: bool = True,
) -> Deployment:
    """Make a deployment what one of its versions was; runs that schedules made ahead follow.

    Whether it is paused, its schedules, its limit and the blocks it may read stay as they are.
    Runs that wait keep the version they were made of. Promoting the current one changes nothing.

    Raises:
        NotFound: no such version (any more).
        VersionConflict: the deployment is not of the expected version.
        Conflict: the version ran in a pool or queue that is gone.
        Forbidden: its code would read blocks that the caller may not use, or start what the
            caller may not.
    """
    version = await get_version(work, id_=id_)
    current = await _lock(work, version.deployment_id, expected_version=expected_version)
    if current.current_version_id is not None:
        await deployment_versions.note_replaced(
            work, id_=id_, replaced_id=current.current_version_id
        )
    return await _apply(
        work, current, version, verb="promoted", allowance=allowance, is_starter=is_starter
    )


async def find_earlier(work: UnitOfWork, *, deployment_id: UUID) -> DeploymentVersion:
    """Return the version that the current one replaced: what a rollback makes current.

    That is the version that was current as it was made, or as it was last promoted; where that was
    rolled back since, the nearest that was made before it. So what was rolled back does not come
    back with the rollback of what was made next.

    Raises:
        NotFound: no such deployment.
        Conflict: there is no earlier version.
    """
    current = (await deployments.get_many(work, [deployment_id])).get(deployment_id)
    if current is None:
        raise NotFound
    if current.current_version_id is not None:
        found = await deployment_versions.get_replaced(work, current.current_version_id)
        if found is not None:
            return found
    raise Conflict(
        "There is no version before the current one; promote the one that you want.", path=["id"]
    )


async def roll_back(
    work: UnitOfWork,
    *,
    deployment_id: UUID,
    expected_version: int | None = None,
    allowance: Allowance = EVERYTHING,
    is_starter: bool = True,
) -> Deployment:
    """Make the version that the current one replaced current again, as promoting it does.

    What is rolled back is led back to no more, by whatever replaced it: done again, it goes on to
    what was before.

    Raises:
        NotFound: no such deployment.
        VersionConflict: the deployment is not of the expected version.
        Conflict: there is no earlier version, or its pool or queue is gone.
        Forbidden: its code would read blocks that the caller may not use, or start what the
            caller may not.
    """
    current = await _lock(work, deployment_id, expected_version=expected_version)
    version = await find_earlier(work, deployment_id=deployment_id)
    if current.current_version_id is not None:
        await deployment_versions.forget_replaced(
            work, deployment_id=deployment_id, replaced_id=current.current_version_id
        )
    return await _apply(
        work, current, version, verb="rolled_back", allowance=allowance, is_starter=is_starter
    )


async def _lock(work: UnitOfWork, id_: UUID, *, expected_version: int | None) -> Deployment:
    current = await deployments.lock_deployment(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    return current


async def _apply(
    work: UnitOfWork,
    current: Deployment,
    version: DeploymentVersion,
    *,
    verb: str,
    allowance: Allowance,
    is_starter: bool,
) -> Deployment:
    columns = columns_of(version.content)
    await check_place(work, columns["work_pool_id"], columns["work_queue_id"])
    columns = await name_blocks(work, current, columns, allowance=allowance)
    columns = rules.name_starts(current, columns, is_starter=is_starter)
    columns["current_version_id"] = version.id
    wanted = {"tags": version.content["tags"]}
    promoted, _ = await apply_changes(work, current, wanted, columns=columns, verb=verb)
    return promoted
