"""Records of cached results."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.cache_records import CacheRecord as CacheRecordRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.services import cache_records


@strawberry.type(description="Where the result of a key lies, for every run that wants it.")
class CacheRecord:
    key: str = strawberry.field(description="Of the result.")
    result: JSON | None = strawberry.field(
        description="A reference to the result, or a small one itself, as it was written; null as "
        "long as nobody has."
    )
    written_at: datetime | None = strawberry.field(description="When it was written.")
    expires_at: datetime | None = strawberry.field(
        description="From when on it counts no more; null for never."
    )
    flow_run_id: strawberry.ID | None = strawberry.field(description="The run that wrote it.")
    task_run_id: strawberry.ID | None = strawberry.field(description="The task run that wrote it.")
    locked_until: datetime | None = strawberry.field(
        description="Until when a run has the lock to compute it; null where none does."
    )


def show_record(row: CacheRecordRow) -> CacheRecord:
    """Return a record."""
    return CacheRecord(
        key=row.key,
        result=None if row.result is None else JSON(row.result),
        written_at=row.written_at,
        expires_at=row.expires_at,
        flow_run_id=_shown(ids.Kind.FLOW_RUN, row.flow_run_id),
        task_run_id=_shown(ids.Kind.TASK_RUN, row.task_run_id),
        locked_until=row.locked_until,
    )


def _shown(kind: ids.Kind, id_: UUID | None) -> strawberry.ID | None:
    return None if id_ is None else show_id(kind, id_)


@strawberry.type
class WorkspaceCacheRecords:
    """The records of cached results of a workspace, as fields of it."""

    @scoped_field(requires=[Scope.RUNS_READ], description="The cached result of a key.")
    async def cache_record(
        self,
        info: Info,
        key: Annotated[str, strawberry.argument(description="Its key, exactly.")],
    ) -> CacheRecord | None:
        async with info.context.work(self.workspace_id) as work:
            row = await cache_records.find_record(work, key=key)
        return show_record(row) if row else None

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError
