"""The runs behind run tokens: good for as long as a run is leased, and its caller may be here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Executable,
    FromClause,
    Label,
    Row,
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
from headgate_server.domain.permissions import Rights, gather
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import api_keys, roles, session_tokens
from headgate_server.tables.events import control_plane
from headgate_server.tables.flow_runs import attempts, flow_runs
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import api_keys as keys
from headgate_server.tables.organizations import service_accounts, users
from headgate_server.tables.work_pools import agent_sessions, work_items

_WORKSPACE_ID: BindParameter[UUID] = bindparam("workspace_id")
_RUN_ID: BindParameter[UUID] = bindparam("run_id")
_ORGANIZATION_ID: BindParameter[UUID] = bindparam("organization_id")
_EPOCH: BindParameter[int] = bindparam("epoch")
_API_KEY_ID: BindParameter[UUID] = bindparam("api_key_id")
_ROOT = flow_runs.alias("root")
_MEMBER, _ACCOUNT = memberships.alias("mine"), service_accounts.alias("robot")
_ITEM, _SESSION = work_items.alias("item"), agent_sessions.alias("runner")
_BEHIND = keys.alias("behind")


@dataclass(frozen=True, slots=True)
class LeasedRun:
    """The run behind a run token.

    ``caller`` is who began it, or the run that it is below, in a process of their own, and
    ``rights`` what they hold by now; None for what a deployment runs. What an archived workspace
    takes from people is left to them here: what runs goes on. ``agents_key_id`` is the key of the
    agent that runs it, if one does; ``is_agent_there`` is whether that could still connect one.
    ``key_ends_at`` is when the key behind the run ends, of whichever of these; None is never, or
    that it has. ``has_ended`` is whether the lease is over, as the run is, since a moment ago.
    """

    name: str
    networks: Networks = ()
    caller: Actor | None = None
    rights: Rights | None = None
    agents_key_id: UUID | None = None
    is_agent_there: bool = True
    key_ends_at: datetime | None = None
    has_ended: bool = False


async def find_leased_run(
    work: UnitOfWork, token: RunToken, *, grace: timedelta
) -> LeasedRun | None:
    """Return a run that is leased under the token's epoch, or ended under it just now.

    None for a run in its caller's own process once the caller has left the organization or is
    suspended, or the secret of the key that it was begun with is good no more.

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
        "secret_number": token.secret_number,
    }
    row = (await work.execute(_leased_run(), parameters)).one()
    if row.generation != token.generation:
        raise OldGeneration
    if row.name is None or (row.own_key_ends_at is not None and row.own_key_ends_at <= work.now):
        return None
    found = LeasedRun(
        row.name,
        networks=tuple(row.networks or ()),
        key_ends_at=row.own_key_ends_at,
        has_ended=not row.is_leased,
    )
    if row.caller_kind is None:
        return _with_agent(found, row, workspace_id=token.workspace_id, now=work.now)
    return replace(
        found,
        caller=Actor(ActorKind(row.caller_kind), row.caller_id, row.caller_name),
        rights=gather(roles.read_grants(row.grants), is_member=True),
    )


def _with_agent(found: LeasedRun, row: Row[Any], *, workspace_id: UUID, now: datetime) -> LeasedRun:
    standing = session_tokens.read_standing(row)
    if standing is None:
        return found
    is_there = standing.may_connect(workspace_id, work_pool_id=row.sessions_pool_id, now=now)
    return replace(
        found,
        agents_key_id=standing.key_id,
        is_agent_there=is_there,
        key_ends_at=standing.ends_at if is_there else None,
    )


@cache
def _leased_run() -> Executable:
    """Return what reads a run that is leased, or has just ended; put together once."""
    run = (
        select(
            flow_runs.c.name,
            _is_leased().label("is_leased"),
            *_caller(),
            _own_key_ends_at().label("own_key_ends_at"),
            _SESSION.c.work_pool_id.label("sessions_pool_id"),
            *session_tokens.standing_of(_BEHIND, secret_number=_SESSION.c.secret_number),
        )
        .select_from(
            flow_runs.outerjoin(_ROOT, _is_root())
            .outerjoin(_MEMBER, _is_callers(_MEMBER, _MEMBER.c.user_id))
            .outerjoin(users, users.c.id == _MEMBER.c.user_id)
            .outerjoin(_ACCOUNT, _is_callers(_ACCOUNT, _ACCOUNT.c.id))
            .outerjoin(_ITEM, _is_item())
            .outerjoin(_SESSION, _is_session())
            .outerjoin(_BEHIND, _BEHIND.c.id == _SESSION.c.api_key_id)
        )
        .where(
            flow_runs.c.workspace_id == _WORKSPACE_ID,
            flow_runs.c.id == _RUN_ID,
            or_(_is_leased(), _has_just_ended()),
            or_(_ROOT.c.id.is_(None), not_(_is_a_callers()), _is_caller_there()),
            api_keys.is_there(),
        )
        .subquery("run")
    )
    return select(control_plane.c.generation, api_keys.reached_from(), *run.c).select_from(
        control_plane.outerjoin(run, true())
    )


def _is_leased() -> ColumnElement[bool]:
    """Return the condition that a run is leased under the epoch."""
    return (
        select(literal(1))
        .where(
            work_items.c.workspace_id == _WORKSPACE_ID,
            work_items.c.run_id == _RUN_ID,
            work_items.c.epoch == _EPOCH,
            work_items.c.phase != "READY",
        )
        .exists()
    )


def _has_just_ended() -> ColumnElement[bool]:
    """Return the condition that a run ended under the epoch just now."""
    was_last_attempt = (
        select(literal(1))
        .where(
            attempts.c.workspace_id == _WORKSPACE_ID,
            attempts.c.flow_run_id == _RUN_ID,
            attempts.c.number == flow_runs.c.attempt,
            attempts.c.epoch == _EPOCH,
        )
        .exists()
    )
    return and_(flow_runs.c.ended_at > bindparam("ended_after"), was_last_attempt)


def _caller() -> list[Label[Any]]:
    """Return who began a run in a process of their own, and what they hold; nulls for nobody."""
    is_theirs = _is_a_callers()
    grants = case(
        (not_(is_theirs), None),
        (_MEMBER.c.user_id.is_not(None), _held_by(_MEMBER, _MEMBER.c.user_id)),
        else_=_held_by(_ACCOUNT, _ACCOUNT.c.id),
    )
    return [
        case((is_theirs, _ROOT.c.created_by_kind)).label("caller_kind"),
        case((is_theirs, _ROOT.c.created_by_id)).label("caller_id"),
        case((is_theirs, _ROOT.c.created_by_name)).label("caller_name"),
        grants.label("grants"),
    ]


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
    is_member = and_(_MEMBER.c.user_id.is_not(None), users.c.suspended_at.is_(None))
    return or_(is_member, _ACCOUNT.c.id.is_not(None))


def _is_callers(holders: FromClause, holder_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that joins who began a run with those of the organization."""
    is_here = holders.c.organization_id == _ORGANIZATION_ID
    return and_(is_here, holder_id == _ROOT.c.created_by_id)


def _held_by(holders: FromClause, holder_id: Any) -> ColumnElement[Any]:
    return roles.grants_of(cast("Any", holders.c.organization_id), holder_id)


def _is_item() -> ColumnElement[bool]:
    """Return the condition that joins a run with the lease of the process that it is in."""
    return and_(
        _ITEM.c.workspace_id == flow_runs.c.workspace_id,
        _ITEM.c.run_id == func.coalesce(flow_runs.c.root_run_id, flow_runs.c.id),
        _ITEM.c.phase != "READY",
    )


def _is_session() -> ColumnElement[bool]:
    """Return the condition that joins a lease with the agent's session that holds it."""
    return and_(
        _SESSION.c.workspace_id == _ITEM.c.workspace_id, _SESSION.c.id == _ITEM.c.session_id
    )


def _own_key_ends_at() -> ColumnElement[Any]:
    """Return when the key ends that a run was begun with; null is never, or that none was."""
    shown: BindParameter[int] = bindparam("secret_number", type_=BigInteger)
    number = func.coalesce(shown, keys.c.secret_number)
    return (
        select(session_tokens.ends_at(keys, secret_number=number))
        .where(keys.c.id == _API_KEY_ID)
        .scalar_subquery()
    )
