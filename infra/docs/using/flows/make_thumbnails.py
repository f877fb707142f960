"""Background tasks: work that others do, on whatever machine `headgate task serve` runs."""

from headgate import flow, task


@task(retries=1)
def shrink(name: str, width: int) -> str:
    """Stand for work that is better done elsewhere."""
    return f"{name}@{width}"


@flow
def make_thumbnails(names: tuple[str, ...] = ("sun", "moon")) -> list[str]:
    """Hand every picture out in two sizes, and wait for all of them."""
    waiting = [shrink.delay(name, width) for name in names for width in (64, 256)]
    return [future.result(timeout=60) for future in waiting]


if __name__ == "__main__":
    make_thumbnails()
