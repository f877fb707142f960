"""Subflows, three deep: a night loads regions, a region loads shops, each a run of its own."""

from headgate import flow, tags, task

SHOPS = {"north": ["Oslo", "Bergen"], "south": ["Rome"]}


@task
def sales(shop: str) -> int:
    """Return what a shop sold."""
    return len(shop) * 10


@flow(flow_run_name="shop {shop}")
def load_shop(shop: str) -> int:
    """Load one shop."""
    return sales(shop)


@flow(flow_run_name="region {region}")
def load_region(region: str) -> dict[str, int]:
    """Load the shops of a region."""
    return {shop: load_shop(shop) for shop in SHOPS[region]}


@flow
def nightly() -> dict[str, dict[str, int]]:
    """Load every region."""
    loaded: dict[str, dict[str, int]] = {}
    for region in SHOPS:
        with tags(region):
            loaded[region] = load_region(region)
    return loaded


if __name__ == "__main__":
    nightly()
