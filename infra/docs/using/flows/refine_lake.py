"""Assets: what tasks produce has an address, and a lineage that follows from who reads what."""

import json
from pathlib import Path

from headgate import flow
from headgate.assets import Asset, AssetProperties, materialize

RAW = Asset(
    "file://lake/raw/orders.json",
    AssetProperties(name="Raw orders", owners=["shop-team"], description="As the shop sends them"),
)
CLEAN = "file://lake/clean/orders.json"
TOTALS = "file://lake/marts/totals.json"

Orders = list[dict[str, int]]


@materialize(RAW)
def land(folder: Path) -> Orders:
    """Take the orders in as they are."""
    orders = [{"id": 1, "cents": 1990}, {"id": 2, "cents": -5}, {"id": 3, "cents": 700}]
    (folder / "raw.json").write_text(json.dumps(orders))
    RAW.add_metadata({"rows": len(orders)})
    return orders


@materialize(CLEAN)
def clean(orders: Orders, folder: Path) -> Orders:
    """Leave out what cannot be."""
    kept = [order for order in orders if order["cents"] > 0]
    (folder / "clean.json").write_text(json.dumps(kept))
    return kept


@materialize(TOTALS, by="plain Python")
def sum_up(orders: Orders, folder: Path) -> int:
    """Add the orders up."""
    total = sum(order["cents"] for order in orders)
    (folder / "totals.json").write_text(json.dumps(total))
    return total


@flow
def refine_lake(folder: Path) -> int:
    """Refine the orders, one asset after another."""
    raw = land.submit(folder)
    kept = clean.submit(raw, folder)
    return sum_up.submit(kept, folder).result()


if __name__ == "__main__":
    refine_lake(Path())
