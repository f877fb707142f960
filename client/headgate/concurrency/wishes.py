"""What code asks for, checked before anybody is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.engine.wishes import Wish


def make_wish(
    names: str | Sequence[str],
    *,
    occupy: int,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300.0,
    strict: bool = False,
    holder: Mapping[str, Any] | None = None,
    raise_on_lease_renewal_failure: bool | None = None,
    priority: int = 0,
    is_rate: bool = False,
) -> Wish:
    """Return the slots that code wants.

    Raises:
        ValueError: no name, a number out of range, or a holder without type or id.
    """
    wanted = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if not wanted:
        message = "Name at least one concurrency limit"
        raise ValueError(message)
    if occupy < 1 or lease_duration <= 0:
        message = "occupy is 1 or more, and lease_duration more than 0 seconds"
        raise ValueError(message)
    is_loss_raised = raise_on_lease_renewal_failure
    return Wish(
        names=wanted,
        slots=occupy,
        timeout_seconds=timeout_seconds,
        max_retries=max_retries,
        lease_seconds=lease_duration,
        is_strict=strict,
        is_loss_raised=strict if is_loss_raised is None else is_loss_raised,
        holder_run_id=_holder_run(holder),
        priority=priority,
        is_rate=is_rate,
    )


def _holder_run(holder: Mapping[str, Any] | None) -> str | None:
    """Return the flow run that is named as the holder; None where another kind of thing is.

    Raises:
        ValueError: the holder has no type, or no id.
    """
    if holder is None:
        return None
    if not (holder.get("type") and holder.get("id")):
        message = f"A holder has a type and an id, as {{'type': 'flow_run', 'id': …}}: {holder!r}"
        raise ValueError(message)
    return str(holder["id"]) if holder["type"] == "flow_run" else None
