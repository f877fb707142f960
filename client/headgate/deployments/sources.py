"""Where the code of a flow is: a repository, a folder, a store of files; as Prefect names them."""

import asyncio
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from headgate.deployments import steps, storages
from headgate.deployments.checkouts import shown
from headgate.deployments.storing import SET_WORKING_DIRECTORY
from headgate.engine.entrypoints import load_flow
from headgate.errors import EntrypointError
from headgate.flows import Flow

_PLACE = "headgate.deployments.steps"
_REMOTE = ("s3://", "gs://", "gcs://", "az://", "abfs://", "memory://")


@runtime_checkable
class CodeSource(Protocol):
    """A place with code."""

    def pull(self) -> Path:
        """Return a folder of this machine with the code."""
        ...

    def pull_steps(self) -> list[dict[str, Any]]:
        """Return what brings the code to a run."""
        ...


@dataclass(frozen=True)
class GitRepository:
    """A commit of a repository.

    Args:
        url: its address, without a secret.
        credentials: a block with a token, or a mapping with ``access_token`` and ``username``. A
            run is told the block's name, and never the token itself.
        branch: a branch or tag; the repository's own if not said.
        directories: the only folders to check out.
    """

    url: str
    credentials: Any = None
    name: str | None = None
    branch: str | None = None
    commit_sha: str | None = None
    include_submodules: bool = False
    pull_interval: int | None = 60
    directories: list[str] | None = None

    def pull(self) -> Path:
        """Return a folder with the commit."""
        return _pulled(steps.git_clone, **self._inputs(), credentials=self._signs_in())

    def pull_steps(self) -> list[dict[str, Any]]:
        """Return the step that brings the commit to a run.

        Raises:
            EntrypointError: the credentials are not stored as a block.
        """
        inputs = {name: value for name, value in self._inputs().items() if value}
        reference = _reference_of(self.credentials)
        if reference is not None:
            inputs["credentials"] = reference
        elif self.credentials:
            message = "Save the credentials as a block: a deployment stores no secrets"
            raise EntrypointError(message)
        inputs["repository"] = shown(self.url)
        return [{f"{_PLACE}.git_clone": inputs}]

    def _inputs(self) -> dict[str, Any]:
        return {
            "repository": self.url,
            "branch": self.branch,
            "commit_sha": self.commit_sha,
            "include_submodules": self.include_submodules,
            "directories": self.directories,
        }

    def _signs_in(self) -> Any:
        given: Any = self.credentials
        if not isinstance(given, dict):
            return given
        values = cast("dict[str, Any]", given)
        return {**values, "token": values.get("access_token") or values.get("token")}


@dataclass(frozen=True)
class LocalStorage:
    """A folder of a machine: agents must run where it is."""

    path: str | Path

    def pull(self) -> Path:
        """Return the folder."""
        return Path(self.path).expanduser().resolve()

    def pull_steps(self) -> list[dict[str, Any]]:
        """Return the step that works in the folder."""
        return [{SET_WORKING_DIRECTORY: {"directory": str(self.pull())}}]


@dataclass(frozen=True)
class RemoteStorage:
    """Files below an address that fsspec reaches, as ``s3://bucket/path``."""

    url: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])

    def pull(self) -> Path:
        """Return a folder with copies of the files."""
        return _pulled(storages.pull_from_remote_storage, url=self.url, settings=self.settings)

    def pull_steps(self) -> list[dict[str, Any]]:
        """Return the step that brings copies to a run."""
        inputs = {"url": self.url, **({"settings": self.settings} if self.settings else {})}
        return [{f"{_PLACE}.pull_from_remote_storage": inputs}]


@dataclass(frozen=True)
class BlockStorage:
    """The files that a stored block keeps."""

    block: Any

    def pull(self) -> Path:
        """Return a folder with copies of the files."""
        slug, name = self._names()
        return _pulled(storages.pull_with_block, block_document_name=name, block_type_slug=slug)

    def pull_steps(self) -> list[dict[str, Any]]:
        """Return the step that brings copies to a run."""
        slug, name = self._names()
        inputs = {"block_document_name": name, "block_type_slug": slug}
        return [{f"{_PLACE}.pull_with_block": inputs}]

    def _names(self) -> tuple[str, str]:
        reference = _stored_name(self.block)
        if reference is None:
            message = "Save the block first: runs load it by its name"
            raise EntrypointError(message)
        slug, _, name = reference.partition("/")
        return slug, name


def source_of(given: Any) -> CodeSource:
    """Return the place that somebody named: an address, a folder, a block, or a source itself.

    Raises:
        EntrypointError: it is none of these.
    """
    if isinstance(given, CodeSource):
        return given
    if isinstance(given, Path):
        return LocalStorage(given)
    if isinstance(given, str):
        if given.startswith(_REMOTE):
            return RemoteStorage(given)
        is_address = given.startswith(
            ("http://", "https://", "ssh://", "git@", "git://", "file://")
        )
        return GitRepository(given) if is_address or given.endswith(".git") else LocalStorage(given)
    if hasattr(given, "get_directory"):
        return BlockStorage(given)
    message = f"{given!r} is no place with code: give an address, a folder, a block or a source"
    raise EntrypointError(message)


def flow_from_source(given: Any, entrypoint: str) -> Any:
    """Return the flow of an entrypoint in a place; where an event loop runs, its coroutine."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return loaded_flow(given, entrypoint)
    return asyncio.to_thread(loaded_flow, given, entrypoint)


def loaded_flow(given: Any, entrypoint: str) -> Flow[..., Any]:
    """Return the flow of an entrypoint in a place, wherever this is called.

    Raises:
        EntrypointError: the code cannot be had, or there is no such flow in it.
    """
    source = source_of(given)
    folder = source.pull()
    if not folder.is_dir():
        message = f"There is no folder {folder}"
        raise EntrypointError(message)
    with chdir(folder):
        found: Flow[..., Any] = load_flow(entrypoint)
    found.source = (source, entrypoint)
    return found


def _pulled(step: Any, **inputs: Any) -> Path:
    """Return the folder that a step works in, and go on working where this process did."""
    with chdir(Path.cwd()):
        return Path(step(**inputs)["directory"])


def _reference_of(credentials: Any) -> str | None:
    stored = _stored_name(credentials)
    return None if stored is None else "{{ blocks." + stored.replace("/", ".") + " }}"


def _stored_name(block: Any) -> str | None:
    """Return ``type-slug/name`` of a block that is stored."""
    slug, name = (
        getattr(block, "get_block_type_slug", None),
        getattr(block, "_block_document_name", None),
    )
    return f"{slug()}/{name}" if slug and name else None
