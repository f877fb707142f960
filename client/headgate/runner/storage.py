"""Prefect's place for where the code of flows is."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.deployments.sources import (
    BlockStorage,
    CodeSource,
    GitRepository,
    LocalStorage,
    RemoteStorage,
    source_of,
)

RunnerStorage = CodeSource
BlockStorageAdapter = BlockStorage
create_storage_from_source = source_of

__all__ = [
    "BlockStorage",
    "BlockStorageAdapter",
    "GitRepository",
    "LocalStorage",
    "RemoteStorage",
    "RunnerStorage",
    "create_storage_from_source",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
