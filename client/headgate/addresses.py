"""Addresses, of databases say: what of them is secret though the rest is known."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from urllib.parse import unquote, unquote_plus

MOST_SOUGHT = 1_000
"""In so many addresses of a text it is looked for secrets: each may take a tenth of a ms."""
_IN_ADDRESSES = tuple(
    map(
        re.compile,
        (
            r"[^\s/?#:]{0,256}:([^\s@]{1,256})@",
            r"[^\s/?#:]{0,256}:([^\s/?#]{1,256})@",
            r"[^\s/?#:]{0,256}:(\S{1,256})@",
            r"([\w-]{20,256}):?@",
        ),
    )
)
"""Behind ://, a password before the first @, the last one of the place, or the last of all; or a
token that stands in the place of a person and is too long for a name.
"""
_NAMES = r"password|passwd|access_token"
_NAMED = re.compile(
    rf"(?:(?<![^\s?&;])(?i:[\w-]{{0,64}}?(?:{_NAMES}))|(?<=[?&;])(?:pwd|Pwd))="
    r"(?:\{([^}\n]{1,256})\}|'([^'\n]{1,256})'|\"([^\"\n]{1,256})\"|([^\s&;#]{1,256}))"
)
"""Among what is asked for, or what else says how to connect: name=value, by spaces or ; apart. PWD
alone is the folder of a shell.
"""
_IN_JSON = re.compile(
    rf'"(?i:[\w-]{{0,64}}?(?:{_NAMES}))"\s{{0,9}}:\s{{0,9}}("(?:[^"\\\n]|\\.){{1,256}}")'
)


def passwords_in(text: str) -> Iterator[str]:
    """Yield the passwords and tokens of addresses in a text, as they are and without escapes."""
    for place in islice(re.finditer("://", text), MOST_SOUGHT):
        for pattern in _IN_ADDRESSES:
            if found := pattern.match(text, place.end()):
                yield from _ways(found[1])
    for found in islice(_NAMED.finditer(text), MOST_SOUGHT):
        yield from _ways(next(filter(None, found.groups())))
    for found in islice(_IN_JSON.finditer(text), MOST_SOUGHT):
        with suppress(ValueError):
            yield json.loads(found[1])


def _ways(password: str) -> tuple[str, str, str]:
    return password, unquote(password), unquote_plus(password)
