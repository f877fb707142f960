"""Prefect's place for where the code of flows is."""

from headgate.deployments.sources import BlockStorage, GitRepository, LocalStorage, RemoteStorage

__all__ = ["BlockStorage", "GitRepository", "LocalStorage", "RemoteStorage"]
