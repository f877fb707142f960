"""What deployments ask of their runs: told to the product when they are made, and to the judge.

The judge takes it from here, not from what the product has stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_LATE_SECONDS = 15.0
FENCE_SECONDS = 6
AGENT_LIMIT = 5
"""How many runs an agent executes at once."""
LOGGED = ("begun", "ended")
"""What code says of itself in its log as well."""
TICKING, UNSERVED = "ticking", "unserved"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deployment asks of its runs, and what its flow is known to do.

    Args:
        ends: how a run may end of which nobody takes the process and that nobody cancels.
        retries: how often its code begins again after it failed.
        infrastructure_retries: how often it begins again after its process was lost.
        tasks: how many task runs of a completed run have completed, an attempt.
        every_seconds: at what intervals its schedules fire.
        pauses: whether runs wait for an answer.
        is_started_again: whether somebody starts runs again that have ended.
        is_backfilled: whether backfills make its runs, not clients.
    """

    flow: str
    ends: frozenset[str] = frozenset({"COMPLETED"})
    policy: str = "CRASH"
    retries: int = 0
    infrastructure_retries: int = 0
    late_seconds: float = DEFAULT_LATE_SECONDS
    tasks: int = 0
    every_seconds: tuple[int, ...] = ()
    pool: str = "default"
    pauses: bool = False
    is_started_again: bool = False
    is_backfilled: bool = False

    def options(self) -> dict[str, Any]:
        """Return it as arguments of a ``DeploymentInput``."""
        given: dict[str, Any] = {"flow_name": self.flow, "work_pool_name": self.pool}
        if self.policy == "RETRY":
            given |= {
                "on_agent_lost": "RETRY",
                "fence": f"PT{FENCE_SECONDS}S",
                "infrastructure_retries": self.infrastructure_retries,
            }
        if self.late_seconds != DEFAULT_LATE_SECONDS:
            given["late_threshold"] = f"PT{self.late_seconds:g}S"
        if self.every_seconds:
            given["schedules"] = [
                {
                    "slug": f"every-{seconds}",
                    "spec": {"interval": {"every": f"PT{seconds}S"}},
                    "catchUp": {"policy": "ALL", "max": 100},
                }
                for seconds in self.every_seconds
            ]
        return given


FAILED, CRASHED = frozenset({"FAILED"}), frozenset({"CRASHED"})
COMPLETED = frozenset({"COMPLETED"})
PARTS: Mapping[str, Terms] = {"inner": Terms("inner", tasks=1)}
"""Runs that are inside others, in the process of those, by their flow."""
DEPLOYED: Mapping[str, Terms] = {
    "quick": Terms("quick", tasks=1),
    "lasting": Terms("lasting", tasks=2, late_seconds=1),
    "retried": Terms("lasting", tasks=2, late_seconds=1, policy="RETRY", infrastructure_retries=20),
    "flaky": Terms(
        "flaky", COMPLETED | FAILED, policy="RETRY", infrastructure_retries=20, retries=2
    ),
    "maps": Terms("maps", tasks=10, policy="RETRY", infrastructure_retries=20),
    "outer": Terms("outer"),
    "failing": Terms("failing", FAILED, retries=1),
    "fatal": Terms("fatal", CRASHED),
    "fatal-retried": Terms("fatal", CRASHED, policy="RETRY", infrastructure_retries=1),
    TICKING: Terms("quick", tasks=1, every_seconds=(2, 3)),
    UNSERVED: Terms("quick", frozenset(), late_seconds=1, pool=UNSERVED),
}
"""The deployments of most worlds, by their names."""

LIMITED, SLOTTED, CANCELLED, FAILS, FILLED = "limited", "slotted", "ending", "breaking", "filled"
ASKING = ("asking", "leaving")
_AGAIN: dict[str, Any] = {"policy": "RETRY", "infrastructure_retries": 20}
PLAYED: Mapping[str, Terms] = {
    LIMITED: Terms(LIMITED, **_AGAIN),
    SLOTTED: Terms(SLOTTED, **_AGAIN),
    **{name: Terms(name, pauses=True, **_AGAIN) for name in (*ASKING, "stepping")},
    "patient": Terms("patient", retries=1, **_AGAIN),
    CANCELLED: Terms(CANCELLED, **_AGAIN),
    FAILS: Terms(FAILS, FAILED, is_started_again=True, **_AGAIN),
    FILLED: Terms(FILLED, is_backfilled=True, **_AGAIN),
}
"""The deployments of worlds with limits, pauses and backfills, by their names."""
