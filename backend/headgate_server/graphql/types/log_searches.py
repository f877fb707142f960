"""Searches in the logs of a workspace, as a field of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.log_searches import LogSearch
from headgate_server.domain.logs import LogLine as LogLineRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.filters import TimeFilter
from headgate_server.graphql.shapes.nodes import load, show_id
from headgate_server.graphql.types.logs import LogLine, log_cursors, show_line
from headgate_server.services import log_searches
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun


@strawberry.input(description="Which lines are sought; all that is said must hold.")
class LogSearchFilter:
    text: str | None = strawberry.field(
        default=None,
        description="What a line holds, whatever the case: from the beginning of a word on, where "
        "it begins with a letter or a digit. At most 1,000 characters.",
    )
    min_level: int | None = strawberry.field(
        default=None, description="At least this level: 10 debug, 20 info, 30 warning, 40 error."
    )
    flow_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of runs of this flow."
    )
    flow_run_id: strawberry.ID | None = strawberry.field(default=None, description="Of this run.")
    timestamp: TimeFilter | None = strawberry.field(
        default=None, description="By time; gte and lt only. The shorter, the quicker."
    )

    def to_search(self) -> LogSearch:
        """Return the search.

        Raises:
            InvalidId: not the id of a flow, or of a run.
        """
        flow, run, time = self.flow_id, self.flow_run_id, self.timestamp
        return LogSearch(
            text=self.text,
            min_level=self.min_level,
            flow_id=ids.parse(flow, kind=ids.Kind.FLOW) if flow else None,
            flow_run_id=ids.parse(run, kind=ids.Kind.FLOW_RUN) if run else None,
            since=time.gte if time else None,
            until=time.lt if time else None,
        )


@strawberry.type(description="A line that a search found, and where it is.")
class LogMatch:
    line: LogLine = strawberry.field(description="The line.")
    flow_run_id: strawberry.ID = strawberry.field(description="The run whose log it is in.")
    cursor: Cursor = strawberry.field(
        description="Its place in that run's log: for after or before of FlowRun.logs, to read "
        "what was written around it."
    )
    workspace: strawberry.Private[UUID]
    run: strawberry.Private[UUID]

    @scoped_field(
        requires=[Scope.RUNS_READ], description="The run whose log it is in; null if deleted."
    )
    async def flow_run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")] | None:
        found: Any = await load(
            info.context, get_many_flow_runs, self.run, workspace_id=self.workspace
        )
        return found


@strawberry.type
class SearchedWorkspace:
    """The logs of a workspace, as a field of it."""

    @scoped_field(
        requires=[Scope.LOGS_READ],
        description="Lines of its runs' logs, the latest first: by text, level, time, flow or run.",
        directives=[Cost(weight=5)],
    )
    async def logs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: Annotated[
            LogSearchFilter | None,
            strawberry.argument(description="Only the lines that match this."),
        ] = None,
    ) -> Connection[LogMatch]:
        workspace_id, search = self.workspace_id, (filter or LogSearchFilter()).to_search()
        listing: Listing[LogLineRow] = Listing(
            of=fingerprint("log_searches", workspace_id, search),
            key=log_searches.place_of,
            key_types=tuple[datetime, UUID, int],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await log_searches.search_lines(work, search, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await log_searches.count_lines(work, search, cap=cap)

        def show(row: LogLineRow) -> LogMatch:
            return LogMatch(
                line=show_line(row),
                flow_run_id=show_id(ids.Kind.FLOW_RUN, row.flow_run_id),
                cursor=log_cursors(row.flow_run_id).cursor(row),
                workspace=workspace_id,
                run=row.flow_run_id,
            )

        return connect(rows, listing=listing, show=show, count=count)

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError
