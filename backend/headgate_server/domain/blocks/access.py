"""Which blocks the runs of a deployment may use: all of the workspace's, or those it names."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.names import KEY

MAX_NAMED = 200
ALL_OF_A_TYPE = "*"
_REFERENCE = re.compile(rf"[a-z0-9][a-z0-9-]{{0,99}}/(?:\*|{KEY.pattern})")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a run may use.

    Args:
        is_all: every block of the workspace.
        references: blocks by type and name, or ``type-slug/*`` for all of a type.
        ids: single blocks.
    """

    is_all: bool = False
    references: frozenset[str] = frozenset()
    ids: frozenset[UUID] = frozenset()

    def covers(self, id_: UUID, *, type_slug: str, name: str) -> bool:
        """Whether a block is among them."""
        named = {f"{type_slug}/{name}", f"{type_slug}/{ALL_OF_A_TYPE}"}
        return self.is_all or id_ in self.ids or not named.isdisjoint(self.references)


NOTHING = Allowance()
EVERYTHING = Allowance(is_all=True)


def of_deployment(references: Collection[str] | None) -> Allowance:
    """Return what the runs of a deployment may use, from the blocks that it names."""
    return EVERYTHING if references is None else Allowance(references=frozenset(references))


def check_references(references: Sequence[str]) -> tuple[str, ...]:
    """Return the blocks that a deployment names, sorted and without repetition.

    Raises:
        InvalidInput: too many, or one that is not ``type-slug/name``.
    """
    found = tuple(sorted(set(references)))
    if len(found) > MAX_NAMED:
        raise InvalidInput(f"A deployment names at most {MAX_NAMED} blocks.", path=["blocks"])
    for reference in found:
        if not _REFERENCE.fullmatch(reference):
            raise InvalidInput(
                f"{reference[:200]} is no block; write type-slug/name, or type-slug/* for all of "
                "a type.",
                path=["blocks"],
            )
    return found


def split_reference(reference: str) -> tuple[str, str]:
    """Return the type's slug and the name of a block that is named ``type-slug/name``.

    Raises:
        InvalidInput: any other text.
    """
    slug, separator, name = reference.partition("/")
    if not separator or not slug or not KEY.fullmatch(name):
        raise InvalidInput(
            f"{reference[:200]} is no block; write type-slug/name.", path=["references"]
        )
    return slug, name
