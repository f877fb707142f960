"""Pauses of runs: asked for, answered, ended, and found when they expire."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Update, and_, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.pauses import (
    Answer,
    Approvers,
    NewPause,
    Pause,
    PauseKind,
    PauseStatus,
)
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.tables.flow_runs import states
from headgate_server.tables.pauses import pauses
from headgate_server.tables.work_pools import work_items

UNHEARD = -1
"""The epoch of a pause that was asked for, until a process says that it carries it out."""
HEARS = "PAUSE"
"""What a process says as it starts that hears of pauses."""
_NAMES_OF_APPROVERS = ("roles", "people", "teams")
_ANSWER = (
    "input",
    "answered_at",
    "answered_by_kind",
    "answered_by_id",
    "answered_by_name",
    "reason",
)


@dataclass(frozen=True, slots=True)
class ExpiredPause:
    """A pause that nobody answered in time."""

    workspace_id: UUID
    flow_run_id: UUID
    key: str


async def upsert_pause(work: UnitOfWork, *, flow_run_id: UUID, new: NewPause, epoch: int) -> Pause:
    """Ask for an answer: anew where nobody answered under this key before."""
    given = {
        "kind": new.kind,
        "status": PauseStatus.WAITING,
        "epoch": epoch,
        "schema": new.schema,
        "initial": new.initial,
        "description": new.description,
        "approvers": _packed(new.approvers),
        "created_at": work.now,
        "expires_at": None if new.timeout is None else work.now + new.timeout,
        "refusal": new.refusal.message if new.refusal else None,
        **dict.fromkeys(_ANSWER),
    }
    statement = (
        insert(pauses)
        .values(workspace_id=work.workspace_id, flow_run_id=flow_run_id, key=new.key, **given)
        .on_conflict_do_update(index_elements=["workspace_id", "flow_run_id", "key"], set_=given)
        .returning(pauses)
    )
    return _pause((await work.execute(statement)).one())


async def request_pause(
    work: UnitOfWork, *, flow_run_id: UUID, key: str, kind: PauseKind, description: str
) -> None:
    """Write down a pause that somebody asks of a run, for its process to carry out."""
    given: dict[str, Any] = {
        "kind": kind,
        "status": PauseStatus.REQUESTED,
        "epoch": UNHEARD,
        "description": description,
        "approvers": {},
        "created_at": work.now,
        **dict.fromkeys(("schema", "initial", "expires_at", "refusal", *_ANSWER)),
    }
    await work.execute(
        insert(pauses)
        .values(workspace_id=work.workspace_id, flow_run_id=flow_run_id, key=key, **given)
        .on_conflict_do_update(index_elements=["workspace_id", "flow_run_id", "key"], set_=given)
    )
    await _tell_item(work, flow_run_id, key=key, kind=kind)


async def take_request(work: UnitOfWork, *, flow_run_id: UUID, key: str, epoch: int) -> None:
    """Note that the process of a run is about to carry out what was asked of it."""
    await work.execute(_at(work, flow_run_id).where(pauses.c.key == key).values(epoch=epoch))


async def end_request(work: UnitOfWork, flow_run_id: UUID) -> None:
    """End what was asked of a run and was not carried out: it was taken back, or the run ended."""
    await work.execute(
        _at(work, flow_run_id)
        .where(pauses.c.status == PauseStatus.REQUESTED)
        .values(status=PauseStatus.ENDED)
    )
    await forget_request(work, flow_run_id)


async def forget_request(work: UnitOfWork, flow_run_id: UUID) -> None:
    """Tell the process of a run no more of a pause: it pauses, or need not."""
    await _tell_item(work, flow_run_id, key=None, kind=None)


async def _tell_item(
    work: UnitOfWork, flow_run_id: UUID, *, key: str | None, kind: PauseKind | None
) -> None:
    await work.execute(
        update(work_items)
        .where(work_items.c.workspace_id == work.workspace_id, work_items.c.run_id == flow_run_id)
        .values(pause_key=key, pause_kind=kind)
    )


def _at(work: UnitOfWork, flow_run_id: UUID) -> Update:
    return update(pauses).where(
        pauses.c.workspace_id == work.workspace_id, pauses.c.flow_run_id == flow_run_id
    )


async def hears_pauses(work: UnitOfWork, flow_run_id: UUID) -> bool:
    """Whether the process that a run was started in last has said that it hears of pauses."""
    said = states.c.details["hears"]
    found = await work.execute(
        select(said)
        .where(
            states.c.workspace_id == work.workspace_id,
            states.c.flow_run_id == flow_run_id,
            states.c.type == StateType.RUNNING,
            said.is_not(None),
        )
        .order_by(states.c.sequence.desc())
        .limit(1)
    )
    heard = found.scalar_one_or_none()
    return isinstance(heard, list) and HEARS in heard


async def answer_pause(work: UnitOfWork, pause: Pause, answer: Answer) -> Pause:
    """Write what was answered to a pause that waits, and by whom."""
    status = PauseStatus.REJECTED if answer.is_rejected else PauseStatus.RESUMED
    statement = (
        update(pauses)
        .where(
            pauses.c.workspace_id == work.workspace_id,
            pauses.c.flow_run_id == pause.flow_run_id,
            pauses.c.key == pause.key,
        )
        .values(
            status=status,
            input=answer.input,
            answered_at=work.now,
            answered_by_kind=work.actor.kind.value,
            answered_by_id=work.actor.id,
            answered_by_name=work.actor.display_name,
            reason=answer.reason,
        )
        .returning(pauses)
    )
    return _pause((await work.execute(statement)).one())


async def end_waiting(
    work: UnitOfWork, flow_run_id: UUID, *, status: PauseStatus = PauseStatus.ENDED
) -> None:
    """End the pause of a run that waits, if one does: the run goes on without an answer."""
    await work.execute(
        update(pauses)
        .where(
            pauses.c.workspace_id == work.workspace_id,
            pauses.c.flow_run_id == flow_run_id,
            pauses.c.status == PauseStatus.WAITING,
        )
        .values(status=status)
    )


async def forget_answers(
    work: UnitOfWork, flow_run_id: UUID, *, has_other_parameters: bool = False
) -> None:
    """Let a run that is started again ask once more what was rejected, and what was approved.

    An approval is an answer that not everybody could have given.

    Args:
        work: the unit of work.
        flow_run_id: the run.
        has_other_parameters: whether every answer was given for something else.
    """
    approvers = pauses.c.approvers
    lists = [func.jsonb_array_length(approvers[name]) > 0 for name in _NAMES_OF_APPROVERS]
    is_approval = or_(approvers.contains({"is_four_eyes": True}), *lists)
    forgotten = or_(
        pauses.c.status == PauseStatus.REJECTED,
        and_(
            pauses.c.status == PauseStatus.RESUMED,
            true() if has_other_parameters else is_approval,
        ),
    )
    await work.execute(_at(work, flow_run_id).where(forgotten).values(status=PauseStatus.ENDED))


async def find_pause(work: UnitOfWork, *, flow_run_id: UUID, key: str) -> Pause | None:
    """Return the pause of a run under a key."""
    statement = _own(work).where(pauses.c.flow_run_id == flow_run_id, pauses.c.key == key)
    row = (await work.execute(statement)).one_or_none()
    return None if row is None else _pause(row)


async def get_many_waiting(work: UnitOfWork, flow_run_ids: Sequence[UUID]) -> dict[UUID, Pause]:
    """Return the pause that waits of each of the runs that has one."""
    rows = await work.execute(
        _own(work).where(
            pauses.c.flow_run_id.in_(flow_run_ids), pauses.c.status == PauseStatus.WAITING
        )
    )
    return {row.flow_run_id: _pause(row) for row in rows}


async def get_many_of_runs(
    work: UnitOfWork, flow_run_ids: Sequence[UUID]
) -> dict[UUID, tuple[Pause, ...]]:
    """Return each run's pauses in the order they were asked for; every id is a key."""
    rows = await work.execute(
        _own(work)
        .where(pauses.c.flow_run_id.in_(flow_run_ids))
        .order_by(pauses.c.created_at, pauses.c.key)
    )
    found: dict[UUID, list[Pause]] = {id_: [] for id_ in flow_run_ids}
    for row in rows:
        found[row.flow_run_id].append(_pause(row))
    return {id_: tuple(values) for id_, values in found.items()}


async def list_waiting(work: UnitOfWork, *, page: PageRequest) -> Page[Pause]:
    """Return a page of the workspace's pauses that wait for an answer, the oldest first."""
    statement = _own(work).where(pauses.c.status == PauseStatus.WAITING)
    sort = pages.by(pauses.c.created_at, pauses.c.flow_run_id)
    return await pages.read(work, statement, sort=sort, page=page, make=_pause)


async def count_waiting(work: UnitOfWork, *, cap: int) -> int:
    """Return how many pauses wait for an answer, up to ``cap + 1``."""
    statement = _own(work).where(pauses.c.status == PauseStatus.WAITING)
    return await pages.count(work, statement, cap=cap)


async def list_expired(work: UnitOfWork, *, now: datetime, most: int) -> list[ExpiredPause]:
    """Return pauses of any workspace that nobody answered in time, the oldest first."""
    rows = await work.execute(
        select(pauses.c.workspace_id, pauses.c.flow_run_id, pauses.c.key)
        .where(pauses.c.status == PauseStatus.WAITING, pauses.c.expires_at <= now)
        .order_by(pauses.c.expires_at)
        .limit(most)
    )
    return [ExpiredPause(row.workspace_id, row.flow_run_id, row.key) for row in rows]


def _own(work: UnitOfWork) -> Select[Any]:
    return select(pauses).where(pauses.c.workspace_id == work.workspace_id)


def _pause(row: Row[Any]) -> Pause:
    return Pause(
        workspace_id=row.workspace_id,
        flow_run_id=row.flow_run_id,
        key=row.key,
        kind=PauseKind(row.kind),
        status=PauseStatus(row.status),
        epoch=row.epoch,
        schema=row.schema,
        initial=row.initial,
        description=row.description,
        approvers=_approvers(row.approvers),
        created_at=row.created_at,
        expires_at=row.expires_at,
        input=row.input,
        answered_at=row.answered_at,
        answered_by=_answerer(row),
        reason=row.reason,
        refusal=row.refusal,
    )


def _packed(approvers: Approvers) -> dict[str, Any]:
    ids = {name: str(id_) for name, id_ in approvers.team_ids.items()}
    return {**asdict(approvers), "team_ids": ids}


def _approvers(stored: dict[str, Any]) -> Approvers:
    return Approvers(
        roles=tuple(stored.get("roles", ())),
        people=tuple(stored.get("people", ())),
        teams=tuple(stored.get("teams", ())),
        is_four_eyes=bool(stored.get("is_four_eyes", False)),
        team_ids={name: UUID(id_) for name, id_ in stored.get("team_ids", {}).items()},
    )


def _answerer(row: Row[Any]) -> Actor | None:
    if row.answered_by_kind is None:
        return None
    return Actor(ActorKind(row.answered_by_kind), row.answered_by_id, row.answered_by_name)
