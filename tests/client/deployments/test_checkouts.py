"""Code from a real Git server: commits, branches, passwords, and what is asked of the server."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from pydantic import SecretStr

from headgate import flow
from headgate.blocks.git import GitCredentials
from headgate.deployments import checkouts
from headgate.deployments.checkouts import Source, check_out
from headgate.deployments.sources import GitRepository, source_of
from headgate.deployments.steps import git_clone
from headgate.errors import EntrypointError
from headgate.redaction import redactor
from tests.fixtures.git_server import GitServer, git_server

PASSWORD = "s3cret-of-the-server"
FLOWS = "from headgate import flow\n\n\n@flow\ndef {name}() -> str:\n    return {text!r}\n"


@pytest.fixture(autouse=True)
def where() -> Generator[None]:
    """Leave the folder and the import path as they were."""
    folder, path = Path.cwd(), list(sys.path)
    yield
    os.chdir(folder)
    sys.path[:] = path


@pytest.fixture
def server(tmp_path: Path) -> Generator[GitServer]:
    folder = tmp_path / "repositories"
    folder.mkdir()
    with git_server(folder) as server:
        yield server


@pytest.fixture
def closed(tmp_path: Path) -> Generator[GitServer]:
    """A server that asks for a password."""
    folder = tmp_path / "repositories"
    folder.mkdir()
    with git_server(folder, password=PASSWORD) as server:
        yield server


def test_the_repository_s_own_branch_is_had(server: GitServer) -> None:
    server.commit("flows", {"flows.py": "one"})

    folder = check_out(Source(url=f"{server.url}/flows.git"))

    assert (folder / "flows.py").read_text() == "one"


def test_a_branch_moves_and_a_commit_does_not(server: GitServer) -> None:
    url = f"{server.url}/flows.git"
    first = server.commit("flows", {"flows.py": "one"})
    before = check_out(Source(url=url, reference="main"))
    server.commit("flows", {"flows.py": "two"})

    after = check_out(Source(url=url, reference="main"))
    old = check_out(Source(url=url, reference=first))

    assert (after / "flows.py").read_text() == "two"
    assert (old, (old / "flows.py").read_text()) == (before, "one")


def test_a_commit_that_is_here_is_not_asked_for_again(server: GitServer) -> None:
    commit = server.commit("flows", {"flows.py": "one"})
    source = Source(url=f"{server.url}/flows.git", reference=commit)
    check_out(source)
    asked = len(server.asked)

    check_out(source)

    assert len(server.asked) == asked


def test_a_checkout_stays_while_a_process_works_in_it(
    server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/flows.git"
    source = Source(url=url)
    monkeypatch.setattr(checkouts, "KEPT_CHECKOUTS", 1)
    server.commit("flows", {"flows.py": "one"})
    checking = f"from {checkouts.__name__} import *; print(check_out(Source(url={url!r})))"
    command = [sys.executable, "-c", checking]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    server.commit("flows", {"flows.py": "two"})
    mine = check_out(source)
    server.commit("flows", {"flows.py": "three"})

    newest = check_out(source)

    kept = {path for path in newest.parent.iterdir() if (path / "flows.py").exists()}
    assert kept == {mine, newest}
    assert Path(done.stdout.strip()).parent == newest.parent


def test_only_the_folders_that_are_named_are_there(server: GitServer) -> None:
    server.commit("flows", {"a/flows.py": "a", "b/flows.py": "b"})

    folder = check_out(Source(url=f"{server.url}/flows.git", directories=("a",)))

    assert (folder / "a" / "flows.py").exists()
    assert not (folder / "b").exists()


def test_a_password_opens_and_is_never_told(closed: GitServer) -> None:
    closed.commit("flows", {"flows.py": "one"})
    url = f"{closed.url}/flows.git"

    with pytest.raises(EntrypointError) as refused:
        git_clone(url, access_token="wrong-" + PASSWORD, credentials={"username": "ada"})
    found = git_clone(url, credentials={"username": "ada", "token": PASSWORD})

    assert PASSWORD not in str(refused.value)
    assert Path(found["directory"], "flows.py").read_text() == "one"
    assert redactor.redact(PASSWORD) == "********"


def test_a_password_in_the_address_is_taken_out_of_it(closed: GitServer) -> None:
    closed.commit("flows", {"flows.py": "one"})
    url = f"http://ada:{PASSWORD}@127.0.0.1:{closed.server_port}/flows.git"

    folder = Path(git_clone(url)["directory"])

    kept = [path for path in folder.parent.rglob("*") if path.is_file() and path.suffix != ".pack"]
    assert (folder / "flows.py").exists()
    assert [path for path in kept if PASSWORD in path.read_text(errors="replace")] == []


def test_what_git_says_is_told(server: GitServer) -> None:
    with pytest.raises(EntrypointError, match=r"cannot be had from .*/nothing\.git"):
        git_clone(f"{server.url}/nothing.git")


def test_a_branch_and_a_commit_do_not_go_together() -> None:
    with pytest.raises(EntrypointError, match="not both"):
        git_clone("http://127.0.0.1:1/flows.git", branch="main", commit_sha="a" * 40)


def test_a_flow_is_had_from_a_repository(server: GitServer) -> None:
    server.commit("flows", {"etl/daily.py": FLOWS.format(name="daily", text="from git")})
    here = Path.cwd()

    loaded = flow.from_source(source=f"{server.url}/flows.git", entrypoint="etl/daily.py:daily")

    assert loaded() == "from git"
    assert Path.cwd() == here


def test_a_flow_s_deployment_pulls_what_it_was_loaded_from(server: GitServer) -> None:
    source = GitRepository(url="https://ada@example.com/flows.git", branch="main")

    (step,) = source.pull_steps()

    assert step == {
        "headgate.deployments.steps.git_clone": {
            "repository": "https://example.com/flows.git",
            "branch": "main",
        }
    }


def test_a_deployment_stores_no_secret_of_its_source() -> None:
    source = GitRepository(
        url="https://example.com/flows.git", credentials={"access_token": PASSWORD}
    )

    with pytest.raises(EntrypointError, match="as a block"):
        source.pull_steps()


def test_a_deployment_names_the_block_of_its_credentials() -> None:
    credentials = GitCredentials(token=SecretStr(PASSWORD))
    credentials._block_document_name = "team"  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  as loading says it
    source = GitRepository(url="https://example.com/flows.git", credentials=credentials)

    (step,) = source.pull_steps()

    ((_, inputs),) = step.items()
    assert inputs["credentials"] == "{{ blocks.git-credentials.team }}"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("https://example.com/flows.git", "GitRepository"),
        ("git@example.com:team/flows.git", "GitRepository"),
        ("s3://bucket/flows", "RemoteStorage"),
        ("./flows", "LocalStorage"),
        (Path("flows"), "LocalStorage"),
    ],
)
def test_a_place_is_told_by_how_it_is_written(given: str | Path, kind: str) -> None:
    assert type(source_of(given)).__name__ == kind


def test_a_flow_is_had_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "local_flows.py").write_text(FLOWS.format(name="here", text="from a folder"))

    loaded = flow.from_source(source=str(tmp_path), entrypoint="local_flows.py:here")

    assert loaded() == "from a folder"
