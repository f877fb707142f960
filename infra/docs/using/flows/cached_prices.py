"""Caching: what was computed for the same inputs is used again, by the next run as well."""

from datetime import timedelta
from pathlib import Path

from headgate import flow, task
from headgate.cache_policies import INPUTS


def note(folder: Path, line: str) -> None:
    """Say that something was really done."""
    with (folder / "computed").open("a") as file:
        file.write(f"{line}\n")


@task(
    cache_policy=INPUTS - "folder",
    cache_expiration=timedelta(hours=1),
    task_run_name="price {product}",
)
def price(product: str, amount: int, folder: Path) -> int:
    """Take a while to find a price."""
    note(folder, product)
    return 100 * amount


@flow
def cached_prices(folder: Path, salt: str = "") -> dict[str, int]:
    """Ask for three prices, one of them twice."""
    basket = [(f"pen{salt}", 2), (f"ink{salt}", 1), (f"pen{salt}", 2)]
    total = sum(price(product, amount, folder) for product, amount in basket)
    return {"total": total, "computed": len((folder / "computed").read_text().splitlines())}


if __name__ == "__main__":
    cached_prices(Path())
