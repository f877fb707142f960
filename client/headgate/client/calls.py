"""What every part of the client shares: the connection, the workspace, and whole lists."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from headgate.api import server_info, workspaces
from headgate.api.calls import Page
from headgate.api.server_info import ServerInfo
from headgate.api.transport import Transport
from headgate.errors import ApiError

LONGEST_PAGE = 100
DEFAULT_LIMIT = 200


class ClientCalls:
    """One workspace of a server, with one key; ``async with`` closes its connections."""

    def __init__(self, transport: Transport, *, organization: str, workspace: str) -> None:
        self._transport = transport
        self._place = {"organization": organization, "workspace": workspace}
        self._workspace_id: str | None = None

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._transport.close()

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a GraphQL document with one operation, and return its data."""
        return await self._transport.execute(document, dict(variables or {}), operation=None)

    async def workspace_id(self) -> str:
        """Return the id of the workspace, which is asked for once."""
        if self._workspace_id is None:
            self._workspace_id = await workspaces.get_id(self._transport, **self._place)
        return self._workspace_id

    @property
    def api_url(self) -> str:
        """The address of the server."""
        return self._transport.url

    async def hello(self) -> ServerInfo:
        """Return what the server is and can."""
        return await server_info.get(self._transport)

    async def api_version(self) -> str:
        """Return the version of the server."""
        return (await self.hello()).version

    async def api_healthcheck(self) -> Exception | None:
        """Return why the server does not answer; None where it does."""
        try:
            await self.api_version()
        except ApiError as error:
            return error
        return None

    async def _all(
        self,
        lister: Callable[..., Any],
        *,
        limit: int | None,
        offset: int = 0,
        place: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Return what a list has from the offset on.

        Args:
            limit: how many at most; 200 if not said.
            place: what the list is asked for; the workspace if not said.
        """
        wanted = offset + (DEFAULT_LIMIT if limit is None else limit)
        found: list[Any] = []
        after: str | None = None
        while len(found) < wanted:
            page: Page[Any] = await lister(
                self._transport,
                **(self._place if place is None else place),
                first=min(LONGEST_PAGE, wanted - len(found)),
                after=after,
            )
            found += page.items
            after = page.end_cursor
            if not page.has_next_page:
                break
        return found[offset:]
