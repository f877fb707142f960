"""The server that a command talks to, and the workspace that it means."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import cached_property
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from headgate.api import organizations, workspaces
from headgate.api.calls import Page
from headgate.api.transport import SyncTransport, Transport
from headgate.cli.output import say
from headgate.settings import Settings, load_settings

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 5.0
"""How long a command asks a server that is away; a person waits for the answer."""
LONGEST_PAGE = 100


class Lister(Protocol[T]):
    """One of the API's ``list_…`` functions, with its filters bound."""

    def __call__(
        self,
        transport: Transport,
        *,
        organization: str,
        workspace: str,
        first: int,
        after: str | None,
    ) -> Awaitable[Page[T]]:
        """Return one page."""
        ...


class Server:
    """A server and a workspace on it; every call waits for its answer."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.require_api_url()
        self.organization, self.workspace = settings.require_workspace()
        self.settings = settings
        deadline = min(PATIENCE_SECONDS, settings.request_deadline_seconds)
        self._transport = SyncTransport(self.url, settings.api_key, deadline_seconds=deadline)

    @cached_property
    def workspace_id(self) -> str:
        """The id of the workspace, asked for once."""
        return self.call(
            workspaces.get_id, organization=self.organization, workspace=self.workspace
        )

    @cached_property
    def organization_id(self) -> str:
        """The id of the organization, asked for once."""
        return self.call(organizations.get_id, organization=self.organization)

    def call(
        self,
        function: Callable[Concatenate[Transport, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call one of the typed functions of ``headgate.api``, or any that takes a transport."""
        return self._transport.call(function, *args, **kwargs)

    def collect(self, lister: Lister[T], *, limit: int, is_told: bool = True) -> list[T]:
        """Return up to ``limit`` items of a list, over as many pages as it takes.

        Args:
            is_told: say on standard error when there are more.
        """
        found: list[T] = []
        after: str | None = None
        while True:
            page = self.call(
                lister,
                organization=self.organization,
                workspace=self.workspace,
                first=min(limit - len(found), LONGEST_PAGE),
                after=after,
            )
            found += page.items
            after = page.end_cursor
            if not page.has_next_page:
                return found
            if len(found) >= limit:
                if is_told:
                    say(f"Only the first {limit} are shown; --limit shows more.")
                return found

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


@contextmanager
def connect() -> Generator[Server]:
    """Open the server that the environment or the active profile names.

    Raises:
        SettingsError: no server or no workspace is configured.
    """
    server = Server(load_settings())
    try:
        yield server
    finally:
        server.close()
