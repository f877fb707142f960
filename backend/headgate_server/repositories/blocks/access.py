"""What the run that shows a lease may use of its workspace's blocks."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployments import common_names
from headgate_server.domain.permissions import Grant
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories.roles import read_grants
from headgate_server.tables.deployment_versions import deployment_versions
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import deployments
from headgate_server.tables.members import memberships, team_members
from headgate_server.tables.roles import role_bindings, roles


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """Where a run comes from: the process of a run below another is the other's.

    Args:
        created_by: who made the run that the process was started for.
        is_deployed: whether that is a run of a deployment.
        references: the blocks that its deployment names, and named for its version; None for all.
        starts: the deployments that its deployment lets it start, by the same way; None for all.
        is_changed: whether who made it chose its job variables, which decide what its code does.
    """

    created_by: Actor
    is_deployed: bool
    references: tuple[str, ...] | None
    starts: tuple[str, ...] | None = None
    is_changed: bool = False


async def find_origin(work: UnitOfWork, *, run_id: UUID) -> RunOrigin | None:
    """Return where a run comes from; None where its deployment, or the run, is gone."""
    own = (
        select(func.coalesce(flow_runs.c.root_run_id, flow_runs.c.id))
        .where(flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id == run_id)
        .scalar_subquery()
    )
    statement = (
        select(
            flow_runs.c.created_by_kind,
            flow_runs.c.created_by_id,
            flow_runs.c.created_by_name,
            flow_runs.c.deployment_id,
            deployments.c.id.label("existing_id"),
            deployments.c.block_references,
            deployments.c.start_references,
            deployments.c.current_version_id,
            deployment_versions.c.id.label("version_id"),
            deployment_versions.c.named,
            flow_runs.c.job_variables,
        )
        .outerjoin(
            deployments,
            (deployments.c.workspace_id == flow_runs.c.workspace_id)
            & (deployments.c.id == flow_runs.c.deployment_id),
        )
        .outerjoin(
            deployment_versions,
            (deployment_versions.c.workspace_id == flow_runs.c.workspace_id)
            & (deployment_versions.c.id == flow_runs.c.deployment_version_id),
        )
        .where(flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id == own)
    )
    row = (await work.execute(statement)).one_or_none()
    if row is None or row.deployment_id != row.existing_id:
        return None
    # Where its version is gone, it runs the code of now.
    is_old = row.version_id is not None and row.version_id != row.current_version_id
    kept: dict[str, list[str] | None] = (row.named or {}) if is_old else {}
    return RunOrigin(
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        is_deployed=row.deployment_id is not None,
        references=common_names(row.block_references, kept.get("blocks")),
        starts=common_names(row.start_references, kept.get("starts")),
        is_changed=bool(row.job_variables),
    )


async def list_grants(work: UnitOfWork, *, holder_id: UUID) -> list[Grant]:
    """Return what a person or a service account holds in the organization now."""
    membership_id = (
        select(memberships.c.id)
        .where(
            memberships.c.organization_id == work.organization_id,
            memberships.c.user_id == holder_id,
        )
        .scalar_subquery()
    )
    of_teams = select(team_members.c.team_id).where(
        team_members.c.organization_id == work.organization_id,
        team_members.c.membership_id == membership_id,
    )
    statement = (
        select(
            role_bindings.c.builtin_role,
            roles.c.scopes,
            role_bindings.c.workspace_id,
            role_bindings.c.object_id,
        )
        .outerjoin(
            roles,
            (roles.c.organization_id == role_bindings.c.organization_id)
            & (roles.c.id == role_bindings.c.role_id),
        )
        .where(
            role_bindings.c.organization_id == work.organization_id,
            or_(
                role_bindings.c.membership_id == membership_id,
                role_bindings.c.service_account_id == holder_id,
                role_bindings.c.team_id.in_(of_teams),
            ),
        )
    )
    return read_grants(
        [
            (row.builtin_role, row.scopes, _text(row.workspace_id), _text(row.object_id))
            for row in await work.execute(statement)
        ]
    )


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)
