"""A block of who signs in to a Git server; its secret is in no argument and no repository."""

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.either import done
from headgate.errors import BlockError

TIMEOUT_SECONDS = 600.0
_HELPER = (
    '!f() { printf "username=%s\\npassword=%s\\n" "$HEADGATE_GIT_USER" "$HEADGATE_GIT_TOKEN"; }; f'
)
_OWN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


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

        Git asks a helper for the token, which reads it from its environment: for the repository's
        own host alone, wherever that sends Git. A key lies in a file that only this user may read,
        until the end.

        Raises:
            BlockError: there is a token, and the URL is not said, or not of HTTPS.
        """
        kept = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        if self.token is not None:
            kept |= _configured(
                {
                    "credential.helper": "",
                    f"credential.{_origin_of(self.url)}.helper": _HELPER,
                    "http.followRedirects": "false",
                }
            )
            kept["HEADGATE_GIT_USER"] = self.username
            kept["HEADGATE_GIT_TOKEN"] = self.token.get_secret_value()
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


def _origin_of(url: str | None) -> str:
    """Return the only place that a token is for."""
    parts = urlsplit(url or "")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OWN_HOSTS)
    if not is_safe or "@" in parts.netloc:
        message = "Say the url of the repository, with https:// and no user: the token is for it"
        raise BlockError(message)
    return f"{parts.scheme}://{parts.netloc}"


def _configured(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that sets something for Git, beside what it sets already."""
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    kept = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for place, (name, value) in enumerate(settings.items(), first):
        kept |= {f"GIT_CONFIG_KEY_{place}": name, f"GIT_CONFIG_VALUE_{place}": value}
    return kept
