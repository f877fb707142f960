"""Streams whose connections are cut: a sample of ``python -m tests.chaos.streams``."""

from headgate_server.database.urls import DatabaseUrls
from tests.chaos.feeds import Follower, Ledger, by_socket, dice
from tests.chaos.streams import Verdict, judge, storm

SEED = 7


async def test_each_event_is_seen_once_and_in_order_whatever_is_cut(
    urls: DatabaseUrls, redis_url: str
) -> None:
    verdict = await storm(urls, redis_url, seed=SEED, events=2_000, cuts=40)

    assert verdict.is_well, verdict
    assert verdict.events + verdict.rolled_back == 2_000
    assert verdict.cuts == 40
    assert verdict.late > 10


def test_verdict_sees_what_is_wrong() -> None:
    published = [(1, "0"), (2, "1"), (3, "2")]

    def unlike(*seen: tuple[int, str]) -> Verdict:
        follower = Follower(by_socket, [], "", "", dice(1), seen=list(seen), cuts=1)
        return judge(published, Ledger(3, committed=["0", "1", "2"]), [follower], seed=1)

    assert unlike((1, "0"), (2, "1"), (3, "2")).is_well
    assert unlike((1, "0"), (3, "2")).unlike == 1
    assert unlike((1, "0"), (2, "1"), (2, "1"), (3, "2")).unlike == 2
    assert unlike((2, "1"), (1, "0"), (3, "2")).unlike == 1
    assert judge(published, Ledger(3, committed=["0", "1", "9"]), [], seed=1).unpublished == 2
    assert not judge([], Ledger(0), [], seed=1).is_well
    assert not judge(published, Ledger(3, committed=["0", "1", "2"]), [], seed=1).is_well
