"""The rules, each a function of the facts and the proposal; policy.py puts them in order.

Those about pauses are in pauses.py.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import ProposedState, StateType, is_allowed, propose
from headgate_server.domain.transitions.facts import (
    ACCEPT,
    Facts,
    Outcome,
    Proposer,
    Verdict,
    reject,
    rename,
)

MAX_RETRY_DELAY = timedelta(days=7)
_BEGUN = frozenset({StateType.RUNNING, StateType.PAUSED})
_NOT_STARTED = frozenset({None, Phase.READY, Phase.OFFERED, Phase.CLAIMED})


def duplicate(facts: Facts, proposed: ProposedState) -> Verdict:
    """A proposal that was applied already, sent again, gets the same answer and no second state."""
    if facts.is_duplicate:
        return Verdict(Outcome.REPLAY, reason="Applied before.")
    is_cancel = proposed.type is StateType.CANCELLING and facts.proposer is Proposer.PERSON
    if is_cancel and facts.current_type in {StateType.CANCELLING, StateType.CANCELLED}:
        return Verdict(Outcome.REPLAY, reason="A cancel was asked for before.")
    return ACCEPT


def fenced(facts: Facts, proposed: ProposedState) -> Verdict:
    """A holder writes only under the run's live token and epoch."""
    del proposed
    if facts.proposer is Proposer.HOLDER and not facts.is_lease_valid:
        return reject("The lease on this run is no longer yours.", code="LEASE_LOST")
    return ACCEPT


def silence(facts: Facts, proposed: ProposedState) -> Verdict:
    """A holder that came back in time is not lost, whatever was seen before the lock was taken."""
    del proposed
    if facts.is_agent_lost and not facts.is_lease_expired:
        return reject("The holder of the lease came back in time.", code="CONFLICT")
    return ACCEPT


def terminal(facts: Facts, proposed: ProposedState) -> Verdict:
    """A run that has ended stays as it is, but for a person: they retry it, or correct its end."""
    if not facts.current_type.is_terminal:
        if facts.is_rerun:
            return reject(f"The run is {facts.current_name}; only a run that has ended is retried.")
        return ACCEPT
    is_retry = facts.is_rerun and proposed.type is StateType.SCHEDULED
    if is_retry or facts.corrects(proposed.type):
        return ACCEPT
    if proposed.type is facts.current_type:
        return reject(f"The run has ended as {facts.current_name} already.")
    stays = f"The run has ended as {facts.current_name} and stays so; retry it instead"
    if not proposed.type.is_terminal or facts.proposer is not Proposer.PERSON:
        return reject(f"{stays}.")
    return reject(f"{stays}, or correct its end: set the other one with force and a reason.")


def cancel(facts: Facts, proposed: ProposedState) -> Verdict:
    """A cancel ends a run: at once where no user code has started, else when its holder says so."""
    if proposed.type is StateType.CANCELLING and facts.phase in _NOT_STARTED:
        state = propose(StateType.CANCELLED, message=proposed.message, details=proposed.details)
        return rename(state, reason="No process holds the run.")
    is_cancelling = facts.current_type is StateType.CANCELLING
    if not (is_cancelling or facts.is_cancel_requested) or facts.is_agent_lost:
        return ACCEPT
    if proposed.type in {StateType.COMPLETED, StateType.FAILED}:
        message = f"Cancelled; the flow had ended as {proposed.name} meanwhile."
        state = propose(StateType.CANCELLED, message=message, details=proposed.details)
        return rename(state, reason="A cancel was asked for before the run ended.")
    if proposed.type in {StateType.PENDING, StateType.RUNNING, StateType.SCHEDULED}:
        return reject("The run is being cancelled.")
    return ACCEPT


def start_gate(facts: Facts, proposed: ProposedState) -> Verdict:
    """Running is entered by the holder of a claimed lease only, Pending by a claim only."""
    if proposed.type is StateType.PENDING and facts.phase is not Phase.OFFERED:
        return reject("Only the session that a run is offered to may claim it.", code="LEASE_LOST")
    if proposed.type is not StateType.RUNNING:
        return ACCEPT
    if facts.proposer is not Proposer.HOLDER:
        if facts.is_resume:
            return ACCEPT
        return reject("A run starts under a lease: let an agent claim it.")
    if facts.current_type is StateType.SCHEDULED and facts.phase is not Phase.RUNNING:
        return reject("The run has not been claimed.", code="LEASE_LOST")
    return ACCEPT


def place(facts: Facts, proposed: ProposedState) -> Verdict:
    """A run waits for an agent only in a pool; one that began in its caller's process has none."""
    is_waiting = proposed.type is StateType.SCHEDULED and proposed.name not in {
        "Late",
        "AwaitingConcurrencySlot",
    }
    if is_waiting and facts.phase is not None and not facts.has_pool:
        return reject("No agent can take up a run that began in its caller's own process.")
    return ACCEPT


def in_hand(facts: Facts, proposed: ProposedState) -> Verdict:
    """A run that has begun is not due again for the asking: its process would not know of it."""
    is_asked = facts.proposer is Proposer.PERSON and proposed.type is StateType.SCHEDULED
    if not is_asked or facts.is_forced or facts.is_rerun or facts.is_resume:
        return ACCEPT
    if facts.current_type is StateType.PAUSED:
        return reject(f"The run is {facts.current_name}; resume it.", code="CONFLICT")
    if facts.phase in {Phase.CLAIMED, Phase.RUNNING}:
        return reject("The run has been taken up; cancel it, then retry it.", code="CONFLICT")
    return ACCEPT


def late(facts: Facts, proposed: ProposedState) -> Verdict:
    """Only a run that waits for an agent is late, and only once an episode."""
    if proposed.name != "Late":
        return ACCEPT
    if facts.current_type is not StateType.SCHEDULED or facts.current_name == "Late":
        return reject("Only a scheduled run that is not late yet becomes late.")
    return ACCEPT if facts.phase is Phase.READY else reject("The run has been taken up.")


def slot(facts: Facts, proposed: ProposedState) -> Verdict:
    """Only a run that waits for an agent waits for a place of its deployment."""
    if proposed.name != "AwaitingConcurrencySlot":
        return ACCEPT
    if facts.proposer is not Proposer.SYSTEM:
        return reject("Headgate alone says that a run waits for a slot.")
    is_new = facts.current_type is StateType.SCHEDULED and facts.current_name != proposed.name
    return ACCEPT if is_new and facts.phase is Phase.READY else reject("The run does not wait.")


def infrastructure(facts: Facts, proposed: ProposedState) -> Verdict:
    """A crashed run starts again where its deployment says so and its budget lasts."""
    if proposed.type is not StateType.CRASHED or facts.proposer is Proposer.PERSON:
        return ACCEPT
    if facts.is_undeliverable:
        return undeliverable(facts)
    if facts.is_cancel_requested or facts.current_type is StateType.CANCELLING:
        state = propose(StateType.CANCELLED, message="Cancelled; its process is gone.")
        return rename(state, reason="A cancel was asked for before the run crashed.")
    if facts.on_agent_lost is not AgentLostPolicy.RETRY:
        return ACCEPT
    if facts.infrastructure_attempts >= facts.infrastructure_retries:
        return ACCEPT
    attempt = facts.infrastructure_attempts + 1
    message = f"{proposed.message} Starting again ({attempt} of {facts.infrastructure_retries})."
    state = propose(StateType.SCHEDULED, name="AwaitingRetry", message=message)
    return rename(state, reason="The deployment starts crashed runs again.")


def undeliverable(facts: Facts) -> Verdict:
    """A run that was offered too often crashes, unless somebody has it in hand by now."""
    is_waiting = facts.phase is Phase.READY
    is_stale = facts.phase is Phase.CLAIMED and facts.is_lease_expired
    if is_waiting or is_stale:
        return ACCEPT
    return reject("The run has been taken up.", code="CONFLICT")


def retry(facts: Facts, proposed: ProposedState) -> Verdict:
    """A failed flow with retries left waits for its next attempt under the same lease.

    Its process may give the lease back instead, where an agent can take the run up again: then the
    run waits without one. Only one that was begun has failed: what never started has used no retry.
    """
    if proposed.type is not StateType.FAILED or facts.proposer is not Proposer.HOLDER:
        return ACCEPT
    if facts.current_type not in _BEGUN:
        return ACCEPT
    limit, delay = retry_budget(proposed.details)
    if facts.retries_used >= limit:
        return ACCEPT
    details: dict[str, Any] = {"retryAt": (facts.now + delay).isoformat()}
    if facts.has_pool and proposed.details["retry"].get(GIVES_BACK) is True:
        details[GIVES_BACK] = True
    if "error" in proposed.details:
        details["error"] = proposed.details["error"]
    state = propose(
        StateType.SCHEDULED, name="AwaitingRetry", message=proposed.message, details=details
    )
    return rename(state, reason=f"Retry {facts.retries_used + 1} of {limit}.")


def retrying(facts: Facts, proposed: ProposedState) -> Verdict:
    """A run that starts again after a failure is Retrying."""
    is_start = proposed.type is StateType.RUNNING and proposed.name == "Running"
    if is_start and facts.retries_used > 0 and facts.current_name == "AwaitingRetry":
        return rename(replace(proposed, name="Retrying"), reason="An attempt after a failure.")
    return ACCEPT


def edges(facts: Facts, proposed: ProposedState) -> Verdict:
    """Nothing leaves the picture of a run's life."""
    can_be_forced = proposed.type.is_terminal or proposed.type is StateType.SCHEDULED
    is_forced = facts.is_forced and can_be_forced and not facts.current_type.is_terminal
    is_known = is_forced or facts.corrects(proposed.type)
    if is_known or is_allowed(facts.current_type, proposed.type):
        return ACCEPT
    return reject(f"A run cannot go from {facts.current_type} to {proposed.type}.")


GIVES_BACK = "givesBack"
"""A process that says so with a retry has nothing to do with the run until it is started again."""


def gives_back(state: ProposedState) -> bool:
    """Whether a run in this state waits for its next attempt without a process."""
    return state.name == "AwaitingRetry" and state.details.get(GIVES_BACK) is True


def retry_budget(details: dict[str, Any]) -> tuple[int, timedelta]:
    """Return how often a flow may be retried and the delay before the next attempt."""
    asked = details.get("retry")
    if not isinstance(asked, dict):
        return 0, timedelta()
    budget: dict[str, Any] = asked  # pyright: ignore[reportUnknownVariableType]  # JSON object
    limit, seconds = budget.get("limit"), budget.get("delaySeconds", 0)
    if not isinstance(limit, int) or not isinstance(seconds, int | float) or not seconds >= 0:
        return 0, timedelta()
    return limit, min(timedelta(seconds=min(seconds, 1e7)), MAX_RETRY_DELAY)
