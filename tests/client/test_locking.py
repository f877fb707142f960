"""Locks of cache keys: one holder at a time, and none that outlives its process."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.locking.filesystem import FileSystemLockManager
from headgate.locking.memory import MemoryLockManager
from headgate.locking.protocol import LockManager

Make = Callable[[], LockManager]


@pytest.fixture(params=["memory", "files"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes managers that share their locks."""
    if request.param == "memory":
        return MemoryLockManager
    return lambda: FileSystemLockManager(tmp_path / "locks")


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
