"""A secret that a task in another process is given is masked there, and refused, as it is here."""

from pathlib import Path
from typing import Any

from aiohttp import web

from headgate import flow, get_run_logger, task
from headgate.artifacts import create_markdown_artifact
from headgate.events import emit_event
from headgate.redaction import MASK, redactor
from headgate.task_runners import ProcessPoolTaskRunner
from headgate.variables import Variable
from tests.client.engine.children import last_words_of, messages_of, start_child
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


EARLY = """
import sys
from headgate import flow, task
from headgate.blocks.core import Block
from headgate.blocks.system import Secret
from headgate.task_runners import ProcessPoolTaskRunner

KEPT = Block.load("secret/early")

@task(log_prints=True)
def say():
    print("there", KEPT.get())
    sys.stderr.write(f"aside {KEPT.get()}\\n")
    return "said"

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1), log_prints=True)
def early():
    print("here", KEPT.get())
    ended = say.submit(return_state=True)
    print("ended", ended.name, ended.message)
"""


def answer_blocks(operation: str) -> web.Response | None:
    """Answer a run that reads its block, and nobody else."""
    if operation == "BlockResolve":
        block = {
            "id": "blk_1",
            "typeSlug": "secret",
            "name": "early",
            "version": 1,
            "data": {"value": SECRET},
            "secretPaths": ["value"],
        }
        return web.json_response(
            {"data": {"blockResolve": {"blocks": {"secret/early": block}, "errors": []}}}
        )
    return None


def test_secret_that_a_module_loads_is_masked_in_the_processes_of_a_pool(
    server: RecordingServer, tmp_path: Path
) -> None:
    server.fault = answer_blocks
    run = server.add_run()
    (tmp_path / "early.py").write_text(EARLY)

    child = start_child(server, run, entrypoint=f"{tmp_path / 'early.py'}:early")
    aside = last_words_of(child)

    messages = "\n".join(messages_of(run))
    assert f"here {MASK}" in messages, messages
    assert f"there {MASK}" in messages, messages
    assert "ended Completed" in messages
    assert SECRET not in aside + messages + repr([call.variables for call in server.calls])
