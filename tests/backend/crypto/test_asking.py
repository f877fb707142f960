"""A provider that takes connections and never answers: who asks is told, and nobody else waits."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Generator

import pytest

from headgate_server.crypto import asking, aws_kms, vault_transit
from headgate_server.crypto.aws_kms import open_aws_kms
from headgate_server.crypto.errors import KeyProviderAway
from headgate_server.crypto.providers import KeyProvider
from headgate_server.crypto.vault_transit import open_vault_transit

ARN = "arn:aws:kms:eu-central-1:000000000000:key/0"


@pytest.fixture
def silent_port() -> Generator[int]:
    """Listen, and take nothing that comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closing_port() -> Generator[int]:
    """Take what comes, and close it."""

    def close_all(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                listening.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        closing = threading.Thread(target=close_all, args=(listening,))
        closing.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        closing.join()


@pytest.fixture(params=["aws-kms", "vault-transit"])
def opened(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], KeyProvider]:
    """Return what opens a provider at a port."""

    def open_provider(port: int) -> KeyProvider:
        url = f"http://127.0.0.1:{port}"
        if request.param == "vault-transit":
            return open_vault_transit(f"{url}#headgate", token="t")
        return open_aws_kms(ARN, endpoint_url=url)

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return open_provider


@pytest.fixture
def silent(opened: Callable[[int], KeyProvider], silent_port: int) -> KeyProvider:
    """Return a provider that takes connections and never answers."""
    return opened(silent_port)


async def test_a_provider_that_closes_connections_is_away(
    opened: Callable[[int], KeyProvider], closing_port: int
) -> None:
    with pytest.raises(KeyProviderAway) as told:
        await opened(closing_port).newest()

    assert "Error" in told.value.detail or "Disconnected" in told.value.detail


@pytest.fixture
def given_up(
    silent_port: int, opened: Callable[[int], KeyProvider], monkeypatch: pytest.MonkeyPatch
) -> KeyProvider:
    """Return a silent provider whose client stops waiting sooner than who asks."""
    monkeypatch.setattr(aws_kms, "READ_SECONDS", 0.1)
    monkeypatch.setattr(aws_kms, "ATTEMPTS", 1)
    monkeypatch.setattr(vault_transit, "ANSWER_SECONDS", 0.1)
    return opened(silent_port)


async def ask_at_once(provider: KeyProvider, count: int) -> list[str]:
    """Return what so many are told who ask at once."""
    asked = (provider.newest() for _ in range(count))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return [one.detail if isinstance(one, KeyProviderAway) else str(one) for one in answers]


async def test_a_provider_that_the_client_stops_waiting_for_is_away(
    given_up: KeyProvider,
) -> None:
    first = await ask_at_once(given_up, asking.THREADS + 4)
    later = await ask_at_once(given_up, 3)

    assert all("Timeout" in one for one in first[: asking.THREADS])
    assert all("did not answer lately" in one for one in first[asking.THREADS :])
    assert "Timeout" in later[0]
    assert all("did not answer lately" in one for one in later[1:])


async def test_threads_of_all_else_are_free_while_many_wait_for_a_silent_provider(
    silent: KeyProvider,
) -> None:
    asked = [asyncio.create_task(silent.newest()) for _ in range(40)]
    await asyncio.sleep(0)

    for _ in range(40):
        await asyncio.to_thread(threading.get_ident)
    waiting = [one for one in asked if not one.done()]
    for one in asked:
        one.cancel()

    assert len(waiting) == len(asked)


async def test_a_silent_provider_is_away_and_one_at_a_time_looks_whether_it_is_back(
    silent: KeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.2)

    told = [*await ask_at_once(silent, 3), *await ask_at_once(silent, 3)]

    assert all("does not answer within" in one for one in [*told[:3], told[3]])
    assert all("did not answer lately" in one for one in told[4:])


async def test_who_was_away_and_answers_again_serves_all() -> None:
    gate, asker = threading.Event(), asking.Asker("The provider")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asking, "ANSWER_SECONDS", 0.05)
        with pytest.raises(KeyProviderAway):
            await asker.ask(gate.wait)
    gate.set()

    assert await asker.ask(gate.is_set)
    assert await asyncio.gather(*(asker.ask(gate.is_set) for _ in range(20))) == [True] * 20


async def test_a_provider_that_answers_slowly_is_not_away_for_those_in_line() -> None:
    asker, never = asking.Asker("The provider"), threading.Event()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asking, "ANSWER_SECONDS", 0.5)
        slow = (asker.ask(never.wait, 0.1) for _ in range(asking.THREADS * 8))
        answers = await asyncio.gather(*slow, return_exceptions=True)

        assert [type(one) for one in answers[: asking.THREADS]] == [bool] * asking.THREADS
        told = {one.detail for one in answers if isinstance(one, KeyProviderAway)}
        assert told == {f"The provider still has {asking.THREADS} others to answer after 0 s."}
        assert await asyncio.gather(*(asker.ask(never.is_set) for _ in range(3))) == [False] * 3


async def test_who_goes_away_at_once_takes_no_thread_along() -> None:
    asker = asking.Asker("The provider")

    for _ in range(200):
        leaving = asyncio.create_task(asker.ask(threading.get_ident))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})

    answers = (asker.ask(threading.get_ident) for _ in range(2 * asking.THREADS))
    assert len(await asyncio.gather(*answers)) == 2 * asking.THREADS
