"""Steps that build and push images, with the docker command of whoever deploys."""

import shlex
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headgate.clock import now_us
from headgate.deployments.scripts import run_shell_script
from headgate.errors import EntrypointError
from headgate.version import VERSION

_SWITCHES = {"nocache": "--no-cache", "pull": "--pull"}
_WORDS = {"target": "--target", "network_mode": "--network"}
_DONE_ANYWAY = frozenset({"rm", "forcerm", "quiet", "stream_progress_to", "requires"})

AUTO = """\
FROM python:3.12-slim
WORKDIR /opt/headgate/code
RUN pip install --no-cache-dir "headgate=={version}"
COPY . .
RUN if [ -f requirements.txt ]; then pip install --no-cache-dir -r requirements.txt; fi
"""


class DockerImage:
    """An image with the code of a flow, for ``deploy``.

    Args:
        name: with its registry, and maybe with its tag.
        tag: the time of the build where none is said here or in the name.
        dockerfile: ``auto`` writes one that copies the folder and installs its requirements.
        stream_progress_to: nothing: what docker says is shown where the build fails.
        build_kwargs: as ``build_docker_image`` takes them: ``buildargs``, ``platform``, ``path``,
            ``nocache``, ``pull``, ``target``, ``network_mode``.

    Raises:
        EntrypointError: the name has a tag, and another one is said.
    """

    def __init__(
        self,
        name: str,
        tag: str | None = None,
        dockerfile: str = "auto",
        stream_progress_to: Any = None,
        **build_kwargs: Any,
    ) -> None:
        del stream_progress_to
        self.name, _, own_tag = split_reference(name)
        if own_tag and tag:
            message = f"Say the tag once: {name!r} has one, and tag={tag!r}"
            raise EntrypointError(message)
        self.tag = tag or own_tag or _time_tag()
        self.dockerfile = dockerfile
        self.build_kwargs = build_kwargs

    @property
    def reference(self) -> str:
        """Its name with its tag."""
        return f"{self.name}:{self.tag}"

    def build(self) -> None:
        """Build the image of the working folder.

        Raises:
            EntrypointError: docker is missing, or fails, or an option is not known.
        """
        build_docker_image(**self.build_inputs())

    def push(self) -> None:
        """Push the image, signed in as docker is on this machine.

        Raises:
            EntrypointError: docker is missing, or fails.
        """
        push_docker_image(self.name, tag=self.tag)

    def build_inputs(self) -> dict[str, Any]:
        """Return what ``build_docker_image`` is given for it."""
        named = {"image_name": self.name, "tag": self.tag, "dockerfile": self.dockerfile}
        return {**named, **self.build_kwargs}


def split_reference(image: str) -> tuple[str, str, str]:
    """Return an image's name, a colon, and its tag; the last two are empty where it has none."""
    return image.rpartition(":") if ":" in image.rpartition("/")[2] else (image, "", "")


def _time_tag() -> str:
    return datetime.fromtimestamp(now_us() / 1_000_000, tz=UTC).strftime("%Y%m%dt%H%M%S")


def build_docker_image(
    image_name: str,
    dockerfile: str = "Dockerfile",
    tag: str | None = None,
    additional_tags: list[str] | None = None,
    path: str = ".",
    platform: str | None = None,
    buildargs: dict[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Build an image of a folder, and return its name and tag.

    Args:
        dockerfile: ``auto`` writes one that copies the folder and installs its requirements.
        tag: the time of the build if not said.
        options: ``nocache``, ``pull``, ``target`` and ``network_mode``, as Prefect's step has them;
            ``rm`` and ``quiet`` say what is done anyway.

    Raises:
        EntrypointError: docker is missing, or fails, or an option is not known.
    """
    chosen = tag or _time_tag()
    names = [f"{image_name}:{one}" for one in (chosen, *(additional_tags or ()))]
    words = ["docker", "build", "--quiet"]
    for name in names:
        words += ["--tag", name]
    if platform:
        words += ["--platform", platform]
    words += _flags(options)
    for key, value in (buildargs or {}).items():
        words += ["--build-arg", f"{key}={value}"]
    with tempfile.TemporaryDirectory(prefix="headgate-build-") as folder:
        file = Path(dockerfile)
        if dockerfile == "auto":
            file = Path(folder, "Dockerfile")
            file.write_text(AUTO.format(version=VERSION))
        out = _docker([*words, "--file", str(file), path])
    return {
        "image_name": image_name,
        "tag": chosen,
        "image": f"{image_name}:{chosen}",
        "image_id": out.splitlines()[-1] if out else None,
        "additional_tags": additional_tags,
    }


def _flags(options: Mapping[str, Any]) -> list[str]:
    """Return what options of Prefect's step say to docker."""
    words: list[str] = []
    for name, value in options.items():
        if name in _SWITCHES:
            words += [_SWITCHES[name]] if value else []
        elif name in _WORDS:
            words += [_WORDS[name], str(value)]
        elif name not in _DONE_ANYWAY:
            known = ", ".join(sorted({*_SWITCHES, *_WORDS}))
            message = f"build_docker_image does not know {name!r}; beside its own it takes {known}"
            raise EntrypointError(message)
    return words


def push_docker_image(
    image_name: str,
    tag: str | None = None,
    credentials: dict[str, Any] | None = None,
    additional_tags: list[str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Push an image, signed in as docker is on this machine, and return its name and tag.

    Raises:
        EntrypointError: docker is missing, or fails.
    """
    del credentials, options
    for one in (tag or "latest", *(additional_tags or ())):
        _docker(["docker", "push", "--quiet", f"{image_name}:{one}"])
    return {
        "image_name": image_name,
        "tag": tag,
        "image": f"{image_name}:{tag or 'latest'}",
        "additional_tags": additional_tags,
    }


def _docker(words: list[str]) -> str:
    return run_shell_script(shlex.join(words), stream_output=False)["stdout"]
