"""Extract, transform, load: orders from a CSV file, cleaned, into a table of SQLite."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

from headgate import flow, get_run_logger, task

SAMPLE = """id,customer,amount
1,Ada,19.90
2,Grace,5.00
3,,7.50
4,Ada,not a number
5,Edsger,12.10
"""

Order = tuple[int, str, int]


@task
def extract(file: Path) -> list[dict[str, str]]:
    """Read the rows as they are written."""
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


@task
def transform(rows: list[dict[str, str]]) -> list[Order]:
    """Return id, customer and cents of the rows that make sense; say which do not."""
    orders: list[Order] = []
    for row in rows:
        try:
            cents = round(float(row["amount"]) * 100)
        except ValueError:
            cents = 0
        if cents and row["customer"]:
            orders.append((int(row["id"]), row["customer"], cents))
        else:
            get_run_logger().warning("Order %s is left out: %s", row["id"], row)
    return orders


@task(retries=2, retry_delay_seconds=1)
def load(orders: list[Order], database: Path) -> int:
    """Write all orders in one transaction, so that a retry finds the table as it was."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INT)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        (total,) = connection.execute("SELECT sum(cents) FROM orders").fetchone()
    return total


@flow
def etl_orders(folder: Path) -> dict[str, int]:
    """Load the orders of a folder; a sample is written there if it has none."""
    source = folder / "orders.csv"
    if not source.exists():
        source.write_text(SAMPLE)
    orders = transform(extract(source))
    return {"orders": len(orders), "cents": load(orders, folder / "shop.db")}


if __name__ == "__main__":
    etl_orders(Path())
