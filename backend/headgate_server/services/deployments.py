"""Deployments: upserted by flow and name, paused and resumed."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import deployments as rules
from headgate_server.domain import ids
from headgate_server.domain.blocks.access import EVERYTHING, Allowance
from headgate_server.domain.changes import Outcome, changed, check_version, given
from headgate_server.domain.deployment_versions import VERSIONED, check_said
from headgate_server.domain.deployments import AgentLostPolicy, CollisionPolicy, Deployment
from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import InvalidInput, NotFound, Unavailable
from headgate_server.domain.filters import DeploymentFilter
from headgate_server.domain.flows import check_name, check_tags
from headgate_server.domain.pagination import COUNT_CAP, Beginning, Page, PageRequest
from headgate_server.domain.parameters import check_schema
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.repositories import deployments, schedules, tags
from headgate_server.services import object_counts
from headgate_server.services.blocks.naming import name_blocks
from headgate_server.services.deployment_places import check_jobs, find_place
from headgate_server.services.deployment_versions import (
    OF_A_VERSION,
    keep_version,
    leave_version,
    list_news,
)
from headgate_server.services.events import record_change
from headgate_server.services.flows import upsert_flow
from headgate_server.services.schedules.upsert import rearm_schedules, replace_schedules

MAX_TEXT_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class DeploymentChanges:
    """What to set of a deployment; what is UNSET keeps its value, or its default in a new one.

    A pool without a queue means the pool's queue ``default``; a pool of None means none at all.
    ``schedules`` replaces all schedules, ``tags`` all tags. ``version_label`` and ``git`` are of
    the version that this makes; another label or commit makes one by itself.
    """

    entrypoint: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET
    parameter_schema: dict[str, Any] | UnsetType | None = UNSET
    is_schema_enforced: bool | UnsetType = UNSET
    work_pool_name: str | UnsetType | None = UNSET
    work_queue_name: str | UnsetType | None = UNSET
    job_variables: dict[str, Any] | UnsetType = UNSET
    pull_steps: list[Any] | UnsetType | None = UNSET
    block_references: Sequence[str] | UnsetType | None = UNSET
    start_references: Sequence[str] | UnsetType | None = UNSET
    on_agent_lost: AgentLostPolicy | UnsetType = UNSET
    abandon_after: timedelta | UnsetType = UNSET
    fence: timedelta | UnsetType = UNSET
    infrastructure_retries: int | UnsetType = UNSET
    late_threshold: timedelta | UnsetType = UNSET
    concurrency_limit: int | UnsetType | None = UNSET
    on_collision: CollisionPolicy | UnsetType = UNSET
    collision_parameter: str | UnsetType | None = UNSET
    is_paused: bool | UnsetType = UNSET
    tags: Sequence[str] | UnsetType = UNSET
    schedules: Sequence[ScheduleRequest] | UnsetType = UNSET
    version_label: str | UnsetType = UNSET
    git: dict[str, Any] | UnsetType = UNSET


async def upsert_deployment(
    work: UnitOfWork,
    *,
    flow_name: str,
    name: str,
    lease: timedelta,
    changes: DeploymentChanges | None = None,
    expected_version: int | None = None,
    allowance: Allowance = EVERYTHING,
    is_starter: bool = True,
) -> tuple[Deployment, Outcome]:
    """Create or change a flow's deployment of a name, and say which of them.

    The flow is made if there is none. Two callers who deploy at once get the same deployment, one
    after the other. Runs that schedules made ahead are made anew if they would now differ.

    Args:
        work: the unit of work.
        flow_name: the flow's name.
        name: the deployment's name, unique within the flow.
        lease: how long a claimed lease lives, for the smallest fence.
        changes: what to set.
        expected_version: refuses the change if the deployment has another one.
        allowance: which blocks the caller may use; its runs may use no others.
        is_starter: whether the caller may start runs; its runs may start none otherwise.

    Raises:
        Forbidden: its runs would read blocks that the caller may not use, or start what the
            caller may not.
        InvalidInput: a value out of range, or a job variable that the pool refuses; the path
            names it.
        NotFound: no such pool or queue; or a version is expected of what does not exist.
        VersionConflict: the deployment is not of the expected version.
        LimitExceeded: too many schedules.
        QuotaExceeded: the organization has as many as it may.
    """
    check_name(name)
    wanted = given(changes or DeploymentChanges())
    # A large schema takes a while to look through: others go on meanwhile.
    await asyncio.to_thread(_check, wanted)
    flow, _ = await upsert_flow(work, name=flow_name)
    current = await deployments.lock_by_name(work, flow_id=flow.id, name=name)
    _check_current(current, expected_version)
    columns = await _columns(work, current, wanted, lease=lease)
    columns = await name_blocks(work, current, columns, allowance=allowance)
    columns = rules.name_starts(current, columns, is_starter=is_starter)
    is_new = False
    if current is None:
        current, is_new = await _insert(work, flow_id=flow.id, name=name, columns=columns)
    return await apply_changes(work, current, wanted, columns=columns, is_new=is_new)


async def _insert(
    work: UnitOfWork, *, flow_id: UUID, name: str, columns: dict[str, Any]
) -> tuple[Deployment, bool]:
    """Store a new deployment; False beside it says that somebody else has made it meanwhile."""
    values = _DEFAULTS | columns | {"current_version_id": ids.new_id()}
    made = await deployments.insert_deployment(
        work, id_=ids.new_id(), flow_id=flow_id, name=name, values=values
    )
    if made is not None:
        await object_counts.claim(work, QuotaKind.DEPLOYMENTS)
        return made, True
    other = await deployments.lock_by_name(work, flow_id=flow_id, name=name)
    if other is None:
        raise Unavailable
    return other, False


def _check_current(current: Deployment | None, expected_version: int | None) -> None:
    if current is not None:
        check_version(current.version, expected=expected_version)
    elif expected_version is not None:
        raise NotFound


async def set_paused(work: UnitOfWork, *, id_: UUID, is_paused: bool) -> tuple[Deployment, Outcome]:
    """Pause or resume a deployment; doing it again changes nothing.

    Paused: its schedules stop and the runs they made that nobody has taken up are removed; what
    else waits is held back. Resumed: what waits is released, and the schedules go on from now.

    Raises:
        NotFound: it is in another workspace, or does not exist.
    """
    current = await deployments.lock_deployment(work, id_=id_)
    if current is None:
        raise NotFound
    return await apply_changes(work, current, {}, columns={"is_paused": is_paused})


async def find_deployment(work: UnitOfWork, *, id_: UUID) -> Deployment | None:
    """Return a deployment of the workspace."""
    return (await deployments.get_many(work, [id_])).get(id_)


async def get_deployment(work: UnitOfWork, *, id_: UUID) -> Deployment:
    """Return a deployment of the workspace.

    Raises:
        NotFound: it is in another workspace, or does not exist.
    """
    found = await find_deployment(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def find_by_name(
    work: UnitOfWork, *, name: str, among: Collection[UUID] | None = None
) -> Deployment | None:
    """Return the deployment called ``flow/deployment``, or by its own name where that is enough.

    Args:
        work: the unit of work.
        name: either name.
        among: the deployments that the caller may know of; None is all of the workspace.

    Raises:
        InvalidInput: of these, deployments of several flows have this name.
    """
    if not is_storable(name):
        return None
    flow_name, _, own_name = name.rpartition("/")
    found = await deployments.list_by_name(
        work, name=own_name, flow_name=flow_name or None, most=2, among=among
    )
    if len(found) > 1:
        raise InvalidInput(
            f"Several flows have a deployment named {name}; write flow/{name}.", path=["name"]
        )
    return found[0] if found else None


async def get_many_deployments(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Deployment]:
    """Return those of the deployments that are in the workspace, by id."""
    return await deployments.get_many(work, ids_)


async def get_many_naming(
    work: UnitOfWork, references: Sequence[str]
) -> dict[str, Beginning[UUID]]:
    """Return the first deployments whose runs may read each block, by the block's reference."""
    return await deployments.get_many_naming(work, references)


async def get_many_tags(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return the sorted tags of each deployment; one without any is absent."""
    return await tags.get_many_tags(work, ids_, of=tags.OF_DEPLOYMENTS)


async def list_deployments(
    work: UnitOfWork, *, page: PageRequest, filter: DeploymentFilter | None = None
) -> Page[Deployment]:
    """Return a page of deployments: the page key is ``(name, id)``."""
    return await deployments.list_deployments(work, page=page, filter=filter)


async def count_deployments(
    work: UnitOfWork, *, filter: DeploymentFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many deployments match; ``cap + 1`` stands for more than ``cap``."""
    return await deployments.count_deployments(work, filter=filter, cap=cap)


_DEFAULTS: dict[str, Any] = {
    "on_agent_lost": AgentLostPolicy.CRASH,
    "abandon_after": rules.DEFAULT_ABANDON_AFTER,
    "fence": rules.DEFAULT_FENCE,
    "infrastructure_retries": rules.DEFAULT_INFRASTRUCTURE_RETRIES,
    "late_threshold": rules.DEFAULT_LATE_THRESHOLD,
}
_MARKS = frozenset({"is_paused", "concurrency_limit"})
"""What of a deployment stands in the rows of its work, too."""
_BESIDE_THE_ROW = OF_A_VERSION | {"tags", "schedules", "work_pool_name", "work_queue_name"}


def _check(wanted: dict[str, Any]) -> None:
    for name, field in [
        ("parameters", "parameters"),
        ("parameter_schema", "parameterSchema"),
        ("job_variables", "jobVariables"),
        ("pull_steps", "pullSteps"),
    ]:
        check_document(wanted.get(name), field=field)
    rules.check_job_variables(wanted.get("job_variables"))
    rules.check_concurrency(
        limit=wanted.get("concurrency_limit"), parameter=wanted.get("collision_parameter")
    )
    check_said(label=wanted.get("version_label"), git=wanted.get("git"))
    if wanted.get("parameter_schema") is not None:
        check_schema(wanted["parameter_schema"])
    for name in ("entrypoint", "description"):
        text: str = wanted.get(name) or ""
        if len(text) > MAX_TEXT_LENGTH or not is_storable(text):
            raise InvalidInput(
                f"{name} has at most {MAX_TEXT_LENGTH} characters, none of them NUL.", path=[name]
            )
    if wanted.get("entrypoint") == "":
        raise InvalidInput(
            "entrypoint names a flow, such as flows.py:etl; null takes it away.",
            path=["entrypoint"],
        )


async def _columns(
    work: UnitOfWork, current: Deployment | None, wanted: dict[str, Any], *, lease: timedelta
) -> dict[str, Any]:
    columns = {name: value for name, value in wanted.items() if name not in _BESIDE_THE_ROW}
    promises = {
        name: columns.get(name, getattr(current, name, _DEFAULTS[name])) for name in _DEFAULTS
    }
    del promises["on_agent_lost"]
    rules.check_promises(**promises, lease=lease)
    if "work_pool_name" in wanted or "work_queue_name" in wanted:
        columns |= await find_place(work, current, wanted)
    await check_jobs(work, current, columns)
    return columns


async def apply_changes(
    work: UnitOfWork,
    current: Deployment,
    wanted: dict[str, Any],
    *,
    columns: dict[str, Any],
    is_new: bool = False,
    verb: str | None = None,
) -> tuple[Deployment, Outcome]:
    """Write what differs of a locked deployment, its next version, and what follows from both.

    Args:
        work: the unit of work.
        current: the deployment as it is.
        wanted: what was asked for beside its row, by the names of ``DeploymentChanges``.
        columns: the values of its row; with ``current_version_id`` no version is made.
        is_new: whether it was inserted just now.
        verb: what to call this, if not created or updated.
    """
    before, differences = current, {} if is_new else changed(current, columns)
    names = set(differences)
    if "tags" in wanted and await tags.replace_tags(
        work, owner_id=current.id, tags=check_tags(tuple(wanted["tags"])), of=tags.OF_DEPLOYMENTS
    ):
        names.add("tags")
    if not is_new:
        names |= await list_news(work, current, wanted)
    has_version = is_new or _is_next(names, columns)
    if has_version and not is_new:
        differences["current_version_id"] = ids.new_id()
    if names and not is_new:
        current = await _update(work, current, differences)
        await _follow(work, current, names)
    if has_version:
        await keep_version(work, current, said=wanted, replaced_id=before.current_version_id)
    has_other_schedules = "schedules" in wanted and await replace_schedules(
        work, deployment=current, wanted=wanted["schedules"]
    )
    if names or is_new:
        await _record(work, current, None if is_new else names, before=before, verb=verb)
    if is_new:
        return current, Outcome.CREATED
    return current, Outcome.CHANGED if names or has_other_schedules else Outcome.AS_BEFORE


async def _record(
    work: UnitOfWork,
    current: Deployment,
    names: set[str] | None,
    *,
    before: Deployment,
    verb: str | None,
) -> None:
    """Record what of a deployment changed; None where it was inserted just now."""
    await record_change(
        work,
        kind=ids.Kind.DEPLOYMENT,
        id_=current.id,
        name=current.name,
        version=current.version,
        changed=names,
        verb=verb,
        before=None if names is None else before,
        after=current,
    )


async def _update(work: UnitOfWork, current: Deployment, differences: dict[str, Any]) -> Deployment:
    """Write what differs of a locked deployment; nobody makes runs of it if that marks them."""
    marks = {name: differences[name] for name in _MARKS & differences.keys()}
    if marks:
        await schedules.lock_of_deployment(work, deployment_id=current.id)
        await deployments.keep_makers_off(work, replace(current, **marks))
    if "current_version_id" in differences:
        await leave_version(work, current)
    return await deployments.update_deployment(work, id_=current.id, changes=differences)


def _is_next(names: set[str], columns: dict[str, Any]) -> bool:
    """Whether what changed makes a version: not where one is made current."""
    return "current_version_id" not in columns and bool(names & (VERSIONED | OF_A_VERSION))


async def _follow(work: UnitOfWork, deployment: Deployment, names: set[str]) -> None:
    """Let schedules and waiting work follow what changed of their deployment."""
    if "is_paused" in names:
        await rearm_schedules(work, deployment=deployment)
    elif names & rules.SHAPES_RUNS:
        await rearm_schedules(work, deployment=deployment, due_after=work.now)
    if names & _MARKS:
        await deployments.mark_items(work, deployment)
        work.wake(channels.SCHEDULER)
        if deployment.work_pool_id is not None:
            work.wake(channels.pool(deployment.work_pool_id))
