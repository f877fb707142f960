"""Which commits this process has its code from: a run says so as it begins."""

from typing import Any

_pulled: dict[str, str] = {}

CODE = "code"
"""Of the details of the state that a run begins in: the commits, each with its repository."""


def note(repository: str, commit: str) -> None:
    """Remember that this process works in a commit.

    Args:
        repository: its address, without any secret.
    """
    _pulled[repository] = commit


def as_details() -> dict[str, Any]:
    """Return what the run tells of it; empty where its code is from no repository."""
    if not _pulled:
        return {}
    return {CODE: [{"repository": url, "commit": commit} for url, commit in _pulled.items()]}
