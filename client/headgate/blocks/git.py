"""A block of who signs in to a Git server; its secret is in no argument and no repository."""

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.either import done
from headgate.errors import BlockError

TIMEOUT_SECONDS = 600.0
_HELPER = '!f() { echo "username=$HEADGATE_GIT_USER"; echo "password=$HEADGATE_GIT_TOKEN"; }; f'


class GitCredentials(Block):
    """Who signs in to a Git server: with a token over HTTPS, or with a key over SSH."""

    _block_type_name = "Git Credentials"
    _block_type_slug = "git-credentials"

    url: str | None = Field(default=None, description="The repository, without any secret.")
    username: str = Field(default="git", description="Who signs in with the token.")
    token: SecretStr | None = Field(default=None, description="A token or password, for HTTPS.")
    ssh_key: SecretStr | None = Field(default=None, description="A private key, for SSH.")

    @contextmanager
    def environment(self) -> Generator[dict[str, str]]:
        """Give the environment for ``git`` to sign in with, for as long as the block lasts.

        Git asks a helper for the token, which reads it from its environment. A key lies in a file
        that only this user may read, until the end.
        """
        kept = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        if self.token is not None:
            kept |= {
                "GIT_CONFIG_COUNT": "2",
                "GIT_CONFIG_KEY_0": "credential.helper",
                "GIT_CONFIG_VALUE_0": "",
                "GIT_CONFIG_KEY_1": "credential.helper",
                "GIT_CONFIG_VALUE_1": _HELPER,
                "HEADGATE_GIT_USER": self.username,
                "HEADGATE_GIT_TOKEN": self.token.get_secret_value(),
            }
        if self.ssh_key is None:
            yield kept
            return
        with tempfile.TemporaryDirectory(prefix="headgate-git-") as folder:
            path = Path(folder, "key")
            path.touch(0o600)
            path.write_text(self.ssh_key.get_secret_value().rstrip("\n") + "\n")
            options = "-o IdentitiesOnly=yes -o BatchMode=yes"
            yield {**kept, "GIT_SSH_COMMAND": f"ssh -i {shlex.quote(str(path))} {options}"}

    def clone(self, to_path: str | Path, *, branch: str | None = None) -> Any:
        """Clone the repository to a path, and return that. Where an event loop runs, await it.

        Raises:
            BlockError: no URL is said, or Git fails; what Git said is told.
        """
        return done(self._clone, Path(to_path), branch)

    async def aclone(self, to_path: str | Path, *, branch: str | None = None) -> Path:
        """Do as ``clone`` does, in a coroutine."""
        return await asyncio.to_thread(self._clone, Path(to_path), branch)

    def _clone(self, to_path: Path, branch: str | None) -> Path:
        if self.url is None:
            message = "Say the url of the repository"
            raise BlockError(message)
        chosen = [] if branch is None else [f"--branch={branch}"]
        command = ["git", "clone", "--quiet", *chosen, "--", self.url, str(to_path)]
        with self.environment() as environment:
            try:
                done_ = subprocess.run(  # noqa: S603  git, with arguments of its own
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=TIMEOUT_SECONDS,
                )
            except FileNotFoundError:
                message = "There is no git where the run is: install it"
                raise BlockError(message) from None
            except subprocess.TimeoutExpired:
                message = f"git did not end in {TIMEOUT_SECONDS:.0f} s"
                raise BlockError(message) from None
        if done_.returncode != 0:
            message = f"git cannot clone the repository: {done_.stderr.strip()}"
            raise BlockError(message)
        return to_path
