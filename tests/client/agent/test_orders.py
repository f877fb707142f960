"""What an agent makes of its orders, and when it speaks up again."""

import logging

import pytest

from headgate.agent.orders import Orders


def test_a_paused_agent_reports_itself_online_at_once_and_then_ever_less_often() -> None:
    orders = Orders()
    assert orders.state_to_report() is None

    orders.pause("It left offers unclaimed.", every=3600)

    assert orders.state_to_report() == "ONLINE"
    assert orders.state_to_report() is None
    assert orders.paused_for == "It left offers unclaimed."


def test_a_pause_that_comes_again_without_a_claim_between_is_not_answered_at_once() -> None:
    orders = Orders()
    orders.pause("Once.", every=3600)
    orders.state_to_report()
    orders.resume()

    orders.pause("Twice.", every=3600)
    assert orders.state_to_report() is None
    orders.resume()
    orders.vain_resumes = 0
    orders.pause("Thrice.", every=3600)

    assert orders.state_to_report() == "ONLINE"


def test_an_agent_that_was_paused_for_weeks_still_counts() -> None:
    orders = Orders()
    orders.vain_resumes = 100_000

    orders.pause("Long.", every=15)

    assert orders.state_to_report() is None


def test_the_wish_for_a_newer_version_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    orders = Orders()

    with caplog.at_level(logging.WARNING, logger="headgate.agent"):
        for reason in ("old", "old", "older"):
            orders.upgrade(reason)

    assert [record.getMessage().split(":")[1].split()[0] for record in caplog.records] == [
        "old",
        "older",
    ]
