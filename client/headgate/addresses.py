"""Addresses, of databases say: what of them is secret though the rest is known."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from urllib.parse import unquote, unquote_plus

MOST_SOUGHT = 1_000
"""In so many addresses of a text it is looked for secrets: each may take a tenth of a ms."""
MIN_PATH_CHARACTERS = 20
"""From so many characters on a part of a path is too long for a name: it is what a hook keeps."""
MOST_PATHS = 100
"""So many of them a text may have: each is looked for in whatever is said."""
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
_IN_PATH = re.compile(r"[^\s/?#\"'<>\\]{0,512}([/?][^\s#\"'<>\\]{0,4096})")
"""Behind ://, what follows the place."""
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


def secrets_in(text: str) -> Iterator[str]:
    """Yield what of addresses in a text is secret, as it is and without escapes.

    Passwords and tokens; and long paths, with what is asked for there, as one and each long part of
    them: by those alone an address that is called without a password is secret.
    """
    yield from _passwords_in(text)
    for path in islice(_paths_in(text), MOST_PATHS):
        yield from _ways(path)


def _paths_in(text: str) -> Iterator[str]:
    for place in islice(re.finditer("://", text), MOST_SOUGHT):
        if found := _IN_PATH.match(text, place.end()):
            path, _, query = found[1].partition("?")
            values = (asked.partition("=")[2] for asked in query.split("&"))
            parts = dict.fromkeys([found[1], path, *path.split("/"), *values])
            yield from (part for part in parts if len(part) >= MIN_PATH_CHARACTERS)


def _passwords_in(text: str) -> Iterator[str]:
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
