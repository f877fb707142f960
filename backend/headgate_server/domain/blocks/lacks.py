"""What a document lacks of what a JSON Schema requires, at any depth of what the document has."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.marks import Marks, Node
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.parameters import Budget, OutOfSteps

MAX_STEPS = 100_000
"""Schemas, names and values looked at for one document: a fifth of a second of one thread."""
MAX_STEPS_TOGETHER = 5 * MAX_STEPS
_STEPS_OF_A_TURN = 5
"""What it costs to go into a value, in steps of looking at a schema."""
_CHOICES = ("anyOf", "oneOf")


def list_lacks(document: Any, *, fields: Node, budget: Budget | None = None) -> list[Parts]:
    """Return the places that a schema requires and a document does not have, outermost first.

    Of alternatives the one counts that the document comes closest to. What applies under a
    condition only is not looked at, and of a document that takes too many steps only its outermost
    fields are.

    Args:
        document: what is looked through.
        fields: the schema.
        budget: shared by several documents, of which each takes at most 100,000 steps.
    """
    most = min(MAX_STEPS, budget.steps) if budget is not None else MAX_STEPS
    own = Budget(most)
    try:
        found = list(_Search(Marks(fields, own)).find(document, [fields]))
    except (OutOfSteps, RecursionError):
        required = cast("list[Any]", fields.get("required") or [])
        return [(str(name),) for name in required if str(name) not in document]
    finally:
        if budget is not None:
            budget.spend(most - max(own.steps, 0))
    return sorted(dict.fromkeys(found), key=len)


class _Search:
    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def find(
        self, value: Any, schemas: Sequence[Any], *, tried: frozenset[int] = frozenset()
    ) -> Iterator[Parts]:
        """Yield what a value lacks of what all of some schemas require.

        Args:
            value: what is looked at; only objects and lists lack anything.
            schemas: those that it has to fit.
            tried: alternatives that are being looked at for this value already.
        """
        if not isinstance(value, dict | list):
            return
        nodes = self._marks.certain(schemas)
        if not nodes:
            return
        self._marks.budget.spend(_STEPS_OF_A_TURN)
        if isinstance(value, dict):
            entries = cast("Node", value)
            for node in nodes:
                required = cast("list[Any]", node.get("required") or [])
                self._marks.budget.spend(len(required))
                yield from ((str(name),) for name in required if str(name) not in entries)
        for part, inner in paths.children(value):
            self._marks.budget.spend(len(nodes))
            below = [schema for node in nodes for schema in _below(node, part, value)]
            yield from ((part, *parts) for parts in self.find(inner, below))
        for node in nodes:
            for keyword in _CHOICES:
                yield from self._closest(value, node.get(keyword) or (), tried=tried)

    def _closest(
        self, value: Any, choices: Sequence[Any], *, tried: frozenset[int]
    ) -> Iterator[Parts]:
        fitting = [
            choice for choice in choices if id(choice) not in tried and self._may_be(value, choice)
        ]
        found = [list(self.find(value, [one], tried=tried | {id(one)})) for one in fitting]
        yield from min(found, key=len, default=list[Parts]())

    def _may_be(self, value: Any, choice: Any) -> bool:
        wanted = "object" if isinstance(value, dict) else "array"
        said = [node["type"] for node in self._marks.certain([choice]) if "type" in node]
        types = [cast("list[Any]", one) if isinstance(one, list) else [one] for one in said]
        return all(wanted in allowed for allowed in types)


def _below(node: Node, part: str, value: Any) -> Iterator[Any]:
    """Yield the schemas of what stands under a key of an object, or at a place of a list."""
    if isinstance(value, dict):
        own = cast("Node", node.get("properties") or {})
        if part in own:
            yield own[part]
        elif not node.get("patternProperties"):
            yield node.get("additionalProperties")
        return
    first = cast("list[Any]", node.get("prefixItems") or ())
    yield first[int(part)] if int(part) < len(first) else node.get("items")
