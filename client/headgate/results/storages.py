"""Where results are kept: a folder of this machine, or any block that keeps files by path."""

import asyncio
import contextlib
import contextvars
import importlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from headgate.errors import OutsideFolderError, SettingsError


class ResultStorage(Protocol):
    """Keeps bytes by path."""

    @property
    def is_near(self) -> bool:
        """Whether it answers without a network, so that an event loop may wait for it."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return what is kept at a path; None where nothing is."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Keep bytes at a path: whoever reads meanwhile finds the old ones, or the new ones."""
        ...


class Folder:
    """Keeps results in files that only their owner reads."""

    is_near = True

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser()

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none.

        Raises:
            OutsideFolderError: the path leads out.
        """
        try:
            return self._inside(path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes) -> None:
        """Write a file beside the old one, and put it in its place.

        Raises:
            OutsideFolderError: the path leads out.
            OSError: the folder cannot be written, or the disk is full; the old file is as it was.
        """
        target = self._inside(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(made).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(made).unlink()
            raise

    def _inside(self, path: str) -> Path:
        target = self.path / path
        if not path or ".." in target.parts or not target.is_relative_to(self.path):
            message = f"{path!r} leads out of the folder of results {self.path}"
            raise OutsideFolderError(message)
        return target

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r})"


class BlockStorage:
    """Keeps results with a block's ``read_path`` and ``write_path``.

    Args:
        load: returns the block; called when it is first needed, for only a run reads its secrets.
        reference: its ``type-slug/name``; None where it has no name.
    """

    is_near = False

    def __init__(self, load: Callable[[], Any], *, name: str, reference: str | None = None) -> None:
        self.reference = reference
        self._load = load
        self._name = name
        self._block: Any = None

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        try:
            return _in_a_thread(self._loaded().read_path, path)
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        _in_a_thread(self._loaded().write_path, path, data)

    def _loaded(self) -> Any:
        if self._block is None:
            self._block = _in_a_thread(self._load)
        return self._block

    def __repr__(self) -> str:
        return f"BlockStorage({self._name!r})"


def make_storage(declared: Any) -> ResultStorage:
    """Return the storage that somebody named.

    Args:
        declared: a folder as a path or absolute text, a block's ``type-slug/name``, or a block.

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(declared, Path):
        return Folder(declared)
    if isinstance(declared, str):
        if declared.startswith(("/", "~", "./")) or (len(declared) > 1 and declared[1] == ":"):
            return Folder(Path(declared))
        slug, separator, name = declared.partition("/")
        if not (slug and separator and name) or "/" in name:
            message = (
                f"Results are kept in an absolute folder or a block, type-slug/name, "
                f"not in {declared!r}"
            )
            raise SettingsError(message)
        return BlockStorage(lambda: _load_block(declared), name=declared, reference=declared)
    if hasattr(declared, "read_path") and hasattr(declared, "write_path"):
        if type(declared).__name__ == "LocalFileSystem":
            return Folder(Path(declared.basepath))
        reference = _reference_to(declared)
        return BlockStorage(lambda: declared, name=type(declared).__name__, reference=reference)
    if isinstance(declared, Folder | BlockStorage):
        return declared
    message = f"A {type(declared).__name__} keeps no files: it has no read_path and write_path"
    raise SettingsError(message)


def reference_of(storage: ResultStorage) -> str | None:
    """Return the text under which another process finds a storage; None where there is none."""
    if isinstance(storage, Folder):
        return str(storage.path.absolute())
    return storage.reference if isinstance(storage, BlockStorage) else None


def _reference_to(block: Any) -> str | None:
    """Return the name of a block that was saved or loaded."""
    name = getattr(block, "_block_document_name", None)
    slug = getattr(block, "get_block_type_slug", None)
    return f"{slug()}/{name}" if name and slug is not None else None


def _load_block(reference: str) -> Any:
    """Return a block of the workspace; blocks are a floor above, and imported by who needs one."""
    core: Any = importlib.import_module("headgate.blocks.core")
    return core.Block.load(reference)


def _in_a_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what is to be awaited where an event loop runs: in a thread, where none does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*arguments)
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(context.run, function, *arguments).result()
