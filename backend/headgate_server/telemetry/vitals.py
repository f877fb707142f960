"""Signs of life: when each part of the process last came round."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

EVENT_LOOP = "event_loop"
TICK_SECONDS = 1.0
EVENT_LOOP_SECONDS = 15.0
"""So long the event loop may be busy with one thing before the process counts as stuck."""

FAILED_ROUNDS = 3
"""So many failures in a row are no accident, if they also last."""


@dataclass(slots=True)
class Part:
    """One part of the process, how long it may be silent, and when it was heard of."""

    within_seconds: float
    heard_at: float


@dataclass(slots=True)
class Failing:
    """What fails round after round: since when, how often, and how long it may go on."""

    since: float
    within_seconds: float
    rounds: int = 0


@dataclass(slots=True)
class Vitals:
    """Knows the parts that should come round again and again, and which of them do not.

    A round counts that came to its end, also where the database did not answer in it: that is a
    matter of readiness, and no restart would mend it. What fails while the database answers does
    not count as alive for ever.
    """

    read_seconds: Callable[[], float] = time.monotonic
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    failing: dict[str, Failing] = field(default_factory=dict[str, Failing])

    def expect(self, name: str, *, within_seconds: float) -> Callable[[], None]:
        """Expect a part to be heard of from now on; return what it calls at each round."""
        part = self.parts[name] = Part(within_seconds, self.read_seconds())

        def beat() -> None:
            part.heard_at = self.read_seconds()

        return beat

    def forget(self, name: str) -> None:
        """Expect a part no more: it has ended as it should."""
        self.parts.pop(name, None)

    def note_failure(self, name: str, *, within_seconds: float) -> None:
        """Note that a round failed, and not for the database; it may do so for so long."""
        begun = Failing(self.read_seconds(), within_seconds)
        self.failing.setdefault(name, begun).rounds += 1

    def note_success(self, name: str) -> None:
        """Note that a round did what it should."""
        self.failing.pop(name, None)

    def reasons(self) -> list[str]:
        """Return which parts have been silent or failing too long; empty where all is well."""
        return self._silences() + self._failures()

    def _failures(self) -> list[str]:
        now = self.read_seconds()
        return [
            f"{name} has failed {one.rounds} rounds in a row, for {now - one.since:.0f} s."
            for name, one in sorted(self.failing.items())
            if one.rounds >= FAILED_ROUNDS and now - one.since > one.within_seconds
        ]

    def _silences(self) -> list[str]:
        now = self.read_seconds()
        return [
            f"{name} has not come round for {now - part.heard_at:.0f} s; it should within "
            f"{part.within_seconds:g} s."
            for name, part in sorted(self.parts.items())
            if now - part.heard_at > part.within_seconds
        ]


async def tick_forever(vitals: Vitals, *, tell_lag: Callable[[float], object]) -> None:
    """Show that the event loop turns, and tell by how much it was late each time."""
    beat = vitals.expect(EVENT_LOOP, within_seconds=EVENT_LOOP_SECONDS)
    clock = asyncio.get_running_loop().time
    try:
        while True:
            wanted = clock() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            tell_lag(max(clock() - wanted, 0))
            beat()
    finally:
        vitals.forget(EVENT_LOOP)
