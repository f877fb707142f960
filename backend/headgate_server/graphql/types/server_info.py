"""What this server is."""

from importlib.metadata import version

import strawberry

API_DATE = "2026-11-23"
MINIMUM_SDK_VERSION = "0.1.0"
FEATURES = ("agent-streams", "in-process-runs", "idempotency-keys", "resumable-subscriptions")


@strawberry.type(description="What this server is, and what it can do.")
class ServerInfo:
    version: str = strawberry.field(description="The server's version.")
    api_date: str = strawberry.field(description="The day of the API's latest change.")
    min_sdk_version: str = strawberry.field(description="The oldest SDK that it serves.")
    features: list[str] = strawberry.field(description="What it can do, by stable names.")


def server_info() -> ServerInfo:
    """Return what this server is."""
    return ServerInfo(
        version=version("headgate-server"),
        api_date=API_DATE,
        min_sdk_version=MINIMUM_SDK_VERSION,
        features=list(FEATURES),
    )
