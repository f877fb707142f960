"""What the server is and can."""

from typing import Any

import msgspec

from headgate.api.calls import Answer, ask
from headgate.api.transport import Transport


class ServerInfo(Answer, frozen=True):
    """The server's version and features."""

    version: str
    api_date: str
    min_sdk_version: str
    features: list[str]

    def json(self) -> dict[str, Any]:
        """Return it as JSON has it, as what ``client.hello()`` answers is read."""
        return msgspec.to_builtins(self)


async def get(transport: Transport, *, deadline_seconds: float | None = None) -> ServerInfo:
    """Return what the server is and can."""
    found = await ask(
        transport, "server_info", "ServerInfo", variables={}, deadline_seconds=deadline_seconds
    )
    return msgspec.convert(found, ServerInfo)
