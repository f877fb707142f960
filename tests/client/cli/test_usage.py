"""What the command line says when it is used wrongly: exit codes, hints, no tracebacks."""

from pathlib import Path

import pytest

from tests.client.cli.commands import headgate, headgate_here

FLOWS = """
from headgate import flow

@flow
def add(left: int, right: int = 1) -> int:
    print("adding")
    return left + right

@flow
def fail() -> None:
    raise ValueError("no luck")

@flow
def gather(first: int, /, *rest: int, **named: int) -> int:
    return first + sum(rest) + sum(named.values())

@flow
def leave(code: int) -> None:
    raise SystemExit(code)

@flow
async def later(seconds: float = 0) -> str:
    return "done"
"""

MISUSES = (
    (["nope"], 2, 'Unknown command "nope"'),
    (["flow-runs", "lst"], 2, 'Did you mean "list"'),
    (["flow-runs", "list", "--limt", "3"], 2, "Did you mean --limit?"),
    (["flow-runs", "list", "-o", "xml"], 2, "xml"),
    (["flow-runs", "get"], 2, "requires an argument"),
    (["agent", "start", "--pool", "a", "--limit", "1001"], 2, "for --limit. Must be <= 1000"),
    (["flow-runs", "list", "--limit", "-1"], 2, "for --limit. Must be >= 1"),
    (["flow-runs", "logs", "x", "--tail", "1001"], 2, "for --tail. Must be <= 1000"),
    (["flow-runs", "cancel", "x", "--grace", "-1"], 2, "for --grace. Must be >= 0"),
    (["flow-runs", "list"], 2, "headgate login --api-url"),
    (["run", "nowhere.py:flow"], 2, "There is no file"),
    (["run", "flows.py:ad"], 2, "Did you mean add?"),
    (["run", "flows.py"], 2, "flows.py holds 5 flows"),
    (["run", "flows.py:add"], 2, "missing a required argument: 'left'"),
    (["run", "flows.py:add", "-p", "left=x"], 2, "to parse string as an integer, got 'x'\n"),
    (["run", "flows.py:add", "-p", "left"], 2, "does not have the form key=value"),
    (["run", "flows.py:add", "--params", "[1]"], 2, "must be a JSON object"),
    (["run", "unreadable.py:flow"], 1, "could not be imported at line 1: ModuleNotFoundError"),
    (["run", "misspelt.py"], 1, "misspelt.py could not be imported"),
    (["deploy", "flows.py:add", "--pool", "default"], 2, "A deployment needs one name"),
    (["deploy"], 2, "There is no headgate.yaml"),
    (["profiles", "use", "nope"], 4, "There is no profile 'nope'"),
    (["profiles", "inspect"], 4, "No profile is active"),
    (["--profile", "nope", "status"], 4, "There is no profile 'nope'"),
    (["status", "--profile"], 2, "--profile needs a name"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with flows in it, and files that cannot be imported."""
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "unreadable.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "misspelt.py").write_text("def (:\n")
    return tmp_path


def quiet(folder: Path) -> dict[str, str]:
    """Return the environment of local mode with a home of its own."""
    return {"HEADGATE_HOME": str(folder / "home")}


@pytest.mark.parametrize(
    ("arguments", "code", "words"), MISUSES, ids=[" ".join(misuse[0]) for misuse in MISUSES]
)
def test_misuse_is_explained(arguments: list[str], code: int, words: str, folder: Path) -> None:
    done = headgate_here(*arguments, environment=quiet(folder), folder=folder)

    assert done.code == code, done.err
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert words in done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(folder: Path) -> None:
    done = headgate(
        "run", "unreadable.py:flow", "--debug", environment=quiet(folder), folder=folder
    )

    assert done.code == 1
    assert "import nowhere_to_be_found" in done.err


def test_run_prints_the_outcome_and_keeps_talk_apart(folder: Path) -> None:
    done = headgate(
        "run",
        "flows.py:add",
        "-p",
        "left=2",
        "-o",
        "yaml",
        environment=quiet(folder),
        folder=folder,
    )

    assert done.code == 0
    assert "result: 3\n" in done.out
    assert "state: Completed\n" in done.out
    assert "adding" not in done.out
    assert "adding" in done.err


def test_parameters_of_their_own_win_over_the_document(folder: Path) -> None:
    done = headgate(
        *("run", "flows.py:add", "--params", '{"left": 2, "right": 5}', "-p", "right=7"),
        *("-o", "yaml"),
        environment=quiet(folder),
        folder=folder,
    )

    assert "result: 9\n" in done.out


def test_failed_run_exits_7(folder: Path) -> None:
    done = headgate("run", "flows.py:fail", "-o", "yaml", environment=quiet(folder), folder=folder)

    assert done.code == 7
    assert "stateType: FAILED\n" in done.out
    assert "message: 'ValueError: no luck'\n" in done.out


def test_run_that_leaves_the_process_exits_7(folder: Path) -> None:
    done = headgate(
        *("run", "flows.py:leave", "-p", "code=4", "-o", "yaml"),
        environment=quiet(folder),
        folder=folder,
    )

    assert done.code == 7
    assert "state: Crashed\n" in done.out
    assert "message: User code left the process with 4\n" in done.out


def test_parameters_reach_every_kind_of_argument(folder: Path) -> None:
    done = headgate(
        *("run", "flows.py:gather", "-p", "first=1", "-p", "rest=[2, 3]", "-p", "other=4"),
        *("-o", "yaml"),
        environment=quiet(folder),
        folder=folder,
    )

    assert "result: 10\n" in done.out


def test_run_of_an_async_flow(folder: Path) -> None:
    done = headgate("run", "flows.py:later", "-o", "yaml", environment=quiet(folder), folder=folder)

    assert done.code == 0
    assert "result: done\n" in done.out


def test_only_flow_of_a_file_need_not_be_named(folder: Path) -> None:
    (folder / "one.py").write_text("import headgate\n@headgate.flow()\ndef only():\n    return 1\n")

    done = headgate("run", "one.py", "-o", "json", environment=quiet(folder), folder=folder)

    assert done.code == 0
    assert '"flow": "only"' in done.out


ODD_RESULTS = """
from headgate import flow

class Speechless:
    def __repr__(self):
        raise RuntimeError("no text")

@flow
def text() -> str:
    return "caf" + chr(0xE9) + chr(0xD800)

@flow
def nested():
    return [chr(0xD800)], Speechless()
"""


@pytest.mark.parametrize("output", ["table", "json", "yaml"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_result_that_cannot_be_encoded_is_shown_as_well_as_it_goes(
    tmp_path: Path, output: str, encoding: str
) -> None:
    (tmp_path / "odd.py").write_text(ODD_RESULTS)

    done = headgate(
        *("run", "odd.py:text", "-o", output),
        environment={"PYTHONIOENCODING": encoding},
        folder=tmp_path,
    )

    shown = "caf\xe9?" if encoding == "utf-8" else "caf??"
    escaped = '"caf\xe9\\uD800"' if encoding == "utf-8" else '"caf?\\uD800"'
    assert (done.code, "Traceback" in done.err) == (0, False)
    assert (escaped if output == "yaml" else shown) in done.out


def test_the_items_of_a_generator_are_its_result(tmp_path: Path) -> None:
    (tmp_path / "items.py").write_text(
        "from headgate import flow\n@flow\nasync def items():\n  yield 1\n  yield 2\n"
    )

    done = headgate("run", "items.py:items", folder=tmp_path)

    assert done.code == 0
    assert "result   1, 2" in done.out


def test_a_result_without_a_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD_RESULTS)

    done = headgate("run", "odd.py:nested", folder=tmp_path)

    assert done.code == 0
    assert "whose text raises RuntimeError" in done.out
