"""Passwords: which are good enough."""

import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from headgate_server.domain.errors import InvalidInput

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5
MIN_OWN_LETTERS = 5
"""What has to be left of a password without the words that belong to the place."""
PRODUCT = "headgate"
SHORTEST_WORD = 3
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_NO_LETTER = re.compile(r"[\W_]+")


def check_password(password: str, *, email: str | None = None) -> str:
    """Return a password that is hard enough to guess.

    Length counts, and no kinds of characters: rules about those make passwords worse.

    Raises:
        InvalidInput: too short, too long, of few characters, one that many have, or little more
            than words of the address.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; a few words are a good one.",
            path=["password"],
        )
    if len(set(password)) < MIN_DIFFERENT:
        raise InvalidInput(
            "This password repeats few characters; choose another.", path=["password"]
        )
    if email is not None and password.strip().lower() == email:
        raise InvalidInput("A password is not the address; choose another.", path=["password"])
    if _is_common(password.lower()):
        raise InvalidInput(
            "Many people have this password, or one much like it; choose another.",
            path=["password"],
        )
    if len(_without(password.lower(), _words_of(email))) < MIN_OWN_LETTERS:
        raise InvalidInput(
            "This password is little more than your address or our name; choose another.",
            path=["password"],
        )
    return password


def is_possible(password: str) -> bool:
    """Whether anybody could have this password: longer ones are not hashed."""
    return 0 < len(password) <= MAX_LENGTH


def _is_common(plain: str) -> bool:
    """Whether a password is one of those, with digits and signs around it or not, or twice."""
    core = _AROUND.sub("", plain)
    half = core[: len(core) // 2]
    known = _common()
    return not core or plain in known or core in known or (core == half * 2 and half in known)


def _words_of(email: str | None) -> list[str]:
    parts = _NO_LETTER.split(email) if email is not None else []
    return sorted({PRODUCT, *parts}, key=len, reverse=True)


def _without(plain: str, words: Iterable[str]) -> str:
    for word in words:
        if len(word) >= SHORTEST_WORD:
            plain = plain.replace(word, "")
    return re.sub(r"[\W\d_]", "", plain)


@cache
def _common() -> frozenset[str]:
    # Reading the lists takes 50 ms, which only a process needs that is given a new password.
    lists = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS
    return frozenset(lists["passwords"])
