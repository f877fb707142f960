"""What operations learned a moment ago, and need not read again."""

import time
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.services import generations

REMEMBERED_SECONDS = 1.0
"""How long the workspaces of an organization are not read again, as tokens are not."""
REMEMBERED_ORGANIZATIONS = 10_000


class WorkspaceMemory:
    """Which workspaces organizations have, remembered for a moment: most operations ask for it.

    An operation that misses a workspace reads again, so that one made a moment ago is found.
    """

    def __init__(self) -> None:
        self._known: dict[UUID | None, tuple[float, frozenset[UUID]]] = {}

    def recall(self, organization_id: UUID | None) -> frozenset[UUID] | None:
        """Return what was read no longer than a second ago; None where nothing was."""
        known = self._known.get(organization_id)
        return known[1] if known is not None and time.monotonic() < known[0] else None

    def remember(self, organization_id: UUID | None, found: frozenset[UUID]) -> None:
        """Keep what was just read."""
        if len(self._known) >= REMEMBERED_ORGANIZATIONS:
            self._known.clear()
        self._known[organization_id] = (time.monotonic() + REMEMBERED_SECONDS, found)


class GenerationMemory:
    """The generation of the database, remembered for a moment: every token that is issued names it.

    One that was issued under the last generation in that moment is refused, and asked for again.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._generation: UUID | None = None

    async def read(self, database: Database) -> UUID:
        """Return the generation as of no longer than a second ago."""
        if self._generation is None or time.monotonic() >= self._until:
            async with database.glance() as work:
                self._generation = await generations.get_generation(work)
            self._until = time.monotonic() + REMEMBERED_SECONDS
        return self._generation
