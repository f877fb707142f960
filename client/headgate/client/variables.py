"""The client's calls about what a workspace keeps: variables, artifacts, blocks, events."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from headgate.api import artifacts, blocks, events, variables
from headgate.api.artifacts import ArtifactAnswer
from headgate.api.blocks import BlockAnswer
from headgate.api.variables import VariableAnswer
from headgate.client.calls import ClientCalls
from headgate.client.schemas.actions import VariableCreate, VariableUpdate
from headgate.client.schemas.criteria import made_of
from headgate.client.schemas.events import EventPage
from headgate.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    VariableFilter,
)
from headgate.errors import ConflictError, NotFoundError

DEFAULT_EVENTS = 50


class EventsWanted(Protocol):
    """Which events, as ``headgate.events.filters`` says it."""

    def as_filter(self) -> dict[str, Any]:
        """Return the API's ``EventFilter``."""
        ...


class VariableCalls(ClientCalls):
    """What a client does about what is kept."""

    async def read_variables(
        self,
        *,
        variable_filter: VariableFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[VariableAnswer]:
        """Return variables by name."""
        lister = partial(variables.list_variables, filter=made_of(variable_filter))
        return await self._all(lister, limit=limit, offset=offset)

    async def read_variable_by_name(self, name: str) -> VariableAnswer | None:
        """Return the variable of a name; None where there is none."""
        return (await variables.find(self._transport, **self._place, name=name)).variable

    async def create_variable(self, variable: VariableCreate) -> VariableAnswer:
        """Make a variable.

        Raises:
            ConflictError: there is one of this name.
        """
        if await self.read_variable_by_name(variable.name) is not None:
            message = f"There is a variable {variable.name!r} already"
            raise ConflictError(message)
        return await self._set(variable.name, variable.value, variable.tags)

    async def update_variable(self, variable: VariableUpdate) -> None:
        """Change a variable.

        Raises:
            NotFoundError: there is none of this name.
        """
        found = await self._variable(variable.name)
        value = found.value if variable.value is None else variable.value
        await self._set(variable.name, value, variable.tags, expected_version=found.version)

    async def delete_variable_by_name(self, name: str) -> None:
        """Delete a variable with its history."""
        await variables.delete(self._transport, variable_id=(await self._variable(name)).id)

    async def read_artifacts(
        self,
        *,
        artifact_filter: ArtifactFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[ArtifactAnswer]:
        """Return artifacts, the newest first; ``Artifact.get`` reads the data of one."""
        lister = partial(artifacts.list_artifacts, filter=made_of(artifact_filter))
        return await self._all(lister, limit=limit, offset=offset)

    async def read_latest_artifacts(
        self,
        *,
        artifact_filter: ArtifactCollectionFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[ArtifactAnswer]:
        """Return the latest artifact of each key, the newest first."""
        return await self.read_artifacts(
            artifact_filter=artifact_filter or ArtifactCollectionFilter(),
            limit=limit,
            offset=offset,
        )

    async def delete_artifact(self, artifact_id: str) -> None:
        """Delete an artifact."""
        await artifacts.delete(self._transport, artifact_id=artifact_id)

    async def read_block_document_by_name(self, name: str, block_type_slug: str) -> BlockAnswer:
        """Return what may be read of a block: all but its secrets, which only runs read."""
        reference = f"{block_type_slug}/{name}"
        found = await blocks.find(self._transport, **self._place, reference=reference)
        if found.block is None:
            message = f"There is no block {reference!r}, or this key may not see it"
            raise NotFoundError(message)
        return found.block

    async def read_events(
        self,
        filter: EventsWanted | Mapping[str, Any],
        *,
        limit: int = DEFAULT_EVENTS,
        after: str | None = None,
    ) -> EventPage:
        """Return a page of events, latest first unless the filter says otherwise.

        Args:
            filter: which; or the API's ``EventFilter``.
            limit: how many, 1 to 100.
            after: where a page before ended; ``page.get_next_page(client)`` says it.
        """
        # Made once: the pages of a list are those of one filter, and "now" moves on.
        wanted = dict(filter) if isinstance(filter, Mapping) else filter.as_filter()
        page = await events.list_events(
            self._transport, **self._place, filter=wanted, first=limit, after=after
        )
        return EventPage(page.items, wanted, page.end_cursor if page.has_next_page else None)

    async def _variable(self, name: str) -> VariableAnswer:
        found = await self.read_variable_by_name(name)
        if found is None:
            message = f"There is no variable {name!r}, or this key may not see it"
            raise NotFoundError(message)
        return found

    async def _set(
        self, name: str, value: Any, tags: list[str] | None, *, expected_version: int | None = None
    ) -> VariableAnswer:
        stored = await variables.set_variable(
            self._transport,
            workspace_id=await self.workspace_id(),
            name=name,
            value=value,
            tags=tags,
            expected_version=expected_version,
        )
        return stored.variable
