"""Why several things of one request were refused, each reason once."""

from collections import Counter
from collections.abc import Iterable

import strawberry

MOST_REASONS = 20


@strawberry.type(description="Why some of many were refused.")
class RefusalCount:
    message: str = strawberry.field(description="The reason; for people.")
    count: int = strawberry.field(description="How many were refused for it.")


def count_refusals(messages: Iterable[str]) -> list[RefusalCount]:
    """Return the reasons with how many each stands for, the most frequent first, up to 20."""
    return [
        RefusalCount(message=message, count=count)
        for message, count in Counter(messages).most_common(MOST_REASONS)
    ]
