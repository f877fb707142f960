"""Blocks of files: in a folder of this machine, and wherever fsspec reaches."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field

from headgate.blocks.stored_files import StoredFiles, is_file_inside
from headgate.blocks.values import SecretDict
from headgate.errors import OutsideFolderError
from headgate.libraries import library


class LocalFileSystem(StoredFiles):
    """Files in a folder of the machine where the run is; never outside of it."""

    _block_type_name = "Local File System"
    _block_type_slug = "local-file-system"

    basepath: str = Field(description="The folder; a ~ is the home of whoever runs it.")

    @property
    def _root(self) -> Path:
        return Path(self.basepath).expanduser().resolve()

    def _inside(self, path: str) -> Path:
        target = (self._root / path).resolve()
        if not target.is_relative_to(self._root):
            message = f"{path!r} leads out of {self.basepath} by a link"
            raise OutsideFolderError(message)
        return target

    def _read(self, path: str) -> bytes:
        return self._inside(path).read_bytes()

    def _write(self, path: str, content: bytes) -> None:
        target = self._inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def _paths(self, below: str) -> Iterable[str]:
        root = self._root
        folder = self._inside(below)
        inside = (path for path in folder.rglob("*") if is_file_inside(path, root=root))
        return [below + path.relative_to(folder).as_posix() for path in inside]


class RemoteFileSystem(StoredFiles):
    """Files wherever fsspec reaches: ``s3://…``, ``gs://…``, ``sftp://…`` and many more."""

    _block_type_name = "Remote File System"
    _block_type_slug = "remote-file-system"

    basepath: str = Field(description="Where files are, with its protocol: s3://bucket/folder.")
    settings: SecretDict = Field(
        default={}, description="What fsspec is given for the protocol, such as keys; all secret."
    )

    @property
    def _opened(self) -> tuple[Any, str]:
        """Return the file system of fsspec, and the base as it knows it."""
        core = library("fsspec.core", extra="fsspec")
        options = {name: value.get_secret_value() for name, value in self.settings.items()}
        system, base = core.url_to_fs(self.basepath, **options)
        return system, str(base).rstrip("/")

    def _read(self, path: str) -> bytes:
        system, base = self._opened
        return bytes(system.cat_file(f"{base}/{path}"))

    def _write(self, path: str, content: bytes) -> None:
        system, base = self._opened
        target = f"{base}/{path}"
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        system.pipe_file(target, content)

    def _paths(self, below: str) -> Iterable[str]:
        system, base = self._opened
        found: list[str] = system.find(f"{base}/{below}".rstrip("/"))
        # fsspec gives paths as its protocol spells them, with or without the first slash.
        start = base.lstrip("/") + "/"
        return [one.lstrip("/").removeprefix(start) for one in found]
