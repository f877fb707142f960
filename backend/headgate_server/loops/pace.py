"""How much a loop takes at once: less where a round failed, and past what fails by itself."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """How many a loop takes at once, and how many, from the first, it leaves alone.

    A round that failed halves what the next one takes. One that took a single object and failed is
    the object's own fault, or may be: the next round leaves it alone, and those behind it come.
    """

    most: int
    at_once: int
    passed_over: int = 0

    def has_ended(self, seen: int | None) -> None:
        """Note how a round ended: how many it found of what it would take; None: it failed."""
        if seen is None:
            self.passed_over += 1 if self.at_once == 1 else 0
            self.at_once = max(self.at_once // 2, 1)
            return
        if seen < self.at_once:
            self.passed_over = 0
        self.at_once = min(self.at_once * 2, self.most)
