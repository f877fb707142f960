"""``StoredFiles``: what every block that keeps files by path can do, however it keeps them."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from headgate.blocks.core import Block
from headgate.blocks.either import done
from headgate.errors import BlockError, OutsideFolderError


class StoredFiles(Block):
    """Files by paths below one place. Where an event loop runs, its verbs are awaited.

    A path that leads out of the place, by ``..`` or by a link, is refused.
    """

    _block_schema_capabilities: ClassVar[list[str] | None] = [
        "read-path",
        "write-path",
        "get-directory",
        "put-directory",
    ]

    def read_path(self, path: str) -> Any:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            OutsideFolderError: the path leads out.
        """
        return done(self._checked_read, path)

    async def aread_path(self, path: str) -> bytes:
        """Do as ``read_path`` does, in a coroutine."""
        return await asyncio.to_thread(self._checked_read, path)

    def write_path(self, path: str, content: bytes) -> Any:
        """Write a file, and return its path.

        Raises:
            OutsideFolderError: the path leads out.
        """
        return done(self._checked_write, path, content)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Do as ``write_path`` does, in a coroutine."""
        return await asyncio.to_thread(self._checked_write, path, content)

    def list(self, path: str = "") -> Any:
        """Return the paths of all the files below one, sorted; empty where there are none."""
        return done(self._checked_list, path)

    async def alist(self, path: str = "") -> Any:
        """Do as ``list`` does, in a coroutine."""
        return await asyncio.to_thread(self._checked_list, path)

    def get_directory(self, from_path: str = "", local_path: str | Path = ".") -> Any:
        """Copy all the files below a path to a local folder, and return how many they are."""
        return done(self._get_directory, from_path, Path(local_path))

    async def aget_directory(self, from_path: str = "", local_path: str | Path = ".") -> int:
        """Do as ``get_directory`` does, in a coroutine."""
        return await asyncio.to_thread(self._get_directory, from_path, Path(local_path))

    def put_directory(self, local_path: str | Path = ".", to_path: str = "") -> Any:
        """Copy all the files of a local folder below a path, and return how many they are.

        Links that lead out of the folder are left out.
        """
        return done(self._put_directory, Path(local_path), to_path)

    async def aput_directory(self, local_path: str | Path = ".", to_path: str = "") -> int:
        """Do as ``put_directory`` does, in a coroutine."""
        return await asyncio.to_thread(self._put_directory, Path(local_path), to_path)

    def upload_from_path(self, from_path: str | Path, to_path: str | None = None) -> Any:
        """Copy a local file, under its own name unless another is said, and return its path."""
        return done(self._upload, Path(from_path), to_path)

    def download_to_path(self, from_path: str, to_path: str | Path) -> Any:
        """Copy a file to a local path, and return that.

        Raises:
            FileNotFoundError: there is none.
        """
        return done(self._download, from_path, Path(to_path))

    @abstractmethod
    def _read(self, path: str) -> bytes: ...

    @abstractmethod
    def _write(self, path: str, content: bytes) -> None: ...

    @abstractmethod
    def _paths(self, below: str) -> Iterable[str]:
        """Return the paths of files that begin with a text."""

    def _checked_read(self, path: str) -> bytes:
        return self._read(checked(path))

    def _checked_write(self, path: str, content: bytes) -> str:
        where = checked(path)
        self._write(where, content)
        return where

    def _checked_list(self, path: str) -> Any:
        below = checked(path, may_be_all=True)
        prefix = f"{below}/" if below else ""
        return sorted(
            one for one in self._paths(prefix) if one.startswith(prefix) and is_name_of_file(one)
        )

    def _get_directory(self, from_path: str, local_path: Path) -> int:
        below = checked(from_path, may_be_all=True)
        found: list[str] = self._checked_list(below)
        folders = {
            "/".join(parts[:end]) for parts in map(_split, found) for end in range(len(parts))
        }
        count = 0
        for path in found:
            content = self._read(path)
            if path in folders:
                _check_marks_a_folder(path, content)
                continue
            # Names in a store are whatever somebody called them.
            target = local_path / checked(path.removeprefix(f"{below}/" if below else ""))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            count += 1
        return count

    def _put_directory(self, local_path: Path, to_path: str) -> int:
        root = local_path.resolve()
        if not root.is_dir():
            message = f"{local_path} is no folder"
            raise NotADirectoryError(message)
        below = checked(to_path, may_be_all=True)
        found = [path for path in sorted(root.rglob("*")) if is_file_inside(path, root=root)]
        for path in found:
            name = path.relative_to(root).as_posix()
            self._write(f"{below}/{name}" if below else name, path.read_bytes())
        return len(found)

    def _upload(self, from_path: Path, to_path: str | None) -> str:
        return self._checked_write(to_path or from_path.name, from_path.read_bytes())

    def _download(self, from_path: str, to_path: Path) -> Path:
        to_path.write_bytes(self._checked_read(from_path))
        return to_path


def checked(path: str, *, may_be_all: bool = False) -> str:
    """Return a path as it is kept: relative, with slashes.

    Raises:
        OutsideFolderError: it is absolute, or has ``..`` in it.
        BlockError: it is empty.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        message = f"{path!r} leads out of the block's folder; name a path below it"
        raise OutsideFolderError(message)
    kept = "/".join(pure.parts)
    if not kept and not may_be_all:
        message = "Name the path of a file"
        raise BlockError(message)
    return kept


def is_name_of_file(name: str) -> bool:
    """Whether an object is a file, and not what a store's console leaves where it makes a folder.

    That is an empty object, called as the folder is, with a slash behind it.
    """
    return bool(name) and not name.endswith("/")


def _split(path: str) -> list[str]:
    return path.split("/")


def _check_marks_a_folder(path: str, content: bytes) -> None:
    """Go on where an object of a folder's name is empty: some stores keep folders so.

    Raises:
        BlockError: it is a file, and no folder of this name could stand beside it.
    """
    if content:
        message = f"{path} is a file, and a folder of other files; a local disk keeps only one"
        raise BlockError(message)


def is_file_inside(path: Path, *, root: Path) -> bool:
    """Whether a path is a file that lies in a folder, also where links lead."""
    return path.is_file() and path.resolve().is_relative_to(root)
