"""Schedules: lengths of time, and the shape that the API takes."""

from datetime import UTC, datetime, timedelta

import pytest

from headgate.deployments.schedules import Cron, Interval, as_input, read_length
from headgate.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("0.5", 0.5), ("45s", 45), ("5m", 300), ("1h30m", 5400), ("2d", 172_800)],
)
def test_lengths_are_read(text: str, seconds: float) -> None:
    assert read_length(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "-5", "5 min", "1w", "nan", "inf", "m5"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is no length of time"):
        read_length(text)


def test_schedules_become_what_the_api_takes() -> None:
    anchor = datetime(2026, 1, 1, tzinfo=UTC)

    found = as_input(
        [
            Cron(cron="0 6 * * *", timezone="Europe/Berlin"),
            Interval(every=timedelta(minutes=1.5), anchor=anchor, is_active=False),
            Cron(cron="@daily", slug="nightly", parameters={"full": True}),
        ]
    )

    assert found == [
        {
            "slug": "default",
            "spec": {"cron": {"cron": "0 6 * * *", "timezone": "Europe/Berlin", "dayOr": True}},
            "active": True,
        },
        {
            "slug": "schedule-2",
            "spec": {"interval": {"every": "PT90S", "anchor": "2026-01-01T00:00:00+00:00"}},
            "active": False,
        },
        {
            "slug": "nightly",
            "spec": {"cron": {"cron": "@daily", "timezone": "UTC", "dayOr": True}},
            "active": True,
            "parameters": {"full": True},
        },
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "PT5S"), (0.25, "PT0.25S"), (100, "PT100S"), (1e-6, "PT0.000001S")]
)
def test_interval_is_exact(seconds: float, text: str) -> None:
    (found,) = as_input([Interval(every=timedelta(seconds=seconds))])

    assert found["spec"]["interval"]["every"] == text
