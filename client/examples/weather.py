"""Four years of Seattle's weather: read, checked, summed up month by month, stored, reported.

The data are real: the daily records that ship with the ``vega_datasets`` package.
"""

import csv
import importlib.util
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from headgate import flow, get_run_logger, task


@dataclass(frozen=True)
class Day:
    """One day's record; millimetres and degrees Celsius."""

    date: date
    precipitation: float
    temp_max: float
    temp_min: float
    weather: str


@dataclass(frozen=True)
class Month:
    """What a month came to."""

    month: str
    days: int
    precipitation: float
    mean_temp_max: float
    rainy_days: int


@task(retries=2, retry_delay_seconds=1)
def extract() -> list[Day]:
    """Read the daily records."""
    spec = importlib.util.find_spec("vega_datasets")
    if spec is None or spec.origin is None:
        message = "The data come with vega_datasets: pip install vega-datasets"
        raise ModuleNotFoundError(message)
    path = Path(spec.origin).parent / "_data" / "seattle-weather.csv"
    with path.open(newline="") as file:
        days = [
            Day(
                date=date.fromisoformat(row["date"].replace("/", "-")),
                precipitation=float(row["precipitation"]),
                temp_max=float(row["temp_max"]),
                temp_min=float(row["temp_min"]),
                weather=row["weather"],
            )
            for row in csv.DictReader(file)
        ]
    get_run_logger().info("Read %d days", len(days))
    return days


@task
def validate(days: Sequence[Day]) -> dict[str, list[Day]]:
    """Refuse records with holes or impossible values; return them by month."""
    months: dict[str, list[Day]] = {}
    for index, day in enumerate(days):
        if day.date != days[0].date + timedelta(days=index):
            message = f"{day.date} follows {days[index - 1].date}: a day is missing"
            raise ValueError(message)
        if day.temp_min > day.temp_max or day.precipitation < 0:
            message = f"{day.date} cannot be: {day}"
            raise ValueError(message)
        months.setdefault(f"{day.date:%Y-%m}", []).append(day)
    get_run_logger().info("%d days without a hole in %d months", len(days), len(months))
    return months


@task
def aggregate(month: str, days: Sequence[Day]) -> Month:
    """Sum up one month."""
    return Month(
        month=month,
        days=len(days),
        precipitation=round(sum(day.precipitation for day in days), 1),
        mean_temp_max=round(sum(day.temp_max for day in days) / len(days), 2),
        rainy_days=sum(day.precipitation > 0 for day in days),
    )


@task(retries=3, retry_delay_seconds=[0.5, 1, 2])
def load(months: Sequence[Month], database: Path) -> int:
    """Store the months in one transaction; a month that is there already is replaced."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS months (month TEXT PRIMARY KEY, days INTEGER,"
            " precipitation REAL, mean_temp_max REAL, rainy_days INTEGER)"
        )
        connection.executemany(
            "INSERT OR REPLACE INTO months VALUES (?, ?, ?, ?, ?)",
            [(m.month, m.days, m.precipitation, m.mean_temp_max, m.rainy_days) for m in months],
        )
    get_run_logger().info("Stored %d months in %s", len(months), database)
    return len(months)


@task
def report(database: Path) -> str:
    """Write a table of the years from the database into the log, as Markdown."""
    with closing(sqlite3.connect(database)) as connection:
        years = connection.execute(
            "SELECT substr(month, 1, 4), sum(precipitation), sum(rainy_days), max(mean_temp_max)"
            " FROM months GROUP BY 1 ORDER BY 1"
        ).fetchall()
    lines = ["| year | rain in mm | rainy days | warmest month |", "|---|---:|---:|---:|"]
    lines += [
        f"| {year} | {rain:.1f} | {rainy} | {warmest:.1f} °C |"
        for year, rain, rainy, warmest in years
    ]
    text = "\n".join(lines)
    get_run_logger().info("Seattle's weather\n%s", text)
    return text


@flow
def weather(database: Path = Path("weather.db")) -> int:
    """Sum up Seattle's weather by month and return how many months there are."""
    months = validate(extract())
    summaries = aggregate.map(list(months), list(months.values())).result()
    count = load(summaries, database)
    report(database)
    return count


if __name__ == "__main__":
    weather()
