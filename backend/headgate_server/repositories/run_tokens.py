"""The runs behind run tokens: good for as long as a run is leased, and its caller may be here."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    and_,
    bindparam,
    case,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.allowlists import Networks
from headgate_server.domain.api_keys import RunToken
from headgate_server.domain.errors import OldGeneration
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import api_keys
from headgate_server.tables.events import control_plane
from headgate_server.tables.flow_runs import attempts, flow_runs
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import api_keys as keys
from headgate_server.tables.organizations import service_accounts, users
from headgate_server.tables.work_pools import work_items

_WORKSPACE_ID: BindParameter[UUID] = bindparam("workspace_id")
_RUN_ID: BindParameter[UUID] = bindparam("run_id")
_ORGANIZATION_ID: BindParameter[UUID] = bindparam("organization_id")
_API_KEY_ID: BindParameter[UUID] = bindparam("api_key_id")
_ROOT = flow_runs.alias("root")


@dataclass(frozen=True, slots=True)
class LeasedRun:
    """The run behind a run token.

    ``caller`` is who began it, or the run that it is below, in a process of their own; None for
    what a deployment runs.
    """

    name: str
    networks: Networks = ()
    caller: Actor | None = None


async def find_leased_run(
    work: UnitOfWork, token: RunToken, *, grace: timedelta
) -> LeasedRun | None:
    """Return a run that is leased under the token's epoch, or ended under it just now.

    None for a run in its caller's own process once the caller has left the organization or is
    suspended, or the key that it was begun with is revoked.

    Args:
        grace: how long after its end the run still counts.

    Raises:
        OldGeneration: the token was issued before the database was restored.
    """
    parameters = {
        "workspace_id": token.workspace_id,
        "run_id": token.run_id,
        "epoch": token.epoch,
        "ended_after": work.now - grace,
        "organization_id": token.organization_id,
        "api_key_id": token.api_key_id,
    }
    row = (await work.execute(_leased_run(), parameters)).one()
    if row.generation != token.generation:
        raise OldGeneration
    if row.name is None:
        return None
    caller = None
    if row.caller_kind is not None:
        caller = Actor(ActorKind(row.caller_kind), row.caller_id, row.caller_name)
    return LeasedRun(row.name, tuple(row.networks or ()), caller)


@cache
def _leased_run() -> Executable:
    """Return what reads a run that is leased, or has just ended; put together once."""
    epoch: BindParameter[int] = bindparam("epoch")
    is_leased = (
        select(literal(1))
        .where(
            work_items.c.workspace_id == _WORKSPACE_ID,
            work_items.c.run_id == _RUN_ID,
            work_items.c.epoch == epoch,
            work_items.c.phase != "READY",
        )
        .exists()
    )
    was_last_attempt = (
        select(literal(1))
        .where(
            attempts.c.workspace_id == _WORKSPACE_ID,
            attempts.c.flow_run_id == _RUN_ID,
            attempts.c.number == flow_runs.c.attempt,
            attempts.c.epoch == epoch,
        )
        .exists()
    )
    has_just_ended = and_(flow_runs.c.ended_at > bindparam("ended_after"), was_last_attempt)
    run = (
        select(
            flow_runs.c.name,
            *(
                case((_is_a_callers(), found)).label(f"caller_{told}")
                for told, found in (
                    ("kind", _ROOT.c.created_by_kind),
                    ("id", _ROOT.c.created_by_id),
                    ("name", _ROOT.c.created_by_name),
                )
            ),
        )
        .select_from(flow_runs.outerjoin(_ROOT, _is_root()))
        .where(
            flow_runs.c.workspace_id == _WORKSPACE_ID,
            flow_runs.c.id == _RUN_ID,
            or_(is_leased, has_just_ended),
            or_(_ROOT.c.id.is_(None), not_(_is_a_callers()), _is_caller_there()),
            not_(_is_key_revoked()),
            api_keys.is_there(),
        )
        .subquery("run")
    )
    return select(control_plane.c.generation, api_keys.reached_from(), *run.c).select_from(
        control_plane.outerjoin(run, true())
    )


def _is_root() -> ColumnElement[bool]:
    """Return the condition that joins a run with the one that it is below, or with itself."""
    return and_(
        _ROOT.c.workspace_id == flow_runs.c.workspace_id,
        _ROOT.c.id == func.coalesce(flow_runs.c.root_run_id, flow_runs.c.id),
    )


def _is_a_callers() -> ColumnElement[bool]:
    """Return the condition that somebody began a run in a process of their own.

    A run below another in the same process is the other's. What a deployment runs is not: an
    agent runs it, and what it may do is the deployment's.
    """
    kind = _ROOT.c.created_by_kind
    is_theirs = or_(kind == ActorKind.USER.value, kind == ActorKind.SERVICE_ACCOUNT.value)
    return and_(_ROOT.c.deployment_id.is_(None), is_theirs)


def _is_caller_there() -> ColumnElement[bool]:
    """Return the condition that who began a run is in the organization, and not suspended."""
    person = (
        select(literal(1))
        .select_from(memberships.join(users, users.c.id == memberships.c.user_id))
        .where(
            memberships.c.organization_id == _ORGANIZATION_ID,
            memberships.c.user_id == _ROOT.c.created_by_id,
            users.c.suspended_at.is_(None),
        )
        .exists()
    )
    account = (
        select(literal(1))
        .where(
            service_accounts.c.organization_id == _ORGANIZATION_ID,
            service_accounts.c.id == _ROOT.c.created_by_id,
        )
        .exists()
    )
    return or_(person, account)


def _is_key_revoked() -> ColumnElement[bool]:
    """Return the condition that the key that a run was begun with works no more."""
    return (
        select(literal(1)).where(keys.c.id == _API_KEY_ID, keys.c.revoked_at.is_not(None)).exists()
    )
