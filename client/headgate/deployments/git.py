"""What git says of the folder that is deployed: commit, branch, where it came from."""

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

TIMEOUT_SECONDS = 5.0


def read_git(directory: Path) -> dict[str, Any] | None:
    """Return commit, branch, message, remote and whether anything is uncommitted.

    No credential is in it: a remote is told without user and password.

    Returns:
        None where the folder is in no repository, has no commit, or git is not installed.
    """
    head = _git(directory, "log", "-1", "--format=%H%n%s")
    if not head:
        return None
    commit, _, message = head.partition("\n")
    branch = _git(directory, "rev-parse", "--abbrev-ref", "HEAD")
    remote = _git(directory, "remote", "get-url", "origin")
    found = {
        "commit": commit,
        "message": message[:200] or None,
        "branch": None if branch == "HEAD" else branch or None,
        "remote": _without_credentials(remote) if remote else None,
        "isDirty": bool(_git(directory, "status", "--porcelain", "--untracked-files=no")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  git, with arguments of its own
            ["git", "-C", str(directory), *arguments],  # noqa: S607  the user's own git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_credentials(remote: str) -> str:
    parts = urlsplit(remote)
    if not parts.netloc:
        return remote
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
