"""Steps that run programs."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import IO

from headgate.errors import EntrypointError
from headgate.redaction import redactor

Said = tuple[str, str]
"""What a command wrote on standard output, and on standard error."""


def run_shell_script(
    script: str,
    directory: str | None = None,
    env: dict[str, str] | None = None,
    stream_output: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    expand_env_vars: bool = False,  # noqa: FBT001, FBT002
) -> dict[str, str]:
    """Run each line of a script as a command, and return what they wrote.

    There is no shell: a line that needs one says ``bash -c '…'``.

    Args:
        stream_output: also write it as it comes, on standard error.
        expand_env_vars: put variables of the environment in the place of ``$NAME``.

    Raises:
        EntrypointError: a command is missing, or fails.
    """
    environment = {**os.environ, **(env or {})}
    said: list[Said] = []
    for line in script.strip().splitlines():
        text = Template(line).safe_substitute(environment) if expand_env_vars else line
        command = shlex.split(text, comments=True)
        if command:
            folder = Path(directory) if directory else None
            said.append(_run(command, environment, folder, is_shown=stream_output))
    return _joined(said)


def pip_install_requirements(
    directory: str | None = None,
    requirements_file: str = "requirements.txt",
    stream_output: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
) -> dict[str, str]:
    """Install what a file lists into the environment that runs this.

    Raises:
        EntrypointError: there is no such file, or it cannot be installed.
    """
    folder = Path(directory) if directory else Path.cwd()
    if not (folder / requirements_file).is_file():
        message = f"There is no {requirements_file} in {folder}"
        raise EntrypointError(message)
    command = [sys.executable, "-m", "pip", "install", "-r", requirements_file]
    return _joined([_run(command, dict(os.environ), folder, is_shown=stream_output)])


def _joined(said: Sequence[Said]) -> dict[str, str]:
    stdout, stderr = (
        ("\n".join(texts).strip() for texts in zip(*said, strict=True)) if said else ("", "")
    )
    return {"stdout": stdout, "stderr": stderr}


def _run(
    command: Sequence[str], environment: dict[str, str], folder: Path | None, *, is_shown: bool
) -> Said:
    """Run a command and return what it wrote on each stream, shown as it comes."""
    try:
        process = subprocess.Popen(  # noqa: S603  what the deployment's author wrote
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        message = f"{command[0]} cannot be run: {error.strerror}"
        raise EntrypointError(message) from None
    with process, ThreadPoolExecutor(1) as threads:
        assert process.stdout is not None  # noqa: S101  asked for above
        assert process.stderr is not None  # noqa: S101  asked for above
        beside = threads.submit(_read, process.stderr, is_shown=is_shown)
        out, errors = _read(process.stdout, is_shown=is_shown), beside.result()
    if process.returncode != 0:
        last = redactor.redact("".join([*out, *errors][-5:]).strip())
        message = f"{command[0]} ended with exit code {process.returncode}: {last}"
        raise EntrypointError(message)
    return "".join(out).strip(), "".join(errors).strip()


def _read(stream: IO[str], *, is_shown: bool) -> list[str]:
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if is_shown:
            sys.stderr.write(redactor.redact(line))
    return lines
