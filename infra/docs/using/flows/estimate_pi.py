"""A pool of processes: work that keeps a core busy, on all cores."""

import random

from headgate import flow, task
from headgate.task_runners import ProcessPoolTaskRunner


@task
def count_hits(seed: int, throws: int) -> int:
    """Throw darts at a square, and count those that hit the circle."""
    chance = random.Random(seed)
    return sum(chance.random() ** 2 + chance.random() ** 2 <= 1 for _ in range(throws))


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def estimate_pi(rounds: int = 4, throws: int = 20_000) -> float:
    """Estimate pi; the same seeds come to the same."""
    hits = count_hits.map(range(rounds), throws).result()
    return round(4 * sum(hits) / (rounds * throws), 4)


if __name__ == "__main__":
    estimate_pi()
