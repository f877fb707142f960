"""A block of who signs in to a registry of container images."""

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import Field, SecretStr

from headgate.blocks.core import Block


class DockerRegistry(Block):
    """Who signs in to a registry of container images."""

    _block_type_name = "Docker Registry"
    _block_type_slug = "docker-registry"

    registry_url: str = Field(description="Its host, such as ghcr.io.")
    username: str = Field(description="Who signs in.")
    password: SecretStr = Field(description="A password or token.")

    @contextmanager
    def login(self) -> Generator[dict[str, str]]:
        """Give the environment for ``docker`` and its like to be signed in with, for a while.

        ``DOCKER_CONFIG`` names a folder that only this user may read, and that goes at the end: the
        password is in no argument, and the user's own configuration is left alone.
        """
        pair = f"{self.username}:{self.password.get_secret_value()}".encode()
        signed_in = {"auths": {self.registry_url: {"auth": base64.b64encode(pair).decode()}}}
        with TemporaryDirectory(prefix="headgate-docker-") as folder:
            path = Path(folder, "config.json")
            path.touch(0o600)
            path.write_text(json.dumps(signed_in))
            yield {"DOCKER_CONFIG": folder}
