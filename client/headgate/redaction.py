"""Secrets that this process has read: masked in whatever it says, also in other spellings of them.

A secret is looked for as it is, escaped as JSON, Python, HTML and addresses are, and inside of
Base64; and so are its two ends where the middle was left out. A secret of fewer than
``MIN_CHARACTERS`` characters is left alone: it would mask what merely looks like it.
"""

import json
import pickle
import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TextIO, cast

from headgate.addresses import secrets_in
from headgate.spellings import (
    AFTER,
    BEFORE,
    MIN_CHARACTERS,
    MIN_LINE_CHARACTERS,
    Spelling,
    ends,
    spellings,
)

MASK = "********"
MAX_BYTES_IN_ANY_WAY = 1024 * 1024
"""In more bytes a secret is looked for as it stands alone; ten spellings of it would take long."""
MOST_TEXTS = 1_000
"""So many texts of the JSON documents in a secret are looked at, also of one in another: each is
looked for in whatever is said.
"""
_MOST_REMEMBERED = 1_000
_MOST_STEPS = 20
"""Back from a place to cut: what repeats itself could be secrets across each other to the start."""
_IS_WILD = re.compile(r"[\s\\%&]")
"""Without any of these nothing is wrapped or escaped."""
_IS_SHORTENED = re.compile(r"\.\.\.|…")
_Finder = str | re.Pattern[str]


class _Finders(NamedTuple):
    """What finds secrets, the longest first, and how long what each finds is at least, negated."""

    finders: tuple[_Finder, ...] = ()
    lengths: tuple[int, ...] = ()

    def within(self, text: str) -> tuple[_Finder, ...]:
        """Return those for which a text is not too short."""
        return self.finders[bisect_left(self.lengths, -len(text)) :]


class _Found(NamedTuple):
    """What finds one secret, and the two ends of it."""

    finders: tuple[tuple[Spelling, _Finder], ...]
    ends: tuple[re.Pattern[str], ...]


class Redactor:
    """Masks secrets in texts; any thread may add one meanwhile."""

    def __init__(self) -> None:
        self._kept: dict[str, None] = {}
        self._held: Counter[str] = Counter()
        self._texts: tuple[str, ...] = ()
        self._found: dict[str, _Found] = {}
        self._all = _Finders()
        self._plain = _Finders()
        self._ends: tuple[re.Pattern[str], ...] = ()
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
        finders = self._all if _IS_WILD.search(text) else self._plain
        for one in finders.within(text):
            text = text.replace(one, MASK) if isinstance(one, str) else one.sub(MASK, text)
        if self._ends and _IS_SHORTENED.search(text):
            for end in self._ends:
                text = end.sub(_masked_end, text)
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
        finders: tuple[_Finder, ...] = self._all.finders
        if _IS_SHORTENED.search(text):
            finders += self._ends
        for _ in range(_MOST_STEPS):
            begins = min((_across(one, text, at) for one in finders), default=at)
            if begins == at:
                break
            at = begins
        return at

    @property
    def is_needed(self) -> bool:
        """Whether there is any secret to mask."""
        return bool(self._all.finders)

    def _learn(self, texts: dict[str, None]) -> None:
        if self._tell is not None and texts.keys() - set(self._texts):
            self._tell(list(texts))

    def _sort(self) -> None:
        self._texts = tuple({**self._kept, **self._held})
        # Those that stay are not compiled again, however many they are.
        self._found = {text: self._found.get(text) or _found_by(text) for text in self._texts}
        found = {
            spelling: finder for one in self._found.values() for spelling, finder in one.finders
        }
        ordered = sorted(found, key=lambda one: one.length, reverse=True)
        self._plain = _finders_of([one for one in ordered if not one.is_wild], found)
        self._all = _finders_of(ordered, found)
        every = chain.from_iterable(one.ends for one in self._found.values())
        self._ends = tuple(dict.fromkeys(every))


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
    left = iter(range(MOST_TEXTS))
    return dict.fromkeys(text for text in _texts(value, left) if len(text) >= MIN_CHARACTERS)


def _texts(value: Any, left: Iterator[int]) -> Iterator[str]:
    """Yield the texts of a value, and of documents in them as long as some are left to look at."""
    if isinstance(value, str):
        yield value
        yield from secrets_in(value)
        yield from _texts_of_document(value, left)
    elif isinstance(value, bytes):
        yield from _texts(value.decode("utf-8", "replace"), left)
    elif isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        yield json.dumps(entries, ensure_ascii=False)
        for inner in entries.values():
            yield from _texts(inner, left)
    elif isinstance(value, list | tuple):
        for inner in cast("Iterable[Any]", value):
            yield from _texts(inner, left)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _texts_of_document(text: str, left: Iterator[int]) -> list[str]:
    """Return the texts in a JSON document, such as the key of a service account, that are long."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    try:
        leaves = zip(_leaves(json.loads(text)), left, strict=False)
        texts = chain.from_iterable(_texts(leaf, left) for leaf, _ in leaves)
        return [one for one in texts if len(one) >= MIN_LINE_CHARACTERS]
    except (ValueError, RecursionError):
        return []


def _leaves(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        document = list(cast("dict[str, Any]", document).values())
    if isinstance(document, list):
        for inner in cast("list[Any]", document):
            yield from _leaves(inner)
    else:
        yield document


def _finders_of(ordered: list[Spelling], found: dict[Spelling, _Finder]) -> _Finders:
    return _Finders(tuple(map(found.__getitem__, ordered)), tuple(-one.length for one in ordered))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _found_by(secret: str) -> _Found:
    """Return what finds a secret; remembered for calls that are told the same one by one."""
    finders = tuple(
        (one, re.compile(one.text) if one.is_pattern else one.text) for one in spellings(secret)
    )
    return _Found(finders, tuple(map(re.compile, ends(secret))))


def _masked_end(found: re.Match[str]) -> str:
    return f"{found[BEFORE]}{MASK}" if BEFORE in found.re.groupindex else MASK


def _across(finder: _Finder, text: str, at: int) -> int:
    """Return where what is found begins that stands across a place; the place if nothing does.

    The end of a secret is found by the dots beside it: they belong to it.
    """
    pattern = re.compile(re.escape(finder)) if isinstance(finder, str) else finder
    for found in pattern.finditer(text):
        if max(found.end(), found.end(AFTER) if AFTER in found.re.groupindex else 0) > at:
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
    for spelling in spellings(secret):
        if spelling.is_pattern:
            patterns.append(re.compile(_as_bytes(spelling.text)))
        else:
            literals.append(_as_bytes(spelling.text))
    patterns += [re.compile(_as_bytes(end)) for end in ends(secret)]
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
