"""What an agent reports of the output of a run's process."""

import asyncio
import json
import os
import re

import pytest

from headgate.agent.output import MAX_LINE_BYTES, OutputReporter
from headgate.api.transport import Transport
from headgate.redaction import MASK
from tests.client.recording_server import RecordingServer

SECRET = "skua of output/é"


async def reported(server: RecordingServer, said: bytes) -> list[str]:
    """Return the lines that are reported of an output, whose process has told a secret."""
    run = server.add_run()
    ends = [os.pipe() for _ in range(3)]
    (stdout, stderr, secrets), (out, err, told) = zip(*ends, strict=True)
    os.write(told, json.dumps([SECRET]).encode() + b"\n")
    for end in (err, told):
        os.close(end)

    def say() -> None:
        with os.fdopen(out, "wb") as file:
            file.write(said)

    transport = Transport(server.url, run.token)
    reporter = OutputReporter(transport, flow_run_id=run.id)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(say))
        group.create_task(reporter.run(stdout=stdout, stderr=stderr, secrets=secrets))
    await transport.close()
    return [message for _, message in run.logs]


@pytest.mark.parametrize("between", ["", "x", "xé"])
async def test_secret_across_the_cut_of_a_long_line_is_masked(
    recording_server: RecordingServer, between: str
) -> None:
    one = f"{SECRET}{between}"
    long = one * (3 * MAX_LINE_BYTES // len(one.encode()))

    messages = await reported(recording_server, f"{long}\nshort {SECRET}\nopen {SECRET}".encode())

    *pieces, short, opened = messages
    assert (short, opened) == (f"short {MASK}", f"open {MASK}")
    assert len(pieces) >= 3
    assert {re.sub(r"\*+|xé?| … cut", "", piece) for piece in pieces} == {""}


async def test_line_in_pieces_is_reported_once(recording_server: RecordingServer) -> None:
    messages = await reported(recording_server, b"a" * MAX_LINE_BYTES + b"b\n\nc\n")

    assert [message[:1] for message in messages] == ["a", "a", "c"]
    assert messages[1].endswith("b") or messages[1].endswith(" … cut")
