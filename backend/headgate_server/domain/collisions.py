"""Collisions: what follows when a run is due while its deployment's limit is used up. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.deployments import CollisionPolicy

NAMED = 5
"""How many runs are named as the cause."""


class Fate(StrEnum):
    """What becomes of a run that is due."""

    GO = "GO"
    WAIT = "WAIT"
    CANCEL = "CANCEL"
    COALESCE = "COALESCE"


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that is due and that nobody has taken up.

    ``is_patient``: it waits for room, whatever the policy does with others.
    """

    run_id: UUID
    due_at: datetime
    key: str | None = None
    is_patient: bool = False


@dataclass(frozen=True, slots=True)
class Crowd:
    """What is there already of a deployment's runs, besides those that are judged.

    Args:
        held: those that agents have, the longest first.
        ahead: those that are due and wait, the longest first; as many as the limit at least, as
            far as there are so many, and all of them where old ones are to be cancelled.
        patient: those of both that wait for room whatever the policy does with others.
        waiting: one that is due and waits, by the key it waits under.
    """

    held: Sequence[UUID] = ()
    ahead: Sequence[UUID] = ()
    patient: frozenset[UUID] = frozenset()
    waiting: Mapping[str, UUID] = field(default_factory=dict[str, UUID])

    def impatient(self) -> tuple[UUID, ...]:
        """Return those that may be cancelled for others, or have others cancelled for them."""
        return tuple(id_ for id_ in (*self.held, *self.ahead) if id_ not in self.patient)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one run, and the runs it is because of."""

    run_id: UUID
    fate: Fate
    because: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of runs that are due, and which others are cancelled for them."""

    verdicts: tuple[Verdict, ...]
    to_cancel: tuple[UUID, ...] = ()


def judge(
    new: Collection[DueRun], *, policy: CollisionPolicy, limit: int, crowd: Crowd
) -> Judgement:
    """Decide about runs as they become due: in the order in which they are, then of their ids.

    Patient ones wait for room, and nothing is cancelled for them, nor are they for others. They
    come after the others. What waits for a patient one is not one too many.
    """
    ordered = sorted(new, key=lambda run: (run.due_at, run.run_id))
    patient = [run for run in ordered if run.is_patient]
    if not patient:
        return _judge(ordered, policy=policy, limit=limit, crowd=crowd)
    others = [run for run in ordered if not run.is_patient]
    found = _judge(others, policy=policy, limit=limit, crowd=crowd) if others else Judgement(())
    staying = [one.run_id for one in found.verdicts if one.fate in {Fate.GO, Fate.WAIT}]
    gone = set(found.to_cancel) - set(crowd.held)
    ahead = [run_id for run_id in crowd.ahead if run_id not in gone]
    waiting = Crowd(held=crowd.held, ahead=[*ahead, *staying])
    waits = _judge(patient, policy=CollisionPolicy.ENQUEUE, limit=limit, crowd=waiting)
    # The newest of those that others are cancelled for is named last.
    return Judgement((*waits.verdicts, *found.verdicts), found.to_cancel)


def _judge(
    ordered: Sequence[DueRun], *, policy: CollisionPolicy, limit: int, crowd: Crowd
) -> Judgement:
    if policy is CollisionPolicy.CANCEL_OLD:
        return _replace(ordered, limit=limit, crowd=crowd)
    before = [*crowd.held, *crowd.ahead]
    rivals = list(crowd.impatient())
    waiting = dict(crowd.waiting)
    verdicts: list[Verdict] = []
    for run in ordered:
        key = run.key or ""
        if policy is CollisionPolicy.COALESCE and key in waiting:
            verdicts.append(Verdict(run.run_id, Fate.COALESCE, (waiting[key],)))
            continue
        waiting[key] = run.run_id
        if policy is CollisionPolicy.CANCEL_NEW and len(rivals) >= limit:
            verdicts.append(Verdict(run.run_id, Fate.CANCEL, tuple(rivals[:NAMED])))
            continue
        rivals.append(run.run_id)
        if len(before) < limit:
            before.append(run.run_id)
            verdicts.append(Verdict(run.run_id, Fate.GO))
        else:
            verdicts.append(Verdict(run.run_id, Fate.WAIT, tuple(before[:NAMED])))
    return Judgement(tuple(verdicts))


def _replace(ordered: Sequence[DueRun], *, limit: int, crowd: Crowd) -> Judgement:
    """Keep the newest, as many as may be; what they are kept for is cancelled, the oldest first."""
    kept = max(limit, 1)
    fallen, staying = ordered[: max(len(ordered) - kept, 0)], ordered[max(len(ordered) - kept, 0) :]
    others = crowd.impatient()
    surplus = len(others) + len(staying) - kept
    to_cancel = others[: max(surplus, 0)]
    held = set(crowd.held)
    is_full = len(held) + len(staying) > limit
    newest = staying[-1].run_id if staying else None
    verdicts = [
        Verdict(run.run_id, Fate.CANCEL, (newest,) if newest is not None else ()) for run in fallen
    ]
    fate = Fate.WAIT if is_full else Fate.GO
    verdicts += [Verdict(run.run_id, fate, tuple(crowd.held[:NAMED])) for run in staying]
    return Judgement(tuple(verdicts), to_cancel)


def coalesced_into(details: Mapping[str, Any]) -> UUID | None:
    """Return the run that does for another as well, by the details of the other's state."""
    collision: Any = details.get("collision") or {}
    runs: Any = collision.get("runs") or ()
    if collision.get("policy") != CollisionPolicy.COALESCE or not runs:
        return None
    return ids.parse(runs[0], kind=ids.Kind.FLOW_RUN)
