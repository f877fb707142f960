"""The orders an agent was given: whether it is paused, and what it was told about its version."""

import logging
import time

logger = logging.getLogger("headgate.agent")

LONGEST_PAUSE_SECONDS = 600.0
MOST_DOUBLINGS = 16


class Orders:
    """What the server wants of this process, and when to say that it could take runs again."""

    def __init__(self) -> None:
        self.paused_for: str | None = None
        self.vain_resumes = 0
        self.is_reconfiguring = False
        self._every = 0.0
        self._speak_at = 0.0
        self._told: str | None = None

    def pause(self, reason: str, *, every: float) -> None:
        """Take nothing more for now; said again, it changes nothing.

        Args:
            reason: for people.
            every: how long to be silent the first time; doubles while no run is claimed between.
        """
        if self.paused_for is not None:
            return
        self.paused_for = reason
        self._every = every
        self._speak_at = time.monotonic() + (self._silence() if self.vain_resumes else 0)
        logger.warning("Paused: %s What runs goes on.", reason)

    def resume(self) -> None:
        """Take runs again."""
        if self.paused_for is not None:
            self.paused_for = None
            logger.info("Resumed")

    def state_to_report(self) -> str | None:
        """Return ONLINE where this process is paused and could take runs again; else None."""
        if self.paused_for is None or time.monotonic() < self._speak_at:
            return None
        self.vain_resumes += 1
        self._speak_at = time.monotonic() + self._silence()
        return "ONLINE"

    def _silence(self) -> float:
        doublings = min(self.vain_resumes, MOST_DOUBLINGS)
        return min(self._every * 2.0**doublings, LONGEST_PAUSE_SECONDS)

    def upgrade(self, reason: str) -> None:
        """Tell whoever reads the log, once, that another version is wanted."""
        if reason != self._told:
            self._told = reason
            logger.warning("Upgrade this agent: %s It works as before meanwhile.", reason)
