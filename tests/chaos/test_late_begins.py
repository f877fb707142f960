"""Flows that begin while the server is away are told of later: whole, once, with their times."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import flows_away
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey
from tests.fixtures.proxy import FAIR, Link, Protocol, Proxy, Weather
from tests.fixtures.records import Records

_RUNS = """
select f.name as flow, r.state_name, r.started_at, r.ended_at, r.attempt,
  (select array_agg(s.name order by s.sequence) from states s where s.flow_run_id = r.id) as states,
  (select array_agg(s.timestamp order by s.sequence) from states s where s.flow_run_id = r.id)
    as at,
  (select count(*) from task_runs t where t.flow_run_id = r.id and t.state_type = 'COMPLETED')
    as tasks,
  (select array_agg(l.message) from logs l where l.flow_run_id = r.id
    and l.message like 'leaf %') as lines,
  (select pf.name from task_runs t join flow_runs p on p.id = t.flow_run_id
    join flows pf on pf.id = p.flow_id where t.id = r.parent_task_run_id) as parent
from flow_runs r join flows f on f.id = r.flow_id order by f.name, r.id
"""
MOST_NEXT = 4
"""One process is enough, unless the machine is so busy that it may end before."""
WHOLE = ["Pending", "Running", "Completed"]
PARENTS = {"root": None, "branch": "root", "leaf": "branch", "alone": None, "next-one": None}
TASKS = {"root": 1, "branch": 6, "leaf": 1, "alone": 1, "next-one": 0}
"""Completed task runs of each: those of tasks, and those that stand for flows."""


class Process:
    """One process with flows, in a home of its own."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, flows_away.__file__, name],
            env={**os.environ, **environment, "HEADGATE_HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def await_place(self, place: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{place}\n"

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self.go_on()
        assert self._process.wait(60) == 0
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), tz=UTC)


def break_off(link: Link) -> None:
    link.weather = Weather(is_refusing=True)
    link.reset()


async def runs(records: Records, *, since: datetime) -> list[dict[str, Any]]:
    return [dict(row) for row in await records.rows(_RUNS) if row["at"][0] >= since]


def check(
    found: list[dict[str, Any]], counts: Mapping[str, int], *, away: tuple[datetime, datetime]
) -> None:
    names = [run["flow"] for run in found]
    assert {name: names.count(name) for name in set(names)} == counts
    for run in found:
        assert run["states"] == WHOLE, run
        assert run["parent"] == PARENTS[run["flow"]], run
        assert run["tasks"] == TASKS[run["flow"]], run
        assert (run["started_at"], run["ended_at"]) == (run["at"][1], run["at"][2]), run
        assert run["at"] == sorted(run["at"])
        if run["flow"] not in {"root", "next-one"}:
            assert away[0] <= run["at"][0] <= run["at"][2] <= away[1], run
    lines = [line for run in found if run["flow"] == "leaf" for line in run["lines"]]
    assert sorted(lines) == sorted(f"leaf {number}" for number in [0, 1, 2] * (len(lines) // 3))


@pytest.mark.e2e
async def test_what_begins_without_the_server_is_told_by_its_process_or_the_next(
    site: Installation, journey: Journey, tmp_path: Path
) -> None:
    with Proxy() as proxy:
        link = proxy.link("flows", site.apis[0].port, protocol=Protocol.HTTP)
        environment = {
            "HEADGATE_API_URL": f"http://127.0.0.1:{link.port}",
            "HEADGATE_API_KEY": site.api_key,
            "HEADGATE_WORKSPACE": site.workspace,
            "HEADGATE_REQUEST_DEADLINE_SECONDS": "0.2",
        }
        impatient = {**environment, "HEADGATE_REPORT_PATIENCE_SECONDS": "0.2"}
        began_at = now() - timedelta(seconds=1)
        living = Process("root", tmp_path / "living", environment)
        ending = Process("root", tmp_path / "ending", impatient)
        alone = Process("alone", tmp_path / "ending", impatient)
        for process in (living, ending):
            process.await_place("begun")
        alone.await_place("started")

        break_off(link)
        away_since = now()
        for process in (living, ending):
            process.go_on()
        alone.end()
        for process in (living, ending):
            process.await_place("ran")
        ending.end()
        back_at = now()
        link.weather = FAIR
        living.end()
        counts = {"root": 1, "branch": 1, "leaf": 3}
        told = [run for run in await runs(journey.records, since=began_at) if run["ended_at"]]
        check(told, counts, away=(away_since, back_at))

        nexts = 0
        while list((tmp_path / "ending" / "spool").glob("*/*")) and nexts < MOST_NEXT:
            Process("next_one", tmp_path / "ending", environment).end()
            nexts += 1

        counts = {"root": 2, "branch": 2, "leaf": 6, "alone": 1, "next-one": nexts}
        told = await runs(journey.records, since=began_at)
        check(told, counts, away=(away_since, back_at))
        assert list((tmp_path / "ending" / "spool").glob("*/*")) == []
