"""Opens a client of the configured server."""

from typing import Literal, overload

from headgate.api.transport import SyncTransport, Transport
from headgate.client.blocking import SyncClient
from headgate.client.clients import Client
from headgate.settings import load_settings


@overload
def get_client(*, sync_client: Literal[False] = False) -> Client: ...


@overload
def get_client(*, sync_client: Literal[True]) -> SyncClient: ...


def get_client(*, sync_client: bool = False) -> Client | SyncClient:
    """Return a client of the configured server and workspace.

    Args:
        sync_client: whether its methods wait, and are not awaited.

    Raises:
        SettingsError: no server or no workspace is configured.
    """
    settings = load_settings()
    organization, workspace = settings.require_workspace()
    place = {"organization": organization, "workspace": workspace}
    url, key = settings.require_api_url(), settings.api_key
    deadline = settings.request_deadline_seconds
    if sync_client:
        return SyncClient(SyncTransport(url, key, deadline_seconds=deadline), **place)
    return Client(Transport(url, key, deadline_seconds=deadline), **place)
