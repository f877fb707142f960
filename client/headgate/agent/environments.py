"""Python environments of deployments: built once for what they ask, and shared by their runs.

Each is a virtual environment beside the agent's own. What it does not have, Headgate and what that
needs, is found behind it in the agent's, where both have the same Python; otherwise Headgate is
installed into it as well.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import platform
import re
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from headgate.clock import now_us
from headgate.errors import RunError
from headgate.redaction import redactor
from headgate.settings import home_folder
from headgate.version import VERSION

logger = logging.getLogger("headgate.agent")

FOLDER = "environments"
BUILD_SECONDS = 1800.0
KEPT_DAYS = 30.0
"""An environment that no run has used for so long is removed when another is built."""
_LOOK_SECONDS = 0.1
_SAID_LINES = 12
_DAY_SECONDS = 86_400
_PART = ".part"
_DONE = ".done"
_FALLBACK = "headgate_agent.pth"
_LOCK = "requirements.lock"
_EXTRAS = re.compile(r"\[[^]]*\]")


class EnvironmentBuildError(RunError):
    """The environment that a deployment asks for cannot be had here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment asks for, in its job variables.

    Args:
        requirements: lines as a requirements file has them.
        python: a version, as 3.12, or an interpreter's path; the agent's own if not said.
    """

    requirements: tuple[str, ...]
    python: str | None = None

    @property
    def key(self) -> str:
        """Names the environment: the same for the same wishes, Headgate and machine."""
        own = (VERSION, sys.version_info[:3], sys.prefix, platform.machine())
        text = json.dumps([self.requirements, self.python, own])
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def is_of_own_python(self) -> bool:
        """Whether the agent's own libraries can stand behind the environment."""
        own = "{}.{}".format(*sys.version_info[:2])
        return self.python in (None, own, platform.python_version(), sys.executable)


def wanted_of(variables: Mapping[str, Any]) -> Wanted | None:
    """Return what job variables ask for; None where the agent's own environment is to serve.

    Raises:
        EnvironmentBuildError: ``requirements`` or ``python`` are not as they should be.
    """
    requirements, python = variables.get("requirements"), variables.get("python")
    if requirements is None and python is None:
        return None
    if isinstance(requirements, str):
        requirements = requirements.splitlines()
    lines: Any = requirements or []
    if not isinstance(lines, list) or not all(
        isinstance(line, str) for line in cast("list[Any]", lines)
    ):
        message = "The job variable requirements must be a list of texts, as a requirements file"
        raise EnvironmentBuildError(message)
    if python is not None and not isinstance(python, str | int | float):
        message = "The job variable python must be a version, as '3.12', or an interpreter's path"
        raise EnvironmentBuildError(message)
    stripped = (line.strip() for line in cast("list[str]", lines))
    kept = tuple(line for line in stripped if line and not line.startswith("#"))
    return Wanted(kept, None if python is None else str(python))


async def find_python(
    variables: Mapping[str, Any], *, environment: Mapping[str, str]
) -> Path | None:
    """Return the interpreter that runs a job; None for the agent's own.

    An environment that is not there yet is built: once, however many runs and agents of this
    machine ask for it at the same time.

    Args:
        variables: the job's.
        environment: of the run's process, where uv finds its settings, as UV_INDEX_URL.

    Raises:
        EnvironmentBuildError: it cannot be built, or is not there; the message says why.
    """
    existing = variables.get("virtual_environment")
    if existing is not None:
        return _existing(str(existing))
    wanted = wanted_of(variables)
    if wanted is None:
        return None
    folder = home_folder(os.environ) / FOLDER
    place = folder / wanted.key
    done = folder / f"{wanted.key}{_DONE}"
    if not done.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await _build_once(wanted, place=place, done=done, environment=environment)
    with contextlib.suppress(OSError):
        os.utime(done)
    return _python_in(place)


def _existing(named: str) -> Path:
    python = _python_in(Path(named).expanduser())
    if not python.exists():
        message = (
            f"The virtual environment {named} is not on this machine: there is no {python}. Make "
            "it on the agent's machine, or name requirements in its place"
        )
        raise EnvironmentBuildError(message)
    return python


async def _build_once(
    wanted: Wanted, *, place: Path, done: Path, environment: Mapping[str, str]
) -> None:
    """Build where nobody else does; wait for who does."""
    with place.with_suffix(".lock").open("ab") as lock:
        # Not in a thread: those who wait would take all the threads that the builder needs.
        while not _took_lock(lock.fileno()):  # noqa: ASYNC110 - other processes hold it as well
            await asyncio.sleep(_LOOK_SECONDS)
        if _is_there(done):
            return
        logger.info("Building the environment %s: %s", wanted.key, ", ".join(wanted.requirements))
        part = place.with_suffix(_PART)
        for left in (part, place):
            await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
        try:
            await _build(wanted, part=part, environment=environment)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        _put_in_place(part, place=place, done=done)
        logger.info("Built the environment %s", wanted.key)
        await asyncio.to_thread(_prune, done.parent, keep=done)


def _took_lock(descriptor: int) -> bool:
    """Keep other builders of this machine away until the file is closed, unless one is there."""
    if sys.platform == "win32":
        return True
    fcntl: Any = __import__("fcntl")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_there(done: Path) -> bool:
    return done.exists()


def _put_in_place(part: Path, *, place: Path, done: Path) -> None:
    part.rename(place)
    done.touch()


async def _build(wanted: Wanted, *, part: Path, environment: Mapping[str, str]) -> None:
    uv = _uv()
    python = sys.executable if wanted.is_of_own_python else str(wanted.python)
    # Relocatable: it is built beside its place, and is there only as a whole.
    await _run([uv, "venv", "--quiet", "--relocatable", "--python", python, str(part)], environment)
    requirements = list(wanted.requirements)
    if wanted.is_of_own_python:
        _put_behind(part, Path(sysconfig.get_path("purelib")))
    else:
        requirements.append(f"headgate=={VERSION}")
    listed, limits = part / "requirements.txt", part / "constraints.txt"
    listed.write_text("\n".join([*requirements, ""]))
    limits.write_text("\n".join([*_own_limits(), ""]))
    if requirements:
        install = [uv, "pip", "install", "--quiet", "--python", str(_python_in(part))]
        await _run([*install, "--constraints", str(limits), "-r", str(listed)], environment)
    frozen = [uv, "pip", "freeze", "--quiet", "--python", str(_python_in(part))]
    (part / _LOCK).write_text(await _run(frozen, environment))


def _put_behind(folder: Path, behind: Path) -> None:
    """Let the environment find what it does not have in the agent's own."""
    site = next(iter([*folder.glob("lib/python*/site-packages"), folder / "Lib/site-packages"]))
    # Not as a plain path: what is installed in editable form is named in files of its own there.
    (site / _FALLBACK).write_text(f"import site; site.addsitedir({str(behind)!r})\n")


def _own_limits() -> list[str]:
    """Return what Headgate needs, so that nothing is chosen that it cannot work with."""
    needed = metadata.requires("headgate") or []
    return [_EXTRAS.sub("", line) for line in needed if "extra ==" not in line]


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        message = (
            "Requirements of deployments are installed by uv, which is not on this machine: "
            'pip install "headgate[environments]" where the agent runs'
        )
        raise EnvironmentBuildError(message)
    return found


async def _run(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a command of uv, without what would let it act for the run or the agent."""
    own = {name: value for name, value in environment.items() if not name.startswith("HEADGATE_")}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=own,
    )
    try:
        async with asyncio.timeout(BUILD_SECONDS):
            out, err = await process.communicate()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if isinstance(error, TimeoutError):
            message = f"Its environment was not built within {BUILD_SECONDS:.0f} s"
            raise EnvironmentBuildError(message) from None
        raise
    if process.returncode != 0:
        lines = redactor.redact(err.decode(errors="replace").strip()).splitlines()
        said = "\n".join(lines[-_SAID_LINES:])
        message = f"Its environment could not be built: {said or f'exit {process.returncode}'}"
        raise EnvironmentBuildError(message)
    return out.decode(errors="replace")


def _python_in(folder: Path) -> Path:
    if sys.platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def _prune(folder: Path, *, keep: Path) -> None:
    """Remove environments that no run has used for long."""
    oldest = now_us() / 1_000_000 - KEPT_DAYS * _DAY_SECONDS
    for done in folder.glob(f"*{_DONE}"):
        with contextlib.suppress(OSError):
            if done != keep and done.stat().st_mtime < oldest:
                done.unlink()
                shutil.rmtree(done.with_suffix(""), ignore_errors=True)
