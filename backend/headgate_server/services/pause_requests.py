"""Pauses that people ask of runs: heard by their processes, carried out before the next task."""

from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import pauses as rules
from headgate_server.domain.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import Kind
from headgate_server.domain.pauses import Answer, NewPause, Pause, PauseKind, PauseWish
from headgate_server.domain.states import StateType
from headgate_server.repositories import pauses as repository
from headgate_server.repositories.flow_runs.transition import LockedRun, lock_run
from headgate_server.services.audit_entries.record import record_action


async def request_pause(work: UnitOfWork, *, run_id: UUID, wish: PauseWish) -> FlowRun:
    """Ask the process of a run to pause, or to end and be suspended, before its next task.

    What it does goes on until then. Asked again, nothing changes; ``resume_run`` takes it back.

    Args:
        work: the unit of work.
        run_id: which run.
        wish: what is asked, and why.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: an over-long reason, or nobody could start the run again.
        IllegalTransition: no process of the run hears of it: it has not begun, waits already, has
            ended, or is silent; or it is one of an older version.
        Conflict: the other kind of pause was asked for.
    """
    rules.check_wish(wish)
    locked = await lock_known_run(work, run_id)
    await _check_hears(work, locked)
    item = locked.item
    if item is None or item.pause_kind is wish.kind:
        return locked.run
    if item.pause_kind is not None:
        raise Conflict(
            f"{item.pause_kind} was asked of this run before; resume it first to take that back.",
            path=["suspend"],
        )
    if wish.kind is PauseKind.SUSPEND:
        check_startable(locked)
    by = f"Asked for by {work.actor.display_name}"
    await repository.request_pause(
        work,
        flow_run_id=run_id,
        key=f"{rules.OUTSIDE}{work.now:%Y-%m-%dT%H:%M:%S.%fZ}",
        kind=wish.kind,
        description=f"{by}: {wish.reason}" if wish.reason else f"{by}.",
    )
    work.wake(channels.run(run_id))
    if item.session_id is not None:
        work.wake(channels.agent(item.session_id))
    await record_action(
        work,
        "pause_requested" if wish.kind is PauseKind.PAUSE else "suspension_requested",
        kind=Kind.FLOW_RUN,
        id_=run_id,
        name=locked.run.name,
        said={"reason": wish.reason},
    )
    return locked.run


async def lock_known_run(work: UnitOfWork, run_id: UUID) -> LockedRun:
    """Lock a run and its work item until the transaction ends.

    Raises:
        NotFound: no such run in this workspace.
    """
    locked = await lock_run(work, run_id)
    if locked is None:
        raise NotFound("No such flow run, or you may not see it; check the id and the workspace.")
    return locked


def check_startable(locked: LockedRun) -> None:
    """Refuse to suspend what nobody could start again.

    Raises:
        InvalidInput: it began in its caller's own process.
    """
    if locked.run.work_pool_id is None:
        raise InvalidInput(
            "Only a run that an agent started for a deployment can be suspended: nobody could "
            "start this one again. Pause it instead, or suspend the outermost flow.",
            path=["suspend"],
        )


async def _check_hears(work: UnitOfWork, locked: LockedRun) -> None:
    """Refuse what no process of the run would hear of.

    Raises:
        IllegalTransition: with what to do instead.
    """
    run, item = locked.run, locked.item
    reason = None
    if run.state_type.is_terminal:
        reason = f"The run has ended as {run.state_name}."
    elif run.state_type is StateType.PAUSED:
        reason = f"The run is {run.state_name} already; resume it to have it go on."
    elif run.state_type is not StateType.RUNNING or item is None:
        reason = (
            f"The run is {run.state_name}, and no code of it runs that could pause; pause its "
            "deployment, or cancel it."
        )
    elif item.cancel_requested_at is not None:
        reason = "The run is being cancelled."
    elif run.unresponsive_since is not None:
        reason = "The process of the run has been silent for a while and would not hear of it."
    elif not await repository.hears_pauses(work, run.id):
        reason = "The process of the run does not hear of pauses; update the SDK that it runs with."
    if reason is not None:
        raise IllegalTransition(reason, current=run.state_type, proposed=StateType.PAUSED)


def is_requested(locked: LockedRun) -> bool:
    """Whether a run that runs has still to carry out a pause that somebody asked for."""
    is_asked = locked.item is not None and locked.item.pause_key is not None
    return is_asked and locked.run.state_type is StateType.RUNNING


async def requested(
    work: UnitOfWork, locked: LockedRun, known: Pause | None, *, new: NewPause
) -> NewPause:
    """Return a pause as it was asked for, now that the process carries it out.

    Raises:
        Conflict: it was taken back, or nobody ever asked.
    """
    item = locked.item
    is_asked = item is not None and item.pause_key == new.key
    if known is None or item is None or not is_asked or known.kind is not new.kind:
        raise Conflict("Nobody asks for this pause any more: go on.", path=["key"])
    if known.kind is PauseKind.SUSPEND:
        await repository.take_request(
            work, flow_run_id=locked.run.id, key=new.key, epoch=item.epoch
        )
    return NewPause(new.key, kind=known.kind, description=known.description)


async def take_back(work: UnitOfWork, locked: LockedRun, answer: Answer) -> FlowRun:
    """Take back a pause that the run has not come to.

    Raises:
        Conflict: its process is leaving the flow right now.
    """
    run, item = locked.run, locked.item
    key = item.pause_key if item else None
    known = await repository.find_pause(work, flow_run_id=run.id, key=key or "")
    if known is not None and item is not None and known.epoch == item.epoch:
        raise Conflict("The run is being suspended right now; resume it once it is.", path=["id"])
    await repository.end_request(work, run.id)
    await record_action(
        work,
        "resumed",
        kind=Kind.FLOW_RUN,
        id_=run.id,
        name=run.name,
        said={"pause": key, "reason": answer.reason},
    )
    return run


def check_rejection(locked: LockedRun, pause: Pause | None, answer: Answer) -> None:
    """Refuse to say no where no code asked.

    Raises:
        InvalidInput: the pause was asked for by a person.
    """
    is_outside = pause is not None and rules.is_outside(pause.key)
    if answer.is_rejected and (is_outside or (pause is None and is_requested(locked))):
        raise InvalidInput(
            "The run's code did not ask for this pause, so it cannot be told no: resume the run, "
            "or cancel it.",
            path=["reject"],
        )
