"""Which URLs may be asked: a corpus of good ones and of what is tried to get inside."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from headgate_server.domain.errors import ConfigurationError
from headgate_server.outgoing.addresses import Address, parse_networks
from headgate_server.outgoing.guards import Guard
from headgate_server.outgoing.targets import TargetRefused
from headgate_server.settings import Settings

CORPUS: list[tuple[str, str, list[str]]] = [
    (verdict, url, answers)
    for verdict, url, answers in json.loads(
        Path(__file__).with_name("targets.json").read_text(encoding="utf-8")
    )
]


async def is_let_through(guard: Guard, url: str) -> bool:
    try:
        target = guard.check(url)
        return bool(await guard.addresses_of(target.host, target.port))
    except TargetRefused:
        return False


def answering(answers: list[str]) -> Guard:
    async def resolve(name: str) -> list[Address]:
        assert answers, f"{name} was looked up"
        return [ip_address(answer) for answer in answers]

    return Guard(resolve=resolve)


@pytest.mark.parametrize(("verdict", "url", "answers"), CORPUS, ids=[one[1] for one in CORPUS])
async def test_corpus(verdict: str, url: str, answers: list[str]) -> None:
    assert await is_let_through(answering(answers), url) == (verdict == "allowed")


def test_corpus_is_large_and_tries_nothing_twice() -> None:
    refused = [url for verdict, url, _ in CORPUS if verdict == "refused"]

    assert len(refused) >= 100
    assert len({url for _, url, _ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://10.1.2.3/", True),
        ("http://[fd00::7]/", True),
        ("http://11.1.2.3/", True),
        ("http://192.168.0.1/", False),
        ("http://169.254.169.254/", False),
        ("http://[::ffff:10.1.2.3]/", False),
        ("http://10.1.2.3:22/", False),
    ],
)
async def test_named_networks_are_let_through_and_no_others(url: str, *, is_allowed: bool) -> None:
    guard = Guard(networks=parse_networks("10.0.0.0/8, fd00::/8"))

    assert await is_let_through(guard, url) == is_allowed


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://127.0.0.1:8080/keys", True),
        ("http://127.0.0.1:6379/", False),
        ("http://127.0.0.2:8080/", False),
        ("https://127.0.0.1/", False),
    ],
)
async def test_origin_that_an_operator_named_is_trusted_and_nothing_beside_it(
    url: str, *, is_allowed: bool
) -> None:
    guard = Guard().trusting("http://127.0.0.1:8080/realms/one")

    assert await is_let_through(guard, url) == is_allowed


@pytest.mark.parametrize("bad", ["10.0.0.1/8", "private", "10.0.0.0/8;fd00::/8", "10.0.0.0/99"])
def test_setting_that_names_no_network_is_refused(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="HEADGATE_OUTGOING_NETWORKS"):
        parse_networks(bad)


def test_no_network_is_let_through_unless_set() -> None:
    assert parse_networks(Settings().outgoing_networks) == ()


def test_refusal_says_what_to_do() -> None:
    with pytest.raises(TargetRefused, match="names no user") as told:
        Guard().check("http://user:secret@example.com/")

    assert "secret" not in str(told.value)
