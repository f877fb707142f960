"""A sample of user code for mypy's strict rules: good lines pass, and what must be refused is."""

import asyncio
from typing import assert_type

from headgate import Flow, Future, FutureList, State, Task, flow, task, transaction, unmapped


@task(retries=3, retry_delay_seconds=[1, 2, 4], retry_jitter_factor=0.5, tags=["io"])
def fetch(url: str, *, limit: int = 10) -> list[int]:
    return list(range(limit))


@task
async def store(rows: list[int]) -> int:
    await asyncio.sleep(0)
    return len(rows)


@task
def plain() -> None:
    """Do nothing."""


class Client:
    """Something with methods."""

    @task
    def get(self, url: str) -> int:
        return len(url)

    @flow
    def run(self, url: str) -> int:
        return self.get(url)


@flow(name="sample", log_prints=True, timeout_seconds=60, retries=1, retry_jitter_factor=1)
def main(url: str = "https://example.com") -> int:
    assert_type(fetch(url), list[int])
    assert_type(fetch(url, limit=3), list[int])
    assert_type(fetch.submit(url), Future[list[int]])
    assert_type(fetch.submit(url, return_state=True), State[list[int]])
    assert_type(fetch.map([url, url], limit=unmapped(2)), FutureList[list[int]])
    assert_type(store.submit([1]).result(), int)
    assert_type(fetch.with_options(retries=1)(url), list[int])
    assert_type(Client().get(url), int)
    assert_type(Client().get.submit(url).result(), int)
    assert_type(Client().run(url), int)
    with transaction(key="k") as txn:
        assert_type(txn.is_committed(), bool)
    return 1


@flow
async def main_async(rows: list[int]) -> int:
    assert_type(await store(rows), int)
    assert_type(await store(rows, return_state=True), State[int])
    assert_type(main(), int)
    assert_type(main(return_state=True), State[int])
    return await store(rows)


def takes(a: Task[[str], int], b: Flow[[], int]) -> tuple[int, int]:
    return a("x"), b()


fetch(3)  # type: ignore[call-overload] # must be refused
fetch.submit()  # type: ignore[call-overload] # must be refused
main(url=4)  # type: ignore[call-overload] # must be refused
Client().get(3)  # type: ignore[call-overload] # must be refused
fetch.with_options(retires=1)  # type: ignore[call-arg] # must be refused
