"""Reports: one for each region side by side, each an artifact that keeps its versions by key."""

from headgate import flow, task, unmapped
from headgate.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)

SALES = {"north": {"pens": 12, "ink": 3}, "south": {"pens": 7}, "west": {}}


@task(task_run_name="report {region}")
def report(region: str, currency: str) -> int:
    """Write what a region sold, and return how much that was."""
    sold = SALES[region]
    rows = [f"| {product} | {amount} {currency} |" for product, amount in sold.items()]
    text = "\n".join([f"# {region.title()}", "| product | sold |", "|---|---|", *rows])
    create_markdown_artifact(text, key=f"sales-{region}", description=f"Sales of the {region}")
    return sum(sold.values())


@flow
def regional_reports() -> dict[str, int]:
    """Write all reports, and say how far that is."""
    progress = create_progress_artifact(0.0, description="Regions that are done")
    totals = report.map(list(SALES), unmapped("€")).result()
    update_progress_artifact(progress, 100.0)
    create_link_artifact("https://example.com/sales", "All reports", key="sales-index")
    return dict(zip(SALES, totals, strict=True))


if __name__ == "__main__":
    regional_reports()
