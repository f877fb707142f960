"""What a judge of chaos runs says, and what the rules of all judges share."""

from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and by what."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says. A run that proves nothing is invalid, not well."""

    violations: tuple[Violation, ...]
    doubts: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether the run proves that the promises were kept."""
        return not self.violations and not self.doubts

    @property
    def word(self) -> str:
        """The verdict in a word."""
        if self.violations:
            return "VIOLATED"
        return "INVALID" if self.doubts else "OK"

    @property
    def broken(self) -> frozenset[str]:
        """The rules that were broken."""
        return frozenset(violation.rule for violation in self.violations)


Found = Generator[Violation]


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """Return how many of these spans of time there are at once at the most."""
    edges = sorted(edge for begin, end in spans for edge in ((begin, 1), (end, -1)))
    return max(accumulate(change for _, change in edges), default=0)


def by(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    """Return the values by a key, in their order."""
    found: defaultdict[K, list[V]] = defaultdict(list)
    for value in values:
        found[key(value)].append(value)
    return dict(found)
