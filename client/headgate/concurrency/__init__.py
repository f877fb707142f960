"""Slots of concurrency limits for user code: ``sync`` for functions, ``asyncio`` for coroutines."""

from headgate.concurrency.sync import concurrency, rate_limit
from headgate.errors import ConcurrencyError, SlotsLostError, SlotTimeoutError

__all__ = ["ConcurrencyError", "SlotTimeoutError", "SlotsLostError", "concurrency", "rate_limit"]
