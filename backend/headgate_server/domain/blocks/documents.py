"""Documents of blocks: their secrets taken out and put back, and the documents they refer to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.paths import MASK, Parts
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput

MAX_DATA_BYTES = 256 * 1024
MAX_SECRET_BYTES = 64 * 1024
MAX_SECRETS = 100
MAX_NAMED = 2 * MAX_SECRETS
"""How many secrets may be sent by their paths: all of them set, and as many taken away."""
MAX_REFERENCES = 20
REFERENCE = "$ref"
EXTERNAL = "$secret"
"""What names a secret in the customer's own store; it is no secret, and only a run resolves it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody fills a block in with.

    Args:
        data: without any secret.
        secrets: the secrets to set, by path; their values as JSON.
        removed: the paths of secrets that are to go.
        kept: the paths of secrets that are to stay as they are.
        external: where secrets of other stores are named.
        references: the documents that are referred to, by where.
    """

    data: dict[str, Any]
    secrets: Mapping[str, bytes] = field(repr=False)
    removed: frozenset[str]
    kept: frozenset[str]
    external: frozenset[Parts]
    references: Mapping[Parts, str]


def read_filled(
    data: dict[str, Any],
    *,
    secrets: Sequence[tuple[str, str | None]],
    secret_paths: Sequence[str],
) -> Filled:
    """Return what a block is to be filled in with, its secrets apart from the rest.

    A secret may come by its path, or in its place in the data. There ``null`` takes it away, and
    the mask that is shown in its stead leaves it alone.

    Raises:
        InvalidInput: a path that is no secret's, a value that is over-long or cannot be stored.
    """
    if len(secrets) > MAX_NAMED:
        raise InvalidInput(f"secrets names at most {MAX_NAMED}.", path=["secrets"])
    patterns = [paths.split(path) for path in secret_paths]
    placed, external = _placed(data, patterns)
    found = {paths.join(parts): value for parts, value in placed.items()}
    for path, value in secrets:
        if not paths.is_secret(paths.split(path), patterns):
            listed = ", ".join(secret_paths) or "none"
            raise InvalidInput(
                f"{path} is no secret of this block; its secrets are: {listed}.",
                path=["secrets", path],
            )
        found[path] = value
    kept = frozenset(path for path, value in found.items() if value == MASK)
    removed = frozenset(path for path, value in found.items() if value is None)
    given = {path: value for path, value in found.items() if path not in kept | removed}
    plain = paths.without(data, dict.fromkeys(map(paths.split, found)))
    check_document(plain, field="data", most_bytes=MAX_DATA_BYTES)
    return Filled(
        data=plain,
        secrets={path: _encoded(path, value) for path, value in given.items()},
        removed=removed,
        kept=kept,
        external=frozenset(external),
        references=list_references(plain),
    )


def _placed(data: Any, patterns: Sequence[Parts]) -> tuple[dict[Parts, Any], set[Parts]]:
    """Return what stands at secret paths, and where secrets of other stores are named.

    Inside of a secret there is no other: the outermost counts.
    """
    found: dict[Parts, Any] = {}
    external: set[Parts] = set()
    for pattern in sorted(patterns, key=len):
        for parts, value in paths.walk(data, pattern):
            if is_external(value):
                external.add(parts)
            elif not any(parts[:length] in found for length in range(1, len(parts) + 1)):
                found[parts] = value
    return found, external


def masked(data: dict[str, Any], secrets: Sequence[str]) -> dict[str, Any]:
    """Return the data of a block as it is shown: a mask in the place of every secret."""
    return paths.replaced_all(data, dict.fromkeys(map(paths.split, secrets), MASK))


def opened(data: dict[str, Any], secrets: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the data of a block with its secrets in their places."""
    whole: Any = data
    for path, encoded in secrets.items():
        value = orjson.loads(encoded)
        whole = paths.replaced(whole, paths.split(path), lambda _, value=value: value)
    return whole


def list_references(data: Any) -> dict[Parts, str]:
    """Return which other documents are referred to, by where.

    Raises:
        InvalidInput: a reference that is no text, or too many.
    """
    found = dict(_references(data, ()))
    if len(found) > MAX_REFERENCES:
        raise InvalidInput(f"A block refers to at most {MAX_REFERENCES} others.", path=["data"])
    return found


def list_external(data: Any, *, secret_paths: Sequence[str]) -> set[Parts]:
    """Return where a block names secrets of other stores: only in the places of secrets.

    Args:
        data: what it is filled in with.
        secret_paths: those of its schema, and those that the schema marks in the data.
    """
    patterns = [paths.split(path) for path in secret_paths]
    found = (entry for pattern in patterns for entry in paths.walk(data, pattern))
    return {parts for parts, value in found if is_external(value)}


def list_bare(data: Any, *, secret_paths: Sequence[str]) -> list[Parts]:
    """Return where values stand in the places of secrets: neither sealed nor only named."""
    found, _ = _placed(data, [paths.split(path) for path in secret_paths])
    return sorted(
        parts
        for parts, value in found.items()
        if value not in (None, {}, []) and not (isinstance(value, dict) and REFERENCE in value)
    )


def sealed_too(filled: Filled, *, before: Any, bare: Sequence[Parts]) -> Filled:
    """Return what to fill in with the values that lay bare before and are to be kept: as secrets.

    Args:
        filled: what somebody fills in, with masks for what is to be kept.
        before: the data as it was.
        bare: where values lay bare in it.
    """
    kept = {paths.join(parts): parts for parts in bare if paths.join(parts) in filled.kept}
    values = {path: next(paths.walk(before, parts))[1] for path, parts in kept.items()}
    sealed = {path: _encoded(path, value) for path, value in values.items()}
    return replace(filled, secrets={**filled.secrets, **sealed}, kept=filled.kept - sealed.keys())


def names_external(document: Any) -> bool:
    """Whether anything in a document looks like the name of a secret in another store."""
    if is_external(document):
        return True
    if isinstance(document, dict):
        return any(map(names_external, cast("dict[str, Any]", document).values()))
    return isinstance(document, list) and any(map(names_external, cast("list[Any]", document)))


def is_external(value: Any) -> bool:
    """Whether a value names a secret in another store, instead of being one."""
    if not isinstance(value, dict):
        return False
    entries = cast("dict[str, Any]", value)
    return entries.keys() == {EXTERNAL} and isinstance(entries[EXTERNAL], dict)


def _references(document: Any, parts: Parts) -> Iterator[tuple[Parts, str]]:
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        if entries.keys() == {REFERENCE}:
            if not isinstance(entries[REFERENCE], str):
                raise InvalidInput(
                    f'A reference is {{"{REFERENCE}": "type-slug/name"}}, or the id of a block.',
                    path=["data", *parts],
                )
            yield parts, entries[REFERENCE]
            return
        for key, value in entries.items():
            yield from _references(value, (*parts, key))
    elif isinstance(document, list):
        for index, value in enumerate(cast("list[Any]", document)):
            yield from _references(value, (*parts, str(index)))


def _encoded(path: str, value: Any) -> bytes:
    check_document(value, field=path, most_bytes=MAX_SECRET_BYTES)
    return orjson.dumps(value)
