"""Which task of a flow made a value: known again as it is handed on, without a future or a state.

Values are told apart by identity, and nothing is kept alive for it: what can be referred to weakly
is; of the rest a print is kept, since the place of a value that is gone is given to another.
"""

import contextlib
import itertools
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, cast

_MOST = 20_000
"""So many values of a run are known; of more, the oldest are forgotten."""
_MOST_INSIDE = 200
"""A container of more items is known itself, and none of its items."""
_SHARED = frozenset({bool, type(None), type(Ellipsis), type(NotImplemented)})
_SMALL = range(-5, 257)
"""Numbers that are one object wherever they come from."""

_Known = tuple[Any, str]
"""A weak reference or a print, and the task run."""


class Makers:
    """The values that the tasks of one run returned, and which task run made each."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def note(self, value: Any, task_run_id: str) -> None:
        """Remember who made a value and, where they are few, the items in it."""
        for item in _with_items(value):
            mark = _mark(item)
            if mark is not None:
                # Last again: the oldest are the first to go.
                self._known.pop(id(item), None)
                self._known[id(item)] = (mark, task_run_id)
        # Another thread may be at it as well.
        with contextlib.suppress(RuntimeError):
            while len(self._known) > _MOST:
                self._known.pop(next(iter(self._known)), None)

    def of(self, values: Iterable[Any]) -> list[str]:
        """Return the task runs that made these values, or items in them, each once."""
        if not self._known:
            return []
        found: dict[str, None] = {}
        for value in values:
            for item in _with_items(value):
                known = self._known.get(id(item))
                if known is not None and _is_same(known[0], item):
                    found[known[1]] = None
        return list(found)


def _with_items(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        if len(items) <= _MOST_INSIDE:
            yield from list(items.values())
    elif isinstance(value, list | tuple | set | frozenset):
        things = cast("list[Any]", value)
        if len(things) <= _MOST_INSIDE:
            yield from list(things)


def _mark(value: Any) -> Any:
    """Return by what a value is known again; None for what any code could have made."""
    kind = cast("Any", type(value))
    if kind in _SHARED or isinstance(value, type):
        return None
    if kind is int and value in _SMALL:
        return None
    if kind in (str, bytes) and (len(value) < 2 or (kind is str and value.isidentifier())):
        return None
    try:
        return weakref.ref(value)
    except TypeError:
        return _print_of(value)


def _print_of(value: Any) -> Any:
    """Return what another value in the same place would hardly have as well."""
    kind = cast("Any", type(value))
    if kind in (int, float, complex, str, bytes):
        return (kind, hash(value))
    if isinstance(value, list | tuple | dict):
        things = cast("list[Any]", value)
        items = list(itertools.islice(things, 3))
        return (kind, len(things), *map(id, items)) if items else None
    return None


def _is_same(mark: Any, value: Any) -> bool:
    if isinstance(mark, weakref.ref):
        return cast("weakref.ref[Any]", mark)() is value
    return mark == _print_of(value)
