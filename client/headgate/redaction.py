"""Secrets that this process has read: masked in whatever it says, also in other spellings of them.

A secret is looked for as it is, escaped as JSON, Python, HTML and addresses are, and inside of
Base64. What is escaped differs from library to library, and may be escaped again, as JSON in a
field of JSON is: so every character may be, or not, in either case of hexadecimal digits; of a long
secret only the usual spellings are looked for. A secret of fewer than ``MIN_CHARACTERS`` characters
is left alone: it would mask what merely looks like it.
"""

import base64
import json
import pickle
import re
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from html.entities import codepoint2name
from typing import Any, NamedTuple, TextIO, cast

from headgate.addresses import passwords_in

MASK = "********"
MIN_CHARACTERS = 4
MIN_LINE_CHARACTERS = 8
"""From so many characters on a line of a longer secret, such as of a key in PEM, is one itself."""
MIN_BASE64_CHARACTERS = 6
MIN_BASE64_LINE_CHARACTERS = 16
"""From so many characters on a line of a secret that is wrapped as Base64 tells of it alone."""
BASE64_LINES = (64, 76)
"""So many characters PEM and MIME write on a line of Base64."""
MAX_CHARACTERS_WRAPPED = 1_000
"""Up to so many characters a secret is looked for wherever it begins in Base64 of many lines."""
MAX_CHARACTERS_IN_LINES = 8_192
"""Up to so many the lines are looked for that it makes alone."""
MAX_CHARACTERS_IN_ANY_WAY = 200
"""Up to so many characters each may be escaped in any way; to find that out takes its time."""
MAX_BYTES_IN_ANY_WAY = 1024 * 1024
"""In more bytes a secret is looked for as it stands alone; ten spellings of it would take long."""
_MOST_STEPS = 20
"""Back from a place to cut: what repeats itself could be secrets across each other to the start."""
_MOST_BACKSLASHES = 16
"""Before a character: what is escaped as JSON four times over has so many."""
_BACKSLASHES = rf"\\{{1,{_MOST_BACKSLASHES}}}"
_OF_BYTES = (rf"{_BACKSLASHES}x", "%(?:25)*")
_PARTS = re.compile(r"\\+|[^\\]", re.DOTALL)
"""Backslashes that follow each other are found together: each alone could be any of many."""
_BREAKS = rf"(?:\s|{_BACKSLASHES}[nr]|%(?:25)*0[aAdD])*"
"""Between two characters of Base64: ends of lines, escaped or not."""
_IS_WILD = re.compile(r"[\s\\%&]")
"""Without any of these nothing is wrapped or escaped."""
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a"}
_OTHERWISE = {" ": [r"\+"], "'": ["'\"'\"'", r"'\\''"]}
"""In the query of an address, and inside of quotes of a shell."""
_NAMES = {code: [name] for code, name in codepoint2name.items()} | {ord("'"): ["apos"]}


class _Spelling(NamedTuple):
    """What finds a secret: a text, or a pattern, and how long what it finds is at least.

    What is wild finds it only where something is wrapped or escaped.
    """

    text: str
    length: int
    is_pattern: bool
    is_wild: bool = False


_Finder = str | re.Pattern[str]


class Redactor:
    """Masks secrets in texts; any thread may add one meanwhile."""

    def __init__(self) -> None:
        self._kept: dict[str, None] = {}
        self._held: Counter[str] = Counter()
        self._texts: tuple[str, ...] = ()
        self._longest_first: tuple[_Finder, ...] = ()
        self._plain: tuple[_Finder, ...] = ()
        self._changing = threading.Lock()
        self._tell: Callable[[list[str]], None] | None = None

    def add(self, value: Any) -> None:
        """Mask a secret from now on: a text, or all the texts and numbers of a JSON value."""
        texts = _secrets(value)
        with self._changing:
            if texts.keys() - self._kept.keys():
                self._learn(texts)
                self._kept |= texts
                self._sort()

    @contextmanager
    def for_now(self) -> Generator[Callable[[Iterable[str]], None]]:
        """Give what masks further secrets until the end of the block.

        For a process that serves others: what it is told with one call, it forgets after that.
        """
        held: list[str] = []

        def hold(texts: Iterable[str]) -> None:
            new = _secrets(list(texts))
            with self._changing:
                self._learn(new)
                held.extend(new)
                self._held.update(list(new))
                self._sort()

        try:
            yield hold
        finally:
            if held:
                with self._changing:
                    self._held -= Counter(held)
                    self._sort()

    def tell(self, tell: Callable[[list[str]], None]) -> None:
        """Have the texts of each further secret told, before anybody has it who could say it."""
        self._tell = tell

    def redact(self, text: str) -> str:
        """Return a text with a mask in the place of every secret."""
        for one in self._longest_first if _IS_WILD.search(text) else self._plain:
            text = text.replace(one, MASK) if isinstance(one, str) else one.sub(MASK, text)
        return text

    def hides(self, number: float) -> bool:
        """Whether a number as a whole is a secret."""
        return self.is_needed and self.redact(str(number)) == MASK

    def found_in(self, data: bytes) -> list[str]:
        """Return the secrets that stand in a pickle, or in JSON: who reads it is to mask them."""
        return [text for text in self._texts if _stands_in(text, data)]

    def place_to_cut(self, text: str, *, at: int) -> int:
        """Return the last place, up to one, across which no secret stands; 0 where there is none.

        Args:
            at: a place within the text; a secret that begins before it is to end in the text.
        """
        for _ in range(_MOST_STEPS):
            begins = min((_across(one, text, at) for one in self._longest_first), default=at)
            if begins == at:
                break
            at = begins
        return at

    @property
    def is_needed(self) -> bool:
        """Whether there is any secret to mask."""
        return bool(self._longest_first)

    def _learn(self, texts: dict[str, None]) -> None:
        if self._tell is not None and texts.keys() - set(self._texts):
            self._tell(list(texts))

    def _sort(self) -> None:
        self._texts = tuple({**self._kept, **self._held})
        found = {spelling: finder for text in self._texts for spelling, finder in _finders(text)}
        ordered = sorted(found, key=lambda one: one.length, reverse=True)
        self._plain = tuple(found[one] for one in ordered if not one.is_wild)
        self._longest_first = tuple(map(found.__getitem__, ordered))


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


def _secrets(value: Any) -> dict[str, None]:
    """Return the texts of a value that are long enough to be masked."""
    return dict.fromkeys(text for text in _texts(value) if len(text) >= MIN_CHARACTERS)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from passwords_in(value)
    elif isinstance(value, bytes):
        yield from _texts(value.decode("utf-8", "replace"))
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


@lru_cache(maxsize=1_000)
def _finders(secret: str) -> tuple[tuple[_Spelling, _Finder], ...]:
    return tuple(
        (one, re.compile(one.text) if one.is_pattern else one.text) for one in _spellings(secret)
    )


def _across(finder: _Finder, text: str, at: int) -> int:
    """Return where what is found begins that stands across a place; the place if nothing does."""
    pattern = re.compile(re.escape(finder)) if isinstance(finder, str) else finder
    for found in pattern.finditer(text):
        if found.end() > at:
            return min(found.start(), at)
    return at


def _stands_in(secret: str, data: bytes) -> bool:
    literals, patterns = _bytes_of(secret)
    if len(data) > MAX_BYTES_IN_ANY_WAY:
        return literals[0] in data
    return any(one in data for one in literals) or any(one.search(data) for one in patterns)


@lru_cache(maxsize=1_000)
def _bytes_of(secret: str) -> tuple[list[bytes], list[re.Pattern[bytes]]]:
    """Return what finds a secret in bytes: literals, first that as it stands, and patterns."""
    literals, patterns = [_as_bytes(secret), *_pickled_numbers(secret)], list[re.Pattern[bytes]]()
    for spelling in _spellings(secret):
        if spelling.is_pattern:
            patterns.append(re.compile(_as_bytes(spelling.text)))
        else:
            literals.append(_as_bytes(spelling.text))
    return literals, patterns


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _pickled_numbers(text: str) -> Iterator[bytes]:
    """Yield what stands in a pickle for the number that a text says."""
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(text)
            if str(number) == text:
                # Between the mark of the protocol and the stop.
                yield pickle.dumps(number, protocol=2)[2:-1]


def _spellings(secret: str) -> Iterator[_Spelling]:
    for text in {secret, secret.strip()}:
        if len(text) < MIN_CHARACTERS:
            continue
        if len(text) <= MAX_CHARACTERS_IN_ANY_WAY:
            pattern = "".join(map(_in_any_way, _PARTS.findall(text)))
        else:
            pattern = "".join(map(_in_address, text))
        yield _Spelling(pattern, len(text), pattern != text)
    for literal in _literals(secret):
        yield _Spelling(literal, len(literal), is_pattern=False)
    if len(secret) <= MAX_CHARACTERS_WRAPPED:
        for core, first in _cores(secret, base64.b64encode):
            wrapped = _wrapped(core, first=first)
            yield _Spelling(wrapped, len(core), is_pattern=True, is_wild=True)


def _literals(secret: str) -> Iterator[str]:
    if len(secret) > MAX_CHARACTERS_IN_ANY_WAY:
        for text in {secret, secret.strip()}:
            for is_ascii in (True, False):
                once = json.dumps(text, ensure_ascii=is_ascii)
                yield from (once[1:-1], json.dumps(once, ensure_ascii=is_ascii)[3:-3])
            yield repr(text)[1:-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from (core for core, _ in _cores(secret, encode))
    if len(secret) <= MAX_CHARACTERS_IN_LINES:
        yield from _base64_lines(secret)
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= MIN_LINE_CHARACTERS)


@lru_cache(maxsize=1_000)
def _in_address(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    utf8 = character.encode("utf-8", "surrogatepass")
    escaped = "".join(f"%{_digits(f'{byte:02x}')}" for byte in utf8)
    plus = r"|\+" if character == " " else ""
    return f"(?:{escaped}|{re.escape(character)}{plus})"


@lru_cache(maxsize=1_000)
def _in_any_way(part: str) -> str:
    """Return a pattern of a character, or of backslashes, as it is and escaped in any way.

    A letter or digit of ASCII is escaped by nobody.
    """
    if part.isascii() and part.isalnum():
        return part
    if part.startswith("\\"):
        return rf"(?:\\{{{len(part)},{_MOST_BACKSLASHES * len(part)}}}|{_in_numbers(part[0])})"
    ways = [rf"\\{{0,{_MOST_BACKSLASHES}}}{re.escape(part)}", _in_numbers(part)]
    if part in _LETTERS:
        ways.append(_BACKSLASHES + _LETTERS[part])
    ways += _OTHERWISE.get(part, ())
    return f"(?:{'|'.join(ways)})"


def _in_numbers(character: str) -> str:
    """Return a pattern of all that says a character by its number, or HTML by its name."""
    code = ord(character)
    utf8 = character.encode("utf-8", "surrogatepass")
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = [utf16[place : place + 2] for place in range(0, len(utf16), 2)]
    named = "".join(f"|{name}" for name in _NAMES.get(code, ()))
    ways = [
        "".join(f"{_BACKSLASHES}u{_digits(unit.hex())}" for unit in units),
        *("".join(f"{before}{_digits(f'{byte:02x}')}" for byte in utf8) for before in _OF_BYTES),
        f"&(?:amp;)*(?:#0*{code}|#[xX]0*{_digits(f'{code:x}')}{named});",
    ]
    if len(utf8) > 1 and code < 256:
        ways += [f"{before}{_digits(f'{code:02x}')}" for before in _OF_BYTES]
    if len(units) > 1:
        ways.append(f"{_BACKSLASHES}U{_digits(f'{code:08x}')}")
    return "|".join(ways)


def _digits(digits: str) -> str:
    return "".join(
        digit if digit.isdigit() else f"[{digit.upper()}{digit.lower()}]" for digit in digits
    )


def _cores(secret: str, encode: Callable[[bytes], bytes]) -> Iterator[tuple[str, int]]:
    """Yield what every Base64 text with the secret inside has in it, wherever the secret begins.

    With it comes at which place of four characters it begins.
    """
    data = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        encoded = encode(b"\0" * shift + data).decode("ascii")
        first = -(-8 * shift // 6)
        last = (8 * (shift + len(data))) // 6
        core = encoded[first:last]
        if len(core) >= MIN_BASE64_CHARACTERS:
            yield core, first


def _wrapped(core: str, *, first: int) -> str:
    """Return a pattern of Base64 on many lines; whoever wraps it keeps four characters together."""
    ends = [4 - first, *range(8 - first, len(core), 4)]
    parts = [core[at:end] for at, end in zip([0, *ends], [*ends, len(core)], strict=True)]
    return _BREAKS.join("".join(map(_in_base64, part)) for part in parts)


def _base64_lines(secret: str) -> Iterator[str]:
    """Yield the lines of the secret as Base64, for whoever sees one after the other."""
    encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode("ascii")
    for width in BASE64_LINES:
        lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
        yield from (line for line in lines if len(line) >= MIN_BASE64_LINE_CHARACTERS)


@lru_cache(maxsize=64)
def _in_base64(character: str) -> str:
    """Return a pattern of a character of Base64, be it of addresses or escaped in any way."""
    other = {"+": "|-", "/": "|_"}.get(character)
    return character if other is None else f"(?:{_in_any_way(character)}{other})"
