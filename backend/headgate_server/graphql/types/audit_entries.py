"""The audit log: who changed what, from where."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.audit_entries import AuditEntry as AuditEntryRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.filters import IdFilter, StringFilter, TimeFilter
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load, reads, show_id, shows
from headgate_server.graphql.types.workspaces import Workspace
from headgate_server.services import workspaces
from headgate_server.services.audit_entries import read


@strawberry.input(description="Narrows the audit log.")
class AuditFilter:
    at: TimeFilter | None = strawberry.field(default=None, description="By time.")
    actor_id: IdFilter | None = strawberry.field(
        default=None, description="By who did it: users, service accounts."
    )
    action: StringFilter | None = strawberry.field(
        default=None, description="By what was done, such as deployment.updated."
    )
    target_id: IdFilter | None = strawberry.field(
        default=None, description="By what it was done to, whether or not that is still there."
    )
    workspace_id: IdFilter | None = strawberry.field(
        default=None, description="By workspace; null is the organization itself."
    )

    def to_filter(self) -> filters.AuditFilter:
        """Return the filter."""
        return filters.AuditFilter(
            at=None if self.at is None else self.at.to_filter(),
            actor_id=_of_any_kind(self.actor_id),
            action=None if self.action is None else self.action.to_filter(),
            target_id=_of_any_kind(self.target_id),
            workspace_id=(
                None if self.workspace_id is None else self.workspace_id.to_filter(_WORKSPACE)
            ),
        )


_WORKSPACE = ids.Kind.WORKSPACE


@strawberry.type(description="A change that somebody made. Entries are never changed or deleted.")
class AuditEntry(Node):
    at: datetime = strawberry.field(description="When.")
    action: str = strawberry.field(
        description="What was done: the kind and a verb in the past tense, as deployment.updated."
    )
    target_id: strawberry.ID | None = strawberry.field(
        description="What it was done to; it may be gone."
    )
    target_kind: str = strawberry.field(description="What kind of object that is.")
    target_name: str = strawberry.field(description="What it was called then.")
    ip: str | None = strawberry.field(description="The address it was done from.")
    user_agent: str | None = strawberry.field(description="The program it was done with.")
    request_id: str = strawberry.field(description="The request; the server's log names it, too.")
    api_key_id: strawberry.ID | None = strawberry.field(
        description="The API key that was used; null for a login session."
    )
    support_grant_id: strawberry.ID | None = strawberry.field(
        description="The support access that was used: an operator of the installation did it."
    )
    diff: JSON | None = strawberry.field(
        description="The fields that changed, before and after. Of what people fill in freely, as "
        "parameters and job variables, only the keys: it may hold secrets."
    )
    sequence: strawberry.ID | None = strawberry.field(
        description="Its number in the organization's chain; null in its first seconds."
    )
    hash: str | None = strawberry.field(
        description="What chains it to the entry before it: SHA-256, in hexadecimal."
    )
    row: strawberry.Private[AuditEntryRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Who did it, as they were called then.")
    def actor(self) -> Actor:
        return show_actor(self.row.actor)

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it was done to; null if it is gone, or the caller may not read it.",
    )
    async def target(self, info: Info) -> Node | None:
        return await info.context.find_node(self.target_id) if self.target_id else None

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="Where; null for the organization itself, or where it is gone.",
    )
    async def workspace(self, info: Info) -> Workspace | None:
        return await load(
            info.context,
            workspaces.get_many_workspaces,
            self.row.workspace_id,
            workspace_id=self.row.workspace_id,
        )


def show_audit_entry(row: AuditEntryRow) -> AuditEntry:
    """Return an entry."""
    target, origin, seal = row.target, row.origin, row.seal
    key_id = origin.api_key_id
    return AuditEntry(
        id=show_id(ids.Kind.AUDIT_ENTRY, row.id),
        at=row.at,
        action=row.action,
        target_id=None if target.shown_id is None else strawberry.ID(target.shown_id),
        target_kind=target.kind,
        target_name=target.name,
        ip=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        api_key_id=None if key_id is None else show_id(ids.Kind.API_KEY, key_id),
        support_grant_id=(
            show_id(ids.Kind.SUPPORT_GRANT, origin.support_grant_id)
            if origin.support_grant_id
            else None
        ),
        diff=None if row.diff is None else JSON(row.diff),
        sequence=None if seal is None else strawberry.ID(str(seal.sequence)),
        hash=None if seal is None else seal.hash.hex(),
        row=row,
    )


async def list_of(
    info: Info,
    *,
    organization_id: UUID,
    filter_: AuditFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[AuditEntry]:
    """Return a page of an organization's audit log, the latest first."""
    wanted, context = filter_.to_filter() if filter_ else None, info.context
    listing: Listing[AuditEntryRow] = Listing(
        of=fingerprint("audit_entries", organization_id, wanted),
        key=lambda row: (row.at, row.id),
        key_types=tuple[datetime, UUID],
    )
    page = listing.request(first=first, after=after)
    async with context.organization_work() as work:
        rows = await read.list_entries(
            work, organization_id=organization_id, page=page, filter=wanted
        )

    async def count(cap: int) -> int:
        async with context.organization_work() as work:
            return await read.count_entries(
                work, organization_id=organization_id, filter=wanted, cap=cap
            )

    return connect(rows, listing=listing, show=show_audit_entry, count=count)


def _of_any_kind(given: IdFilter | None) -> filters.IdFilter | None:
    """Return a comparator of ids whose kinds differ."""
    if given is None:
        return None

    def each(values: list[Any] | None) -> tuple[UUID, ...] | None:
        return None if values is None else tuple(ids.parse_any(value)[1] for value in values)

    return filters.IdFilter(
        eq=None if given.eq is None else ids.parse_any(given.eq)[1],
        in_=each(given.in_),
        not_in=each(given.not_in),
        is_null=given.is_null,
    )


shows(AuditEntryRow, by=show_audit_entry)
reads(
    ids.Kind.AUDIT_ENTRY,
    by=NodeKind(fetch=read.get_many_entries, scope=Scope.AUDIT_READ, is_of_organization=True),
)
