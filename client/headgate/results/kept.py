"""Results that are kept of each task of a run, so that it can go on in another process.

Not a cache: only the run itself reads them, when it comes back after it was suspended, or is
started again from where it failed.
"""

import contextlib
import itertools
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headgate.clock import now_us
from headgate.hashing import hash_values
from headgate.results.stores import Origin, Results
from headgate.serializers import JSONSerializer
from headgate.specs import JobReuse

FOLDER = "kept"
MAX_BYTES = 64 * 1024 * 1024
"""Of a result, and of the arguments of its task: beyond it, only a task that asks keeps it."""

PREFIX = "kept:"
"""Before the key of such a result, where cache keys are shown."""

BEGUN = "begun:"
"""Before the key of a subflow that has not kept its result yet, as the server knows it."""

_FOR_NOBODY = -1
"""Since when a record counts that counts for no attempt."""

_DAY_SECONDS = 86_400
_MARK = ".swept"


class KeptResults:
    """The results of one run, with its subflows.

    Args:
        run_id: of the run, as its attempts share it.
        reuse: what is taken from earlier attempts; None where nobody said.

    Attributes:
        since: the number of the state in which the run began anew last; 0 where it never did.
            What is kept bears it, and counts for attempts that begin from no later one.
        has_past: whether it uses what earlier attempts kept, of whatever call.
    """

    __slots__ = ("_again", "_counts", "_inside", "_is_continued", "_run_id", "has_past", "since")

    def __init__(self, run_id: str, *, reuse: JobReuse | None) -> None:
        self._run_id = run_id
        self._inside: tuple[str, ...] = ()
        self._is_continued = self.has_past = reuse is not None and reuse.kept
        self._again = set(reuse.again if reuse is not None else ())
        self.since = reuse.since if reuse is not None else 0
        self._counts: dict[str, itertools.count[int]] = {}

    def begin_attempt(self) -> None:
        """Count the calls from the first again, since the flow begins again."""
        self._counts = {}

    def next_key(self, *what: object) -> str:
        """Return the key of the next call that is the same in all that is told of it.

        Raises:
            SerializationError: something cannot be hashed.
            ResultTooLargeError: it is too large to be hashed in passing.
        """
        hashed = hash_values(*self._inside, *what, limit_bytes=MAX_BYTES)
        number = next(self._counts.setdefault(hashed, itertools.count()))
        return f"{PREFIX}{hashed}-{number}"

    def inside(self, key: str, *, is_continued: bool) -> "KeptResults":
        """Return the results inside one call of a subflow, whose calls are counted by themselves.

        Args:
            key: of that call.
            is_continued: whether what is kept inside is used; otherwise all of it is done again.
        """
        part = KeptResults(self._run_id, reuse=None)
        part._inside = (key,)
        part._is_continued, part.has_past = is_continued, self.has_past
        part._again = self._again
        part.since = self.since
        return part

    def path_of(self, key: str) -> str:
        """Return where the result of a key is kept."""
        return f"{FOLDER}/{self._run_id}/{key.removeprefix(PREFIX)}"

    def is_wanted(self, key: str) -> bool:
        """Whether a task with this key uses what an earlier attempt kept."""
        return self._is_continued and not self.is_again(key)

    def is_again(self, key: str) -> bool:
        """Whether a task is done again whatever is kept; said once for each key."""
        if key not in self._again:
            return False
        self._again.discard(key)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlace:
    """Where what a call of a subflow returns is kept for the run around it.

    Args:
        key: of the call.
        is_asked: whether the flow keeps its result by itself; then only where that is, is kept.
        is_outdated: whether what an earlier attempt kept of it counts no more from now on.
        inside: the results inside the call.
    """

    key: str
    path: str
    store: Results
    is_asked: bool
    is_wanted: bool
    is_outdated: bool
    inside: KeptResults


def outdate(store: Results, *, path: str, key: str) -> None:
    """Have what earlier attempts kept of a call count no more: it is done again now.

    Should that fail, the next attempt shall not find what was kept before it. Storages delete
    nothing, so that a record that counts for nobody takes the place.

    Raises:
        OSError: the storage did not take it.
    """
    origin = Origin(since=_FOR_NOBODY)
    Results(store.storage, JSONSerializer()).write(path, None, key=key, origin=origin)


def sweep(
    folder: Path,
    *,
    keep_days: float,
    of: str = FOLDER,
    is_over: Callable[[Path], bool] = lambda _: True,
) -> threading.Thread | None:
    """Delete what old runs kept, once a day and beside the caller.

    Args:
        folder: of this machine's results.
        keep_days: how long a run that does not go on keeps its results.
        of: the folder in it with one folder for each run.
        is_over: whether a run's folder may go at all.
    """
    place = folder / of
    mark = place / _MARK
    with contextlib.suppress(OSError):
        now_seconds = now_us() / 1_000_000
        if mark.exists() and now_seconds - mark.stat().st_mtime < _DAY_SECONDS:
            return None
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
        oldest = now_seconds - keep_days * _DAY_SECONDS
        thread = threading.Thread(target=_delete, args=(place, oldest, is_over), daemon=True)
        thread.start()
        return thread
    return None


def _delete(place: Path, oldest: float, is_over: Callable[[Path], bool]) -> None:
    for run in place.iterdir():
        # Another process may be sweeping as well.
        with contextlib.suppress(OSError):
            if run.is_dir() and run.stat().st_mtime < oldest and is_over(run):
                shutil.rmtree(run, ignore_errors=True)
