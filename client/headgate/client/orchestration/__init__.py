"""Prefect's other place for the client."""

from headgate.client.blocking import SyncClient
from headgate.client.clients import Client
from headgate.client.opening import get_client

PrefectClient = Client
SyncPrefectClient = SyncClient

__all__ = ["PrefectClient", "SyncPrefectClient", "get_client"]
