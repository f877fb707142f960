"""What a recording server knows of the runs of flows."""

from pathlib import Path

from tests.client.recording_server import RecordedRun, RecordingServer

ENDED = ("COMPLETED", "Completed")


def runs_of(server: RecordingServer, name: str) -> list[RecordedRun]:
    return [run for run in server.runs.values() if run.input.get("flowName") == name]


def run_of(server: RecordingServer, name: str) -> RecordedRun:
    (run,) = runs_of(server, name)
    return run


def names_of(run: RecordedRun) -> list[str]:
    return [name for _, name in run.states]


def owner_of_task(server: RecordingServer, task_run_id: str) -> RecordedRun:
    (run,) = [run for run in server.runs.values() if task_run_id in run.tasks]
    return run


def is_whole(run: RecordedRun) -> bool:
    return run.states[-1] == ENDED and run.tasks_at_end == len(run.tasks)


def spooled(home: Path) -> list[Path]:
    return list((home / "spool").glob("*/*"))
