"""A server with nothing but deployments of a few flows, for the verbs that ask one."""

from collections.abc import Generator

import pytest

from tests.e2e.dev_server import DevServer, dev_server

FLOWS = '''
"""Flows of these tests."""

from headgate import flow, get_run_logger, task


@task
def load(number: int) -> int:
    return number


@task
def double(number: int) -> int:
    get_run_logger().info("doubling %s", number)
    return 2 * number


@task
def store(numbers: list[int], sign: int) -> int:
    if sign < 0:
        raise ValueError("nothing to store")
    return sum(numbers)


@flow
def inner() -> int:
    return load(1)


@flow
def pipeline(count: int = 2, sign: int = 1) -> int:
    """Load, double, store."""
    get_run_logger().warning("counting to %s", count)
    loaded = [load.submit(number) for number in range(count)]
    doubled = [double.submit(one) for one in loaded]
    inner()
    return store(doubled, sign)


@flow
def needy(region: str) -> str:
    return region
'''


@pytest.fixture(scope="session")
def cli_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server without an agent; a deployment of ``pipeline`` is in the pool default."""
    folder = tmp_path_factory.mktemp("verbs")
    (folder / "flows.py").write_text(FLOWS)
    with dev_server(folder) as server:
        done = server.here(
            *("deploy", "flows.py:pipeline", "--name", "test", "--pool", "default", "--tag", "t")
        )
        assert done.code == 0, done.err
        yield server
