"""What must have come out of the demo: exact states and counts, and the data computed again."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_server import DemoError
from vega_datasets import local_data

EXPECTED_TASKS = {
    # extract, validate, 48 months, load, report
    "weather": 52,
    "flaky": 1,
    "broken": 1,
    "hello": 3,
    "heartbeat": 1,
}
LONGEST_LAG_SECONDS = 10.0
FLAKY_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a run that has ended."""

    flow: str
    state: str
    message: str | None
    tasks: int
    completed_tasks: int
    attempts: int
    lag_seconds: float


def check(outcomes: list[Outcome], *, database: Path, beats: int) -> None:
    """Compare what came out with what must.

    Raises:
        DemoError: something differs; every difference is named.
    """
    flows = sorted(outcome.flow for outcome in outcomes)
    wanted = sorted(["weather", "flaky", "broken", "hello", *["heartbeat"] * beats])
    wrong = [f"runs of {flows} instead of {wanted}"] if flows != wanted else []
    for outcome in outcomes:
        wrong += [f"{outcome.flow}: {what}" for what in _differences(outcome)]
    stored = _stored_months(database)
    computed = _computed_months()
    if stored != computed:
        wrong.append(f"the months are {stored} instead of {computed}")
    if wrong:
        raise DemoError("\n  ".join(["This came out wrong:", *wrong]))


def _differences(outcome: Outcome) -> list[str]:
    is_broken = outcome.flow == "broken"
    tasks = EXPECTED_TASKS[outcome.flow]
    expected = {
        "state": "Failed" if is_broken else "Completed",
        "message": "ValueError: Order 1003 has no amount" if is_broken else None,
        "tasks": tasks,
        "completed_tasks": 0 if is_broken else tasks,
        "attempts": FLAKY_ATTEMPTS if outcome.flow == "flaky" else 1,
    }
    found = [
        f"{name} is {getattr(outcome, name)!r} instead of {value!r}"
        for name, value in expected.items()
        if getattr(outcome, name) != value
    ]
    if not 0 <= outcome.lag_seconds <= LONGEST_LAG_SECONDS:
        found.append(f"it started {outcome.lag_seconds:.1f} s after it was due")
    return found


def _stored_months(database: Path) -> dict[str, tuple[int, float]]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT month, days, precipitation FROM months")
        return {month: (days, precipitation) for month, days, precipitation in rows}


def _computed_months() -> dict[str, tuple[int, float]]:
    """Sum up the records again, another way: by the reader of the package and in tenths."""
    days: dict[str, int] = defaultdict(int)
    tenths: dict[str, int] = defaultdict(int)
    frame: Any = local_data.seattle_weather()
    for row in frame.itertuples():
        month = f"{row.date:%Y-%m}"
        days[month] += 1
        tenths[month] += round(row.precipitation * 10)
    return {month: (days[month], tenths[month] / 10) for month in days}
