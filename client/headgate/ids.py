"""Ids made by the client: a prefix and a UUIDv7 in Crockford's base32."""

import os
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))


def make_uuid7() -> int:
    """Make a UUIDv7 as an integer: milliseconds, then 12 bits of the fraction, then random bits.

    The random bits come from the system at each call, so neither a fork nor a user's
    ``random.seed()`` makes two processes agree.
    """
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    noise = int.from_bytes(os.urandom(8), "big") >> 2
    return (milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | noise


def make_id(prefix: str) -> str:
    """Make a fresh object id such as ``trun_01jd…``; ids of one process sort by time."""
    number = make_uuid7()
    return prefix + "_" + "".join([_PAIRS[(number >> shift) & 0x3FF] for shift in _SHIFTS])


def make_uuid() -> str:
    """Make a fresh UUIDv7 in its usual form, for stream ids, client ids and idempotency keys."""
    return str(uuid.UUID(int=make_uuid7()))


def make_secret() -> str:
    """Make a UUID that nobody can guess, whatever its time: all of it is random."""
    return str(uuid.uuid4())
