"""What the rules look at, what they answer, and the decision that is kept with the state."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import ProposedState, StateType


class Proposer(StrEnum):
    """On whose behalf a state is proposed."""

    HOLDER = "HOLDER"
    PERSON = "PERSON"
    SYSTEM = "SYSTEM"


class Outcome(StrEnum):
    """What a rule answers."""

    ACCEPT = "ACCEPT"
    RENAME = "RENAME"
    REJECT = "REJECT"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision depends on besides the proposal: plain values, so that it can be kept.

    ``phase`` is None where the run has no work item. ``is_correction``: somebody says, and why, how
    a run that has ended is to be known. Times are the database's.
    """

    now: datetime
    current_type: StateType
    current_name: str
    proposer: Proposer
    phase: Phase | None = None
    is_lease_valid: bool = False
    is_duplicate: bool = False
    is_forced: bool = False
    has_pool: bool = True
    is_rerun: bool = False
    is_resume: bool = False
    is_correction: bool = False
    is_agent_lost: bool = False
    is_undeliverable: bool = False
    is_lease_expired: bool = False
    is_cancel_requested: bool = False
    retries_used: int = 0
    on_agent_lost: AgentLostPolicy = AgentLostPolicy.CRASH
    infrastructure_attempts: int = 0
    infrastructure_retries: int = 0

    def corrects(self, type_: StateType) -> bool:
        """Whether a run that has ended is only called another end: nothing else of it changes."""
        is_other = type_.is_terminal and type_ is not self.current_type
        return self.is_correction and self.current_type.is_terminal and is_other

    @property
    def waits_for_agent(self) -> bool:
        """Whether the run is to be started anyway: who starts it now only starts it sooner."""
        is_waiting = self.phase in {Phase.READY, Phase.OFFERED}
        return is_waiting and self.current_type is StateType.SCHEDULED


_FACTS = tuple(field.name for field in fields(Facts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer: ``state`` where it renames, ``code`` and ``reason`` where it rejects."""

    outcome: Outcome
    state: ProposedState | None = None
    code: str | None = None
    reason: str | None = None


ACCEPT = Verdict(Outcome.ACCEPT)


def reject(reason: str, *, code: str = "ILLEGAL_TRANSITION") -> Verdict:
    """Return a refusal with what to tell the proposer."""
    return Verdict(Outcome.REJECT, code=code, reason=reason)


def rename(state: ProposedState, *, reason: str) -> Verdict:
    """Return another state to enter instead of the proposed one."""
    return Verdict(Outcome.RENAME, state=state, reason=reason)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a proposal, the state it leads to, and what each rule said."""

    outcome: Outcome
    proposed: ProposedState
    state: ProposedState
    facts: Facts
    trail: tuple[tuple[str, Outcome], ...]
    code: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the decision as plain values; ``replay`` of them gives the same verdict."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "rules": [[name, outcome] for name, outcome in self.trail],
            "facts": {name: getattr(self.facts, name) for name in _FACTS},
            "proposed": {
                "type": self.proposed.type,
                "name": self.proposed.name,
                "retry": self.proposed.details.get("retry"),
            },
        }
