"""Schedulers that are killed at work: a sample of ``python -m tests.chaos.schedules``."""

from dataclasses import replace

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.chaos.schedules import Verdict, storm


@pytest.mark.e2e
def test_each_instant_fires_once_whoever_is_killed(urls: DatabaseUrls) -> None:
    verdict = storm(urls, seed=7, fires=1_500, processes=4)

    assert verdict.is_well, verdict
    assert verdict.fires >= 1_500
    assert verdict.kills >= 5


def test_verdict_sees_what_is_wrong() -> None:
    well = Verdict(1, 10, 1, 0, 0, 0, 0, 0, 0)

    assert well.is_well
    for wrong in ("doubled", "missing", "strange", "unlike_the_ledger", "skipped", "astray"):
        assert not replace(well, **{wrong: 1}).is_well


def test_storm_without_fires_or_kills_proves_nothing() -> None:
    well = Verdict(1, 10, 1, 0, 0, 0, 0, 0, 0)

    assert not replace(well, fires=0).is_well
    assert not replace(well, kills=0).is_well
