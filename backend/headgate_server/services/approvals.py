"""Who may answer a pause: those it names, and with four eyes nobody behind its start."""

from collections.abc import Collection, Mapping
from dataclasses import replace
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
    refuse_unknown_start,
    refuse_without_team,
)
from headgate_server.domain.permissions import Scope
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
    if not approvers.names_anyone or await _is_named(work, approvers):
        return None
    now, is_gone = await name_now(work, approvers)
    if not is_gone:
        return refuse_stranger(now)
    return None if await _manages_members(work) else refuse_without_team(now)


async def fix_teams(work: UnitOfWork, approvers: Approvers) -> Approvers:
    """Return who may answer, with the teams that have their names now: those may from now on."""
    if not approvers.teams:
        return approvers
    found = await members.find_teams_by_name(work, approvers.teams)
    return replace(approvers, team_ids={name: team.id for name, team in found.items()})


async def name_now(work: UnitOfWork, approvers: Approvers) -> tuple[Approvers, bool]:
    """Return who may answer, by the names that teams have now, and whether nobody is left.

    That is where only teams were named and none of them is there any more: who manages members may
    answer then, who could have made such a team and joined it.
    """
    if not approvers.teams:
        return approvers, False
    known = await members.get_many_teams(work, list(approvers.team_ids.values()))
    later = set(approvers.teams) - approvers.team_ids.keys()
    made = await members.find_teams_by_name(work, sorted(later)) if later else {}
    left = {name: known[id_].name for name, id_ in approvers.team_ids.items() if id_ in known}
    left |= {name: name for name in made}
    names = tuple(left.get(name, f"{name} (there is none)") for name in approvers.teams)
    is_gone = not (left or approvers.roles or approvers.people)
    return replace(approvers, teams=names), is_gone


async def _manages_members(work: UnitOfWork) -> bool:
    """Whether the one who acts is a person who manages the organization's members."""
    if work.organization_id is None or not _is_person(work.actor):
        return False
    rights = await roles.find_rights(work, organization_id=work.organization_id, holder=work.actor)
    return rights is not None and Scope.MEMBERS_WRITE in rights.of_organization()


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
    if any(approvers.is_team(team.id, name=team.name) for team in teams.values()):
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
    run_ids = await repository.list_starting_runs(work, run.id)
    runs = await get_many_flow_runs(work, run_ids)
    starters = await _list_starters(work, runs)
    started = {one.id for one in starters}
    if actor.id in started:
        return refuse_starter()
    started |= await _people_behind(work, starters)
    acting = {actor.id} | await _people_behind(work, {Starter(actor.kind, actor.id, key_id)})
    if acting & started:
        return refuse_key_maker()
    return None if len(runs) == len(run_ids) else refuse_unknown_start()


async def _people_behind(work: UnitOfWork, starters: Collection[Starter]) -> set[UUID]:
    """Return who was shown a token of the keys that service accounts acted with."""
    accounts = [one for one in starters if one.kind is ActorKind.SERVICE_ACCOUNT]
    return await repository.list_key_makers(
        work,
        key_ids={one.api_key_id for one in accounts if one.api_key_id is not None},
        owner_ids={one.id for one in accounts if one.api_key_id is None},
    )


async def _list_starters(work: UnitOfWork, runs: Mapping[UUID, FlowRun]) -> set[Starter]:
    """Return who made runs that led to one another, or started them again.

    That is people, and of each run its backfill or its schedule.
    """
    found = await repository.list_run_starters(work, list(runs))
    made = [one for one in runs.values() if one.created_by.kind is ActorKind.SYSTEM]
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
