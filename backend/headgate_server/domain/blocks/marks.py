"""What a JSON Schema marks as secret: by ``writeOnly``, or by the format ``password``.

A schema may refer to itself, so no list of paths says where secrets are. They are found by going
through a document and its schema together. Whatever could apply counts as if it did: both branches
of an ``if``, every pattern, every alternative.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote, urldefrag, urljoin

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.paths import ANY, Parts
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import MAX_STEPS as PARAMETER_STEPS
from headgate_server.domain.parameters import Budget, OutOfSteps

Node = dict[str, Any]
_REFERENCES = ("$ref", "$dynamicRef")
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else", "not")
_DEPENDENT = "dependentSchemas"
_ENTRIES = (
    "additionalProperties",
    "unevaluatedProperties",
    "items",
    "unevaluatedItems",
    "contains",
)
_UNDERSTOOD = frozenset(
    (*_ALTERNATIVES, *_CONDITIONS, _DEPENDENT, *_ENTRIES, "properties", "patternProperties")
) | {"prefixItems"}
_DEFINITIONS = frozenset({"$defs", "definitions"})
_VALUES = frozenset({"const", "default", "enum", "examples"})
"""Keywords that hold values, not schemas."""
_UNSEEN = frozenset({"contentSchema", "propertyNames"})
"""Keywords that hold schemas of what cannot be taken out: texts inside of texts, and keys."""
_REFUSED = "$recursiveRef"
MAX_STEPS = 20 * PARAMETER_STEPS
"""Schemas and entries looked at for one document: about a second of one thread."""


@dataclass(slots=True)
class Marks:
    """Finds what a schema marks, within a budget of steps.

    Raises:
        OutOfSteps: wherever it looks, once the budget is used up.
    """

    root: Node
    budget: Budget = field(default_factory=Budget)
    _anchors: dict[str, list[Node]] | None = None
    _closed: dict[tuple[int, ...], list[Node]] = field(default_factory=dict[Any, Any])
    _resolved: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    def list_places(self, document: Any) -> list[Parts]:
        """Return the places of a document that are secret; none of them is inside of another."""
        return list(self._places(document, (), self.start()))

    def find_prefix(self, parts: Parts) -> Parts | None:
        """Return the beginning of a place that is secret, whether or not anything stands there."""
        nodes = self.start()
        for length, part in enumerate(parts, start=1):
            nodes = self.applying(self.below(nodes, part))
            if is_marked(nodes):
                return parts[:length]
        return None

    def list_patterns(self, *, most_depth: int) -> Iterator[Parts]:
        """Yield the paths of secrets; what refers to itself is followed once."""
        seen = frozenset({id(self.root)})
        yield from self._patterns(self.root, (), most_depth=most_depth, seen=seen)

    def start(self) -> list[Node]:
        """Return the schemas of a whole document."""
        return self.applying([self.root])

    def applying(self, schemas: Sequence[Any]) -> list[Node]:
        """Return all schemas that apply where some do."""
        key = tuple(map(id, schemas))
        known = self._closed.get(key)
        if known is not None:
            self.budget.spend(len(known))
            return known
        self._closed[key] = self._reach(schemas, _in_place)
        return self._closed[key]

    def certain(self, schemas: Sequence[Any]) -> list[Node]:
        """Return all schemas that apply for certain where some do, the nearest first."""
        return self._reach(schemas, lambda node: cast("list[Any]", node.get("allOf") or ()))

    def _reach(
        self, schemas: Sequence[Any], applied: Callable[[Node], Iterable[Any]]
    ) -> list[Node]:
        """Return schemas, what they apply to the same value, and what they refer to, and so on."""
        found: dict[int, Node] = {}
        waiting = deque(schemas)
        while waiting:
            schema = waiting.popleft()
            self.budget.spend(1)
            if not isinstance(schema, dict) or id(cast("Node", schema)) in found:
                continue
            node = cast("Node", schema)
            found[id(node)] = node
            waiting += [*applied(node), *self.referred(node)]
        return list(found.values())

    def below(self, nodes: Sequence[Node], part: str) -> list[Any]:
        """Return the schemas of what stands under a key, or at a place of a list."""
        found = [inner for node in nodes for inner in _below_at(node, part)]
        self.budget.spend(len(nodes) + len(found))
        return found

    def referred(self, node: Node) -> list[Any]:
        """Return what a schema refers to; what is not in it is left out."""
        found: list[Any] = []
        for keyword in _REFERENCES:
            if isinstance(target := node.get(keyword), str):
                found += self._resolve(target) or ()
        return found

    def check(self) -> None:
        """Refuse a schema that may mark secrets where nobody would find them.

        Raises:
            InvalidInput: it marks the whole document, refers to what it does not hold, or has a
                mark below a keyword that is not understood.
        """
        if is_marked(self.start()):
            raise _refusal("marks the whole block as secret; mark its fields")
        reached = self._reached(self.root)
        for node in reached.values():
            self._check(node, reached)

    def _check(self, node: Node, reached: dict[int, Node]) -> None:
        if "$id" in node and node is not self.root:
            raise _refusal("has an $id below its root; write it as one document")
        if _REFUSED in node:
            raise _refusal(f"has {_REFUSED}, by which no secret is found; use $ref")
        for target in map(node.get, _REFERENCES):
            if isinstance(target, str) and not self._resolve(target):
                raise _refusal(f"refers to {target[:200]}, which it does not hold")
        for keyword, value in node.items():
            if keyword in _UNSEEN:
                marked = is_marked(self._reached(value).values())
            elif keyword in _UNDERSTOOD | _DEFINITIONS | _VALUES:
                marked = False
            else:
                marked = any(_has_mark(one) and id(one) not in reached for one in _objects(value))
            if marked:
                raise _refusal(
                    f"marks a secret below {keyword[:100]}, where none is found; mark it where "
                    "properties or items describe it"
                )

    def _reached(self, schema: Any) -> dict[int, Node]:
        """Return the schemas of all that may stand in what one describes."""
        found: dict[int, Node] = {}
        waiting = [schema]
        while waiting:
            nodes = [node for node in self.applying([waiting.pop()]) if id(node) not in found]
            found |= {id(node): node for node in nodes}
            waiting += [inner for node in nodes for _, inner in _below(node)]
        return found

    def _places(self, value: Any, parts: Parts, nodes: Sequence[Node]) -> Iterator[Parts]:
        if not nodes:
            return
        is_whole = is_marked(nodes)
        for part, inner in paths.children(value):
            applying = self.applying(self.below(nodes, part))
            if is_whole or is_marked(applying):
                yield (*parts, part)
            else:
                yield from self._places(inner, (*parts, part), applying)

    def _patterns(
        self, schema: Any, parts: Parts, *, most_depth: int, seen: frozenset[int]
    ) -> Iterator[Parts]:
        self.budget.spend(1)
        if not isinstance(schema, dict) or len(parts) > most_depth:
            return
        node = cast("Node", schema)
        if _has_mark(node) and parts:
            yield parts
            return
        for inner in self.referred(node):
            if id(inner) not in seen:
                further = seen | {id(inner)}
                yield from self._patterns(inner, parts, most_depth=most_depth, seen=further)
        for inner in _in_place(node):
            yield from self._patterns(inner, parts, most_depth=most_depth, seen=seen)
        for place, inner in _below(node):
            yield from self._patterns(inner, (*parts, place), most_depth=most_depth, seen=seen)

    def _resolve(self, target: str) -> list[Any]:
        """Return what a reference may lead to: with a dynamic one it may be several."""
        if target not in self._resolved:
            self._resolved[target] = self._find(target)
        return self._resolved[target]

    def _find(self, target: str) -> list[Any]:
        fragment = self._fragment(target)
        if fragment is None:
            return []
        if fragment and not fragment.startswith("/"):
            if self._anchors is None:
                self._anchors = _anchors_of(self.root)
            return list(self._anchors.get(fragment, ()))
        found: Any = self.root
        for part in fragment.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                items = cast("list[Any]", found)
                place = paths.place_of(key, size=len(items))
                found = items[place] if place is not None else None
            else:
                found = cast("Node", found).get(key) if isinstance(found, dict) else None
        return [found] if isinstance(found, dict | bool) else []

    def _fragment(self, target: str) -> str | None:
        """Return the part of this document that is referred to; None for any other document."""
        own = str(self.root.get("$id") or "")
        whole = own.partition("#")[0] + target if target.startswith("#") else urljoin(own, target)
        address, fragment = urldefrag(whole)
        return unquote(fragment) if address == urldefrag(own)[0] else None


def is_marked(nodes: Iterable[Node]) -> bool:
    """Whether what some schemas apply to is secret."""
    return any(map(_has_mark, nodes))


def find_places(
    document: Any, *, fields: Node, named: Sequence[str], budget: Budget | None = None
) -> list[Parts]:
    """Return the places of a document that a schema marks as secret, and of what is named besides.

    Args:
        document: what is looked through.
        fields: the schema.
        named: single places, of which the secret ones are wanted wherever they are.
        budget: shared by several documents.

    Raises:
        InvalidInput: it takes too many steps to find out.
    """
    marks = Marks(fields, budget or Budget(MAX_STEPS))
    try:
        found = [marks.find_prefix(paths.split(path)) for path in named]
        return [*marks.list_places(document), *(parts for parts in found if parts is not None)]
    except (OutOfSteps, RecursionError):
        raise InvalidInput(
            "data takes too long to be looked through for secrets; send less, or register a "
            "simpler schema.",
            path=["data"],
        ) from None


def _has_mark(node: Node) -> bool:
    return node.get("writeOnly") is True or node.get("format") == "password"


def _in_place(node: Node) -> Iterator[Any]:
    """Yield the schemas inside of one that apply to the same value."""
    for keyword in _ALTERNATIVES:
        yield from cast("list[Any]", node.get(keyword) or ())
    yield from (node[keyword] for keyword in _CONDITIONS if keyword in node)
    yield from cast("Node", node.get(_DEPENDENT) or {}).values()


def _below(node: Node) -> Iterator[tuple[str, Any]]:
    """Yield the schemas of what stands inside of a value, and where."""
    for place, inner in enumerate(cast("list[Any]", node.get("prefixItems") or ())):
        yield str(place), inner
    yield from cast("Node", node.get("properties") or {}).items()
    yield from ((ANY, node[keyword]) for keyword in _ENTRIES if keyword in node)
    for inner in cast("Node", node.get("patternProperties") or {}).values():
        yield ANY, inner


def _below_at(node: Node, part: str) -> Iterator[Any]:
    """Yield the schemas of what stands under one key, or at one place of a list."""
    items = cast("list[Any]", node.get("prefixItems") or ())
    place = paths.place_of(part, size=len(items))
    if place is not None:
        yield items[place]
    own = cast("Node", node.get("properties") or {})
    if part in own:
        yield own[part]
    for keyword in _ENTRIES:
        if keyword in node:
            yield node[keyword]
    yield from cast("Node", node.get("patternProperties") or {}).values()


def _objects(value: Any) -> Iterator[Node]:
    """Yield every object in a document."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield cast("Node", one)
        waiting += [inner for _, inner in paths.children(one)]


def _anchors_of(root: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in _objects(root):
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := node.get(keyword), str):
                found.setdefault(name, []).append(node)
    return found


def _refusal(what: str) -> InvalidInput:
    return InvalidInput(f"fields {what}.", path=["fields"])
