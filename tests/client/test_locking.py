"""Locks of cache keys: one holder at a time, and none that outlives its process."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headgate import task
from headgate.cache_policies import INPUTS
from headgate.locking import filesystem
from headgate.locking.filesystem import FileSystemLockManager
from headgate.locking.memory import MemoryLockManager
from headgate.locking.protocol import IsolationLevel, LockManager
from headgate.locking.redis import RedisLockManager
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.servers import SESSION_REDIS_DATABASE

Make = Callable[[], LockManager]


@pytest.fixture
def redis_url(servers: EmbeddedServices) -> str:
    """A database of the real server that no other test uses the keys of."""
    return f"{servers.redis_url.rpartition('/')[0]}/{SESSION_REDIS_DATABASE}"


@pytest.fixture(params=["memory", "files", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Make]:
    """Makes managers that share their locks."""
    if request.param == "memory":
        yield MemoryLockManager
    elif request.param == "files":
        yield lambda: FileSystemLockManager(tmp_path / "locks")
    else:
        url = request.getfixturevalue("redis_url")
        with ExitStack() as opened:
            yield lambda: opened.enter_context(closing(RedisLockManager(url=url)))


def test_lock_has_one_holder(make: Make, request: pytest.FixtureRequest) -> None:
    one, other, key = make(), make(), request.node.name

    assert one.acquire_lock(key, "a")
    assert one.acquire_lock(key, "a", acquire_timeout=0)
    assert not other.acquire_lock(key, "b", acquire_timeout=0)
    assert not other.acquire_lock(key, "b", acquire_timeout=0.05)
    assert (other.is_locked(key), other.is_lock_holder(key, "a")) == (True, True)
    assert not other.is_lock_holder(key, "b")
    assert not other.wait_for_lock(key, timeout=0.01)
    with pytest.raises(ValueError, match="b does not hold the lock"):
        other.release_lock(key, "b")

    one.release_lock(key, "a")

    assert other.wait_for_lock(key, timeout=0)
    assert other.acquire_lock(key, "b", acquire_timeout=0)
    other.release_lock(key, "b")
    assert not one.is_locked(key)


def test_lock_is_free_when_its_time_is_over(make: Make, request: pytest.FixtureRequest) -> None:
    manager, key = make(), request.node.name
    manager.acquire_lock(key, "a", hold_timeout=0.05)

    assert manager.acquire_lock(key, "b", acquire_timeout=5)

    assert not manager.is_lock_holder(key, "a")
    manager.release_lock(key, "b")


def test_many_who_want_a_lock_get_it_one_after_another(
    make: Make, request: pytest.FixtureRequest
) -> None:
    key, inside, most = request.node.name, 0, 0
    guard = threading.Lock()

    def work(name: str) -> None:
        nonlocal inside, most
        manager = make()
        for _ in range(5):
            assert manager.acquire_lock(key, name, acquire_timeout=30)
            with guard:
                inside += 1
                most = max(most, inside)
            with guard:
                inside -= 1
            manager.release_lock(key, name)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


def test_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, os\nfrom headgate.locking.filesystem import FileSystemLockManager\n"
        "assert FileSystemLockManager(sys.argv[1]).acquire_lock('k', 'dead')\n"
        "print('held', flush=True)\nos.kill(os.getpid(), 9)"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    manager = FileSystemLockManager(tmp_path)

    assert died.stdout == "held\n"
    assert manager.acquire_lock("k", "alive", acquire_timeout=0)
    assert manager.is_lock_holder("k", "alive")


def test_lock_in_a_file_lives_as_long_as_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "LONGEST_HOLD_SECONDS", 1e-6)
    manager = FileSystemLockManager(tmp_path)
    assert manager.acquire_lock("k", "at work for hours")

    assert not manager.acquire_lock("k", "waits", acquire_timeout=0.05)
    assert manager.is_lock_holder("k", "at work for hours")


def test_lock_in_redis_lives_as_long_as_its_process(redis_url: str) -> None:
    code = (
        "import sys, os\nfrom headgate.locking.redis import RedisLockManager\n"
        "manager = RedisLockManager(url=sys.argv[1], lease_seconds=0.3)\n"
        "assert manager.acquire_lock('of-a-process', 'it')\n"
        "print('held', flush=True)\nsys.stdin.read()"
    )
    with (
        closing(RedisLockManager(url=redis_url)) as manager,
        subprocess.Popen(
            [sys.executable, "-c", code, redis_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        # Longer than its lease: it is renewed.
        assert not manager.acquire_lock("of-a-process", "other", acquire_timeout=0.7)
        process.kill()
        assert manager.acquire_lock("of-a-process", "other", acquire_timeout=10)
        manager.release_lock("of-a-process", "other")


def test_manager_of_redis_travels_and_takes_an_address_in_parts(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    one = RedisLockManager(
        host=parts.hostname or "",
        port=parts.port or 0,
        db=int(parts.path.strip("/")),
        username=parts.username,
        password=parts.password,
    )
    other: RedisLockManager = pickle.loads(pickle.dumps(one))  # noqa: S301 - its own
    with closing(one), closing(other):
        assert one.acquire_lock("travels", "a", hold_timeout=30)
        assert other.is_lock_holder("travels", "a")
        one.release_lock("travels", "a")


def test_one_of_many_calls_computes_what_is_cached_under_a_lock_in_redis(redis_url: str) -> None:
    computed: list[int] = []
    begun, goes_on = threading.Event(), threading.Event()
    with closing(RedisLockManager(url=redis_url)) as manager:
        policy = INPUTS.configure(lock_manager=manager, isolation_level=IsolationLevel.SERIALIZABLE)

        @task(cache_policy=policy)
        def compute(number: int) -> int:
            computed.append(number)
            begun.set()
            assert goes_on.wait(30)
            return number

        threads = [threading.Thread(target=compute, args=(5,)) for _ in range(3)]
        threads[0].start()
        assert begun.wait(30)
        for thread in threads[1:]:
            thread.start()
        goes_on.set()
        for thread in threads:
            thread.join()

    assert computed == [5]
