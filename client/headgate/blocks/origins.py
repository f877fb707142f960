"""Where what a loaded block holds came from, so that it is saved as it was.

A secret of another store stays there, and a block that another refers to stays one of its own: to
save what was loaded copies neither.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import BaseModel

from headgate.api.blocks import ResolvedBlock, at_path, replaced_at, split_path
from headgate.blocks.external import KEY
from headgate.blocks.values import LISTS, Parts, is_dataclass_value, join_path, read_names

REFERENCE = "$ref"
"""What a value that stands for another block has as its only key."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What stood in a place of a block, where it is kept, instead of what was loaded.

    Args:
        parts: where in the block.
        kept: what stands there as it is saved: the name of a secret, or of a block; itself of a
            secret of the block's own.
        value: what was loaded, as JSON.
    """

    parts: Parts
    kept: Any = field(repr=False)
    value: Any = field(repr=False)


def origins_of(found: ResolvedBlock, data: Any) -> list[Origin]:
    """Return what of a block that was read is kept elsewhere.

    And its own secrets of the same value as one that is: a secret is told by its value, and these
    stay its own.

    Args:
        found: as it was read.
        data: what became of it, as JSON.
    """
    kept = dict(found.named_elsewhere)
    kept |= {path: {REFERENCE: one.id} for path, one in found.references.items()}
    elsewhere = [at_path(data, path) for path in found.named_elsewhere]
    for path in found.secret_paths:
        if path not in kept and (own := at_path(data, path)) in elsewhere:
            kept[path] = own
    return [Origin(tuple(split_path(path)), one, at_path(data, path)) for path, one in kept.items()]


def named_elsewhere(origins: Iterable[Origin]) -> list[tuple[Any, Any]]:
    """Return the values of secrets of other stores, each with what names it."""
    named = (one for one in origins if isinstance(one.kept, dict))
    return [(one.value, one.kept) for one in named if KEY in one.kept]


def secrets_below(paths: Iterable[str], place: Parts) -> tuple[str, ...]:
    """Return the paths of secrets that are in a block inside of another, as seen from that one."""
    found = (tuple(split_path(path)) for path in paths)
    return tuple(
        join_path(parts[len(place) :])
        for parts in found
        if len(parts) > len(place) and parts[: len(place)] == place
    )


def models_in(value: Any, place: Parts = ()) -> Iterator[tuple[Parts, BaseModel]]:
    """Yield a model and all inside of it, each with its place, the outer ones first."""
    if isinstance(value, BaseModel):
        yield place, value
        names = read_names(type(value))
        parts: Iterable[tuple[str, Any]] = ((names.get(name, name), inner) for name, inner in value)
    elif is_dataclass_value(value):
        parts = ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))
    elif isinstance(value, Mapping):
        parts = ((str(key), inner) for key, inner in cast("Mapping[Any, Any]", value).items())
    elif isinstance(value, LISTS):
        parts = ((str(at), inner) for at, inner in enumerate(cast("Iterable[Any]", value)))
    else:
        return
    for name, inner in parts:
        yield from models_in(inner, (*place, name))


def below(origins: Sequence[Origin], place: Parts) -> tuple[Origin, ...]:
    """Return what came to a block inside of another from elsewhere, as seen from that one."""
    return tuple(
        replace(one, parts=one.parts[len(place) :])
        for one in origins
        if len(one.parts) > len(place) and one.parts[: len(place)] == place
    )


def restored(data: dict[str, Any], origins: Sequence[Origin]) -> dict[str, Any]:
    """Return data with what is as it was loaded as it is kept; what was changed stays.

    Where another secret of the same value is named, by which that was told, its own name is. A
    place that somebody gave instead stays, be it the same one: what was told is what an origin
    keeps itself, and not one like it.
    """
    for one in origins:
        path = join_path(one.parts)
        told = [other.kept for other in origins if other.value == one.value]
        shown = at_path(data, path)
        is_as_loaded = shown == one.value or any(shown is kept for kept in told)
        if shown is not None and is_as_loaded:
            data = cast("dict[str, Any]", replaced_at(data, path, one.kept))
    return data
