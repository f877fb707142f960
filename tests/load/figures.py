"""A measured figure, and how it is printed: one JSON object a line."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The samples of one figure, under the name that the product's targets use."""

    name: str
    unit: str
    samples: Sequence[float]

    def line(self) -> str:
        """Return the figure as one line of JSON."""
        ordered = sorted(self.samples)
        return json.dumps(
            {
                "figure": self.name,
                "unit": self.unit,
                "n": len(ordered),
                "min": round(ordered[0], 4),
                "median": round(statistics.median(ordered), 4),
                "p95": round(percentile(ordered, fraction=0.95), 4),
                "max": round(ordered[-1], 4),
            }
        )


def percentile(ordered: Sequence[float], *, fraction: float) -> float:
    """Return the nearest-rank percentile of samples in ascending order."""
    rank = max(1, -int(-len(ordered) * fraction // 1))
    return ordered[rank - 1]
