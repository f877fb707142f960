"""How to run Postgres, which refuses to be root: in a user namespace, else as ``nobody``."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from headgate_server.embedded.errors import DataDirUnusable

NAMESPACE = ("--user", "--map-user=1000", "--map-group=1000")
FALLBACK_USER = "nobody"


@dataclass(frozen=True, slots=True)
class RunAs:
    """The way to run a command without being root.

    Attributes:
        prefix: what stands before the command.
        user: the user to switch to, None to stay who we are.
        gid: that user's group.
        uid: who must own the files, as the kernel outside of any namespace sees it.
    """

    prefix: tuple[str, ...]
    user: str | None
    gid: int | None
    uid: int


def choose_run_as() -> RunAs:
    """Return how this process can run Postgres: as it is, unless it is root."""
    if os.geteuid() != 0:
        return RunAs(prefix=(), user=None, gid=None, uid=os.geteuid())
    unshare = shutil.which("unshare")
    if unshare is not None and _works((unshare, *NAMESPACE)):
        return RunAs(prefix=(unshare, *NAMESPACE), user=None, gid=None, uid=0)
    return as_fallback_user()


def as_fallback_user() -> RunAs:
    """Return how root runs Postgres where user namespaces are refused."""
    account = pwd.getpwnam(FALLBACK_USER)
    return RunAs(prefix=(), user=FALLBACK_USER, gid=account.pw_gid, uid=account.pw_uid)


def hand_over(path: Path, *, run_as: RunAs) -> None:
    """Make everything under ``path`` belong to the user that Postgres runs as.

    Raises:
        DataDirUnusable: it belongs to somebody else and we are not root.
    """
    if path.stat().st_uid == run_as.uid:
        return
    if os.geteuid() != 0:
        owner = path.stat().st_uid
        reason = f"{path.name}/ belongs to user {owner}. Start as that user, or name another one."
        raise DataDirUnusable(path.parent, reason=reason)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder, name), run_as.uid, -1, follow_symlinks=False)
    os.chown(path, run_as.uid, -1)


def make_reachable(install: Path, *, data_dir: Path, run_as: RunAs) -> Path:
    """Return a copy of the binaries that the fallback user can run; ``install`` when it can itself.

    Raises:
        DataDirUnusable: the fallback user cannot enter the data directory's parents.
    """
    if run_as.user is None:
        return install
    blocked = next((parent for parent in data_dir.parents if not _is_open(parent)), None)
    if blocked is not None:
        reason = (
            f"Postgres cannot run as root, and user {run_as.user} cannot enter {blocked}. "
            "Start as an ordinary user, or name a directory outside of it."
        )
        raise DataDirUnusable(data_dir, reason=reason)
    data_dir.chmod(0o711)
    if all(_is_open(parent) for parent in (install, *install.parents)):
        return install
    copy = data_dir / "binaries" / install.parent.name / install.name
    if not copy.exists():
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy.parent.parent / libraries.name, dirs_exist_ok=True)
        draft = copy.with_name("draft")
        shutil.copytree(install, draft, symlinks=True, dirs_exist_ok=True)
        draft.rename(copy)
    for folder in (copy.parent.parent, copy.parent, copy):
        folder.chmod(0o755)
    return copy


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        trial = subprocess.run(  # noqa: S603 - constant arguments
            [*prefix, "true"], capture_output=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
