"""What clients are promised of their calls: effects, answers, walls, and nothing unasked."""

from collections import Counter
from itertools import pairwise

from tests.chaos.evidence import Evidence
from tests.chaos.history import Operation, Outcome
from tests.chaos.lives import ENDED, Life
from tests.chaos.run_rules import CLOCK_SECONDS, Wrong
from tests.chaos.terms import AGENT_LIMIT
from tests.chaos.verdicts import Found, Violation, by, most_at_once

REFUSALS = {Operation.TRESPASS: "NOT_FOUND", Operation.STALE: "LEASE_LOST"}
"""How such a call is refused, and not otherwise; an error of ours is no refusal."""


def nothing_lost(evidence: Evidence) -> Found:
    """Each acknowledged run exists and is found; exactly the live ones have a work item."""
    runs = {run.id: run for run in evidence.runs}
    for call in evidence.calls:
        is_made = call.operation is Operation.CREATE and call.outcome is Outcome.OK
        if is_made and call.run_id not in runs:
            yield Violation("nothing_lost", f"{call.run_id} was acknowledged and is not there")
        if call.operation is Operation.READ and call.answer.startswith("NOT_FOUND"):
            yield Violation("nothing_lost", f"{call.run_id} was acknowledged and not found")
    items = Counter(run_id for run_id, _ in evidence.items)
    for run in evidence.runs:
        if items[run.id] != (run.type not in ENDED):
            yield Violation("nothing_lost", f"{run.id} in {run.name} has {items[run.id]} items")


def nothing_from_nowhere(evidence: Evidence) -> Found:
    """What there is belongs to a run, and each run to a call, a schedule or another run."""
    known = {run.id for run in evidence.runs}
    for name, rows in (
        ("states", evidence.states),
        ("attempts", evidence.attempts),
        ("events", evidence.events),
        ("lines", evidence.lines),
    ):
        strange = {row.run_id for row in rows} - known
        if strange:
            yield Violation("nothing_from_nowhere", f"{name} of {sorted(strange)}")
    asked = by(
        (call for call in evidence.calls if call.operation is Operation.CREATE),
        lambda call: call.key,
    )
    for run in evidence.runs:
        calls = [one for one in asked.get(run.key, []) if one.outcome is not Outcome.REFUSED]
        terms = evidence.terms.get(run.deployment)
        is_made_by_us = run.schedule_id or (terms is not None and terms.is_backfilled)
        if not (calls or is_made_by_us or run.root in known):
            yield Violation("nothing_from_nowhere", f"{run.id} ({run.key}): nobody asked for it")
        for call in calls:
            if call.deployment != run.deployment:
                what = f"{run.id} is of {run.deployment}, asked was {call.deployment}"
                yield Violation("nothing_from_nowhere", what)


def no_agent_overfilled(evidence: Evidence) -> Found:
    """No agent ever executes more runs at once than it may."""
    processes_of = by(evidence.lines, lambda line: line.pid)
    families = by(processes_of.values(), lambda lines: lines[0].parent)
    for parent, processes in families.items():
        spans = [
            (min(line.at for line in lines), max(line.at for line in lines)) for lines in processes
        ]
        if most_at_once(spans) > AGENT_LIMIT:
            what = f"{most_at_once(spans)} processes of {parent} at once"
            yield Violation("no_agent_overfilled", what)


def one_effect_a_key(evidence: Evidence) -> Found:
    """Calls with one idempotency key made one run, and all were answered with it."""
    made = Counter(run.key for run in evidence.runs if run.key)
    for key, count in made.items():
        if count > 1:
            yield Violation("one_effect_a_key", f"{count} runs of {key}")
    answered = (
        call
        for call in evidence.calls
        if call.operation is Operation.CREATE and call.outcome is Outcome.OK
    )
    for key, calls in by(answered, lambda call: call.key).items():
        found = {call.run_id for call in calls}
        if len(found) > 1:
            yield Violation("one_effect_a_key", f"{key} was answered with {sorted(found)}")


def reads_are_true(life: Life) -> Wrong:
    """Whoever looks sees a state that it was in by then, and never an older one than before."""
    entered = {state.sequence: state for state in life.states}
    looks = [
        call
        for call in (
            *life.made(Operation.READ, Outcome.OK),
            *life.made(Operation.CANCEL, Outcome.OK),
        )
        if call.sequence
    ]
    for call in looks:
        state = entered.get(call.sequence)
        if state is None or state.type != call.answer:
            yield f"was shown as {call.answer} ({call.sequence}), which it never was"
        elif state.at > call.ended_at + CLOCK_SECONDS:
            yield f"was shown as {call.answer} before it was"
    for before, after in pairwise(sorted(looks, key=lambda call: call.ended_at)):
        if before.ended_at < after.began_at and after.sequence < before.sequence:
            yield f"was shown as {before.answer}, and later as {after.answer} again"


def walls_hold(evidence: Evidence) -> Found:
    """Nobody reads or changes what is another tenant's, nor hears that it is there."""
    yield from _refused(evidence, "walls_hold", Operation.TRESPASS)


def old_epochs_are_dead(evidence: Evidence) -> Found:
    """Nothing is accepted under a lease of an epoch that is over, and the holder is told so."""
    yield from _refused(evidence, "old_epochs_are_dead", Operation.STALE)


def _refused(evidence: Evidence, rule: str, operation: Operation) -> Found:
    for call in evidence.calls:
        if call.operation is not operation or call.outcome is Outcome.UNKNOWN:
            continue
        is_error_of_ours = call.answer.startswith("INTERNAL")
        if call.outcome is Outcome.OK:
            yield Violation(rule, f"{call.client} was let at {call.run_id}")
        elif not is_error_of_ours and not call.answer.startswith(REFUSALS[operation]):
            yield Violation(rule, f"{call.run_id} was refused to {call.client} as {call.answer}")
