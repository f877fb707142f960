"""What a run's log holds when it is full."""

import pytest

from tests.backend.services.test_reports import append, lines, read_log
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def test_a_full_log_takes_a_little_more_from_warning_on_and_counts_the_rest(
    world: World,
) -> None:
    lease = await world.started()
    mixed = {**lines(*"abcdefgh"), "level": [20, 20, 20, 20, 10, 30, 20, 40]}

    whole = await append(world, lease, 0, lines("1", "2"), lines_per_run=5)
    cut = await append(world, lease, 2, mixed, lines_per_run=5)
    full = await append(world, lease, 10, lines("x"), lines_per_run=5)
    again = await append(world, lease, 10, lines("x"), lines_per_run=5)

    assert [answer.dropped for answer in (whole, cut, full, again)] == [0, 4, 1, 0]
    assert [answer.next_offset for answer in (whole, cut, full, again)] == [2, 10, 11, 11]
    assert await read_log(world, lease) == [
        (1, "1"), (2, "2"), (3, "a"), (4, "b"), (5, "c"), (6, "f"),
    ]  # fmt: skip
