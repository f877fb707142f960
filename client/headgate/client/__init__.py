"""A typed client of the API, for scripts: ``get_client()``, to be awaited or blocking."""

from headgate.client.blocking import SyncClient
from headgate.client.clients import Client
from headgate.client.opening import get_client

__all__ = ["Client", "SyncClient", "get_client"]
