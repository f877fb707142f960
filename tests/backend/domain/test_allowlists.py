"""Which addresses a list of networks lets in, and which lists there may be."""

import pytest

from headgate_server.domain.allowlists import (
    MAX_NETWORKS,
    AddressNotAllowed,
    admits,
    check_address,
    parse_networks,
)
from headgate_server.domain.errors import InvalidInput


def test_networks_are_kept_in_order_and_once() -> None:
    sent = ["2001:DB8::/32", " 203.0.113.9 ", "10.0.0.0/8", "203.0.113.9/32", "2001:db8::/32"]

    assert parse_networks(sent) == ("10.0.0.0/8", "203.0.113.9/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::ffff:0:0/95", None),
        ("::fffe:0:0/95", "::fffe:0:0/95"),
    ],
)
def test_ipv4_written_as_ipv6_is_the_same_network(sent: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(InvalidInput):
            parse_networks([sent])
        return
    assert parse_networks([sent]) == (kept,)


def test_mapped_network_lets_in_who_comes_over_ipv4() -> None:
    assert admits(parse_networks(["::ffff:127.0.0.0/104"]), "127.0.0.1")


@pytest.mark.parametrize("bad", ["", "here", "10.0.0.1/8", "10.0.0.0/33", "::g", "1.2.3.4:80"])
def test_what_is_no_network_is_named(bad: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_networks(["127.0.0.1", bad])

    assert refused.value.path == ("networks", "1")


def test_list_is_bounded() -> None:
    assert parse_networks(["10.0.0.1"] * MAX_NETWORKS) == ("10.0.0.1/32",)
    with pytest.raises(InvalidInput, match="at most"):
        parse_networks(["10.0.0.1"] * (MAX_NETWORKS + 1))


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8:ffff::1", True),
        ("2001:db9::1", False),
        ("::ffff:10.1.2.3", True),
        ("::ffff:11.1.2.3", False),
        ("::10.1.2.3", False),
        ("", False),
        (None, False),
        ("unix", False),
    ],
)
def test_address_is_in_when_a_network_of_its_kind_holds_it(
    *, address: str | None, is_in: bool
) -> None:
    assert admits(("10.0.0.0/8", "2001:db8::/32"), address) is is_in
    assert admits((), address)


def test_refusal_names_the_address_that_was_seen() -> None:
    with pytest.raises(AddressNotAllowed, match=r"203\.0\.113\.9"):
        check_address(("10.0.0.0/8",), "203.0.113.9")
