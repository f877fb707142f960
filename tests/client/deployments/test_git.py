"""What git says of a folder: told without credentials, and nothing where there is no repository."""

import subprocess
from pathlib import Path

from headgate.deployments.git import read_git


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def test_commit_branch_and_remote_are_told_without_credentials(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "flows.py").write_text("a = 1\n")
    git(tmp_path, "add", "flows.py")
    git(tmp_path, "commit", "--quiet", "--message", "Add flows")
    git(tmp_path, "remote", "add", "origin", "https://ada:hunter2@example.com/flows.git")

    clean = read_git(tmp_path)
    (tmp_path / "flows.py").write_text("a = 2\n")
    dirty = read_git(tmp_path)

    assert clean == {
        "commit": git(tmp_path, "rev-parse", "HEAD"),
        "message": "Add flows",
        "branch": "main",
        "remote": "https://example.com/flows.git",
        "isDirty": False,
    }
    assert dirty is not None
    assert dirty["isDirty"] is True


def test_folder_without_a_repository_has_nothing_to_tell(tmp_path: Path) -> None:
    assert read_git(tmp_path) is None
