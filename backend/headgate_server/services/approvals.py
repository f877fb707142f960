"""Who may answer a pause: those it names, and with four eyes nobody who started the run."""

from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.pauses import Approvers, Pause, refuse_starter, refuse_stranger
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import approvals as repository
from headgate_server.repositories import members, roles
from headgate_server.repositories.flow_runs.read import get_many_flow_runs

LONGEST_CHAIN = 10
"""So many runs that started each other are looked at for the person at their beginning."""


async def check_approver(work: UnitOfWork, *, run: FlowRun, pause: Pause) -> None:
    """Go on only if the one who acts may answer a pause, beside holding RUNS_WRITE.

    Raises:
        Forbidden: the pause names others, or demands four eyes and they started the run.
    """
    refusal = await find_refusal(work, run=run, pause=pause)
    if refusal is not None:
        raise refusal


async def find_refusal(work: UnitOfWork, *, run: FlowRun, pause: Pause) -> Forbidden | None:
    """Return why the one who acts may not answer a pause; None where they may."""
    approvers = pause.approvers
    if approvers.is_four_eyes and await _has_started(work, run):
        return refuse_starter()
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


async def _has_started(work: UnitOfWork, run: FlowRun) -> bool:
    """Whether the one who acts made a run, started it again, or did so with what made it.

    That is another run, the backfill that it is of, or its schedule.
    """
    if work.actor.id is None:
        return False
    chain = [run.id]
    while run.created_by.kind is ActorKind.RUN and len(chain) < LONGEST_CHAIN:
        maker_id = run.created_by.id
        found = {} if maker_id is None else await get_many_flow_runs(work, [maker_id])
        if maker_id is None or maker_id not in found:
            break
        run = found[maker_id]
        chain.append(run.id)
    if await repository.has_started(work, chain, actor_id=work.actor.id):
        return True
    backfill_id = (run.triggered_by or {}).get("backfillId")
    if run.created_by.kind is ActorKind.SYSTEM and backfill_id is not None:
        made_by = ids.parse(backfill_id, kind=ids.Kind.BACKFILL)
        return await repository.has_begun_backfill(work, made_by, actor_id=work.actor.id)
    if run.schedule_id is not None:
        return await repository.has_set_schedule(work, run.schedule_id, actor_id=work.actor.id)
    return False


def _is_person(actor: Actor) -> bool:
    return actor.kind is ActorKind.USER
