"""What a caller may spend of the API's cost, and what is left."""

from math import ceil

import strawberry

from headgate_server.bus.buckets import Allowance, Taken
from headgate_server.graphql.limits.rates import Charge
from headgate_server.graphql.permissions import Info

UNLIMITED = 2**31 - 1


@strawberry.type(description="A bucket of points that fills all the time.")
class Bucket:
    limit: int = strawberry.field(
        description="How many points it holds at most; 2,147,483,647 where nothing is limited."
    )
    remaining: int = strawberry.field(
        description="How many points are in it now; 0 where what runs reported has overdrawn it."
    )
    restore_per_second: float = strawberry.field(description="How fast it fills.")
    reset_in_seconds: int = strawberry.field(description="When it is full if nothing is spent.")


@strawberry.type(description="What this operation cost, and what is left to its caller.")
class RateLimit:
    cost: int = strawberry.field(description="The points that this operation cost; at least 1.")
    actor: Bucket = strawberry.field(description="What this credential has left.")
    organization: Bucket = strawberry.field(
        description="What the people and keys of the organization, and the runs in processes of "
        "theirs, have left together. To an agent, what the organization's agents have; to what a "
        "deployment runs, what such runs have."
    )


def read_rate_limit(info: Info) -> RateLimit:
    """Return what the current operation cost and left."""
    context = info.context
    charge = context.charge or Charge(cost=1)
    meter = context.meter
    return RateLimit(
        cost=charge.cost,
        actor=_bucket(meter.actor_allowance(context.principal), charge.actor),
        organization=_bucket(meter.organization_allowance(context.principal), charge.organization),
    )


def _bucket(allowance: Allowance | None, taken: Taken | None) -> Bucket:
    if allowance is None or taken is None:
        return Bucket(
            limit=UNLIMITED, remaining=UNLIMITED, restore_per_second=0.0, reset_in_seconds=0
        )
    missing = allowance.capacity - taken.remaining
    return Bucket(
        limit=allowance.capacity,
        remaining=max(int(taken.remaining), 0),
        restore_per_second=allowance.per_second,
        reset_in_seconds=ceil(missing / allowance.per_second),
    )
