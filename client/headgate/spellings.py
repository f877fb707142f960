"""In which ways a secret may be spelt: as it is, escaped, as Base64, or the ends of it alone.

What is escaped differs from library to library, and may be escaped again, as JSON in a field of
JSON is: so every character may be, or not, in either case of hexadecimal digits; of a long secret
only the usual spellings are looked for.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from html.entities import codepoint2name
from typing import NamedTuple

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
MAX_PARTS_OF_AN_END = 32
"""Pydantic leaves 24 characters at each end of a long text, ``reprlib`` 12 or 13."""
_MOST_BACKSLASHES = 16
"""Before a character: what is escaped as JSON four times over has so many."""
_BACKSLASHES = rf"\\{{1,{_MOST_BACKSLASHES}}}"
_OF_BYTES = (rf"{_BACKSLASHES}x", "%(?:25)*")
_PARTS = re.compile(r"\\+|[^\\]", re.DOTALL)
"""Backslashes that follow each other are found together: each alone could be any of many."""
_BREAKS = rf"(?:\s|{_BACKSLASHES}[nr]|%(?:25)*0[aAdD])*"
"""Between two characters of Base64: ends of lines, escaped or not."""
_DOTS = r"(?:\.\.\.|…)"
_BROKEN_OFF = rf"\\{{0,{_MOST_BACKSLASHES}}}[\w'\"]{{0,9}}?"
"""Between dots and an end: what is left of a character that was escaped."""
_FEWEST = MIN_LINE_CHARACTERS
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}://")
"""With this begins every address of a kind: only what follows tells which one it is."""
BEFORE, AFTER = "before", "after"
"""The groups of an end: the dots before it, and those after it, which are not masked."""
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a"}
_OTHERWISE = {" ": [r"\+"], "'": ["'\"'\"'", r"'\\''"]}
"""In the query of an address, and inside of quotes of a shell."""
_NAMES = {code: [name] for code, name in codepoint2name.items()} | {ord("'"): ["apos"]}


class Spelling(NamedTuple):
    """What finds a secret: a text, or a pattern, and how long what it finds is at least.

    What is wild finds it only where something is wrapped or escaped.
    """

    text: str
    length: int
    is_pattern: bool
    is_wild: bool = False


def spellings(secret: str) -> Iterator[Spelling]:
    """Yield what finds a secret, whole or a line of it."""
    for text in {secret, secret.strip()}:
        if len(text) < MIN_CHARACTERS:
            continue
        if len(text) <= MAX_CHARACTERS_IN_ANY_WAY:
            pattern = "".join(map(_in_any_way, _PARTS.findall(text)))
        else:
            pattern = "".join(map(_in_address, text))
        yield Spelling(pattern, len(text), pattern != text)
    for literal in _literals(secret):
        yield Spelling(literal, len(literal), is_pattern=False)
    if len(secret) <= MAX_CHARACTERS_WRAPPED:
        for core, first in _cores(secret, base64.b64encode):
            wrapped = _wrapped(core, first=first)
            yield Spelling(wrapped, len(core), is_pattern=True, is_wild=True)


def ends(secret: str) -> Iterator[str]:
    """Yield patterns of the two ends of a secret where its middle was left out for dots.

    As whoever shows a long value in short does, such as Pydantic in its errors.
    """
    for text in {secret, secret.strip()}:
        if len(text) > _FEWEST:
            yield from _first_end(text)
            last = _shown_as(text[-MAX_PARTS_OF_AN_END:])
            less = reduce(lambda inner, part: f"(?:{inner}{part})?", last[:-_FEWEST], "")
            yield f"(?P<{BEFORE}>{_DOTS}{_BROKEN_OFF}){less}{''.join(last[-_FEWEST:])}"


def _first_end(text: str) -> Iterator[str]:
    scheme = _SCHEME.match(text)
    fewest = _FEWEST + (scheme.end() if scheme else 0)
    if len(text) > fewest:
        first = _shown_as(text[:MAX_PARTS_OF_AN_END])
        more = reduce(lambda inner, part: f"(?:{part}{inner})?", first[: fewest - 1 : -1], "")
        yield f"{''.join(first[:fewest])}{more}(?=(?P<{AFTER}>{_BROKEN_OFF}{_DOTS}))"


def _shown_as(text: str) -> list[str]:
    return list(map(_in_any_way, _PARTS.findall(text)))


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
