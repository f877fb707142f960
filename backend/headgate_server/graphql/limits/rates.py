"""What callers may spend: a bucket for each credential, and those of its organization.

What a run in its caller's own process spends is its caller's: it draws on the caller's bucket and
the organization's, too, and goes into debt there: what is read cannot refuse what it reports. What
a deployment runs, and its agents, draw on buckets of the organization that only they have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil

from graphql import GraphQLError

from headgate_server.bus.buckets import Allowance, Buckets, Taken
from headgate_server.dispatch.usage import UsageBook
from headgate_server.domain.quotas import API_KINDS, Quota, QuotaExceeded, Usage
from headgate_server.domain.tenancy import ActorKind, Principal
from headgate_server.graphql.limits.shares import OperationShares
from headgate_server.settings import Rates

REPORTERS = frozenset({ActorKind.AGENT_SESSION, ActorKind.RUN})
"""Agents and runs: what they report is never refused for what others read."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an operation cost, and what its caller has left; None where nothing limits it.

    ``caller`` is of who began the run that asks in a process of their own; ``quota`` is what the
    organization has used up, where it has.
    """

    cost: int
    actor: Taken | None = None
    caller: Taken | None = None
    organization: Taken | None = None
    quota: Quota | None = None

    @property
    def refused(self) -> Taken | None:
        """The bucket that did not hold enough, if one did not."""
        all_ = (self.actor, self.caller, self.organization)
        return next((taken for taken in all_ if taken and not taken.is_granted), None)


@dataclass(frozen=True, slots=True)
class Meter:
    """Charges operations to their callers."""

    buckets: Buckets = field(default_factory=Buckets)
    rates: Rates = field(default_factory=Rates)
    usage: UsageBook = field(default_factory=UsageBook)
    shares: OperationShares = field(default_factory=OperationShares)

    async def charge(self, principal: Principal, cost: int) -> Charge:
        """Take the points of an operation, at least one, from its caller's buckets."""
        cost = max(cost, 1)
        is_counted = principal.actor.kind not in REPORTERS
        if is_counted and not principal.is_operator:
            spent = self.usage.over(principal.organization_id, API_KINDS)
            if spent is not None:
                return Charge(cost, quota=spent)
        charge = await self._charge(principal, cost)
        if is_counted and charge.refused is None:
            self.usage.note(principal.organization_id, Usage(api_points=cost))
        return charge

    async def charge_late(self, principal: Principal, cost: int) -> None:
        """Take what an operation turned out to cost more; its caller goes into debt for it."""
        own, organization = self.actor_allowance(principal), self.organization_allowance(principal)
        await self._take(_actor_key(principal), cost, _in_debt(own))
        beginner = _caller_of(principal)
        if beginner is not None:
            allowance = _in_debt(self.actor_allowance(beginner))
            await self._take(_actor_key(beginner), cost, allowance)
        await self._take(_organization_key(principal), cost, _in_debt(organization))
        if principal.actor.kind not in REPORTERS:
            self.usage.note(principal.organization_id, Usage(api_points=cost))

    async def _charge(self, principal: Principal, cost: int) -> Charge:
        charge = Charge(cost)
        actor = await self._take(_actor_key(principal), cost, self.actor_allowance(principal))
        charge = replace(charge, actor=actor)
        beginner = _caller_of(principal)
        if beginner is not None and charge.refused is None:
            key, allowance = _actor_key(beginner), _in_debt(self.actor_allowance(beginner))
            charge = replace(charge, caller=await self._take(key, cost, allowance))
        if charge.refused is None:
            key, allowance = _organization_key(principal), self.organization_allowance(principal)
            charge = replace(charge, organization=await self._take(key, cost, allowance))
        return charge

    def actor_allowance(self, principal: Principal) -> Allowance | None:
        """Return what the credential may spend; None where that is not limited."""
        points: Mapping[ActorKind, int] = {
            ActorKind.USER: self.rates.user,
            ActorKind.AGENT_SESSION: self.rates.agent,
            ActorKind.RUN: self.rates.run,
        }
        is_key = principal.api_key_id is not None and principal.actor.kind not in REPORTERS
        return self._allowance(
            self.rates.key if is_key else points.get(principal.actor.kind, self.rates.key)
        )

    def organization_allowance(self, principal: Principal) -> Allowance | None:
        """Return what all who share the caller's bucket of the organization may spend."""
        if _caller_of(principal) is not None:
            return _in_debt(self._allowance(self.rates.organization))
        is_report = principal.actor.kind in REPORTERS
        return self._allowance(self.rates.reports if is_report else self.rates.organization)

    def _allowance(self, per_second: int) -> Allowance | None:
        if per_second <= 0:
            return None
        return Allowance(capacity=per_second * self.rates.burst_seconds, per_second=per_second)

    async def _take(self, key: str, cost: int, allowance: Allowance | None) -> Taken | None:
        if allowance is None:
            return None
        return await self.buckets.take(key, cost=cost, allowance=allowance)


def refusal(charge: Charge, refused: Taken) -> GraphQLError:
    """Return the error of an operation that its caller cannot pay for now."""
    who = "this organization"
    if refused is charge.actor:
        who = "this credential"
    elif refused is charge.caller:
        who = "who began this run"
    wait_ms, left = ceil(refused.wait_seconds * 1000), max(int(refused.remaining), 0)
    return GraphQLError(
        f"The operation costs {charge.cost:,} points and {who} has {left:,} left; "
        f"try again in {wait_ms / 1000:.1f} s.",
        extensions={"code": "RATE_LIMITED", "cost": charge.cost, "retryAfterMs": wait_ms},
    )


def quota_refusal(charge: Charge, spent: Quota, *, now: datetime) -> GraphQLError:
    """Return the error of an operation of an organization that has used up a quota."""
    error = QuotaExceeded(spent)
    wait = spent.resets_at - now if spent.resets_at else timedelta(days=1)
    return GraphQLError(
        error.message,
        extensions={
            "code": "RATE_LIMITED",
            "quota": spent.kind.value,
            "cost": charge.cost,
            "limit": spent.limit,
            "used": spent.used,
            "retryAfterMs": max(ceil(wait.total_seconds() * 1000), 1),
        },
    )


def _caller_of(principal: Principal) -> Principal | None:
    """Return who began a run in a process of their own, as they would ask themselves."""
    run = principal.run
    if run is None or run.caller is None:
        return None
    return replace(principal, actor=run.caller, api_key_id=run.api_key_id, run=None)


def _in_debt(allowance: Allowance | None) -> Allowance | None:
    return replace(allowance, debt=allowance.capacity) if allowance is not None else None


def _organization_key(principal: Principal) -> str:
    key = f"organization:{principal.organization_id}"
    is_own = principal.actor.kind in REPORTERS and _caller_of(principal) is None
    return f"{key}:{principal.actor.kind}" if is_own else key


def _actor_key(principal: Principal) -> str:
    if principal.run is not None:
        return f"run:{principal.run.run_id}"
    if principal.agent_session_id is not None:
        return f"session:{principal.agent_session_id}"
    if principal.api_key_id is not None:
        return f"key:{principal.api_key_id}"
    return f"{principal.actor.kind}:{principal.actor.id}"
