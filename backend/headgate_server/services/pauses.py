"""Pauses: a run asks for an answer and waits, somebody answers, or time runs out."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import pauses as rules
from headgate_server.domain.errors import Conflict, LeaseLost, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef, Phase
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.pauses import Answer, NewPause, Pause, PauseKind, PauseStatus
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.domain.transitions.pauses import RESUMING, SUSPENDED
from headgate_server.repositories import pauses as repository
from headgate_server.repositories.flow_runs.transition import LockedRun
from headgate_server.repositories.pauses import ExpiredPause
from headgate_server.services.approvals import check_approver, fix_teams
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.pause_requests import (
    check_rejection,
    check_startable,
    is_requested,
    lock_known_run,
    requested,
    take_back,
)
from headgate_server.services.transitions import Proposal, holds, transition

get_many_waiting = repository.get_many_waiting
get_many_of_runs = repository.get_many_of_runs

BATCH = 100
_ASKS_ELSE = "The run asks for something else by now; look again."


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a pause that a run's process asks for.

    Args:
        pause: as it stands: answered before, or waiting now; None where it was only looked for.
    """

    run: FlowRun
    pause: Pause | None


async def pause_run(
    work: UnitOfWork, *, lease: LeaseRef, new: NewPause, is_asked: bool = True
) -> Asked:
    """Pause or suspend a run for its own process, unless its key was answered before.

    An answer that its code cannot take is asked for again: the process says which, and why.
    Sent again after it was carried out, it answers as it did. Suspended, the run's lease is gone
    when this returns: its process has nothing more to say.

    Args:
        work: the unit of work.
        lease: the holder's.
        new: what is asked.
        is_asked: False only says whether the key was answered, and whether it could be asked.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: a pause that cannot be asked.
        LeaseLost: the lease is not the run's any more.
        IllegalTransition: the run does not run, waits at another pause, or nobody could start it
            again.
    """
    # A large schema takes a while to look through: others go on meanwhile.
    await asyncio.to_thread(rules.check_pause, new)
    locked = await lock_known_run(work, lease.run_id)
    known = await repository.find_pause(work, flow_run_id=lease.run_id, key=new.key)
    if known is not None and _is_carried_out(locked, known, lease):
        return Asked(locked.run, known)
    if not holds(lease, locked.item):
        raise LeaseLost(current_epoch=locked.item.epoch if locked.item else None)
    if known is not None and known.is_answered and not known.is_refused(new.refusal):
        return Asked(locked.run, known)
    if rules.is_outside(new.key):
        new = await requested(work, locked, known, new=new)
    proposal = Proposal(state=_paused(work, new), proposer=Proposer.HOLDER, lease=lease)
    if not is_asked:
        _check_possible(locked, new)
        return Asked(locked.run, None)
    new = replace(new, approvers=await fix_teams(work, new.approvers))
    done = await transition(work, run_id=lease.run_id, proposal=proposal, locked=locked)
    if done.error is not None:
        raise done.error
    pause = await repository.upsert_pause(
        work, flow_run_id=lease.run_id, new=new, epoch=lease.epoch
    )
    if rules.is_outside(new.key):
        await repository.forget_request(work, lease.run_id)
    if pause.expires_at is not None:
        work.wake(channels.SCHEDULER)
    return Asked(done.run, pause)


async def find_pause(work: UnitOfWork, *, flow_run_id: UUID, key: str) -> Pause:
    """Return a pause of a run.

    Raises:
        NotFound: no such run in this workspace, or it never asked under this key.
    """
    found = await repository.find_pause(work, flow_run_id=flow_run_id, key=key)
    if found is None:
        raise NotFound("No such pause, or you may not see it; check the run and the key.")
    return found


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer that fits what a run waits at; ``pause`` is None where it waits for no answer."""

    pause: Pause | None
    answer: Answer


async def check_answer(
    work: UnitOfWork,
    *,
    run_id: UUID,
    answer: Answer,
    pause_key: str | None = None,
    paused_at: datetime | None = None,
) -> Checked:
    """Hold an answer against what the run asks for.

    Args:
        work: the unit of work.
        run_id: which run.
        answer: what is said.
        pause_key: the pause that it answers, as whoever answers has seen it; None takes any.
        paused_at: when that was asked for: under one key a run may ask again.

    Raises:
        Conflict: the run waits at another pause than the named one, or at none.
        WrongFields: it does not fit; with one error for each field.
        InvalidInput: the answer as a whole will not do.
    """
    pause = (await repository.get_many_waiting(work, [run_id])).get(run_id)
    if pause_key is not None and (pause is None or pause.key != pause_key):
        raise Conflict(_ASKS_ELSE, path=["pauseKey"])
    if paused_at is not None and (pause is None or pause.created_at != paused_at):
        raise Conflict(_ASKS_ELSE, path=["pausedAt"])
    schema = None if pause is None else pause.schema
    if schema is not None and not answer.is_rejected and answer.input is None:
        answer = replace(answer, input={})
    if pause is None:
        # The run itself says what is wrong: it waits for nothing.
        answer = replace(answer, input=None)
    await asyncio.to_thread(rules.check_answer, schema, answer)
    return Checked(pause, answer)


async def resume_run(work: UnitOfWork, *, run_id: UUID, checked: Checked) -> FlowRun:
    """Answer the pause that a run waits at: it goes on in its process, or waits for an agent.

    Rejected, it goes on as well: its code learns of it at the pause, and fails unless it knows
    better. A pause that was asked for and that the run has not come to yet is taken back.

    Args:
        work: the unit of work.
        run_id: which run.
        checked: the answer, found to fit.

    Raises:
        NotFound: no such run in this workspace.
        Forbidden: the pause names others, or demands four eyes and they stand behind its start.
        InvalidInput: a rejection of a pause that the run's code did not ask for.
        Conflict: the run asks for something else by now, or the time to answer is over.
        IllegalTransition: the run is not paused.
    """
    locked, answer = await lock_known_run(work, run_id), checked.answer
    pause = (await repository.get_many_waiting(work, [run_id])).get(run_id)
    check_rejection(locked, pause, answer)
    if _named(pause) != _named(checked.pause):
        raise Conflict(_ASKS_ELSE, path=["id"])
    if pause is None and is_requested(locked):
        return await take_back(work, locked, answer)
    if pause is not None:
        await check_approver(work, run=locked.run, pause=pause)
        if pause.expires_at is not None and pause.expires_at <= work.now:
            raise Conflict("The time to answer this is over.", path=["id"])
        pause = await repository.answer_pause(work, pause, answer)
    proposal = Proposal(
        state=_resumed(work, locked, pause, answer), proposer=Proposer.PERSON, is_resume=True
    )
    done = await transition(work, run_id=run_id, proposal=proposal, locked=locked)
    if done.error is not None:
        raise done.error
    await record_action(
        work,
        "rejected" if answer.is_rejected else "resumed",
        kind=Kind.FLOW_RUN,
        id_=run_id,
        name=done.run.name,
        said={"pause": pause.key if pause else None, "reason": answer.reason},
    )
    return done.run


async def list_expired(work: UnitOfWork) -> list[ExpiredPause]:
    """Return pauses of any workspace that nobody answered in time, the oldest first."""
    return await repository.list_expired(work, now=work.now, most=BATCH)


async def expire_pause(work: UnitOfWork, expired: ExpiredPause) -> bool:
    """End a pause that nobody answered in time, under the run's lock; False where somebody had.

    A process that waits goes on: its code learns of it at the pause, and fails unless it knows
    better, with its hooks. A run without a process fails here.
    """
    locked = await lock_known_run(work, expired.flow_run_id)
    pause = await repository.find_pause(work, flow_run_id=expired.flow_run_id, key=expired.key)
    is_over = pause is not None and pause.expires_at is not None and pause.expires_at <= work.now
    if pause is None or pause.status is not PauseStatus.WAITING or not is_over:
        return False
    await repository.end_waiting(work, expired.flow_run_id, status=PauseStatus.EXPIRED)
    is_waiting = locked.item is not None and locked.item.phase is Phase.RUNNING
    type_ = StateType.RUNNING if is_waiting else StateType.FAILED
    message = f"Nobody answered the pause {pause.key!r} in time."
    proposal = Proposal(
        state=propose(type_, message=message, details={"pause": pause.key}),
        proposer=Proposer.SYSTEM,
        is_resume=is_waiting,
    )
    done = await transition(work, run_id=expired.flow_run_id, proposal=proposal, locked=locked)
    return done.is_accepted


async def list_waiting(work: UnitOfWork, *, page: PageRequest) -> Page[Pause]:
    """Return a page of the workspace's pauses that wait for an answer, the oldest first."""
    return await repository.list_waiting(work, page=page)


async def count_waiting(work: UnitOfWork, *, cap: int = COUNT_CAP) -> int:
    """Return how many pauses of the workspace wait; ``cap + 1`` stands for more than ``cap``."""
    return await repository.count_waiting(work, cap=cap)


def _named(pause: Pause | None) -> tuple[str, datetime] | None:
    return None if pause is None else (pause.key, pause.created_at)


def _is_carried_out(locked: LockedRun, known: Pause, lease: LeaseRef) -> bool:
    """Whether this very pause was asked for before: the run waits at it, under that lease."""
    is_waiting = known.status is PauseStatus.WAITING and known.epoch == lease.epoch
    if not is_waiting or locked.run.state_type is not StateType.PAUSED:
        return False
    return locked.item is None or holds(lease, locked.item)


def _check_possible(locked: LockedRun, new: NewPause) -> None:
    """Refuse early what the rules would refuse: before user code is unwound for it.

    Raises:
        InvalidInput: nobody could start the run again.
    """
    if new.kind is PauseKind.SUSPEND:
        check_startable(locked)


def _paused(work: UnitOfWork, new: NewPause) -> ProposedState:
    details: dict[str, Any] = {"pause": new.key}
    if new.timeout is not None:
        details["expiresAt"] = (work.now + new.timeout).isoformat()
    name = SUSPENDED if new.kind is PauseKind.SUSPEND else None
    asked = new.description.splitlines()[0] if new.description else None
    return propose(StateType.PAUSED, name=name, message=asked, details=details)


def _resumed(
    work: UnitOfWork, locked: LockedRun, pause: Pause | None, answer: Answer
) -> ProposedState:
    """Return the state that an answer leads to; it says who answered what, and why."""
    verb = "Rejected" if answer.is_rejected else "Resumed"
    message = f"{verb} by {work.actor.display_name}" + (
        f": {answer.reason}" if answer.reason else "."
    )
    details = {
        "pause": pause.key if pause else None,
        "reason": answer.reason,
        "isRejected": answer.is_rejected,
    }
    if locked.item is not None:
        return propose(StateType.RUNNING, message=message, details=details)
    return propose(StateType.SCHEDULED, name=RESUMING, message=message, details=details)
