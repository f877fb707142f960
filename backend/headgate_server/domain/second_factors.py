"""Second factors: codes of an app (RFC 6238) and recovery codes for when it is lost."""

import hashlib
import hmac
import secrets
from datetime import datetime

STEP_SECONDS = 30
DIGITS = 6
WINDOW = 1
"""So many steps early or late are let through: clocks of telephones drift."""
RECOVERY_CODES = 10
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
_GROUPS, _GROUP_LENGTH = 6, 4
"""27 letters, 24 of them: 114 bits. Above 112 a fast hash under a secret is enough (ASVS 6.5.2)."""


def step_of(at: datetime) -> int:
    """Return the number of the time step."""
    return int(at.timestamp()) // STEP_SECONDS


def as_typed(text: str) -> str:
    """Return a code without the blanks that apps show in it, and people type."""
    return "".join(text.split())


def is_code(text: str) -> bool:
    """Whether a text has the form of an app's code."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def new_recovery_codes() -> list[str]:
    """Return fresh recovery codes of 114 bits each, without vowels."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def hash_recovery(code: str, *, pepper: str) -> bytes:
    """Return what is stored of a recovery code, however it was typed."""
    plain = "".join(char for char in code.lower() if char.isalnum())
    return hmac.digest(pepper.encode(), f"headgate:recovery:{plain}".encode(), hashlib.sha256)


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH))
