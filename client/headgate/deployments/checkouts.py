"""Code from git: each commit is checked out once on a machine, and its runs share that."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from headgate.deployments import code_folders
from headgate.errors import EntrypointError
from headgate.redaction import redactor
from headgate.settings import home_folder

FOLDER = "code"
TIMEOUT_SECONDS = 600.0
KEPT_CHECKOUTS = 8
"""So many commits of a repository stay on the machine, the ones that were used last.

Those that processes work in stay besides.
"""
_USERS = (("gitlab", "oauth2"), ("bitbucket", "x-token-auth"))
_DEFAULT_USER = "x-access-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place in a repository.

    Args:
        url: without any secret.
        reference: a branch, a tag or a whole commit; the repository's own branch if not said.
        user: who signs in with the token; what the kind of server expects if not said.
        token: signs in over HTTPS.
        ssh_key: signs in over SSH.
        directories: the only folders that are checked out.
    """

    url: str
    reference: str | None = None
    user: str | None = None
    token: str | None = None
    ssh_key: str | None = None
    has_submodules: bool = False
    directories: tuple[str, ...] = ()


def check_out(source: Source) -> Path:
    """Return a folder with the files of a commit, whose name it has; it is not to be changed.

    The server is asked which commit the reference is; a commit that is here already is not
    fetched again. The folder stays as long as this process, however many commits come after it.

    Raises:
        EntrypointError: git is missing, or fails; what it said is told, without secrets.
    """
    place = home_folder(os.environ) / FOLDER / _key(source)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(place / "lock"):
        repository = place / "repository.git"
        if not (repository / "HEAD").exists():
            _git(["init", "--quiet", "--bare", str(repository)], source)
        commit = _fetch(repository, source)
        folder = place / commit
        done = place / f"{commit}.done"
        if not done.exists():
            _write(repository, folder, commit, source)
            done.touch()
        os.utime(done)
        code_folders.hold(done)
        _prune(place, repository, keep=commit, source=source)
    return folder


def _key(source: Source) -> str:
    what = repr((source.url, source.has_submodules, source.directories))
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _fetch(repository: Path, source: Source) -> str:
    at = ["-C", str(repository)]
    reference = source.reference or "HEAD"
    if _is_commit(reference) and _has(repository, reference, source):
        return reference
    _git([*at, "fetch", "--quiet", "--depth=1", "--no-tags", "--", source.url, reference], source)
    return _git([*at, "rev-parse", "FETCH_HEAD^{commit}"], source)


def _is_commit(reference: str) -> bool:
    return len(reference) == 40 and all(letter in "0123456789abcdef" for letter in reference)


def _has(repository: Path, commit: str, source: Source) -> bool:
    try:
        _git(["-C", str(repository), "cat-file", "-e", f"{commit}^{{commit}}"], source)
    except EntrypointError:
        return False
    return True


def _write(repository: Path, folder: Path, commit: str, source: Source) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    at = ["-C", str(repository)]
    _git([*at, "worktree", "prune"], source)
    _git(
        [*at, "worktree", "add", "--quiet", "--detach", "--no-checkout", str(folder), commit],
        source,
    )
    inside = ["-C", str(folder)]
    if source.directories:
        _git([*inside, "sparse-checkout", "set", "--", *source.directories], source)
    _git([*inside, "checkout", "--quiet", commit], source)
    if source.has_submodules:
        update = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]
        _git([*inside, *update], source)


def _prune(place: Path, repository: Path, *, keep: str, source: Source) -> None:
    """Remove the checkouts that were not used for longest, but those that a process works in."""
    done = sorted(place.glob("*.done"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in done[KEPT_CHECKOUTS:]:
        if path.stem != keep:
            code_folders.remove(place / path.stem, mark=path)
    if len(done) > KEPT_CHECKOUTS:
        _git(["-C", str(repository), "worktree", "prune"], source)


def _git(arguments: Sequence[str], source: Source) -> str:
    try:
        with _signed_in(source) as environment:
            done = subprocess.run(  # noqa: S603  git, with arguments of its own
                ["git", *arguments],  # noqa: S607  the user's own git
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=TIMEOUT_SECONDS,
            )
    except FileNotFoundError:
        message = "There is no git on this machine, and the code is in a repository: install git"
        raise EntrypointError(message) from None
    except subprocess.TimeoutExpired:
        message = f"git did not end in {TIMEOUT_SECONDS:.0f} s, for {shown(source.url)}"
        raise EntrypointError(message) from None
    if done.returncode != 0:
        said = redactor.redact(done.stderr.strip()) or f"exit code {done.returncode}"
        message = f"The code cannot be had from {shown(source.url)}: {said}"
        raise EntrypointError(message)
    return done.stdout.strip()


@contextlib.contextmanager
def _signed_in(source: Source) -> Generator[dict[str, str]]:
    """Give the environment for git, which signs in at the repository's own address alone."""
    if not source.token and not source.ssh_key:
        yield _own_environment({**os.environ, "GIT_TERMINAL_PROMPT": "0"})
        return
    import headgate.blocks.git as blocks  # noqa: PLC0415 - named lazy-import place: pydantic

    for secret in (source.token, source.ssh_key):
        if secret:
            redactor.add(secret)
    values = {
        "url": source.url,
        "username": source.user or _user_of(source.url),
        "token": source.token,
        "ssh_key": source.ssh_key,
    }
    with blocks.GitCredentials.model_validate(values).environment() as environment:
        yield _own_environment(environment)


def _own_environment(environment: dict[str, str]) -> dict[str, str]:
    """Return it without what says that git is inside of another repository, as in its hooks."""
    inside = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    return {name: value for name, value in environment.items() if name not in inside}


def _user_of(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return next((user for name, user in _USERS if name in host), _DEFAULT_USER)


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    """Keep other processes of this machine away."""
    with path.open("ab") as file:
        if sys.platform != "win32":
            fcntl: Any = __import__("fcntl")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
