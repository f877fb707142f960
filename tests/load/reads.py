"""What pages read besides lists: with a million runs, a million lines, and a run of 10,000 tasks.

A tenth of the runs failed, in a thousand kinds of failures, half of them in one.

``python -m tests.load page_counts_1m_ms`` (any of the figures takes all of them) prints, too, which
plans the statements have as the role of the application, and fails where one scans all the runs or
all the lines: the other tables are small here.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from headgate_server.database.urls import derive
from headgate_server.domain import ids
from headgate_server.domain.durations import RunOwner, duration_buckets
from headgate_server.domain.failure_groups import GroupFilter
from headgate_server.domain.log_searches import LogSearch
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.timelines import TimelineRequest
from headgate_server.services import (
    durations,
    failure_groups,
    log_searches,
    run_graphs,
    saved_views,
    timelines,
    workspace_counts,
)
from tests.factories.failures import MANY_FAILURES, MANY_GROUPS, MANY_VIEWS
from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.http_calls import Caller
from tests.load.installation import Installation, installed
from tests.load.lists import fill
from tests.load.plans import Read, print_plans

FIGURES = (
    "page_counts_1m_ms",
    "page_durations_1m_ms",
    "page_trend_1m_ms",
    "page_timeline_10k_ms",
    "page_graph_10k_ms",
    "log_search_1m_ms",
    "log_errors_1m_ms",
)
REPEATS, WARM_UP = 50, 5
RUNS, TASKS, LINES, LINES_OF_A_RUN = 1_000_000, 10_000, 1_000_000, 2_000
NEEDLE = "order-777777"
LARGE = (": flow_runs", ": logs", ": failures")
DAY = timedelta(days=1)

_NODE = "query Read($id: ID!) { node(id: $id) { ... on %s { %s } } }"
_COUNTS = """counts(window: "P7D") { running { value } waiting { value } late { value }
  inWindow { state count } before { state count } pools { pools agentsOnline taken } }"""
_DURATIONS = 'durations(window: "P7D") { completed p50 p95 }'
_TREND = 'durationTrend(from: "%s", to: "%s", bucket: "PT4H") { at p50 p95 }'
_TIMELINE = "timeline { total detail counts taskRuns }"
_GRAPH = "graph { total groups { taskKey parents counts { state count } } }"
_SEARCH = 'logs(first: 50, filter: {text: "%s"}) { nodes { line { message } flowRunId } }'
_ERRORS = "logs(first: 50, filter: {minLevel: 40}) { nodes { line { message } flowRunId } }"

_TASKS = """insert into task_runs (workspace_id, id, flow_run_id, task_key, name, map_index,
  attempt, parents, state_type, state_name, states, state_count, update_sequence, started_at,
  ended_at)
select run.workspace_id, md5(number::text)::uuid, run.id, 'task-' || number % 20,
  'task-' || number, number, 1,
  case when number > 20 then array[md5((number - 20)::text)::uuid] end,
  'COMPLETED', 'Completed', '[]', 3, number, run.at + number * interval '0.1 seconds',
  run.at + (number + 30) * interval '0.1 seconds'
from (select workspace_id, id, now() - interval '1 hour' as at from flow_runs
  order by expected_start desc limit 1) run, generate_series(1, {tasks}) number"""
_LINES = """with run as (
  select workspace_id, id, row_number() over (order by id) - 1 as place
  from (select workspace_id, id from flow_runs where state_type = 'COMPLETED' limit {runs}) taken
), cursors as (
  insert into flow_run_cursors (workspace_id, flow_run_id, log_sequence, chunk_due_at)
  select workspace_id, id, {each}, now() from run
)
insert into logs (workspace_id, flow_run_id, sequence, "timestamp", level, logger, message)
select run.workspace_id, run.id, number,
  now() - (run.place * {each} + number) * interval '10 milliseconds',
  case when number % 997 = 0 then 40 else 20 end, 'etl',
  'Loaded order-' || run.place * {each} + number || ' of the file part-' || number % 50
from run, generate_series(1, {each}) number"""
_UNCHUNKED = "select count(*) from flow_run_cursors where chunk_due_at is not null"


def prepare(installation: Installation, runner: Runner) -> dict[str, UUID]:
    """Fill the workspace past the API, wait for the loops, and return the ids to read by."""
    runner.create()
    fill(installation, first=1, last=RUNS)
    installation.query(_TASKS.format(tasks=TASKS))
    installation.query(_LINES.format(runs=LINES // LINES_OF_A_RUN, each=LINES_OF_A_RUN))
    for statement in (MANY_GROUPS, MANY_FAILURES, MANY_VIEWS):
        installation.query(statement)
    while installation.query(_UNCHUNKED):
        time.sleep(0.5)
    installation.query("vacuum analyze")
    tasked = "select flow_run_id from task_runs limit 1"
    return {
        "workspace": installation.query("select workspace_id from flow_runs limit 1"),
        "organization": installation.query("select organization_id from workspaces limit 1"),
        "flow": installation.query("select flow_id from flow_runs limit 1"),
        "run": installation.query(tasked),
        "group": installation.query("select id from failure_groups order by fingerprint limit 1"),
        "rare": installation.query(
            "select id from failure_groups order by fingerprint desc limit 1"
        ),
    }


def reads_of(found: dict[str, UUID]) -> dict[str, Read]:
    """Return what is read, by the figure it is read for; by what it is where there is none."""
    flow, run, page = found["flow"], found["run"], PageRequest()

    async def counts(work: Any) -> None:
        window = await workspace_counts.count_window(work, window=7 * DAY)
        await workspace_counts.count_live(work, since=window.since)
        await workspace_counts.count_pools(work)

    async def trend(work: Any) -> None:
        buckets = duration_buckets(work.now - 7 * DAY, work.now, size=timedelta(hours=4))
        await durations.read_trend(work, flow, owner=RunOwner.FLOW, buckets=buckets)

    def search(wanted: LogSearch) -> Read:
        return lambda work: log_searches.search_lines(work, wanted, page=page)

    async def failures(work: Any) -> None:
        await failure_groups.list_groups(work, page=page, filter=GroupFilter())
        for group_id in (found["group"], found["rare"]):
            await failure_groups.list_runs(work, group_id=group_id, page=page)
            await failure_groups.count_runs(work, group_id=group_id)

    async def views(work: Any) -> None:
        await saved_views.list_views(work, page=page, of_page="flow-runs")

    return {
        "failures of 1,000 kinds": failures,
        "2,000 saved views": views,
        "page_counts_1m_ms": counts,
        "page_durations_1m_ms": lambda work: durations.get_many_durations(
            work, [(RunOwner.FLOW, flow, 7 * DAY)]
        ),
        "page_trend_1m_ms": trend,
        "page_timeline_10k_ms": lambda work: timelines.read_timeline(
            work, run, request=TimelineRequest()
        ),
        "page_graph_10k_ms": lambda work: run_graphs.read_graph(work, run, most=300),
        "log_search_1m_ms": search(LogSearch(text=NEEDLE)),
        "log_errors_1m_ms": search(LogSearch(min_level=40)),
    }


def documents(found: dict[str, UUID]) -> dict[str, tuple[str, str]]:
    """Return the operation of each figure, and the id it is sent with."""
    workspace = ids.show(ids.Kind.WORKSPACE, found["workspace"])
    flow, run = ids.show(ids.Kind.FLOW, found["flow"]), ids.show(ids.Kind.FLOW_RUN, found["run"])
    now = datetime.fromtimestamp(time.time(), UTC)
    trend = _TREND % ((now - 7 * DAY).isoformat(), now.isoformat())
    return {
        "page_counts_1m_ms": (_NODE % ("Workspace", _COUNTS), workspace),
        "page_durations_1m_ms": (_NODE % ("Flow", _DURATIONS), flow),
        "page_trend_1m_ms": (_NODE % ("Flow", trend), flow),
        "page_timeline_10k_ms": (_NODE % ("FlowRun", _TIMELINE), run),
        "page_graph_10k_ms": (_NODE % ("FlowRun", _GRAPH), run),
        "log_search_1m_ms": (_NODE % ("Workspace", _SEARCH % NEEDLE), workspace),
        "log_errors_1m_ms": (_NODE % ("Workspace", _ERRORS), workspace),
    }


def call_ms(caller: Caller, document: str, id_: str) -> list[float]:
    """Return how long each of many calls took, after some to warm up."""
    samples: list[float] = []
    for _ in range(REPEATS + WARM_UP):
        began = time.perf_counter()
        answer = caller.call(document, {"id": id_})
        samples.append((time.perf_counter() - began) * 1000)
        if not answer["node"]:
            raise RuntimeError(answer)
    return samples[WARM_UP:]


def measure() -> list[Figure]:
    with installed() as installation:
        found = prepare(installation, Runner(installation, "noop"))
        urls = derive(
            installation.database_url,
            secret_key=installation.server_settings["HEADGATE_SECRET_KEY"],
            role_prefix="headgate",
        )

        async def plans() -> list[str]:
            return await print_plans(
                urls.app,
                organization_id=found["organization"],
                workspace_id=found["workspace"],
                reads=reads_of(found),
            )

        scanned = [one for one in installation.portal.call(plans) if one.endswith(LARGE)]
        if scanned:
            raise RuntimeError(f"Scanned from end to end: {', '.join(scanned)}")
        caller = Caller(installation.url, installation.api_key)

        return [
            Figure(name, "ms", call_ms(caller, document, id_))
            for name, (document, id_) in documents(found).items()
        ]
