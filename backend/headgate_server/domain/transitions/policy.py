"""The ordered list of rules, and the one function that judges a proposal."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import ProposedState, StateType
from headgate_server.domain.transitions import pauses, rules
from headgate_server.domain.transitions.facts import Decision, Facts, Outcome, Proposer, Verdict

Rule = Callable[[Facts, ProposedState], Verdict]

POLICY: tuple[Rule, ...] = (
    rules.duplicate,
    rules.fenced,
    rules.silence,
    rules.terminal,
    rules.cancel,
    rules.start_gate,
    pauses.pause,
    pauses.resume,
    rules.place,
    rules.in_hand,
    rules.late,
    rules.slot,
    rules.infrastructure,
    rules.retry,
    rules.retrying,
    rules.edges,
)


def judge(facts: Facts, proposed: ProposedState) -> Decision:
    """Return what becomes of a proposal: the first rejection or replay ends the walk.

    A rename changes the proposal for the rules after it. Pure: the same facts and proposal give
    the same decision for ever, which is what makes a stored decision evidence.
    """
    state = proposed
    outcome = Outcome.ACCEPT
    reason: str | None = None
    trail: list[tuple[str, Outcome]] = []
    for rule in POLICY:
        verdict = rule(facts, state)
        trail.append((rule.__name__, verdict.outcome))
        if verdict.outcome in {Outcome.REJECT, Outcome.REPLAY}:
            return Decision(
                outcome=verdict.outcome,
                proposed=proposed,
                state=state,
                facts=facts,
                trail=tuple(trail),
                code=verdict.code,
                reason=verdict.reason,
            )
        if verdict.outcome is Outcome.RENAME and verdict.state is not None:
            state, outcome, reason = verdict.state, Outcome.RENAME, verdict.reason
    return Decision(
        outcome=outcome,
        proposed=proposed,
        state=state,
        facts=facts,
        trail=tuple(trail),
        reason=reason,
    )


def replay(stored: dict[str, Any]) -> Decision:
    """Return the decision that the rules of today take on a stored decision's facts."""
    raw = dict(stored["facts"])
    raw["now"] = datetime.fromisoformat(raw["now"])
    raw["current_type"] = StateType(raw["current_type"])
    raw["proposer"] = Proposer(raw["proposer"])
    raw["phase"] = Phase(raw["phase"]) if raw["phase"] else None
    raw["on_agent_lost"] = AgentLostPolicy(raw["on_agent_lost"])
    asked = stored["proposed"]
    details = {"retry": asked["retry"]} if asked["retry"] is not None else {}
    proposed = ProposedState(type=StateType(asked["type"]), name=asked["name"], details=details)
    return judge(Facts(**raw), proposed)
