"""Large reports: batches are as large as a server takes, in bytes, and a refused one is halved."""

import json
from collections import deque

import pytest

from headgate import flow, get_run_logger, task
from headgate.reporting.batches import LogBatch, TaskBatch, take_logs, take_tasks
from headgate.reporting.records import LogRow, TaskRun
from tests.client.recording_server import RecordingServer

SERVER_BYTES = 1024 * 1024
WIDE = "界" * 4_000
"""Three bytes a character."""


@task
def fail(number: int) -> None:
    raise ValueError(f"{WIDE}{number}")


@flow
def wide(tasks: int, lines: int) -> None:
    for line in range(lines):
        get_run_logger().info("%s%d", WIDE * 5, line)
    for future in fail.map(range(tasks)):
        future.wait()


def _failed_run() -> TaskRun:
    run = TaskRun(task_key="fail", name="fail-1")
    run.states = [("RUNNING", "Running", 1, None), ("FAILED", "Failed", 2, WIDE)]
    run.parents = ["trun_01m8jg0r53em0bm96za35af9gk"] * 100
    return run


def test_no_batch_is_larger_than_what_a_server_takes() -> None:
    runs = deque(_failed_run() for _ in range(700))
    rows: deque[LogRow] = deque([(0, 20, "mine", '"\n' * 30_000, None)] * 50)
    batches: list[TaskBatch | LogBatch] = []
    while batch := take_tasks(runs, batch_id="b") or take_logs(rows, stream_id="s", offset=0):
        batches.append(batch)

    tasks = [len(batch.columns["id"]) for batch in batches if isinstance(batch, TaskBatch)]
    lines = [batch.count for batch in batches if isinstance(batch, LogBatch)]
    assert (sum(tasks), sum(lines)) == (700, 50)
    assert max(len(json.dumps(one.columns).encode()) for one in batches) < 2 * SERVER_BYTES
    assert max(len(json.dumps(one.columns, ensure_ascii=False)) for one in batches) < SERVER_BYTES


@pytest.mark.parametrize("limit", [SERVER_BYTES, 100_000])
def test_nothing_is_lost_where_a_server_takes_little_at_once(
    server: RecordingServer, limit: int
) -> None:
    server.body_limit = limit

    wide(60, 6)

    run = server.only_run()
    assert len(run.tasks) == 60
    assert {row["states"][-1][1] for row in run.tasks.values()} == {"Failed"}
    assert [message[-1] for _, message in run.logs if "界" in message][:6] == list("012345")
