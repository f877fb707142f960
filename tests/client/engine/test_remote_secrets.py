"""A secret that a task in another process is given is masked there, and refused, as it is here."""

from typing import Any

from headgate import flow, get_run_logger, task
from headgate.artifacts import create_markdown_artifact
from headgate.events import emit_event
from headgate.redaction import MASK, redactor
from headgate.task_runners import ProcessPoolTaskRunner
from headgate.variables import Variable
from tests.client.recording_server import RecordingServer

SECRET = "jackdaw-19c2-handed-on"


@task(task_run_name="told {said}")
def leave(said: str) -> str:
    """Leave a secret behind, and say what is refused."""
    create_markdown_artifact(f"# {said}", key="it", description=said)
    emit_event("it.happened", {"id": said}, payload={"said": said})
    get_run_logger().info("told %s", said)
    try:
        Variable.set("it", said, overwrite=True)
    except TypeError as error:
        return str(error)
    return "stored"


def test_secret_in_another_process_is_masked_and_refused_there(server: RecordingServer) -> None:
    redactor.add(SECRET)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def work() -> Any:
        return leave.submit(SECRET).result()

    said = work()

    told = repr([call.variables for call in server.calls])
    assert "The variable 'it' has a secret in it" in said
    assert f"# {MASK}" in told
    assert SECRET not in told
