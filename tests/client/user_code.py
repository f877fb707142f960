# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""A sample of user code that the type checker must read without complaint, and read right."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import assert_type

from headgate import Flow, Future, FutureList, State, Task, flow, get_run_logger, task, unmapped


@task(retries=3, retry_delay_seconds=[1, 2, 4], tags=["io"])
def fetch(url: str, *, limit: int = 10) -> list[int]:
    get_run_logger().info("fetching %s", url)
    return list(range(limit))


@task
async def store(rows: list[int]) -> int:
    await asyncio.sleep(0)
    return len(rows)


@task
def pages(url: str) -> Generator[int]:
    yield len(url)


@task
async def pages_async(url: str) -> AsyncGenerator[int]:
    yield len(url)


@task
def plain() -> None:
    """Do nothing."""


@flow(name="sample", log_prints=True, timeout_seconds=60)
def main(url: str = "https://example.com") -> int:
    assert_type(fetch(url), list[int])
    assert_type(fetch(url, limit=3), list[int])
    assert_type(fetch.submit(url), Future[list[int]])
    assert_type(fetch.submit(url, wait_for=[plain.submit()]), Future[list[int]])
    assert_type(fetch.submit(url, return_state=True), State[list[int]])
    assert_type(fetch(url, return_state=True), State[list[int]])
    assert_type(fetch.map([url, url], limit=unmapped(2)), FutureList[list[int]])
    assert_type(fetch.map([url, url]).result(), list[list[int]])
    assert_type(store.submit([1]), Future[int])
    assert_type(store.submit([1]).result(), int)
    assert_type(store.map([[1]]), FutureList[int])
    assert_type(fetch.with_options(retries=1)(url), list[int])
    assert_type(pages(url), Generator[int])
    assert_type(pages(url, return_state=True), State[list[int]])
    assert_type(pages.submit(url), Future[list[int]])
    assert_type(pages_async.submit(url).result(), list[int])
    assert_type(pages_async.map([url]).result(), list[list[int]])
    return 1


@flow
async def numbers() -> AsyncGenerator[int]:
    async for number in pages_async("x"):
        assert_type(number, int)
        yield number


@flow
async def main_async(rows: list[int]) -> int:
    assert_type(await store(rows), int)
    assert_type(await store(rows, return_state=True), State[int])
    assert_type([number async for number in numbers()], list[int])
    assert_type(await numbers(return_state=True), State[list[int]])
    assert_type(main(), int)
    assert_type(main(return_state=True), State[int])
    return await store(rows)


def takes(a: Task[[str], int], b: Flow[[], int]) -> tuple[int, int]:
    return a("x"), b()


fetch(3)  # pyright: ignore[reportArgumentType] - must be refused
fetch.submit()  # pyright: ignore[reportCallIssue] - must be refused
main(url=4)  # pyright: ignore[reportArgumentType] - must be refused
