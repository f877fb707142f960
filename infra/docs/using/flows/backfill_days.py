"""A backfill: one subflow a day, and a day that is there already is not done again."""

from datetime import date, timedelta
from pathlib import Path

from headgate import flow, task
from headgate.states import Completed


@task
def measure(day: date) -> int:
    """Return what a day came to."""
    return day.toordinal() % 100


@task
def store(value: int, file: Path) -> int:
    """Write a day's file beside its place, and move it there when it is whole."""
    part = file.with_suffix(".part")
    part.write_text(str(value))
    part.rename(file)
    return value


@flow(flow_run_name="day {day}")
def load_day(day: date, folder: Path):
    """Load one day, unless it is there."""
    file = folder / f"{day}.txt"
    if file.exists():
        return Completed(name="Skipped", message=f"{day} is there", data=int(file.read_text()))
    return store(measure(day), file)


@flow
def backfill_days(
    folder: Path, start: date = date(2026, 2, 27), end: date = date(2026, 3, 2)
) -> dict[str, int]:
    """Load each day from start to end."""
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    return {str(day): load_day(day, folder) for day in days}


if __name__ == "__main__":
    backfill_days(Path())
