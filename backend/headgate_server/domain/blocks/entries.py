"""Secrets in the entries of lists: whether each is still that of the entry in its place.

A secret is kept by its place, which is a number in a list. Whoever takes an entry away, puts one in
or turns two around would give the secrets of some to others, and a run would send them there.
"""

from collections.abc import Collection
from typing import Any, cast

import orjson

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.errors import InvalidInput


def check_kept(kept: Collection[str], *, masked: Collection[str], before: Any, after: Any) -> None:
    """Refuse to keep a secret that may be another entry's than the one in its place now.

    Without a word it stays where nothing else of its entry changed. With its mask it also does
    where the entry changed in its place: in a list of as many, none of which stood elsewhere.

    Args:
        kept: the paths of the secrets that are to stay as they are.
        masked: those that are to stay because their mask was sent.
        before: the data of the block so far, without secrets.
        after: the data that it is filled in with, without secrets.

    Raises:
        InvalidInput: naming the secret to send again.
    """
    for path in sorted(kept):
        places = paths.split(path)
        if _is_unsure(places, before=before, after=after, is_masked=path in masked):
            raise InvalidInput(
                f"{path} is the secret of a list's entry that changed or moved: send the secret "
                "again, or null to take it away. Where the entry only changed, in a list of as "
                "many as before, the mask keeps it.",
                path=["data", path],
            )


def _is_unsure(parts: Parts, *, before: Any, after: Any, is_masked: bool) -> bool:
    for part in parts:
        if isinstance(before, list) and isinstance(after, list):
            entries, later = cast("list[Any]", before), cast("list[Any]", after)
            place = paths.place_of(part, size=min(len(entries), len(later)))
            if place is None:
                return False
            texts = list(map(_text, entries)), list(map(_text, later))
            if _is_another(*texts, place=place, is_masked=is_masked):
                return True
            before, after = entries[place], later[place]
        elif isinstance(before, dict) and isinstance(after, dict):
            before = cast("dict[str, Any]", before).get(part)
            after = cast("dict[str, Any]", after).get(part)
        else:
            return False
    return False


def _is_another(before: list[bytes], after: list[bytes], *, place: int, is_masked: bool) -> bool:
    own, new = before[place], after[place]
    if own == new:
        # Of entries that are alike some went, and nobody can tell which.
        return after.count(own) < before.count(own)
    return not is_masked or len(before) != len(after) or new in before or own in after


def _text(entry: Any) -> bytes:
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
