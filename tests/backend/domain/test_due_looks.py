"""Where looks for due runs begin."""

from datetime import UTC, datetime, timedelta

from headgate_server.domain.due_looks import (
    CHEAP_SECONDS,
    REST_TIMES,
    SLACK,
    DueLooks,
    Oldest,
    Start,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Watch:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def look(looks: DueLooks, watch: Watch, *, seconds: float, due: datetime | None = None) -> None:
    looks.begin()
    watch.now += seconds
    looks.note(Oldest(due, None), now=NOW)


def test_the_first_look_is_from_the_beginning_and_so_is_each_that_is_cheap() -> None:
    watch = Watch()
    looks = DueLooks(watch)
    for _ in range(3):
        assert looks.begin() == Start()
        watch.now += CHEAP_SECONDS / 2
        looks.note(Oldest(None, None), now=NOW)
        assert looks.seconds_left() is None


def test_after_one_that_took_long_others_begin_where_the_oldest_runs_were() -> None:
    watch = Watch()
    looks = DueLooks(watch)
    looks.begin()
    watch.now += 1
    looks.note(Oldest(NOW - MINUTE, NOW - 2 * MINUTE), now=NOW)

    assert looks.begin() == Start(NOW - MINUTE - SLACK, NOW - 2 * MINUTE - SLACK)
    looks.note(Oldest(None, None), now=NOW)
    assert looks.begin() == Start(NOW - SLACK, NOW - SLACK)


def test_what_is_later_than_now_is_no_reason_to_begin_later() -> None:
    looks = DueLooks(Watch())
    looks.begin()
    found = looks.note(Oldest(NOW + MINUTE, NOW + MINUTE), now=NOW)
    assert found == Start(NOW - SLACK, NOW - SLACK)


def test_looks_from_the_beginning_take_a_share_of_the_time() -> None:
    watch = Watch()
    looks = DueLooks(watch)
    look(looks, watch, seconds=2)
    look(looks, watch, seconds=0)
    assert looks.seconds_left() == 2 * REST_TIMES

    watch.now += 2 * REST_TIMES

    assert looks.seconds_left() == 0
    assert looks.begin() == Start()
