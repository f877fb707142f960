"""SLA rules: what the runs of a deployment or flow are promised to do, and when that was broken."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flows import check_name
from headgate_server.domain.tenancy import Actor

MIN_WITHIN = timedelta(seconds=1)
MAX_WITHIN = timedelta(days=90)
MAX_RULES = 1_000
"""Of a workspace: each is judged every 15 seconds, by reading a few hundred rows at most."""


class SlaKind(StrEnum):
    """What is promised, each within a length of time.

    LATENESS: a run starts so soon after it was due; one that is made when that time is over is
    late at once, and a pause excuses none. DURATION: a run ends so soon after it started, anew
    where somebody had it run again; retries that come by themselves are part of it.
    FREQUENCY: a run starts so soon after the last one did. FRESHNESS: a run completes so soon after
    the last one that did.
    """

    LATENESS = "LATENESS"
    DURATION = "DURATION"
    FREQUENCY = "FREQUENCY"
    FRESHNESS = "FRESHNESS"

    @property
    def is_of_runs(self) -> bool:
        """Whether each run keeps or breaks it by itself; else the runs together do."""
        return self in {SlaKind.LATENESS, SlaKind.DURATION}


@dataclass(frozen=True, slots=True)
class NewSlaRule:
    """A rule that somebody asks for; of a deployment or of a flow, one of them."""

    name: str
    kind: SlaKind
    within: timedelta
    deployment_id: UUID | None = None
    flow_id: UUID | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class SlaRuleChanges:
    """What changes of a rule; what is UNSET stays."""

    within: timedelta | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class SlaRule:
    """A promise about the runs of a deployment or a flow.

    Args:
        judged_at: up to when its runs were judged; before that nothing is looked for again.
        counted_at: when the latest run that counts for its pace started or completed, as far as
            is known, or when the rule was switched on again; None before the first.
        counted_run_id: which run that is.
        waiting_from: since when runs were due of which those that still wait are looked for, as it
            allows less time than it did; None once they were.
    """

    workspace_id: UUID
    id: UUID
    name: str
    kind: SlaKind
    within: timedelta
    deployment_id: UUID | None
    flow_id: UUID | None
    is_enabled: bool
    judged_at: datetime
    version: int
    created_by: Actor
    created_at: datetime
    updated_at: datetime
    counted_at: datetime | None = None
    counted_run_id: UUID | None = None
    waiting_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """What broke a rule, as it is found.

    Args:
        rule_id: which rule.
        key: tells one violation of a rule from another: found again, it is the same.
        flow_run_id: the run that did; None where it is that there was none.
        since: since when the time ran that the rule allows.
        violated_at: when it was over.
    """

    rule_id: UUID
    key: str
    flow_run_id: UUID | None
    since: datetime
    violated_at: datetime


@dataclass(frozen=True, slots=True)
class SlaViolation:
    """A rule that was broken.

    Args:
        ended_at: when it was kept again, or was switched off; of a run's own violation, when it
            was found.
    """

    workspace_id: UUID
    id: UUID
    rule_id: UUID
    flow_run_id: UUID | None
    since: datetime
    violated_at: datetime
    found_at: datetime
    ended_at: datetime | None


def check_rule(new: NewSlaRule) -> NewSlaRule:
    """Return a rule that can be stored.

    Raises:
        InvalidInput: a bad name or length of time, or not one of a deployment and a flow.
    """
    check_name(new.name)
    check_within(new.within)
    if (new.deployment_id is None) == (new.flow_id is None):
        raise InvalidInput(
            "A rule is of a deployment or of a flow: give one of both.", path=["deploymentId"]
        )
    return new


def check_within(within: timedelta) -> timedelta:
    """Return how long a rule allows.

    Raises:
        InvalidInput: out of range.
    """
    if not MIN_WITHIN <= within <= MAX_WITHIN:
        raise InvalidInput(f"within is from one second to {MAX_WITHIN.days} days.", path=["within"])
    return within
