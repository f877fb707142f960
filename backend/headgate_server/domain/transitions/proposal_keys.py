"""The keys of proposals that a run remembers, so that one that comes twice is applied once.

They are kept in one text beside the run: a line each, the newest first, ``TYPE key``. A delayed
copy of an older proposal is known as well as the newest one.
"""

from headgate_server.domain.errors import IdempotencyMismatch, InvalidInput
from headgate_server.domain.states import StateType

MAX_KEY_LENGTH = 200
REMEMBERED_KEYS = 16


def check_key(key: str | None) -> str | None:
    """Return a key.

    Raises:
        InvalidInput: empty, over-long or not printable.
    """
    if key is not None and not (1 <= len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise InvalidInput(
            f"An idempotency key has 1 to {MAX_KEY_LENGTH} printable characters.",
            path=["idempotencyKey"],
        )
    return key


def is_known(known: str | None, *, key: str | None, type_: StateType) -> bool:
    """Whether a proposal was applied before.

    Raises:
        IdempotencyMismatch: its key was, for a state of another type.
    """
    if key is None:
        return False
    for line in (known or "").splitlines():
        applied, _, found = line.partition(" ")
        if found == key:
            if applied != type_:
                raise IdempotencyMismatch
            return True
    return False


def remember(known: str | None, *, key: str | None, type_: StateType) -> str | None:
    """Return what the run remembers once a proposal is applied."""
    if key is None:
        return known
    lines = [f"{type_} {key}", *(known or "").splitlines()]
    return "\n".join(lines[:REMEMBERED_KEYS])
