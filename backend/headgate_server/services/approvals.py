"""Who may answer a pause: those it names, and with four eyes nobody behind its start."""

from collections.abc import Collection
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.pauses import (
    Approvers,
    Pause,
    refuse_key_maker,
    refuse_machine,
    refuse_starter,
    refuse_stranger,
)
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import approvals as repository
from headgate_server.repositories import members, roles
from headgate_server.repositories.approvals import Starter
from headgate_server.repositories.flow_runs.read import get_many_flow_runs

_ANSWERING = frozenset({ActorKind.USER, ActorKind.SERVICE_ACCOUNT})


async def check_approver(work: UnitOfWork, *, run: FlowRun, pause: Pause) -> None:
    """Go on only if the one who acts may answer a pause, beside holding RUNS_WRITE.

    Raises:
        Forbidden: the pause names others, or demands four eyes and they started the run, made the
            key that they act with for who did, or are a run.
    """
    refusal = await find_refusal(work, run=run, pause=pause)
    if refusal is not None:
        raise refusal


async def find_refusal(work: UnitOfWork, *, run: FlowRun, pause: Pause) -> Forbidden | None:
    """Return why the one who acts may not answer a pause; None where they may."""
    approvers = pause.approvers
    if approvers.is_four_eyes:
        refusal = await _find_own_start(work, run)
        if refusal is not None:
            return refusal
    if approvers.names_anyone and not await _is_named(work, approvers):
        return refuse_stranger(approvers)
    return None


async def _is_named(work: UnitOfWork, approvers: Approvers) -> bool:
    """Whether the one who acts is a named person, in a named team, or holds a named role here.

    A person is named by their address once they have proven that it is theirs: where no mail is
    sent, whoever invites makes an account under any.
    """
    actor = work.actor
    if actor.id is None:
        return False
    if actor.kind is ActorKind.SERVICE_ACCOUNT:
        return await _holds_role(work, [actor.id], approvers.roles)
    member = await members.find_by_user(work, user_id=actor.id) if _is_person(actor) else None
    if member is None:
        return False
    people = {address.casefold() for address in approvers.people}
    address = member.email if member.is_email_verified else None
    if address is not None and address.casefold() in people:
        return True
    team_ids = (await members.list_team_ids(work, [member.id]))[member.id]
    teams = await members.get_many_teams(work, team_ids) if approvers.teams else {}
    if any(team.name in approvers.teams for team in teams.values()):
        return True
    return await _holds_role(work, [member.id, *team_ids], approvers.roles)


async def _holds_role(work: UnitOfWork, holders: list[UUID], names: tuple[str, ...]) -> bool:
    if not names:
        return False
    bindings = await roles.list_bindings(work, holders)
    return any(
        binding.role.name in names and binding.place.object_id is None
        for held in bindings.values()
        for binding in held
        if binding.place.workspace_id in {None, work.workspace_id}
    )


async def _find_own_start(work: UnitOfWork, run: FlowRun) -> Forbidden | None:
    """Return why the one who acts is no second pair of eyes; None where they are.

    People are compared, not credentials: behind a service account stands whoever was shown a token
    of the key that it acts with, or of any of its keys where it is not known with which. What runs
    is nobody.
    """
    actor = work.actor
    if actor.id is None:
        return None
    if actor.kind not in _ANSWERING:
        return refuse_machine()
    key_id = work.origin.api_key_id
    starters = await _list_starters(work, run)
    started = {one.id for one in starters}
    if actor.id in started:
        return refuse_starter()
    started |= await _people_behind(work, starters)
    acting = {actor.id} | await _people_behind(work, {Starter(actor.kind, actor.id, key_id)})
    return refuse_key_maker() if acting & started else None


async def _people_behind(work: UnitOfWork, starters: Collection[Starter]) -> set[UUID]:
    """Return who was shown a token of the keys that service accounts acted with."""
    accounts = [one for one in starters if one.kind is ActorKind.SERVICE_ACCOUNT]
    return await repository.list_key_makers(
        work,
        key_ids={one.api_key_id for one in accounts if one.api_key_id is not None},
        owner_ids={one.id for one in accounts if one.api_key_id is None},
    )


async def _list_starters(work: UnitOfWork, run: FlowRun) -> set[Starter]:
    """Return who made a run, started it again, or did so with what made it.

    That is other runs, and of each its backfill or its schedule.
    """
    run_ids = await repository.list_starting_runs(work, run.id)
    runs = (await get_many_flow_runs(work, run_ids)).values()
    found = await repository.list_run_starters(work, run_ids)
    made = [one for one in runs if one.created_by.kind is ActorKind.SYSTEM]
    backfill_ids = {
        ids.parse(named, kind=ids.Kind.BACKFILL)
        for one in made
        if (named := (one.triggered_by or {}).get("backfillId")) is not None
    }
    if backfill_ids:
        found |= await repository.list_backfill_starters(work, backfill_ids)
    schedule_ids = {one.schedule_id for one in made if one.schedule_id is not None}
    if schedule_ids:
        found |= await repository.list_schedule_setters(work, schedule_ids)
    return found


def _is_person(actor: Actor) -> bool:
    return actor.kind is ActorKind.USER
