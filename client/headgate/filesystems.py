"""Prefect's place for the blocks that keep files."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.blocks.file_systems import LocalFileSystem, RemoteFileSystem
from headgate.blocks.stored_files import StoredFiles

ReadableFileSystem = WritableFileSystem = StoredFiles
ReadableDeploymentStorage = WritableDeploymentStorage = StoredFiles

__all__ = [
    "LocalFileSystem",
    "ReadableDeploymentStorage",
    "ReadableFileSystem",
    "RemoteFileSystem",
    "WritableDeploymentStorage",
    "WritableFileSystem",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
