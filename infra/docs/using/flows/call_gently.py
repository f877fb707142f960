"""Limits: at most two calls at once, and no more than so many a second, whoever makes them."""

from headgate import flow, task
from headgate.concurrency.sync import concurrency, rate_limit


def call_partner(number: int) -> int:
    """Stand for a call of a partner's API."""
    return number * number


@task(task_run_name="call {number}")
def call(number: int) -> int:
    """Call once there is a place, and it is time."""
    with concurrency("partner", occupy=1):
        rate_limit("partner-rate")
        return call_partner(number)


@flow
def call_gently(count: int = 6) -> int:
    """Make some calls side by side; without a server there are no limits."""
    return sum(call.map(range(count)).result())


if __name__ == "__main__":
    call_gently()
