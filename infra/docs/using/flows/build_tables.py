"""A chain of SQL models, as dbt builds them: each after those it needs, and tested."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from headgate import Future, flow, task

MODELS = {
    "customer_totals": """
        SELECT customer, sum(cents) AS cents, count(*) AS orders FROM {{ clean_orders }} GROUP BY 1
    """,
    "clean_orders": "SELECT * FROM {{ raw_orders }} WHERE cents > 0",
    "best_customers": "SELECT customer FROM {{ customer_totals }} WHERE cents >= 2000",
    "raw_orders": """
        SELECT 1 AS id, 'Ada' AS customer, 1990 AS cents
        UNION ALL SELECT 2, 'Grace', 500 UNION ALL SELECT 3, 'Ada', 700 UNION ALL SELECT 4, 'Bob', 0
    """,
}
TESTS = {"customer_totals": "SELECT count(*) FROM customer_totals WHERE cents <= 0"}
REFERENCE = re.compile(r"{{ (\w+) }}")


@task(task_run_name="build {name}")
def build(name: str, database: Path) -> int:
    """Make one table anew, and return how many rows it has."""
    query = REFERENCE.sub(r"\1", MODELS[name])
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(f"CREATE TABLE {name} AS {query}")
        return connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]


@task(task_run_name="test {name}")
def check(name: str, database: Path) -> None:
    """Fail if a test finds rows that must not be."""
    with closing(sqlite3.connect(database)) as connection:
        (wrong,) = connection.execute(TESTS[name]).fetchone()
    if wrong:
        message = f"{wrong} rows of {name} are wrong"
        raise ValueError(message)


@flow
def build_tables(folder: Path) -> dict[str, int]:
    """Build every model after those that it needs; return how many rows each has."""
    database = folder / "warehouse.db"
    built: dict[str, Future[int]] = {}
    done: dict[str, Future[None]] = {}

    def add(name: str) -> None:
        if name in built:
            return
        needed = REFERENCE.findall(MODELS[name])
        for other in needed:
            add(other)
        first = [done.get(other, built[other]) for other in needed]
        built[name] = build.submit(name, database, wait_for=first)
        if name in TESTS:
            done[name] = check.submit(name, database, wait_for=[built[name]])

    for model in MODELS:
        add(model)
    return {name: built[name].result() for name in sorted(built)}


if __name__ == "__main__":
    build_tables(Path())
