"""The flows that measurements run; also a script: ``python flows.py NAME COUNT`` prints times."""

import json
import logging
import sys
import time

from headgate import flow, get_run_logger, task


@task
def nothing(value: int = 0) -> int:
    return value


def plain_fibonacci(value: int) -> int:
    return value if value < 2 else plain_fibonacci(value - 1) + plain_fibonacci(value - 2)


@task
def fibonacci(value: int) -> int:
    return plain_fibonacci(value)


@flow
def noop() -> None:
    pass


@flow
def flood(rate: int, seconds: int) -> dict[str, float]:
    """Log so many lines a second; where that is more than it can, for twice as long at most.

    As below an agent, nothing is said to a terminal: it would take most of the time.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    logger = get_run_logger()
    step = rate // 100
    began = time.perf_counter()
    lines = 0
    while lines < rate * seconds and time.perf_counter() - began < 2 * seconds:
        for number in range(lines, lines + step):
            logger.info("flood %d", number)
        lines += step
        time.sleep(max(0.0, lines / rate - (time.perf_counter() - began)))
    return {"lines": lines, "seconds": time.perf_counter() - began}


@flow
def slow() -> None:
    time.sleep(10)


@flow
def lasting() -> None:
    time.sleep(600)


@flow
def parent(count: int) -> float:
    noop()
    began = time.perf_counter()
    for _ in range(count):
        noop()
    return (time.perf_counter() - began) / count * 1000


@flow
def sequential(count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        nothing(number)
    return (time.perf_counter() - began) / count * 1000


@flow
def mapped(count: int) -> float:
    began = time.perf_counter()
    nothing.map(list(range(count))).result()
    return (time.perf_counter() - began) / count * 1000


@flow
def light() -> None:
    for _ in range(40):
        fibonacci(10)


@flow
def heavy() -> None:
    for _ in range(10):
        fibonacci(33)


def _measure(name: str, count: int) -> dict[str, object]:
    if name == "plain":
        began = time.perf_counter()
        for _ in range(count):
            plain_fibonacci(33)
        return {"samples": [time.perf_counter() - began]}
    if name == "noop":
        noop()
        samples: list[float] = []
        for _ in range(count):
            began = time.perf_counter()
            noop()
            samples.append((time.perf_counter() - began) * 1000)
        return {"samples": samples}
    if name == "parent":
        return {"samples": [parent(count) for _ in range(3)]}
    if name == "flood":
        began = time.perf_counter()
        return {**flood(int(sys.argv[3]), count), "whole_seconds": time.perf_counter() - began}
    noop()
    run = {"sequential": sequential, "mapped": mapped}[name]
    per_task = run(count)
    return {"samples": [per_task], "returned_at": time.time()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))) + "\n")
