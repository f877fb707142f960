"""Steps by name: order, what they return to those that follow, scripts, and copies of files."""

import importlib
import os
import shlex
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headgate.deployments.steps import (
    pull_from_remote_storage,
    pull_from_s3,
    push_to_remote_storage,
    run_shell_script,
)
from headgate.engine.named_steps import filled, own_name, run_steps
from headgate.errors import EntrypointError
from headgate.settings import home_folder

SCRIPT = "headgate.deployments.steps.run_shell_script"


@pytest.fixture(autouse=True)
def where() -> Generator[None]:
    """Leave the folder and the import path as they were."""
    folder, path = Path.cwd(), list(sys.path)
    yield
    os.chdir(folder)
    sys.path[:] = path


def test_what_a_step_returns_is_there_for_the_next() -> None:
    steps: list[dict[str, dict[str, Any]]] = [
        {SCRIPT: {"id": "one", "script": "echo first"}},
        {SCRIPT: {"id": "two", "script": "echo {{ one.stdout }} and {{ stdout }}"}},
    ]

    assert run_steps(steps)["two"]["stdout"] == "first and first"


def test_a_placeholder_alone_keeps_its_type() -> None:
    outputs = {"one": {"list": [1, 2]}}

    assert filled({"a": "{{ one.list }}", "b": ["n: {{ one.list }}"]}, outputs) == {
        "a": [1, 2],
        "b": ["n: [1, 2]"],
    }


def test_what_is_not_known_stays() -> None:
    assert filled("{{ later.value }} {{ blocks.secret.x }}", {}) == (
        "{{ later.value }} {{ blocks.secret.x }}"
    )


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "data")

    assert filled("{{ $TEAM }}/{{ $NOBODY_SET_THIS }}", {}) == "data/"


@pytest.mark.parametrize(
    "name",
    [
        "prefect.deployments.steps.git_clone",
        "prefect.deployments.steps.pull.git_clone",
        "prefect.projects.steps.git_clone",
        "prefect_docker.deployments.steps.git_clone",
        "headgate.deployments.steps.git_clone",
    ],
)
def test_steps_of_prefect_have_names_here(name: str) -> None:
    assert own_name(name) == "headgate.deployments.steps.git_clone"


def test_steps_of_users_keep_their_names() -> None:
    assert own_name("mine.steps.fetch") == "mine.steps.fetch"


def test_a_step_that_names_nothing_is_an_error() -> None:
    with pytest.raises(EntrypointError, match="names no function"):
        run_steps([{"prefect.deployments.steps.nothing": {}}])


def test_a_step_with_wrong_inputs_is_an_error() -> None:
    with pytest.raises(EntrypointError, match="cannot be called like this"):
        run_steps([{SCRIPT: {"scirpt": "echo"}}])


def test_each_line_of_a_script_is_a_command(tmp_path: Path) -> None:
    script = """
        # a comment
        touch made
        echo "two words"
    """

    found = run_shell_script(script, directory=str(tmp_path), stream_output=False)

    assert (tmp_path / "made").exists()
    assert found == {"stdout": "two words", "stderr": ""}


def test_what_a_script_warns_of_is_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    script = "sh -c 'echo careful >&2; echo abc123'\nsh -c 'echo again >&2; echo two'"

    found = run_shell_script(script)

    assert found == {"stdout": "abc123\ntwo", "stderr": "careful\nagain"}
    assert sorted(capsys.readouterr().err.split()) == ["abc123", "again", "careful", "two"]


def test_a_script_may_write_much_on_both_streams() -> None:
    code = "import sys; sys.stderr.write('e' * 200_000); sys.stdout.write('o' * 200_000)"

    found = run_shell_script(shlex.join([sys.executable, "-c", code]), stream_output=False)

    assert {name: len(text) for name, text in found.items()} == {
        "stdout": 200_000,
        "stderr": 200_000,
    }


def test_variables_are_filled_in_where_asked() -> None:
    given: dict[str, Any] = {"env": {"WHO": "you"}, "stream_output": False}

    assert run_shell_script("echo $WHO", **given)["stdout"] == "$WHO"
    assert run_shell_script("echo $WHO", expand_env_vars=True, **given)["stdout"] == "you"


def test_a_command_that_fails_says_how() -> None:
    with pytest.raises(EntrypointError, match="ended with exit code 3: broken"):
        run_shell_script("sh -c 'echo broken; exit 3'", stream_output=False)


def test_a_command_that_is_missing_says_so() -> None:
    with pytest.raises(EntrypointError, match="no-such-program cannot be run"):
        run_shell_script("no-such-program")


def test_files_are_had_through_fsspec(tmp_path: Path) -> None:
    (tmp_path / "store" / "etl").mkdir(parents=True)
    (tmp_path / "store" / "etl" / "flows.py").write_text("here")

    found = pull_from_remote_storage(f"file://{tmp_path}/store")

    assert Path(found["directory"], "etl", "flows.py").read_text() == "here"
    assert Path.cwd() == Path(found["directory"])


def test_an_empty_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(EntrypointError, match="no files below"):
        pull_from_remote_storage(f"file://{tmp_path}/empty")


def test_copies_of_runs_that_begin_at_once_are_in_nobody_s_way(tmp_path: Path) -> None:
    address = f"file://{_written(tmp_path / 'store')}"
    place = home_folder(os.environ) / "pulled"
    for number in range(100):
        (place / f"old{number}").mkdir(parents=True)
        os.utime(place / f"old{number}", (1, 1))

    with ThreadPoolExecutor(8) as threads:
        pulls = [threads.submit(pull_from_remote_storage, address) for _ in range(8)]

    made = {Path(pull.result()["directory"]) for pull in pulls}
    assert len(made) == 8
    assert {path for path in place.iterdir() if path.is_dir()} == made


def test_a_copy_stays_while_its_process_lives_and_no_longer(tmp_path: Path) -> None:
    address = f"file://{_written(tmp_path / 'store')}"
    pulling = f"from {pull_from_remote_storage.__module__} import *\n"
    pulling += f"print(pull_from_remote_storage({address!r})['directory'])"
    ended = Path(_said([sys.executable, "-c", pulling]))
    mine = Path(pull_from_remote_storage(address)["directory"])
    os.utime(mine, (1, 1))

    pull_from_remote_storage(address)

    assert (mine / "etl" / "flows.py").exists()
    assert not ended.exists()


def test_files_are_had_from_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3: Any = importlib.import_module("boto3")
    mock_aws: Any = importlib.import_module("moto").mock_aws
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="flows")
        client.put_object(Bucket="flows", Key="team/etl/flows.py", Body=b"here")
        client.put_object(Bucket="flows", Key="other/flows.py", Body=b"not")

        found = pull_from_s3("flows", "team")

    assert Path(found["directory"], "etl", "flows.py").read_text() == "here"
    assert not Path(found["directory"], "flows.py").exists()


def test_a_folder_is_put_into_a_bucket_and_had_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boto3: Any = importlib.import_module("boto3")
    mock_aws: Any = importlib.import_module("moto").mock_aws
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(_written(tmp_path / "code"))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="flows")
        pushed = run_steps(
            [{"prefect_aws.deployments.steps.push_to_s3": {"bucket": "flows", "folder": "team"}}]
        )
        found = pull_from_s3("flows", "team")

    assert pushed == {"bucket": "flows", "folder": "team"}
    assert _names(Path(found["directory"])) == [".prefectignore", "etl/flows.py"]


def test_a_folder_is_put_wherever_fsspec_reaches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(_written(tmp_path / "code"))

    push_to_remote_storage(f"file://{tmp_path}/store")

    assert _names(tmp_path / "store") == [".prefectignore", "etl/flows.py"]
    monkeypatch.chdir(tmp_path / "code" / "data")
    (tmp_path / "code" / "data" / "big.bin").unlink()
    with pytest.raises(EntrypointError, match="nothing to copy"):
        push_to_remote_storage(f"file://{tmp_path}/other")


def _said(command: list[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def _written(folder: Path) -> Path:
    files = {
        "etl/flows.py": "here",
        "etl/notes.tmp": "not",
        "data/big.bin": "not",
        ".git/HEAD": "not",
        "__pycache__/x.pyc": "not",
        ".prefectignore": "# left out\n*.tmp\ndata/\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
