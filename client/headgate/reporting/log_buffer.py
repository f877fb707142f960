"""The lines of a run that wait to be sent: bounded, thinned out where a run floods its log.

A bucket of lines fills at a rate. Lines take from it, and where it runs low those of a low level
stay out: DEBUG below half, INFO below a fifth, WARNING and above only where it is empty. So nothing
of a level is left out while something below it is let in. What is left out is counted, and a line
of its own says how many in the place of them.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from headgate.clock import now_us
from headgate.ids import make_uuid
from headgate.reporting.batches import LogBatch, cut_message, take_logs
from headgate.reporting.records import LogRow

DEBUG, INFO, WARNING, ERROR, ABOVE_ALL = 10, 20, 30, 40, 2**63
LOGGER = "headgate.reporting"

BURST_SECONDS = 10.0
"""So many seconds' worth of lines may come at once; no more wait to be sent, either."""

CHARACTERS_OF_A_LINE = 1000
"""A longer line counts as several."""

MOST_REFUSED_TOLD = 20
"""So many reports that the server does not take are told one by one, and the others counted."""

GAP_SECONDS = 1.0
"""So long lines stay out before their number is told and others are let in."""


class LogBuffer:
    """Takes lines from any thread without ever waiting, and gives them away in batches.

    Args:
        lines_per_second: how fast the bucket fills; 0 leaves nothing out and bounds nothing.
        on_gap: called when lines begin to stay out; ``end_gap`` is due ``GAP_SECONDS`` later.
    """

    def __init__(self, *, lines_per_second: float, on_gap: Callable[[], None]) -> None:
        self.stream_id = make_uuid()
        self._offset = 0
        self._rows: deque[LogRow] = deque()
        self._on_gap = on_gap
        # The thread that holds it may be interrupted by a handler of a signal that logs, too.
        self._lock = threading.RLock()
        self._rate = lines_per_second
        self._capacity = self._level = lines_per_second * BURST_SECONDS
        self._filled_at = time.monotonic()
        self._waiting = 0
        self._closed_below = self._gap_below = 0
        self._dropped = self._dropped_since_us = 0
        self._is_quota_used = False
        self._over_quota = 0
        self._refused = self._untold = 0
        self._is_log_refused = False

    def __len__(self) -> int:
        """Return how many lines wait."""
        return len(self._rows)

    @property
    def is_bounded(self) -> bool:
        """Whether lines stay out rather than that whoever logs waits."""
        return self._rate > 0

    def drops(self, level: int) -> bool:
        """Whether a line of this level stays out now, before its text is made; counts it if so."""
        if level >= self._closed_below:
            return False
        with self._lock:
            if level >= self._closed_below:
                return False
            if level < self._gap_below:
                self._dropped += 1
            else:
                self._over_quota += 1
            return True

    def append(self, row: LogRow) -> None:
        """Queue a line, or count it as left out."""
        level = row[1]
        weight = 1 + len(row[3]) // CHARACTERS_OF_A_LINE
        is_new_gap = False
        with self._lock:
            if self.drops(level):
                return
            if self.is_bounded and not self._has_room(level, weight=weight):
                is_new_gap = self._begin_gap(level)
            else:
                self._level -= weight
                self._waiting += weight
                self._rows.append(row)
        if is_new_gap:
            self._on_gap()

    def take(self) -> LogBatch | None:
        """Take up to a batch of lines; None when none wait."""
        batch = take_logs(self._rows, stream_id=self.stream_id, offset=self._offset)
        if batch is None:
            return None
        self._offset += batch.count
        messages: list[str] = batch.columns["message"]
        with self._lock:
            weight = sum(1 + len(message) // CHARACTERS_OF_A_LINE for message in messages)
            self._waiting = max(0, self._waiting - weight)
        return batch

    def end_gap(self) -> None:
        """Say how many lines stayed out since the gap began, and let lines in again."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            self._gap_below = 0
            self._closed_below = WARNING if self._is_quota_used else 0
            if dropped:
                self._tell(
                    f"{dropped} log lines were dropped here: the run logs faster than "
                    f"{self._rate:g} lines a second (HEADGATE_LOG_LINES_PER_SECOND).",
                    at_us=self._dropped_since_us,
                )

    def note_quota(self, dropped: int) -> None:
        """Count lines that the server dropped; from here on only WARNING and above are sent."""
        with self._lock:
            self._over_quota += dropped
            self._is_quota_used = True
            self._closed_below = max(self._closed_below, WARNING)

    def note_refused(self, what: str, is_log: bool) -> None:  # noqa: FBT001 - as it is called
        """Tell what the server will never take, or count it: lines once, lest this goes on."""
        with self._lock:
            self._refused += 1
            is_told = self._refused <= MOST_REFUSED_TOLD and not (is_log and self._is_log_refused)
            self._is_log_refused = self._is_log_refused or is_log
            if is_told:
                self._tell(cut_message(what), at_us=now_us(), level=ERROR)
            elif not is_log:
                self._untold += 1

    def end(self) -> bool:
        """Say all that was left out so far and is not told yet; whether lines wait after that."""
        with self._lock:
            self.end_gap()
            dropped, self._over_quota = self._over_quota, 0
            if dropped:
                self._tell(
                    f"{dropped} log lines were dropped: the run's log has reached its limit.",
                    at_us=now_us(),
                )
            untold, self._untold = self._untold, 0
            if untold:
                self._tell(
                    f"The server did not take {untold} more reports of this run.",
                    at_us=now_us(),
                    level=ERROR,
                )
            return bool(self._rows)

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._rows.clear()
            self._waiting = 0

    def _has_room(self, level: int, *, weight: int) -> bool:
        now = time.monotonic()
        self._level = min(self._capacity, self._level + (now - self._filled_at) * self._rate)
        self._filled_at = now
        kept = 0.5 if level < INFO else 0.2 if level < WARNING else 0.0
        left = min(self._level, self._capacity - self._waiting) - weight
        return left >= kept * self._capacity

    def _begin_gap(self, level: int) -> bool:
        """Keep lines of this level out; whether nothing was kept out before."""
        is_new = self._gap_below == 0
        if is_new:
            self._dropped_since_us = now_us()
        self._gap_below = INFO if level < INFO else WARNING if level < WARNING else ABOVE_ALL
        self._closed_below = max(self._closed_below, self._gap_below)
        self._dropped += 1
        return is_new

    def _tell(self, message: str, *, at_us: int, level: int = WARNING) -> None:
        self._waiting += 1
        self._rows.append((at_us, level, LOGGER, message, None))
