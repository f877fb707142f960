"""The figures that a process counts itself, with labels of which there are few and known ones."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

CLAIMED, STARTED, ENDED = "claimed", "started", "ended"
"""What units of work measure; it is counted once they are committed."""


class Instruments:
    """The counters, gauges and histograms of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.operations = Histogram(
            "headgate_api_operation_seconds",
            "How long operations of the API took, by root field.",
            ["operation"],
            buckets=FAST,
            registry=self.registry,
        )
        self.errors = Counter(
            "headgate_api_errors",
            "Operations of the API with an error, by root field and code.",
            ["operation", "code"],
            registry=self.registry,
        )
        self.loops = Histogram(
            "headgate_loop_seconds",
            "How long background loops took.",
            ["loop"],
            buckets=SLOW,
            registry=self.registry,
        )
        self.loop_failures = Counter(
            "headgate_loop_failures",
            "Rounds of background loops that failed.",
            ["loop"],
            registry=self.registry,
        )
        self.lag = Gauge(
            "headgate_event_loop_lag_seconds",
            "By how much the event loop was late at its last tick.",
            registry=self.registry,
        )
        self._measured = self._runs()

    def _runs(self) -> Mapping[str, Callable[[float, str], None]]:
        ended = Counter(
            "headgate_runs_ended", "Runs that ended, by state.", ["state"], registry=self.registry
        )
        claims = Histogram(
            "headgate_claim_seconds",
            "From the offer of a run to its claim.",
            buckets=FAST,
            registry=self.registry,
        )
        starts = Histogram(
            "headgate_start_delay_seconds",
            "From the time a run was due to its start.",
            buckets=SLOW,
            registry=self.registry,
        )
        return {
            CLAIMED: lambda value, _label: claims.observe(value),
            STARTED: lambda value, _label: starts.observe(value),
            ENDED: lambda value, label: ended.labels(label).inc(value),
        }

    def count(self, what: str, value: float, label: str) -> None:
        """Count what a unit of work measured, now that it is committed."""
        self._measured[what](value, label)
