"""A first flow: three tasks at once, a retry, and a line in the log for each."""

from headgate import flow, get_run_logger, task


@task(retries=2)
def double(number: int) -> int:
    """Return twice the number."""
    get_run_logger().info("Doubling %d", number)
    return 2 * number


@flow(log_prints=True)
def hello(name: str = "world", count: int = 3) -> int:
    """Greet, and add up the doubles of the first numbers."""
    print(f"Hello, {name}!")
    total = sum(future.result() for future in double.map(range(count)))
    print(f"The total is {total}.")
    return total


if __name__ == "__main__":
    hello()
