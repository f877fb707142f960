"""Slots of limits in code, and limits on the tags of tasks, against a real server."""

import threading
import time
from typing import Any

import pytest

from headgate import flow, runtime, task
from headgate.client import SyncClient
from headgate.client.schemas.actions import GlobalConcurrencyLimitCreate
from headgate.concurrency.asyncio import concurrency as aconcurrency
from headgate.concurrency.asyncio import rate_limit as arate_limit
from headgate.concurrency.sync import concurrency, rate_limit
from headgate.engine import limited_tags
from headgate.errors import InvalidInputError, LimitExceededError, NotFoundError, SlotTimeoutError
from tests.fixtures.deadlines import eventually_sync

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def unknown_tags() -> None:
    """Nothing is known yet of which tags have limits: a process asks every ten seconds only."""
    limited_tags.known.reset()


@pytest.fixture
def limit(client: SyncClient, own_name: str) -> str:
    """A limit of two slots."""
    return made(client, own_name, slots=2)


def made(client: SyncClient, name: str, *, slots: int, decay: float = 0.0) -> str:
    client.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name=name, limit=slots, slot_decay_per_second=decay)
    )
    return name


def active(client: SyncClient, name: str) -> int:
    return client.read_global_concurrency_limit_by_name(name).active


def test_a_slot_is_held_as_long_as_the_block_runs(client: SyncClient, limit: str) -> None:
    with concurrency(limit):
        inside = active(client, limit)

    assert (inside, active(client, limit)) == (1, 0)


def test_several_slots_are_held_at_once(client: SyncClient, limit: str) -> None:
    with concurrency(limit, occupy=2):
        assert active(client, limit) == 2


def test_slots_of_several_limits_are_held_together(client: SyncClient, limit: str) -> None:
    other = made(client, f"{limit}-other", slots=1)

    with concurrency([limit, other]):
        assert (active(client, limit), active(client, other)) == (1, 1)


def test_a_slot_is_given_back_when_the_block_fails(client: SyncClient, limit: str) -> None:
    with pytest.raises(ValueError, match="no"), concurrency(limit):
        raise ValueError("no")

    assert active(client, limit) == 0


def test_who_finds_no_slot_waits_for_one(client: SyncClient, limit: str) -> None:
    order: list[str] = []

    def wait_for_one() -> None:
        with concurrency(limit):
            order.append("second")

    waiting = threading.Thread(target=wait_for_one)
    with concurrency(limit, occupy=2):
        waiting.start()
        eventually_sync(
            lambda: client.read_global_concurrency_limit_by_name(limit).waiting == 1,
            within_seconds=20,
            what="Somebody in the line",
        )
        order.append("first")
    waiting.join(20)

    assert order == ["first", "second"]


def test_who_is_more_urgent_is_served_before_who_came_first(client: SyncClient, limit: str) -> None:
    order: list[str] = []

    def wait_for_both(name: str, priority: int) -> None:
        with concurrency(limit, occupy=2, priority=priority):
            order.append(name)

    waiting = [
        threading.Thread(target=wait_for_both, args=one) for one in (("calm", 0), ("urgent", 5))
    ]
    with concurrency(limit, occupy=2):
        for number, one in enumerate(waiting, start=1):
            one.start()
            eventually_sync(
                lambda number=number: (
                    client.read_global_concurrency_limit_by_name(limit).waiting == number
                ),
                within_seconds=20,
                what="Somebody more in the line",
            )
    for one in waiting:
        one.join(20)

    assert order == ["urgent", "calm"]


def test_who_waits_too_long_gets_a_timeout(limit: str) -> None:
    with (
        concurrency(limit, occupy=2),
        pytest.raises(TimeoutError),
        concurrency(limit, timeout_seconds=0.1),
    ):
        pass


def test_who_asks_once_is_answered_once(limit: str) -> None:
    with (
        concurrency(limit, occupy=2),
        pytest.raises(SlotTimeoutError, match="however often"),
        concurrency(limit, max_retries=0),
    ):
        pass


def test_more_slots_than_there_are_is_an_error(limit: str) -> None:
    with pytest.raises(LimitExceededError), concurrency(limit, occupy=3):
        pass


def test_a_name_without_a_limit_limits_nothing(own_name: str, client: SyncClient) -> None:
    with concurrency(f"{own_name}-unknown", occupy=100):
        pass


def test_a_name_without_a_limit_is_an_error_where_it_is_strict(
    own_name: str, client: SyncClient
) -> None:
    with pytest.raises(NotFoundError), concurrency(f"{own_name}-unknown", strict=True):
        pass


async def test_a_coroutine_holds_a_slot(client: SyncClient, limit: str) -> None:
    async with aconcurrency(limit, occupy=2):
        with pytest.raises(TimeoutError):
            async with aconcurrency(limit, timeout_seconds=0.1):
                pass


def test_a_slot_in_a_flow_is_held_by_its_run(client: SyncClient, limit: str) -> None:
    @flow
    def parent() -> list[Any]:
        with concurrency(limit):
            found = client.read_global_concurrency_limit_by_name(limit)
        return [holder.run and holder.run.id for holder in found.holders] + [runtime.flow_run.id]

    held_by, own = parent()

    assert held_by == own


def test_a_lower_limit_takes_nothing_from_who_holds(client: SyncClient, limit: str) -> None:
    with concurrency(limit, occupy=2):
        client.upsert_global_concurrency_limit_by_name(limit, 1)

        assert active(client, limit) == 2


def test_a_limit_of_nothing_lets_nobody_go_on(client: SyncClient, own_name: str) -> None:
    none = made(client, own_name, slots=0)

    with pytest.raises(SlotTimeoutError), concurrency(none, timeout_seconds=0.1):
        pass


def test_a_rate_needs_slots_that_come_back_by_themselves(limit: str) -> None:
    with pytest.raises(InvalidInputError):
        rate_limit(limit)


def test_a_rate_lets_so_many_a_second_go_on(client: SyncClient, own_name: str) -> None:
    rate = made(client, own_name, slots=1, decay=10)

    began = time.monotonic()
    for _ in range(3):
        rate_limit(rate)

    assert time.monotonic() - began >= 0.19


async def test_a_coroutine_keeps_to_a_rate(client: SyncClient, own_name: str) -> None:
    rate = made(client, own_name, slots=1, decay=0.01)
    await arate_limit(rate)

    with pytest.raises(TimeoutError):
        await arate_limit(rate, timeout_seconds=0.1)


def test_a_rate_without_a_limit_limits_nothing(own_name: str, client: SyncClient) -> None:
    rate_limit([f"{own_name}-unknown"])
    with pytest.raises(NotFoundError):
        rate_limit([f"{own_name}-unknown"], strict=True)


def test_so_many_tasks_of_a_tag_run_at_once(client: SyncClient, own_name: str) -> None:
    client.create_concurrency_limit(tag=own_name, concurrency_limit=1)
    inside, most, guard = 0, 0, threading.Lock()

    @task(tags=[own_name])
    def work(number: int) -> int:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        with guard:
            inside -= 1
        return number

    @flow
    def parent() -> list[int]:
        return work.map([1, 2, 3]).result()

    assert (parent(), most) == ([1, 2, 3], 1)


def test_a_task_needs_a_slot_of_each_of_its_tags(client: SyncClient, own_name: str) -> None:
    client.create_concurrency_limit(tag=own_name, concurrency_limit=5)
    client.create_concurrency_limit(tag=f"{own_name}-full", concurrency_limit=1)
    full = client.read_concurrency_limit_by_tag(f"{own_name}-full")
    goes_on = threading.Event()

    @task(tags=[own_name, f"{own_name}-full"])
    def work() -> str:
        return "done"

    @flow
    def parent() -> str:
        future = work.submit()
        eventually_sync(
            lambda: future.state.name == "AwaitingConcurrencySlot",
            within_seconds=20,
            what="A task that waits",
        )
        goes_on.set()
        return future.result()

    def hold() -> None:
        with concurrency(full.name, strict=True):
            held.set()
            assert goes_on.wait(30)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)

    assert parent() == "done"
    holder.join(20)


def test_a_tag_without_a_limit_is_not_limited(client: SyncClient, own_name: str) -> None:
    both = threading.Barrier(2)

    @task(tags=[own_name])
    def meet() -> int:
        return both.wait(20)

    @flow
    def parent() -> set[int]:
        return {future.result() for future in [meet.submit(), meet.submit()]}

    assert parent() == {0, 1}
