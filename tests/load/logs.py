"""How many log lines a second one client can store, a hundred a call and without a pace."""

import time

from headgate.ids import make_uuid
from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.http_calls import Caller
from tests.load.installation import installed

FIGURES = ("log_lines_per_s",)
BATCHES, BATCH_SIZE, REPEATS = 300, 100, 3
INFO = 20
PACES = ("HEADGATE_LOG_RUN_LINES_PER_SECOND", "HEADGATE_LOG_WORKSPACE_LINES_PER_SECOND")
"""One run stands for a whole team here."""

BEGIN = """mutation Begin($input: FlowRunBeginInput!) {
  flowRunBegin(input: $input) { flowRun { id } runToken errors { message } } }"""
APPEND = """mutation Append($input: LogsAppendInput!) {
  logsAppend(input: $input) { nextOffset errors { message } } }"""


def lines_per_s(caller: Caller, workspace_id: str) -> float:
    """Begin a run, and send its lines batch by batch."""
    begun = caller.call(
        BEGIN,
        {
            "input": {
                "workspaceId": workspace_id,
                "flowName": "load",
                "clientId": make_uuid(),
                "parameters": {},
            }
        },
    )["flowRunBegin"]
    writer = caller.with_token(begun["runToken"])
    stream_id = make_uuid()
    batch = {
        "timestamp": [1_790_000_000_000_000 + index for index in range(BATCH_SIZE)],
        "level": [INFO] * BATCH_SIZE,
        "logger": ["headgate.flow_runs"] * BATCH_SIZE,
        "message": [f"Loaded part {index} of the file" for index in range(BATCH_SIZE)],
        "taskRunId": [None] * BATCH_SIZE,
    }
    began = time.monotonic()
    for number in range(BATCHES):
        answer = writer.call(
            APPEND,
            {
                "input": {
                    "flowRunId": begun["flowRun"]["id"],
                    "streamId": stream_id,
                    "offset": number * BATCH_SIZE,
                    "batch": batch,
                }
            },
        )["logsAppend"]
        if answer["nextOffset"] != (number + 1) * BATCH_SIZE:
            raise RuntimeError(answer)
    return BATCHES * BATCH_SIZE / (time.monotonic() - began)


def measure() -> list[Figure]:
    with installed(dict.fromkeys(PACES, "0")) as installation:
        caller = Caller(installation.url, installation.api_key)
        workspace_id = Runner(installation, "noop").workspace_id
        found = [lines_per_s(caller, workspace_id) for _ in range(REPEATS)]
    return [Figure("log_lines_per_s", "lines/s", found)]
