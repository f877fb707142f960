"""Histograms of runs."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from headgate_server.domain.run_counts import Buckets
from headgate_server.domain.states import StateType


@strawberry.type(description="How many runs are in a state.")
class StateCount:
    state: StateType = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many; never 0.")


@strawberry.type(description="The runs that were due in a stretch of time.")
class RunBucket:
    at: datetime = strawberry.field(description="When it begins.")
    counts: list[StateCount] = strawberry.field(
        description="By state, in the order of a run's life; empty where no run was due."
    )


def show_buckets(buckets: Buckets, counts: Mapping[tuple[int, StateType], int]) -> list[RunBucket]:
    """Return every bucket, also those without a run."""
    return [
        RunBucket(
            at=buckets.start(place),
            counts=[
                StateCount(state=state, count=size)
                for state in StateType
                if (size := counts.get((place, state), 0))
            ],
        )
        for place in range(buckets.count)
    ]
