"""The judge of a chaos run: holds what was left behind to what Headgate promises.

It knows the promises by itself and shares no code with the product: its own table of edges, its
own count of instants, its own word for what was asked. Each rule says what it finds wrong, and
nothing where all is well.
"""

from collections import Counter
from collections.abc import Callable, Generator

from tests.chaos import call_rules, event_rules, schedule_rules
from tests.chaos.evidence import Evidence
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.lives import Life, is_restart, is_retry, lives
from tests.chaos.run_rules import RUN_RULES, Wrong
from tests.chaos.verdicts import Found, Verdict, Violation, by

SHARE_ANSWERED = 0.8
LAST_CALLS = 5

OF_A_RUN: tuple[Callable[[Life], Wrong], ...] = (
    *RUN_RULES,
    *event_rules.EVENT_RULES,
    call_rules.reads_are_true,
)
OF_ALL: tuple[Callable[[Evidence], Found], ...] = (
    call_rules.nothing_lost,
    call_rules.nothing_from_nowhere,
    call_rules.no_agent_overfilled,
    call_rules.one_effect_a_key,
    call_rules.walls_hold,
    call_rules.old_epochs_are_dead,
    event_rules.all_published,
    schedule_rules.schedules_as_asked,
    schedule_rules.each_instant_once,
    schedule_rules.ledger_leads_to_runs,
)
NAMES = frozenset(rule.__name__ for rule in (*OF_A_RUN, *OF_ALL))
MUST_SUCCEED = frozenset({Operation.CREATE, Operation.READ})
"""What nobody has a reason to refuse to these clients."""
MUST_BE_ANSWERED = {
    Operation.CREATE: Outcome.OK,
    Operation.READ: Outcome.OK,
    Operation.CANCEL: Outcome.OK,
    Operation.TRESPASS: Outcome.REFUSED,
    Operation.STALE: Outcome.REFUSED,
}
"""What clients must have been told at least once of each operation, for a run to prove anything."""


def judge(evidence: Evidence) -> Verdict:
    """Apply every rule."""
    return Verdict(tuple(violations(evidence)), tuple(doubts(evidence)))


def violations(evidence: Evidence) -> Found:
    """Yield what is wrong with each run, and with all of them together."""
    for rule in OF_ALL:
        yield from rule(evidence)
    for life in lives(evidence):
        for rule in OF_A_RUN:
            for wrong in rule(life):
                name = life.run.deployment or life.run.flow
                yield Violation(rule.__name__, f"{life.run.id} ({name}): {wrong}")


def proofs(evidence: Evidence) -> dict[str, int]:
    """Count what happened that the rules are about, and must have happened."""
    calls = Counter((call.operation, call.outcome) for call in filter(is_answered, evidence.calls))
    keys = Counter(call.key for call in evidence.calls if call.key and call.run_id)
    return {
        **{f"{name} answered": calls[name, outcome] for name, outcome in MUST_BE_ANSWERED.items()},
        "key used again": sum(count > 1 for count in keys.values()),
        "start in the future": sum(call.start_at > call.ended_at for call in evidence.calls),
        "line of user code": len(evidence.lines),
        "fire": len(evidence.fires),
        "late run": sum(state.name == "Late" for state in evidence.states),
        "retry": sum(map(is_retry, evidence.states)),
        "new start after a lost process": sum(map(is_restart, evidence.states)),
        "crash": sum(state.type == "CRASHED" for state in evidence.states),
        "cancel of a process": sum(state.type == "CANCELLING" for state in evidence.states),
    }


def doubts(evidence: Evidence) -> Generator[str]:
    """Say why a run proves too little: nothing to judge, too few answers, or none after healing."""
    for name, count in proofs(evidence).items():
        if not count:
            yield f"there was no {name}"
    answered = sum(is_answered(call) for call in evidence.calls)
    if not evidence.calls or answered < SHARE_ANSWERED * len(evidence.calls):
        yield f"only {answered} of {len(evidence.calls)} calls were answered"
    for client, calls in by(evidence.calls, lambda call: call.client).items():
        last = [call for call in calls if call.is_after_healing][-LAST_CALLS:]
        if len(last) < LAST_CALLS or not all(map(is_answered, last)):
            yield f"the last calls of {client} after healing were not all answered"


def is_answered(call: Call) -> bool:
    """Whether a call was carried out, or refused for a reason that it may have been given."""
    match call.outcome:
        case Outcome.OK:
            return True
        case Outcome.UNKNOWN:
            return False
        case Outcome.REFUSED:
            is_ours = call.answer.startswith("INTERNAL")
            return not is_ours and call.operation not in MUST_SUCCEED
