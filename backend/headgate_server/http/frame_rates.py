"""How many frames a socket may send: whoever sends more is closed, and the rest is not read."""

from collections.abc import Callable

FRAMES_PER_SECOND = 50
FRAMES_AT_ONCE = 200
"""Whatever they are: messages, parts of messages, pings and pongs."""
FRAMES_BEFORE_INIT = 3
"""Before a socket is acknowledged: nobody answers for it yet."""
TOO_MANY_FRAMES = 4429
FLOOD_REASON = (
    f"The limit is {FRAMES_PER_SECOND} frames a second, {FRAMES_AT_ONCE} at once (rule: frames)."
)
EARLY_REASON = f"The limit is {FRAMES_BEFORE_INIT} (rule: frames before connection_ack)."
READ_AT_ONCE_BYTES = 2_048
"""So much is taken apart before the frames in it are counted: the smallest frame has 6 bytes."""


class FrameBucket:
    """What one socket may still send."""

    def __init__(self, read_now: Callable[[], float]) -> None:
        """Begin full.

        Args:
            read_now: tells seconds that only rise.
        """
        self._now = read_now
        self._left = float(FRAMES_AT_ONCE)
        self._at = read_now()

    def take(self, frames: int) -> bool:
        """Take so many frames; whether there were enough."""
        now = self._now()
        self._left = min(self._left + (now - self._at) * FRAMES_PER_SECOND, FRAMES_AT_ONCE) - frames
        self._at = now
        return self._left >= 0
