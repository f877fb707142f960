"""Pauses: what runs wait for, and what was answered."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.pauses import Approvers as ApproversRow
from headgate_server.domain.pauses import Pause as PauseRow
from headgate_server.domain.pauses import PauseKind, PauseStatus
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.json_values import as_json
from headgate_server.graphql.shapes.nodes import load, show_id
from headgate_server.services import pauses
from headgate_server.services.flow_runs import read

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun

strawberry.enum(
    PauseKind, description="PAUSE: the process waits. SUSPEND: it ends and is started again."
)
strawberry.enum(
    PauseStatus,
    description="What became of a pause. REQUESTED: the run has not come to it. ENDED: the run "
    "went on or ended without an answer, as when it was cancelled.",
)


@strawberry.type(description="Who may answer; whoever may write runs where nobody is named.")
class Approvers:
    roles: list[str] = strawberry.field(description="Names of roles, held here or everywhere.")
    people: list[str] = strawberry.field(description="E-mail addresses of members.")
    teams: list[str] = strawberry.field(
        description="Names of teams, as they were when it was asked: these teams may answer, "
        "whatever they are called by now. Where only teams are named and none is there any more, "
        "a person with MEMBERS_WRITE in the organization answers."
    )
    four_eyes: bool = strawberry.field(
        description="Whoever started the run may not answer, nor may a service account by a key "
        "that they made, nor the code of a run."
    )


@strawberry.type(description="What a run waits for, or waited for, and what was answered.")
class Pause:
    run_id: strawberry.ID = strawberry.field(description="The run that asks.")
    key: str = strawberry.field(
        description="Names it within the run: what was answered under a key is not asked again. "
        "It begins with outside: where somebody else than the run's own code asked for the pause."
    )
    kind: PauseKind = strawberry.field(description="Whether the run's process waits, or ended.")
    status: PauseStatus = strawberry.field(description="What became of it.")
    description: str | None = strawberry.field(description="For whoever answers; Markdown.")
    schema: JSON | None = strawberry.field(
        description="The JSON Schema of the answer; null where it takes none."
    )
    initial: JSON | None = strawberry.field(description="What a form is filled in with.")
    approvers: Approvers = strawberry.field(description="Who may answer.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime | None = strawberry.field(
        description="Until when it can be answered; null for ever."
    )
    answered_at: datetime | None = strawberry.field(description="When it was answered.")
    reason: str | None = strawberry.field(description="Why, as whoever answered said.")
    refusal: str | None = strawberry.field(
        description="Why it is asked again: what is wrong with the answer before; else null."
    )
    row: strawberry.Private[PauseRow]

    @strawberry.field(description="What was answered; null where nothing was.")
    def input(self) -> JSON | None:
        return as_json(self.row.input)

    @strawberry.field(description="Who answered.")
    def answered_by(self) -> Actor | None:
        return show_actor(self.row.answered_by) if self.row.answered_by else None

    @scoped_field(requires=[Scope.RUNS_READ], description="The run that asks, if it may be seen.")
    async def run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")] | None:
        return await load(
            info.context,
            read.get_many_flow_runs,
            self.row.flow_run_id,
            workspace_id=self.row.workspace_id,
        )


def show_pause(row: PauseRow) -> Pause:
    """Return a pause."""
    return Pause(
        run_id=show_id(ids.Kind.FLOW_RUN, row.flow_run_id),
        key=row.key,
        kind=row.kind,
        status=row.status,
        description=row.description,
        schema=as_json(row.schema),
        initial=as_json(row.initial),
        approvers=_show_approvers(row.approvers),
        created_at=row.created_at,
        expires_at=row.expires_at,
        answered_at=row.answered_at if row.is_answered else None,
        reason=row.reason,
        refusal=row.refusal,
        row=row,
    )


def _show_approvers(row: ApproversRow) -> Approvers:
    return Approvers(
        roles=list(row.roles),
        people=list(row.people),
        teams=list(row.teams),
        four_eyes=row.is_four_eyes,
    )


async def list_waiting(
    info: Info, *, workspace_id: UUID, first: int | None, after: Cursor | None
) -> Connection[Pause]:
    """Return a page of a workspace's pauses that wait for an answer."""
    listing: Listing[PauseRow] = Listing(
        of=fingerprint("pauses", workspace_id),
        key=lambda row: (row.created_at, row.flow_run_id),
        key_types=tuple[datetime, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await pauses.list_waiting(work, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await pauses.count_waiting(work, cap=cap)

    return connect(rows, listing=listing, show=show_pause, count=count)
