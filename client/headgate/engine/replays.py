"""Runs that are done once more to look at them: here, unrecorded, with what the first one kept."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from headgate.specs import FlowSpec, Hooks, RetryPolicy, TaskSpec

Spec = TypeVar("Spec", FlowSpec, TaskSpec)


class Replay:
    """Another look at a run.

    Nothing is retried and nothing times out, nobody is told by hooks, and no result is kept: the
    run that is looked at stays as it was.

    Args:
        run_id: of the run, whose results are read.
        examine: is shown each error of user code once, in the thread in which it was raised.
    """

    __slots__ = ("_examine", "_lock", "_seen", "run_id")

    def __init__(self, run_id: str, *, examine: Callable[[BaseException], None]) -> None:
        self.run_id = run_id
        self._examine = examine
        self._seen: set[int] = set()
        self._lock = threading.RLock()

    def patient(self, spec: Spec) -> Spec:
        """Return what a flow or a task declares, without what only a real run needs."""
        hooks = Hooks(on_rollback=spec.hooks.on_rollback, on_commit=spec.hooks.on_commit)
        return replace(spec, retry=RetryPolicy(), timeout_seconds=None, hooks=hooks)

    def examine(self, error: BaseException) -> None:
        """Show an error, one at a time, unless it was shown where it was raised before."""
        with self._lock:
            if id(error) in self._seen:
                return
            # An id is that of one error only as long as the error is there: the run keeps it.
            self._seen.add(id(error))
            self._examine(error)
