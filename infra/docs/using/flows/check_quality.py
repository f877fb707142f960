"""Quality gates: checks that fail do not hide each other, and what follows knows of all of them."""

from collections.abc import Callable
from typing import Any

from headgate import allow_failure, flow, task
from headgate.states import Completed, Failed

Rows = list[dict[str, Any]]

CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "has a name": lambda row: bool(row["name"]),
    "is of age": lambda row: row["age"] >= 18,
    "has an id": lambda row: row["id"] is not None,
}


@task
def read() -> Rows:
    """Return a few people."""
    return [{"id": 1, "name": "Ada", "age": 36}, {"id": 2, "name": "", "age": 17}]


@task(task_run_name="{check}")
def run_check(check: str, rows: Rows):
    """Fail with the rows that break a rule."""
    wrong = [row["id"] for row in rows if not CHECKS[check](row)]
    return Failed(message=f"rows {wrong}") if wrong else Completed(data=len(rows))


@task
def sum_up(checks: list[str], outcomes: list[Any]) -> dict[str, str]:
    """Say what became of each check; runs also where some failed."""
    return {
        check: "failed" if isinstance(outcome, Exception) else "passed"
        for check, outcome in zip(checks, outcomes, strict=True)
    }


@flow
def check_quality() -> dict[str, str]:
    """Make all checks side by side."""
    rows = read.submit()
    futures = [run_check.submit(check, rows) for check in CHECKS]
    return sum_up(list(CHECKS), [allow_failure(future) for future in futures])


if __name__ == "__main__":
    check_quality()
