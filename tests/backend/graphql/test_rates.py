"""What callers may spend: whom it counts against, and how a refusal reads."""

from dataclasses import replace
from uuid import UUID

import pytest

from headgate_server.bus.buckets import Buckets
from headgate_server.domain.tenancy import Actor, ActorKind, Principal, RunGrant
from headgate_server.graphql.limits.rates import Meter, refusal
from headgate_server.settings import Rates
from tests.backend.graphql.local_app import backend, doorkeeper, local_app, principal
from tests.fixtures.api import ApiClient, open_socket, serve

pytestmark = pytest.mark.anyio

TREE = "{ tree { number } }"
RATES = Rates(user=3, key=1, agent=1, run=2, organization=4, reports=5, burst_seconds=1)
PERSON = principal()
OTHER_PERSON = replace(
    PERSON, actor=Actor(kind=ActorKind.USER, id=UUID(int=4), display_name="Grace")
)
KEY = replace(
    PERSON,
    api_key_id=UUID(int=5),
    actor=Actor(kind=ActorKind.SERVICE_ACCOUNT, id=UUID(int=6), display_name="ci"),
)
RUN = replace(
    PERSON,
    run=RunGrant(UUID(int=7), 1),
    actor=Actor(kind=ActorKind.RUN, id=UUID(int=7), display_name="run"),
)


AGENT = replace(
    PERSON,
    agent_session_id=UUID(int=8),
    actor=Actor(kind=ActorKind.AGENT_SESSION, id=UUID(int=8), display_name="agent"),
)


def a_run(number: int, *, of: Principal | None = None) -> Principal:
    """Return a run of a deployment, or one that somebody began in a process of their own."""
    id_ = UUID(int=100 + number)
    caller = of.actor if of is not None else None
    grant = RunGrant(id_, 1, api_key_id=of.api_key_id if of is not None else None, caller=caller)
    return replace(RUN, run=grant, actor=Actor(ActorKind.RUN, id_, "run"))


async def spend(meter: Meter, caller: Principal, *, times: int) -> list[bool]:
    charges = [await meter.charge(caller, 1) for _ in range(times)]
    return [charge.refused is None for charge in charges]


async def test_each_kind_of_credential_has_a_bucket_of_its_own_size() -> None:
    meter = Meter(Buckets(), replace(RATES, organization=0))

    assert await spend(meter, PERSON, times=4) == [True, True, True, False]
    assert await spend(meter, OTHER_PERSON, times=1) == [True]
    assert await spend(meter, KEY, times=2) == [True, False]
    assert await spend(meter, RUN, times=3) == [True, True, False]


async def test_people_and_keys_share_what_their_organization_may_spend() -> None:
    meter = Meter(Buckets(), RATES)

    assert await spend(meter, PERSON, times=3) == [True] * 3
    assert await spend(meter, OTHER_PERSON, times=2) == [True, False]


async def test_reports_of_runs_are_never_refused_for_what_others_read() -> None:
    meter = Meter(Buckets(), RATES)
    await spend(meter, PERSON, times=3)
    await spend(meter, OTHER_PERSON, times=3)

    assert await spend(meter, RUN, times=2) == [True, True]


async def test_runs_in_a_process_of_their_caller_s_spend_what_is_the_caller_s() -> None:
    rates = replace(RATES, key=3, organization=0)
    meter = Meter(Buckets(), rates)
    await spend(meter, KEY, times=1)

    answers = [(await spend(meter, a_run(number, of=KEY), times=1))[0] for number in range(6)]

    assert answers == [True] * 5 + [False], "two that were left, and as many as a bucket holds"
    assert await spend(meter, KEY, times=1) == [False]
    charge = await meter.charge(a_run(9, of=KEY), 1)
    assert charge.caller is not None
    assert charge.refused is charge.caller
    assert "who began this run has 0 left" in refusal(charge, charge.caller).message


async def test_what_lists_of_such_a_run_held_is_the_caller_s_debt() -> None:
    meter = Meter(Buckets(), replace(RATES, key=3, organization=0))

    await meter.charge_late(a_run(1, of=KEY), 3)

    assert await spend(meter, KEY, times=1) == [False]


async def test_runs_in_a_process_of_a_person_s_without_a_key_spend_what_is_the_person_s() -> None:
    meter = Meter(Buckets(), replace(RATES, organization=0))

    answers = [(await spend(meter, a_run(number, of=PERSON), times=1))[0] for number in range(7)]

    assert answers == [True] * 6 + [False]
    assert await spend(meter, PERSON, times=1) == [False]
    assert await spend(meter, OTHER_PERSON, times=1) == [True]


async def test_runs_in_processes_of_callers_spend_what_is_the_organization_s() -> None:
    meter = Meter(Buckets(), replace(RATES, key=0))

    answers = [(await spend(meter, a_run(number, of=KEY), times=1))[0] for number in range(9)]

    assert answers == [True] * 8 + [False]
    assert await spend(meter, PERSON, times=1) == [False]


async def test_reports_of_callers_processes_are_never_refused_for_what_callers_read() -> None:
    meter = Meter(Buckets(), replace(RATES, key=3))
    assert await spend(meter, KEY, times=4) == [True] * 3 + [False]
    await spend(meter, PERSON, times=3)

    assert await spend(meter, a_run(1, of=KEY), times=2) == [True, True]


async def test_what_deployments_run_shares_what_the_organization_has_for_it() -> None:
    meter = Meter(Buckets(), RATES)

    answers = [(await spend(meter, a_run(number), times=1))[0] for number in range(6)]

    assert answers == [True] * 5 + [False]
    assert await spend(meter, AGENT, times=1) == [True], "agents have as much of their own"
    assert await spend(meter, PERSON, times=1) == [True], "and nobody reads less for it"


async def test_other_organizations_spend_their_own() -> None:
    meter = Meter(Buckets(), RATES)
    for number in range(6):
        await spend(meter, a_run(number), times=1)

    assert await spend(meter, replace(a_run(7), organization_id=UUID(int=99)), times=1) == [True]


async def test_nothing_is_limited_at_a_rate_of_zero() -> None:
    meter = Meter(Buckets(), Rates(user=0, organization=0))

    assert await spend(meter, PERSON, times=50) == [True] * 50


def limited(rates: Rates) -> ApiClient:
    behind = replace(backend(), meter=Meter(Buckets(), rates))
    return ApiClient(local_app(doorkeeper(), behind=behind), token="owner")


async def test_refusal_is_429_with_the_time_to_wait() -> None:
    api = limited(Rates(user=1, organization=0, burst_seconds=2))
    answers = [await api.execute(TREE) for _ in range(3)]

    last = answers[-1]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert last.error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < last.error["extensions"]["retryAfterMs"] <= 1000
    assert last.headers["retry-after"] == "1"
    assert "this credential has 0 left; try again in" in last.error["message"]


async def test_cost_follows_the_page_that_variables_ask_for() -> None:
    api = limited(Rates(user=1, organization=0, burst_seconds=60))
    document = "query ($n: Int!) { trees(first: $n) { nodes { number } } }"

    small = [await api.execute(document, n=1) for _ in range(5)]
    large = await api.execute(document, n=100)

    assert [answer.status for answer in small] == [200] * 5
    assert large.status == 429
    assert large.error["extensions"]["cost"] == 101


async def test_operation_that_is_refused_for_its_shape_costs_a_point() -> None:
    api = limited(Rates(user=1, organization=0, burst_seconds=3))

    answers = [await api.execute("{ nothing }") for _ in range(4)]

    assert [answer.code for answer in answers] == ["BAD_REQUEST"] * 3 + ["RATE_LIMITED"]


async def test_operations_on_a_socket_are_charged_too() -> None:
    behind = replace(
        backend(), meter=Meter(Buckets(), Rates(user=1, organization=0, burst_seconds=1))
    )
    async with (
        serve(local_app(doorkeeper(), behind=behind)) as address,
        open_socket(address, token="owner") as socket,
    ):
        first = await socket.run(TREE)
        second = await socket.run(TREE)

    assert first[0]["type"] == "next"
    assert second[0]["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
