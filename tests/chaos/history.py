"""What the clients of a chaos run did and were answered: one record a call, kept as it happens."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from headgate.errors import ApiError, RetryableApiError

T = TypeVar("T")


class Outcome(StrEnum):
    """What a client knows of a call."""

    OK = "OK"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    """No answer: it may have been carried out or not, but never twice."""


class Operation(StrEnum):
    """What clients do."""

    CREATE = "CREATE"
    CANCEL = "CANCEL"
    READ = "READ"
    TRESPASS = "TRESPASS"
    """Reading or cancelling a run of another tenant; must be refused."""
    ANSWER = "ANSWER"
    """Answering a pause."""
    PAUSE = "PAUSE"
    """Having a run pause."""
    RERUN = "RERUN"
    """Starting a run again that has ended."""
    BACKFILL = "BACKFILL"
    """Making runs of a deployment for many sets of parameters."""
    STALE = "STALE"
    """Writing under a lease of an epoch that is over; must be refused."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``run_id`` is what it was about, or what it created.

    Args:
        deployment: the name of that of which a run was asked for.
        start_at: when that run was asked to start; 0 where at once.
        answer: what was answered; of a run, the type of its state.
        sequence: which state of the run that was.
    """

    client: str
    operation: Operation
    outcome: Outcome
    began_at: float
    ended_at: float
    run_id: str = ""
    key: str = ""
    deployment: str = ""
    start_at: float = 0
    answer: str = ""
    sequence: int = 0
    is_after_healing: bool = False


class History:
    """The calls of all clients, in the order in which they ended; also in a file."""

    def __init__(self, path: Path) -> None:
        self.calls: list[Call] = []
        self.has_healed = False
        self._path = path

    async def call(
        self,
        client: str,
        operation: Operation,
        ask: Callable[[], Awaitable[T]],
        *,
        show: Callable[[T], dict[str, Any]] = lambda _: {},
        **about: Any,
    ) -> T | None:
        """Make a call and record what came of it; None where no answer or a refusal came.

        Args:
            show: what to keep of an answer, by the names of ``Call``.
        """
        began_at, is_after = time.time(), self.has_healed
        answer: T | None = None
        found: dict[str, Any] = dict(about)
        try:
            answer = await ask()
            outcome = Outcome.OK
            found |= show(answer)
        except RetryableApiError as error:
            outcome = Outcome.UNKNOWN
            found["answer"] = str(error)
        except ApiError as error:
            outcome = Outcome.REFUSED
            found["answer"] = f"{error.code}: {error}"
        self._record(
            Call(
                client=client,
                operation=operation,
                outcome=outcome,
                began_at=began_at,
                ended_at=time.time(),
                is_after_healing=is_after,
                **found,
            )
        )
        return answer

    def _record(self, call: Call) -> None:
        self.calls.append(call)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(call)) + "\n")
