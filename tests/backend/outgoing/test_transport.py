"""What is sent goes to the addresses that were looked at: against rebinding, at the socket."""

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import httpx2
import pytest
import trustme

from headgate_server.outgoing.addresses import Address, parse_networks
from headgate_server.outgoing.guards import Guard, Resolve
from headgate_server.outgoing.targets import TargetRefused
from headgate_server.outgoing.transport import MAX_ANSWER_BYTES, AnswerTooLong, GuardedTransport
from tests.fixtures.network import NetworkForbidden
from tests.fixtures.rebinding_dns import open_dns
from tests.fixtures.receivers import open_receiver

PUBLIC = "93.184.215.14"
NAME = "hooks.test"
LOOPBACK = parse_networks("127.0.0.0/8")


def always(*answers: str) -> Resolve:
    async def resolve(name: str) -> Sequence[Address]:
        assert name == NAME
        return [ip_address(answer) for answer in answers]

    return resolve


async def send(
    guard: Guard,
    url: str,
    *,
    certificates: ssl.SSLContext | None = None,
    answer_seconds: float = 10.0,
) -> httpx2.Response:
    transport = GuardedTransport(guard, answer_seconds=answer_seconds, certificates=certificates)
    async with httpx2.AsyncClient(transport=transport, follow_redirects=False) as client:
        return await client.post(url, content=b"{}")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Those of a server, and what trusts them."""

    of: Callable[[str], ssl.SSLContext]
    trust: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    authority = trustme.CA()

    def of(name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream
        return context

    trust = ssl.create_default_context()
    authority.configure_trust(trust)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream
    return Certificates(of, trust)


async def test_name_that_turns_to_loopback_is_connected_to_where_it_was_looked_at() -> None:
    async with open_receiver() as inside, open_dns([PUBLIC], ["127.0.0.1"]) as dns:
        with pytest.RaisesGroup(
            pytest.RaisesExc(NetworkForbidden, match=PUBLIC), flatten_subgroups=True
        ):
            await send(Guard(resolve=dns.resolve), f"http://rebind.test:{inside.port}/")

        assert dns.asked == ["rebind.test"]
        assert inside.connections == 0


async def test_name_that_is_inside_is_not_asked_for_again() -> None:
    async with open_receiver() as inside, open_dns(["127.0.0.1"], [PUBLIC]) as dns:
        with pytest.raises(TargetRefused, match="not public"):
            await send(Guard(resolve=dns.resolve), f"http://rebind.test:{inside.port}/")

        assert dns.asked == ["rebind.test"]
        assert inside.connections == 0


@pytest.mark.parametrize("answers", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]])
async def test_one_address_that_is_not_public_refuses_the_name(answers: list[str]) -> None:
    async with open_receiver() as inside, open_dns(answers) as dns:
        with pytest.raises(TargetRefused):
            await send(Guard(resolve=dns.resolve), f"http://rebind.test:{inside.port}/")

        assert inside.connections == 0


async def test_certificate_and_host_are_the_name_s_and_the_address_is_the_one_looked_at(
    certificates: Certificates,
) -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    async with open_receiver(certificates=certificates.of(NAME)) as receiver:
        url = f"https://{NAME}:{receiver.port}/x?y=1"
        answer = await send(guard, url, certificates=certificates.trust)

    assert (answer.status_code, answer.text) == (200, "ok")
    assert receiver.names == [NAME]
    assert receiver.heads[0].startswith("POST /x?y=1 HTTP/1.1\r\n")
    assert f"host: {NAME}:{receiver.port}\r\n" in receiver.heads[0].lower()


@pytest.mark.parametrize("case", ["another name", "nobody's"])
async def test_certificate_that_is_not_good_for_the_name_ends_it(
    certificates: Certificates, case: str
) -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    shown = certificates.of("evil.test" if case == "another name" else NAME)
    trust = certificates.trust if case == "another name" else ssl.create_default_context()
    async with open_receiver(certificates=shown) as receiver:
        with pytest.raises(httpx2.ConnectError):
            await send(guard, f"https://{NAME}:{receiver.port}/", certificates=trust)

    assert receiver.heads == []


async def test_next_address_is_tried_where_nobody_listens() -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.2", "127.0.0.1"))
    async with open_receiver() as receiver:
        answer = await send(guard, f"http://{NAME}:{receiver.port}/")

    assert answer.status_code == 200


async def test_redirect_is_an_answer_and_nobody_goes_there() -> None:
    async with open_receiver() as inside:
        told = f"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inside.port}/\r\n"
        async with open_receiver(f"{told}content-length: 0\r\n\r\n".encode()) as receiver:
            guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
            answer = await send(guard, f"http://{NAME}:{receiver.port}/")

    assert answer.status_code == 302
    assert inside.connections == 0


async def endless() -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    while True:
        yield b"1000\r\n" + b"x" * 4096 + b"\r\n"


async def dripping() -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\nx\r\n"
        await asyncio.sleep(0.02)


async def test_answer_without_end_is_cut() -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    async with open_receiver(endless()) as receiver:
        with pytest.raises(AnswerTooLong, match=f"{MAX_ANSWER_BYTES:,} bytes"):
            await send(guard, f"http://{NAME}:{receiver.port}/")


async def test_answer_that_drips_is_not_waited_for() -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    began_at = time.monotonic()
    async with open_receiver(dripping()) as receiver:
        with pytest.raises(httpx2.ReadTimeout):
            await send(guard, f"http://{NAME}:{receiver.port}/", answer_seconds=0.3)

    assert time.monotonic() - began_at < 5


async def test_name_server_that_is_silent_is_not_waited_for() -> None:
    silent = asyncio.Event()

    async def resolve(name: str) -> Sequence[Address]:
        del name
        await silent.wait()
        return []

    with pytest.raises(httpx2.ReadTimeout):
        await send(Guard(resolve=resolve), f"http://{NAME}/", answer_seconds=0.1)


async def test_name_that_nobody_has_is_no_connection() -> None:
    async def resolve(name: str) -> Sequence[Address]:
        raise OSError(f"{name} is not known")

    with pytest.raises(httpx2.ConnectError):
        await send(Guard(resolve=resolve), f"http://{NAME}/")


async def test_packed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n"
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    async with open_receiver(head.encode() + packed) as receiver:
        with pytest.raises(httpx2.DecodingError):
            await send(guard, f"http://{NAME}:{receiver.port}/")

    assert "accept-encoding: identity\r\n" in receiver.heads[0].lower()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(networks=LOOPBACK, resolve=always("127.0.0.1"))
    async with open_receiver() as proxy, open_receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await send(guard, f"http://{NAME}:{receiver.port}/")

    assert (proxy.connections, receiver.connections) == (0, 1)
