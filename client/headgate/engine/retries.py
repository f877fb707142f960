"""When the next attempt follows a failed one."""

import inspect
import math
import random
from collections.abc import Callable
from typing import Any

from headgate.engine.effects import Call, Steps
from headgate.logs import LogSource, logger_of
from headgate.reporting.failures import user_error
from headgate.specs import RetryDelays, RetryPolicy
from headgate.states import State

MAX_DELAYS = 50


def make_policy(
    *,
    retries: int | None,
    delay_seconds: RetryDelays,
    jitter_factor: float | None = None,
    condition: Callable[..., Any] | None = None,
) -> RetryPolicy:
    """Return the policy that these options declare.

    Raises:
        ValueError: one is out of range.
    """
    limit = retries or 0
    if limit < 0:
        message = f"retries must be 0 or more, not {limit}"
        raise ValueError(message)
    if callable(delay_seconds):
        delays = tuple(float(delay) for delay in delay_seconds(limit))
    elif isinstance(delay_seconds, int | float):
        delays = (float(delay_seconds),)
    else:
        delays = tuple(float(delay) for delay in delay_seconds or ())
    if len(delays) > MAX_DELAYS:
        message = f"retry_delay_seconds may list {MAX_DELAYS} delays at most, not {len(delays)}"
        raise ValueError(message)
    if any(delay < 0 for delay in delays):
        message = "retry_delay_seconds must be 0 or more"
        raise ValueError(message)
    if jitter_factor is not None and jitter_factor < 0:
        message = f"retry_jitter_factor must be 0 or more, not {jitter_factor}"
        raise ValueError(message)
    return RetryPolicy(limit=limit, delays=delays, jitter_factor=jitter_factor, condition=condition)


def delay_before(policy: RetryPolicy, *, retry: int) -> float:
    """Return the seconds to wait before a retry.

    Args:
        retry: 1 for the first; past the end of the list, the last delay repeats.
    """
    if not policy.delays:
        return 0.0
    delay = policy.delays[min(retry, len(policy.delays)) - 1]
    return _jittered(delay, factor=policy.jitter_factor) if policy.jitter_factor else delay


def is_wanted(
    policy: RetryPolicy, *, owner: Any, run: Any, state: State[Any], source: LogSource
) -> Steps[bool]:
    """Ask the retry condition; without one, every failure is worth a retry."""
    if policy.condition is None:
        return True
    try:
        answer = yield Call(
            policy.condition,
            args=(owner, run, state),
            is_async=inspect.iscoroutinefunction(policy.condition),
        )
    except Exception as error:  # noqa: BLE001 - user code; without its answer there is no retry
        logger_of(source).error("The retry condition failed", exc_info=user_error(error))
        return False
    return bool(answer)


def _jittered(delay: float, *, factor: float) -> float:
    """Spread a delay as the gaps of random arrivals are spread, cut so that its mean stays.

    The result lies between a lower bound and ``delay * (1 + factor)``.
    """
    if delay == 0:
        return 0.0
    upper = 1 + factor
    # The bound below which a mean of 1 balances the cut above, for an exponential distribution.
    lower = 0.0 if upper >= MAX_DELAYS else math.log2(2**upper / (2**upper - 1))
    from_share, to_share = 1 - math.exp(-lower), 1 - math.exp(-upper)
    share = random.uniform(from_share, to_share)  # noqa: S311 - spread, not secrecy
    return -math.log(max(1 - share, 1e-10)) * delay
