"""How late scheduled runs start on an idle, warm agent, and how late lateness is noticed."""

import time
from datetime import UTC, datetime, timedelta

from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.installation import Installation, installed

FIGURES = ("schedule_lag_ms", "late_delay_s")
FIRES, LATE_RUNS = 30, 5
EVERY = timedelta(seconds=2)
DEADLINE_SECONDS = 120

_LAGS = """select array_agg(extract(epoch from started_at - expected_start)::float8
  order by expected_start) from flow_runs
  where schedule_id is not null and started_at is not null"""
_LATE = """select array_agg(extract(epoch from s.timestamp - r.expected_start)::float8)
  from states s join flow_runs r on r.workspace_id = s.workspace_id and r.id = s.flow_run_id
  where s.name = 'Late'"""


def _wait_for(installation: Installation, statement: str, count: int) -> list[float]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found: list[float] = installation.query(statement) or []
        if len(found) >= count:
            return found
        time.sleep(0.5)
    raise RuntimeError("The runs did not come in time.")


def schedule_lags_ms(installation: Installation, runner: Runner) -> list[float]:
    """Let a schedule fire every two seconds, and return how late each run's user code started."""
    anchor = (datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=5)).isoformat()
    spec = {"interval": {"every": f"PT{int(EVERY.total_seconds())}S", "anchor": anchor}}
    with installation.agent("--limit", "10"):
        runner.run()
        runner.upsert(schedules=[{"slug": "often", "spec": spec}])
        lags = _wait_for(installation, _LAGS, FIRES)
        runner.upsert(schedules=[])
    return [lag * 1000 for lag in lags]


def late_delays_s(installation: Installation, runner: Runner) -> list[float]:
    """Create runs that no agent takes, and return how long after their start they are Late."""
    for _ in range(LATE_RUNS):
        runner.create()
    return _wait_for(installation, _LATE, LATE_RUNS)


def measure() -> list[Figure]:
    with installed() as installation:
        runner = Runner(installation, "noop")
        lags = schedule_lags_ms(installation, runner)
        delays = late_delays_s(installation, runner)
    return [Figure("schedule_lag_ms", "ms", lags), Figure("late_delay_s", "s", delays)]
