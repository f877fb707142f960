"""The orders an agent was given: whether it is paused, and what it was told about its version."""

import logging
import time

logger = logging.getLogger("headgate.agent")

LONGEST_PAUSE_SECONDS = 600.0


class Orders:
    """What the server wants of this process, and when to say that it could take runs again."""

    def __init__(self) -> None:
        self.paused_for: str | None = None
        self.vain_resumes = 0
        self._speak_at = 0.0
        self._told: str | None = None

    def pause(self, reason: str, *, every: float) -> bool:
        """Take nothing more for now; False where that was so already.

        Args:
            reason: for people.
            every: how long to be silent the first time; doubles while no run is claimed between.
        """
        if self.paused_for is not None:
            return False
        self.paused_for = reason
        silence = min(every * 2.0**self.vain_resumes, LONGEST_PAUSE_SECONDS)
        self._speak_at = time.monotonic() + (silence if self.vain_resumes else 0)
        logger.warning("Paused: %s What runs goes on.", reason)
        return True

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
        silence = min(2.0**self.vain_resumes, LONGEST_PAUSE_SECONDS)
        self._speak_at = time.monotonic() + silence
        return "ONLINE"

    def upgrade(self, reason: str) -> None:
        """Tell whoever reads the log, once, that another version is wanted."""
        if reason != self._told:
            self._told = reason
            logger.warning("Upgrade this agent: %s It works as before meanwhile.", reason)
