"""Flows whose process is led through an outage by its standard input: ``flows_away.py FLOW``.

Each line that is read ends a wait; what is printed says where the process has come.
"""

import sys

from headgate import flow, get_run_logger, task


def wait_at(place: str) -> None:
    """Say where this process is, and wait to be told to go on."""
    sys.stdout.write(f"{place}\n")
    sys.stdout.flush()
    sys.stdin.readline()


@task
def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


@flow
def leaf(number: int) -> int:
    """Do the least there is to be told."""
    get_run_logger().info("leaf %d", number)
    return double(number)


@flow
def branch() -> int:
    """Run what is part of it, three times at once."""
    return sum(future.result() for future in inside.map(range(3)))


@task
def inside(number: int) -> int:
    """Run a flow inside of a task."""
    return leaf(number)


@flow
def root() -> None:
    """Begin with the server, and run what is part of it without."""
    wait_at("begun")
    assert branch() == 6
    wait_at("ran")


@flow
def alone() -> None:
    """Begin without the server."""
    double(1)


@flow
def next_one() -> None:
    """Be there, so that what others left is delivered."""


if __name__ == "__main__":
    if sys.argv[1] == "alone":
        wait_at("started")
    globals()[sys.argv[1]]()
