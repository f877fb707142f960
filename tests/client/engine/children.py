"""Starts an agent's child for a run of the recording server, and hears how it ended."""

import os
import subprocess
import sys
from typing import Any

from headgate.specs import Job, encode_job
from tests.client.recording_server import RecordedRun, RecordingServer


def environment_of(server: RecordingServer, **more: str) -> dict[str, str]:
    """Return the environment of a process that reports to the server end."""
    return {
        **os.environ,
        "HEADGATE_API_URL": server.url,
        "HEADGATE_WORKSPACE": "acme/prod",
        "HEADGATE_REPORT_INTERVAL_SECONDS": "0.01",
        **more,
    }


def start_child(
    server: RecordingServer, run: RecordedRun, *, entrypoint: str, **job: Any
) -> "subprocess.Popen[bytes]":
    """Start a child that runs a flow as the given run."""
    environment = environment_of(
        server,
        HEADGATE_API_KEY=run.token,
        HEADGATE_FLOW_RUN_ID=run.id,
        HEADGATE_LEASE_TOKEN=run.lease_token,
        HEADGATE_LEASE_EPOCH="1",
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "headgate.engine.child"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    named: dict[str, Any] = {"flow_name": "f", "run_name": "given-run", **job}
    given = Job(entrypoint=entrypoint, **named)
    assert child.stdin is not None
    child.stdin.write(encode_job(given))
    child.stdin.close()
    return child


def end_of(child: "subprocess.Popen[bytes]") -> int:
    """Return its exit code once it is gone."""
    try:
        return child.wait(timeout=30)
    finally:
        if child.poll() is None:
            child.kill()
        if child.stderr is not None:
            child.stderr.close()


def last_words_of(child: "subprocess.Popen[bytes]") -> str:
    """Return what it and all that it started said aside, once all of them are gone."""
    # Closed already, which the wait for the end of an output does not expect.
    child.stdin = None
    try:
        _, said = child.communicate(timeout=30)
    finally:
        end_of(child)
    return said.decode()


def messages_of(run: RecordedRun) -> list[str]:
    """Return what was logged."""
    return [message for _, message in run.logs]
