"""What code asks for, checked before anybody is asked."""

from collections.abc import Sequence

from headgate.engine.slots import Wish


def make_wish(
    names: str | Sequence[str],
    *,
    occupy: int,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300.0,
    strict: bool = False,
    is_rate: bool = False,
) -> Wish:
    """Return the slots that code wants.

    Raises:
        ValueError: no name, or a number out of range.
    """
    wanted = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if not wanted:
        message = "Name at least one concurrency limit"
        raise ValueError(message)
    if occupy < 1 or lease_duration <= 0:
        message = "occupy is 1 or more, and lease_duration more than 0 seconds"
        raise ValueError(message)
    return Wish(
        names=wanted,
        slots=occupy,
        timeout_seconds=timeout_seconds,
        max_retries=max_retries,
        lease_seconds=lease_duration,
        is_strict=strict,
        is_rate=is_rate,
    )
