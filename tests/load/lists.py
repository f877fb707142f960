"""What a list of runs takes through the API as the workspace grows, and making runs at speed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tests.load.dispatch import CREATE, Runner
from tests.load.figures import Figure
from tests.load.http_calls import Caller
from tests.load.installation import Installation, installed

FIGURES = (
    "runs_newest50_10k_ms",
    "runs_newest50_1m_ms",
    "runs_page50_10k_ms",
    "run_histogram_1m_ms",
    "runs_created_per_s",
    "runs_created_batch_per_s",
)
REPEATS, WARM_UP = 200, 20
CLIENTS, CREATED_EACH = 8, 150
BATCHES, BATCH_SIZE = 20, 100

_NEWEST = """query Newest($id: ID!) { node(id: $id) { ... on Workspace { flowRuns(first: 50) {
  nodes { id name state { type name timestamp } expectedStart startedAt endedAt } } } } }"""
_PAGE = """query Page($id: ID!) { node(id: $id) { ... on Workspace { flowRuns(first: 50) {
  nodes { id name state { type name timestamp message } expectedStart startedAt endedAt duration
    attempt tags flow { id name } deployment { id name } }
  pageInfo { endCursor hasNextPage } } } } }"""
_HISTOGRAM = """query Histogram($id: ID!, $from: DateTime!, $to: DateTime!) {
  node(id: $id) { ... on Workspace {
    runHistogram(from: $from, to: $to, bucket: "PT7H") { at counts { state count } } } } }"""
_MARK = """insert into stale_run_hours (workspace_id, hour)
select distinct workspace_id, date_trunc('hour', expected_start) from flow_runs
on conflict do nothing"""
_MARKED = "select count(*) from stale_run_hours"
_CREATE_MANY = """mutation CreateMany($input: FlowRunCreateBatchInput!) {
  flowRunCreateBatch(input: $input) { results { flowRun { id } } } }"""
_FILL = """
with one as (select * from flow_runs where deployment_id is not null order by id limit 1)
insert into flow_runs (
  workspace_id, id, name, flow_id, deployment_id, work_pool_id, work_queue_id, state_type,
  state_name, state_timestamp, state_sequence, expected_start, started_at, ended_at,
  created_by_kind, created_by_id, created_by_name, attempt)
select one.workspace_id, gen_random_uuid(), 'steady-heron', one.flow_id, one.deployment_id,
  one.work_pool_id, one.work_queue_id,
  case when number % 10 = 0 then 'FAILED' else 'COMPLETED' end,
  case when number % 10 = 0 then 'Failed' else 'Completed' end, at, 4, at, at, at,
  one.created_by_kind, one.created_by_id, one.created_by_name, 1
from one, generate_series({first}, {last}) number,
  lateral (select now() - number * interval '0.6 seconds' as at) moments
"""


def fill(installation: Installation, *, first: int, last: int) -> None:
    """Put finished runs of the past into the workspace, past the API."""
    installation.query(_FILL.format(first=first, last=last))
    installation.query("analyze flow_runs")


def prepare(installation: Installation) -> tuple[Runner, Caller]:
    """Return who makes runs and who calls, in a workspace of 10,000 finished runs."""
    runner = Runner(installation, "noop")
    runner.create()
    fill(installation, first=1, last=10_000)
    return runner, Caller(installation.url, installation.api_key)


def list_ms(caller: Caller, document: str, workspace_id: str) -> list[float]:
    """Return how long each of many calls took, after some to warm up."""
    samples: list[float] = []
    for _ in range(REPEATS + WARM_UP):
        began = time.perf_counter()
        answer = caller.call(document, {"id": workspace_id})
        samples.append((time.perf_counter() - began) * 1000)
        if len(answer["node"]["flowRuns"]["nodes"]) != 50:
            raise RuntimeError("The page is not full.")
    return samples[WARM_UP:]


def histogram_ms(installation: Installation, caller: Caller, workspace_id: str) -> list[float]:
    """Return how long seven days in 24 bins took, once every hour of them was counted."""
    installation.query(_MARK)
    while installation.query(_MARKED) > 1:
        time.sleep(0.5)
    now = datetime.fromtimestamp(time.time(), UTC)
    variables = {
        "id": workspace_id,
        "from": (now - timedelta(days=7)).isoformat(),
        "to": now.isoformat(),
    }
    samples: list[float] = []
    for _ in range(REPEATS + WARM_UP):
        began = time.perf_counter()
        caller.call(_HISTOGRAM, variables)
        samples.append((time.perf_counter() - began) * 1000)
    return samples[WARM_UP:]


def created_singly_per_s(installation: Installation, runner: Runner) -> float:
    """Return how many runs a second several clients make, one a call."""
    ready = threading.Barrier(CLIENTS + 1)
    variables = {
        "input": {"workspaceId": runner.workspace_id, "deploymentId": runner.deployment_id}
    }

    def work() -> None:
        caller = Caller(installation.url, installation.api_key)
        caller.call(CREATE, variables)
        ready.wait()
        for _ in range(CREATED_EACH):
            made = caller.call(CREATE, variables)
            if made["flowRunCreate"]["flowRun"] is None:
                raise RuntimeError(made)

    with ThreadPoolExecutor(CLIENTS) as pool:
        workers = [pool.submit(work) for _ in range(CLIENTS)]
        ready.wait()
        began = time.monotonic()
        for worker in workers:
            worker.result()
    return CLIENTS * CREATED_EACH / (time.monotonic() - began)


def created_in_batches_per_s(caller: Caller, runner: Runner) -> float:
    """Return how many runs a second one client makes, a hundred a call."""
    run = {"workspaceId": runner.workspace_id, "deploymentId": runner.deployment_id}
    variables = {"input": {"workspaceId": runner.workspace_id, "runs": [run] * BATCH_SIZE}}
    began = time.monotonic()
    for _ in range(BATCHES):
        made = caller.call(_CREATE_MANY, variables)
        if len(made["flowRunCreateBatch"]["results"]) != BATCH_SIZE:
            raise RuntimeError("Runs are missing.")
    return BATCHES * BATCH_SIZE / (time.monotonic() - began)


def measure() -> list[Figure]:
    with installed() as installation:
        runner, caller = prepare(installation)
        small = list_ms(caller, _NEWEST, runner.workspace_id)
        page = list_ms(caller, _PAGE, runner.workspace_id)
        fill(installation, first=10_001, last=1_000_000)
        large = list_ms(caller, _NEWEST, runner.workspace_id)
        histogram = histogram_ms(installation, caller, runner.workspace_id)
    # Apart: the runs made here become late, and to mark thousands of them keeps a server busy.
    with installed() as installation:
        runner, caller = prepare(installation)
        singly = created_singly_per_s(installation, runner)
        batched = created_in_batches_per_s(caller, runner)
    return [
        Figure("runs_newest50_10k_ms", "ms", small),
        Figure("runs_newest50_1m_ms", "ms", large),
        Figure("runs_page50_10k_ms", "ms", page),
        Figure("run_histogram_1m_ms", "ms", histogram),
        Figure("runs_created_per_s", "runs/s", [singly]),
        Figure("runs_created_batch_per_s", "runs/s", [batched]),
    ]
