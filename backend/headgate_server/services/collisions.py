"""Decides what becomes of runs as they are due while their deployment's limit is used up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.collisions import DueRun, Fate, Judgement, Verdict, judge
from headgate_server.domain.deployments import MAX_COLLISION_KEY_LENGTH, CollisionPolicy
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.slices import sliced
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import collisions as repository
from headgate_server.repositories.collisions import Due, Rules
from headgate_server.repositories.flow_runs.create import RunToInsert
from headgate_server.repositories.flow_runs.read import get_many_flow_runs
from headgate_server.repositories.flow_runs.transition import lock_all_runs
from headgate_server.repositories.statements import packed
from headgate_server.services.transitions import (
    Proposal,
    Transition,
    transition_many,
    transition_waiting,
)

AT_ONCE = 200
MOST_REPLACED = 1_000
"""How many runs that wait are cancelled for a newer one in one transaction."""
CHANGED_AT_ONCE = 200
"""So many runs change in one statement: their decisions and events are some hundred kilobytes."""
GRACE_SECONDS = 30

list_due = repository.list_due


def key_of(parameters: Mapping[str, Any], *, parameter: str | None) -> str:
    """Return under which key a run waits that says none itself, where runs are coalesced.

    Args:
        parameters: of the run.
        parameter: the one whose value is the key; None where all wait under one.
    """
    if parameter is None:
        return ""
    value = packed(parameters.get(parameter))
    return value if len(value) <= MAX_COLLISION_KEY_LENGTH else sha256(value.encode()).hexdigest()


def key_alone() -> str:
    """Return a key that is no other run's, for one that is coalesced with none."""
    return f"alone:{ids.new_id()}"


async def lock_limits(
    work: UnitOfWork, asked: Iterable[RunToInsert], *, limited_ids: Collection[UUID]
) -> dict[UUID, Rules]:
    """Lock the limits of deployments whose runs are due now, before those refer to them.

    Whoever changes a limit holds the deployment, then its schedules, and waits for all who refer
    to it: so what schedules make is judged by the loop, which holds no schedule.
    """
    ids_ = {
        item.run.deployment_id
        for item in asked
        if item.run.deployment_id is not None
        and item.run.deployment_id in limited_ids
        and item.run.schedule_id is None
        and _is_due(item.run.expected_start, work.now)
    }
    if not ids_:
        return {}
    found = await repository.lock_rules(work, ids_)
    return {rules.deployment_id: rules for rules in found}


async def judge_new(
    work: UnitOfWork,
    made: Sequence[FlowRun | None],
    asked: Mapping[UUID, RunToInsert],
    *,
    limits: Mapping[UUID, Rules],
) -> list[FlowRun | None]:
    """Judge runs as they are made, those that are due now; the runs as they are then.

    Others are judged as their time comes, and those of a deployment that got its limit meanwhile
    at once by the loop.
    """
    due: dict[UUID, list[DueRun]] = {}
    for run in made:
        if run is None or run.deployment_id is None or run.deployment_id not in limits:
            continue
        if run.expected_start is not None and _is_due(run.expected_start, work.now):
            own = asked[run.id]
            new = DueRun(run.id, run.expected_start, own.collision_key, own.is_patient)
            due.setdefault(run.deployment_id, []).append(new)
    moved = await judge_runs(work, due, limits=limits) if due else set[UUID]()
    found = await get_many_flow_runs(work, list(moved)) if moved else {}
    return [run and found.get(run.id, run) for run in made]


def _is_due(expected_start: datetime | None, now: datetime) -> bool:
    return expected_start is not None and expected_start <= now


async def judge_runs(
    work: UnitOfWork, due: Mapping[UUID, Sequence[DueRun]], *, limits: Mapping[UUID, Rules]
) -> set[UUID]:
    """Judge runs that are due now, by deployment, in the transaction that made them or after it.

    The deployments' locks come first and the counts after them, by the clock as it is then, so that
    two who make runs at once never both find the last place. They come before the runs and their
    items, too: so nobody who changes a limit and who makes runs wait for each other. Which state a
    run enters is decided where every state is.

    Args:
        work: the unit of work.
        due: the runs, by deployment.
        limits: those of the deployments, which the unit of work has locked.

    Returns:
        The runs whose state has changed.
    """
    moved: set[UUID] = set()
    for rules in sorted(map(limits.__getitem__, due), key=lambda each: each.deployment_id):
        new = due[rules.deployment_id]
        crowd = await repository.read_crowd(work, rules, new, most=MOST_REPLACED)
        found = judge(new, policy=rules.policy, limit=rules.limit, crowd=crowd)
        moved |= await _carry_out(work, rules, found)
    return moved


async def judge_due(work: UnitOfWork, due: Due) -> int:
    """Judge planned runs of one deployment whose time has come; how many there were."""
    limits = {
        one.deployment_id: one for one in await repository.lock_rules(work, [due.deployment_id])
    }
    settled = await repository.settle(work, [run.run_id for run in due.runs])
    runs = [run for run in due.runs if run.run_id in settled]
    if runs and limits:
        runs = await _keyed(work, runs, limits[due.deployment_id])
        await judge_runs(work, {due.deployment_id: runs}, limits=limits)
    return len(runs)


async def _keyed(work: UnitOfWork, runs: list[DueRun], rules: Rules) -> list[DueRun]:
    """Return runs with the keys that they wait under: those made before any were kept have none."""
    bare = {run.run_id: run for run in runs if run.key is None}
    if rules.policy is not CollisionPolicy.COALESCE or not bare:
        return runs
    parameter, said = rules.parameter, dict[UUID, dict[str, Any]]()
    if parameter is not None:
        said = await repository.read_parameter(work, list(bare), parameter=parameter)
    keys = {
        run_id: key_alone() if run.is_patient else key_of(said.get(run_id, {}), parameter=parameter)
        for run_id, run in bare.items()
    }
    await repository.keep_keys(work, keys)
    return [replace(run, key=keys.get(run.run_id, run.key)) for run in runs]


async def _carry_out(work: UnitOfWork, rules: Rules, found: Judgement) -> set[UUID]:
    proposals = {
        verdict.run_id: Proposal(state=_cancelled(rules, verdict), proposer=Proposer.SYSTEM)
        for verdict in found.verdicts
        if verdict.fate in {Fate.CANCEL, Fate.COALESCE}
    }
    new = set(proposals)
    proposals |= dict.fromkeys(found.to_cancel, _replaced(rules, found.verdicts[-1].run_id))
    moved = await _propose_all(work, proposals) & new
    waiting = {
        verdict.run_id: Proposal(state=_waits(rules, verdict), proposer=Proposer.SYSTEM)
        for verdict in found.verdicts
        if verdict.fate is Fate.WAIT
    }
    if waiting:
        _, entered = await transition_waiting(work, waiting)
        moved.update(entered)
    if found.to_cancel:
        work.wake(channels.SCHEDULER)
    return moved


async def _propose_all(work: UnitOfWork, proposals: Mapping[UUID, Proposal]) -> set[UUID]:
    """Propose a state for each of many runs; those that accept theirs.

    They are locked in the order of their ids, so that two of these never wait in a circle; a few
    statements for each slice of them, however many runs.
    """
    accepted: set[UUID] = set()
    async for some in sliced(sorted(proposals), size=CHANGED_AT_ONCE):
        locked = await lock_all_runs(work, some)
        asked = [(one, proposals[one.run.id], work.actor) for one in locked]
        for run_id, done in (await transition_many(work, asked)).items():
            if isinstance(done, Transition) and done.is_accepted:
                accepted.add(run_id)
    return accepted


def _cancelled(rules: Rules, verdict: Verdict) -> ProposedState:
    if verdict.fate is Fate.COALESCE:
        message = f"{_shown(verdict.because)[0]} waits already and does for this run as well."
    else:
        message = f"The deployment's {rules.limit:,} places are taken: {_named(verdict.because)}."
    return propose(StateType.CANCELLED, message=message, details=_details(rules, verdict.because))


def _waits(rules: Rules, verdict: Verdict) -> ProposedState:
    return propose(
        StateType.SCHEDULED,
        name="AwaitingConcurrencySlot",
        message=f"The deployment runs {rules.limit:,} at once: {_named(verdict.because)}.",
        details=_details(rules, verdict.because),
    )


def _replaced(rules: Rules, newest: UUID) -> Proposal:
    message = f"Cancelled for a newer run of the deployment, {_shown([newest])[0]}."
    return Proposal(
        state=propose(StateType.CANCELLING, message=message, details=_details(rules, [newest])),
        proposer=Proposer.SYSTEM,
        cancel_reason=message,
        cancel_grace_seconds=GRACE_SECONDS,
    )


def _details(rules: Rules, because: Collection[UUID]) -> dict[str, Any]:
    return {
        "collision": {
            "policy": rules.policy.value,
            "limit": rules.limit,
            "runs": _shown(because),
        }
    }


def _shown(run_ids: Collection[UUID]) -> list[str]:
    return [ids.show(ids.Kind.FLOW_RUN, run_id) for run_id in run_ids]


def _named(run_ids: Collection[UUID]) -> str:
    return ", ".join(_shown(run_ids)) or "none may start"
