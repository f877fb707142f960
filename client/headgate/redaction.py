"""Secrets that this process has read: masked in whatever it says, also in other spellings of them.

A secret is looked for as it is, escaped as JSON and for addresses, and inside of Base64. What is
escaped in an address differs from library to library and from its password to its query: so there
every character may be, or not, in either case of hexadecimal digits. A secret of fewer than
``MIN_CHARACTERS`` characters is left alone: it would mask what merely looks like it.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, cast

MASK = "********"
MIN_CHARACTERS = 4
MIN_LINE_CHARACTERS = 8
"""From so many characters on a line of a longer secret, such as of a key in PEM, is one itself."""
MIN_BASE64_CHARACTERS = 6


class Redactor:
    """Masks secrets in texts; any thread may add one meanwhile."""

    def __init__(self) -> None:
        self._spellings: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self._adding = threading.Lock()
        self._tell: Callable[[list[str]], None] | None = None

    def add(self, value: Any) -> None:
        """Mask a secret from now on: a text, or all the texts and numbers of a JSON value."""
        texts = list(_texts(value))
        found = {spelling: length for text in texts for spelling, length in _spellings(text)}
        with self._adding:
            if found.keys() <= self._spellings.keys():
                return
            if self._tell is not None:
                self._tell(texts)
            self._spellings |= found
            longest_first = sorted(self._spellings, key=self._spellings.__getitem__, reverse=True)
            self._pattern = re.compile("|".join(longest_first))

    def tell(self, tell: Callable[[list[str]], None]) -> None:
        """Have the texts of each further secret told, before anybody has it who could say it."""
        self._tell = tell

    def redact(self, text: str) -> str:
        """Return a text with a mask in the place of every secret."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    @property
    def is_needed(self) -> bool:
        """Whether there is any secret to mask."""
        return self._pattern is not None


class RedactedStream:
    """A stream of texts that masks secrets in what is written to it; otherwise as it was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text with its secrets masked."""
        self._stream.write(redactor.redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, each with its secrets masked."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return what else the stream has."""
        return getattr(self._stream, name)


redactor = Redactor()
"""That of this process; a forked child inherits what its parent has read."""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        yield json.dumps(entries, ensure_ascii=False)
        for inner in entries.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Iterable[Any]", value):
            yield from _texts(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _spellings(secret: str) -> Iterator[tuple[str, int]]:
    """Yield patterns that find a secret, each with how long what it finds is at least."""
    if len(secret) < MIN_CHARACTERS:
        return
    for text in {secret, secret.strip()}:
        yield _in_addresses(text), len(text)
    for literal in _literals(secret):
        yield re.escape(literal), len(literal)


def _literals(secret: str) -> Iterator[str]:
    for text in {secret, secret.strip()}:
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield repr(text)[1:-1]
    yield from _in_base64(secret)
    lines = secret.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line) >= MIN_LINE_CHARACTERS:
                yield line


def _in_addresses(text: str) -> str:
    """Return a pattern of a text in which any character may be escaped as in an address."""
    return "".join(map(_in_address, text))


def _in_address(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    escaped = "".join(
        f"%{_digit(byte >> 4)}{_digit(byte & 15)}"
        for byte in character.encode("utf-8", "surrogatepass")
    )
    plus = r"|\+" if character == " " else ""
    return f"(?:{escaped}|{re.escape(character)}{plus})"


def _digit(value: int) -> str:
    digit = f"{value:X}"
    return digit if digit.isdigit() else f"[{digit}{digit.lower()}]"


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what every Base64 text with the secret inside has in it, wherever the secret begins."""
    data = secret.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            encoded = encode(b"\0" * shift + data).decode("ascii")
            first = -(-8 * shift // 6)
            last = (8 * (shift + len(data))) // 6
            core = encoded[first:last]
            if len(core) >= MIN_BASE64_CHARACTERS:
                yield core
