"""How large the tables of a database are, what is dead in them, and whether they are bounded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tests.load.figures import percentile

HOT_TABLE = "work_items"
HOT_TIMES = 4.0
"""What the hot table may grow to, times its size after the first days."""
KEPT_TIMES = 1.5
"""The same of every other table, of which ``SLACK_BYTES`` do not count."""
SLACK_BYTES = 16 * 1024 * 1024
DEAD_RATIO = 0.2
HELD_TIMES = 3.0
"""What a snapshot that somebody holds may do to the slowest claims of a hundred, and to looks."""
AFTER_TIMES = 2.0
"""And what may be left of it afterwards."""
_SIZES = """
select coalesce(parent.relname, own.relname)::text as name,
  sum(pg_table_size(own.oid))::bigint as heap, sum(pg_indexes_size(own.oid))::bigint as indexes,
  sum(stat.n_live_tup)::bigint as live, sum(stat.n_dead_tup)::bigint as dead
from pg_stat_user_tables stat
join pg_class own on own.oid = stat.relid
left join pg_inherits link on link.inhrelid = own.oid
left join pg_class parent on parent.oid = link.inhparent
group by 1
"""


class Unbounded(Exception):
    """What grows without end, or takes too long, by name."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its partitions, in bytes and rows."""

    heap: int
    indexes: int
    live: int
    dead: int

    @property
    def total(self) -> int:
        """Bytes with indexes."""
        return self.heap + self.indexes

    @property
    def dead_ratio(self) -> float:
        """Which part of the rows is dead."""
        return self.dead / max(self.live + self.dead, 1)


Sizes = Mapping[str, TableSize]


async def read_sizes(connection: Any) -> Sizes:
    """Return every table's size, by name; what partitions hold counts for their parent."""
    await connection.execute("select pg_stat_clear_snapshot()")
    return {
        row["name"]: TableSize(row["heap"], row["indexes"], row["live"], row["dead"])
        for row in await connection.fetch(_SIZES)
    }


def line(sizes: Sizes, *, at: str, runs: int, most: int = 8) -> str:
    """Return what there is as one line of JSON: the largest tables, in MB and rows."""
    largest = sorted(sizes, key=lambda name: -sizes[name].total)[:most]
    named = dict.fromkeys([HOT_TABLE, *largest])
    return json.dumps(
        {
            "at": at,
            "runs": runs,
            "tables": {
                name: {
                    "mb": round(sizes[name].heap / 2**20, 1),
                    "index_mb": round(sizes[name].indexes / 2**20, 1),
                    "live": sizes[name].live,
                    "dead": sizes[name].dead,
                }
                for name in named
            },
        }
    )


def growth(steady: Sizes, now: Sizes) -> dict[str, float]:
    """Return how many times as large as then each table is, but for what no one would notice."""
    return {
        name: max(size.total - SLACK_BYTES, 0) / max(steady[name].total, 1)
        for name, size in now.items()
        if name != HOT_TABLE and name in steady
    }


def judge_sizes(steady: Sizes, later: Sequence[Sizes]) -> list[str]:
    """Return what is not bounded.

    Args:
        steady: when what is kept was there for the first time, and as much went as came; or while
            a snapshot was held, which may leave room that nobody gives back.
        later: while as much goes as comes.
    """
    found: list[str] = []
    hot = max(sizes[HOT_TABLE].total / max(steady[HOT_TABLE].total, 1) for sizes in later)
    if hot > HOT_TIMES:
        found.append(f"HOT_TABLE_GREW: {HOT_TABLE} to {hot:.1f} times its steady size")
    for name, times in growth(steady, later[-1]).items():
        if times > KEPT_TIMES:
            found.append(f"TABLE_GREW: {name} to {times:.1f} times what it was")
    return found


def larger(one: Sizes, other: Sizes) -> Sizes:
    """Return each table as it was larger."""
    return {
        name: max(size, other.get(name, size), key=lambda given: given.total)
        for name, size in one.items()
    }


def judge_dead(ratio: float) -> list[str]:
    """Return what is wrong with the part of the hot table that is dead when all is quiet."""
    return [f"DEAD_ROWS: {ratio:.0%} of {HOT_TABLE}"] if ratio >= DEAD_RATIO else []


def p99(samples: Sequence[float]) -> float:
    """Return what 99 of 100 stay below."""
    return percentile(sorted(samples), fraction=0.99)


def judge_claims(
    *, before: Sequence[float], held: Sequence[float], after: Sequence[float]
) -> list[str]:
    """Return whether the slowest claims of a hundred take longer than they may."""
    return _judge("claim p99", [p99(one) for one in (before, held, after)])


def judge_looks(
    *, before: Sequence[float], held: Sequence[float], after: Sequence[float]
) -> list[str]:
    """Return whether looks for due runs take longer than they may, all together.

    One of many goes over all that is dead and may take its time: they come the more seldom for it.
    """
    return _judge("offer mean", [fmean(one) for one in (before, held, after)])


def _judge(what: str, seconds: Sequence[float]) -> list[str]:
    usual, slow, left = seconds
    found: list[str] = []
    if slow > HELD_TIMES * usual:
        found.append(f"SLOW_WHILE_HELD: {what} {slow / usual:.1f} times that before")
    if left > AFTER_TIMES * usual:
        found.append(f"SLOW_AFTERWARDS: {what} {left / usual:.1f} times that before")
    return found
