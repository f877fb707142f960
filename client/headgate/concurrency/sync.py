"""Slots of concurrency limits in blocking code."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from headgate.concurrency.wishes import make_wish
from headgate.engine.slots import holding, take_once


@contextmanager
def concurrency(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300.0,
    strict: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    holder: Mapping[str, Any] | None = None,
    raise_on_lease_renewal_failure: bool | None = None,  # noqa: FBT001
    *,
    priority: int = 0,
) -> Generator[None]:
    """Hold slots of every limit named while the block runs; wait for all of them together.

    Inside a run the slots live exactly as long as the run's lease, whatever becomes of its process.
    Elsewhere they are renewed in the background. A name without a limit limits nothing.

    Args:
        names: of limits.
        occupy: how many slots of each.
        timeout_seconds: how long to wait at most; None waits for a turn however long it takes.
        max_retries: how often to ask again, each time for up to 20 seconds; 0 asks once.
        lease_duration: after so many seconds the slots of a process that was killed are free
            again, outside of a run.
        strict: a name without a limit is an error, and so is the loss of the slots meanwhile.
        holder: outside of a run, what holds them, as ``{"type": "flow_run", "id": …}``: they live
            as long as that run does. Inside, the run around the call does.
        raise_on_lease_renewal_failure: whether the loss of the slots is an error; as ``strict``
            says if not said.
        priority: who of those that wait is served first: -1,000 to 1,000, high first.

    Raises:
        SlotTimeoutError: no slots came free in time.
        LimitExceededError: more slots than a limit has.
        NotFoundError: ``strict``, and there is no such limit.
        SlotsLostError: ``strict``, and the slots could not be renewed in time.
    """
    wish = make_wish(
        names,
        occupy=occupy,
        timeout_seconds=timeout_seconds,
        max_retries=max_retries,
        lease_duration=lease_duration,
        strict=strict,
        holder=holder,
        raise_on_lease_renewal_failure=raise_on_lease_renewal_failure,
        priority=priority,
    )
    with holding(wish):
        yield


def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    strict: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    *,
    priority: int = 0,
) -> None:
    """Wait until every limit named has room, and take slots that come back by themselves.

    Args:
        names: of limits with a ``slotDecayPerSecond``.
        occupy: how many slots of each.
        timeout_seconds: how long to wait at most; None waits however long it takes.
        strict: a name without a limit is an error.
        priority: who of those that wait is served first, as of ``concurrency``.

    Raises:
        SlotTimeoutError: there was no room in time.
        InvalidInputError: a limit whose slots do not come back by themselves.
    """
    take_once(
        make_wish(
            names,
            occupy=occupy,
            timeout_seconds=timeout_seconds,
            strict=strict,
            priority=priority,
            is_rate=True,
        )
    )


__all__ = ["concurrency", "rate_limit"]
