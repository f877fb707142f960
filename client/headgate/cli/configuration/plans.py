"""What files want beside what a server has, and what would change; no calls are made here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import msgspec

from headgate.cli.connection import Server

Verb = Literal["create", "change", "keep", "delete"]
Fields = dict[str, Any]


class Change(msgspec.Struct, frozen=True):
    """One field, as it is and as it would be; None is nothing."""

    field: str
    before: Any
    after: Any


class Plan(msgspec.Struct, frozen=True):
    """What would become of one object."""

    kind: str
    name: str
    verb: Verb
    changes: list[Change] = []


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the server has it, in the words of files.

    Args:
        secret_paths: where its fields hold secrets, which nobody can read.
        unset_paths: those of them that hold none yet.
    """

    id: str
    fields: Fields
    version: int | None = None
    secret_paths: frozenset[str] = frozenset()
    unset_paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as the files want it, beside what the server has of its name."""

    name: str
    fields: Fields
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of configuration.

    Args:
        noun: its key in files.
        keys: the fields that files may give.
        partial: fields that are mappings of which files may leave parts out, and down to which
            depth.
        complete: those of them whose outermost keys are all that there are: others go.
        read: returns what the server has, by name.
        put: makes or changes objects, at most ``at_once`` together.
        normal: returns fields as ``read`` would, or says what is wrong with them.
        secret: the fields in which secrets may stand; ``{{ $NAME }}`` is filled in there.
    """

    noun: str
    keys: frozenset[str]
    read: Callable[[Server], dict[str, Stored]]
    put: Callable[[Server, Sequence[Wanted]], None]
    delete: Callable[[Server, Stored], None]
    normal: Callable[[str, Fields], Fields]
    partial: Mapping[str, int] = field(default_factory=dict[str, int])
    complete: frozenset[str] = frozenset()
    secret: frozenset[str] = field(default=frozenset())
    at_once: int = 1


def plan_of(kind: Kind, wanted: Wanted) -> Plan:
    """Return what putting an object would change; what files do not say stays as it is."""
    stored = wanted.stored
    if stored is None:
        changes = [
            Change(name, None, _hidden(kind, name, value)) for name, value in wanted.fields.items()
        ]
        return Plan(kind.noun, wanted.name, "create", changes)
    changes = [
        change
        for name, value in wanted.fields.items()
        for change in _field_changes(kind, name, stored=stored, after=value)
    ]
    return Plan(kind.noun, wanted.name, "change" if changes else "keep", changes)


def _field_changes(kind: Kind, name: str, *, stored: Stored, after: Any) -> Iterator[Change]:
    before = stored.fields.get(name)
    if name in kind.secret:
        given = set(_places(after))
        yield from (
            Change(f"{name}.{path}", "(not set)", "(a secret)")
            for path in sorted(stored.unset_paths & given)
        )
        before, after = (without(document, stored.secret_paths) for document in (before, after))
    if name in kind.complete and isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("Fields", before), cast("Fields", after)
        yield from (Change(f"{name}.{key}", old[key], None) for key in old if key not in new)
    yield from _part_changes(name, before=before, after=after, depth=kind.partial.get(name, 0))


def _part_changes(name: str, *, before: Any, after: Any, depth: int) -> Iterator[Change]:
    """Tell what changes; of mappings down to the depth, only what the files say."""
    if not depth or not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield Change(name, before, after)
        return
    old = cast("Fields", before)
    for key, value in cast("Fields", after).items():
        inner = f"{name}.{key}"
        yield from _part_changes(inner, before=old.get(key), after=value, depth=depth - 1)


def without(document: Any, paths: frozenset[str], *, place: str = "") -> Any:
    """Return a document without what stands at the paths."""
    if not isinstance(document, dict):
        return document
    return {
        name: without(value, paths, place=f"{place}{_part(name)}.")
        for name, value in cast("Fields", document).items()
        if f"{place}{_part(name)}" not in paths
    }


def _places(document: Any, *, place: str = "") -> Iterator[str]:
    """Return the path of everything that is no mapping in a document."""
    if not isinstance(document, dict):
        yield place.removesuffix(".")
        return
    for name, value in cast("Fields", document).items():
        yield from _places(value, place=f"{place}{_part(name)}.")


def _part(name: str) -> str:
    return name.replace("\\", "\\\\").replace(".", "\\.")


def _hidden(kind: Kind, name: str, value: Any) -> Any:
    """Return what is shown of a new object's field: of one with secrets, its keys alone."""
    if name not in kind.secret or not isinstance(value, Mapping):
        return value
    return dict.fromkeys(cast("Mapping[str, Any]", value), "…")
