"""The rules about pauses: who pauses a run, what may be suspended, and how it goes on."""

from headgate_server.domain.leases import Phase
from headgate_server.domain.states import ProposedState, StateType
from headgate_server.domain.transitions.facts import ACCEPT, Facts, Proposer, Verdict, reject

SUSPENDED = "Suspended"
RESUMING = "Resuming"


def is_suspended(state: ProposedState) -> bool:
    """Whether a run in this state has no process: it is started again when it is resumed."""
    return state.type is StateType.PAUSED and state.name == SUSPENDED


def pause(facts: Facts, proposed: ProposedState) -> Verdict:
    """A run pauses where it runs, and is suspended where an agent can start it again."""
    if proposed.type is not StateType.PAUSED:
        return ACCEPT
    if facts.proposer is not Proposer.HOLDER:
        return reject("A run is paused by its own process; cancel it, or pause its deployment.")
    if facts.current_type is StateType.PAUSED:
        return reject("The run waits at another pause; it asks one thing at a time.")
    if is_suspended(proposed) and not facts.has_pool:
        return reject(
            "Only a run that an agent started for a deployment can be suspended: nobody could "
            "start this one again. Pause it instead, or suspend the outermost flow."
        )
    return ACCEPT


def resume(facts: Facts, proposed: ProposedState) -> Verdict:
    """What is resumed is paused: in its process, which goes on, or without one, to be started."""
    if not facts.is_resume:
        return ACCEPT
    if facts.current_type is not StateType.PAUSED:
        return reject(f"The run is {facts.current_name}; only one that is paused is resumed.")
    if proposed.type is StateType.RUNNING and facts.phase is not Phase.RUNNING:
        return reject("No process waits for this run to go on.")
    if proposed.type is StateType.SCHEDULED and facts.phase is not None:
        return reject("The process of this run waits: it goes on, and is not started again.")
    return ACCEPT
