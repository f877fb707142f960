"""Saved views: personal ones are their owner's alone, shared ones everybody's."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.saved_views import MAX_VIEWS, NewSavedView, SavedViewChanges
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.services import saved_views
from headgate_server.tables.audit_entries import audit_entries
from headgate_server.tables.events import outbox
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

FAILED = NewSavedView("failed", "flow-runs", {"state": {"type": ["FAILED"]}}, ["name", "state"])


def as_colleague(world: World) -> AbstractAsyncContextManager[UnitOfWork]:
    actor = Actor(ActorKind.USER, new_id(), "Cleo")
    principal = replace(world.tenant.owner, actor=actor)
    return world.database.tenant(principal, world.tenant.workspace_id)


async def names(work: UnitOfWork, *, page: str | None = None) -> list[str]:
    found = await saved_views.list_views(work, page=PageRequest(), of_page=page)
    return [view.name for view in found.items]


async def test_personal_view_is_seen_by_its_owner_alone_until_it_is_shared(world: World) -> None:
    async with world.work() as work:
        made = await saved_views.create_view(work, FAILED)
        await saved_views.create_view(work, replace(FAILED, name="warnings", page="logs"))
    async with as_colleague(world) as work:
        hidden = await names(work)
        assert await saved_views.get_many_views(work, [made.id]) == {}
        with pytest.raises(NotFound):
            await saved_views.delete_view(work, id_=made.id)
    async with world.work() as work:
        shared = SavedViewChanges(is_shared=True, columns=None, name="broken")
        changed = await saved_views.update_view(work, id_=made.id, changes=shared)
        same = await saved_views.update_view(work, id_=made.id, changes=shared)
        own = await names(work)
        of_page = await names(work, page="logs")
    async with as_colleague(world) as work:
        seen = await names(work)
        await saved_views.delete_view(work, id_=made.id)

    assert (hidden, own, of_page, seen) == ([], ["broken", "warnings"], ["warnings"], ["broken"])
    assert (changed.version, changed.columns, same.version) == (2, None, 2)
    assert made.columns == ("name", "state")


async def test_views_are_bounded(world: World) -> None:
    async with world.work() as work:
        for bad in (
            replace(FAILED, name=""),
            replace(FAILED, page="No Page"),
            replace(FAILED, filter={"text": "x" * 17_000}),
            replace(FAILED, columns=[""]),
            replace(FAILED, columns=["a"] * 51),
        ):
            with pytest.raises(InvalidInput):
                await saved_views.create_view(work, bad)
        for _ in range(MAX_VIEWS):
            await saved_views.create_view(work, FAILED)
        with pytest.raises(LimitExceeded):
            await saved_views.create_view(work, FAILED)


async def test_events_tell_of_shared_views_alone_and_the_audit_log_of_all(world: World) -> None:
    async with world.work() as work:
        made = await saved_views.create_view(work, replace(FAILED, name="mine"))
        for changes in (
            SavedViewChanges(name="my layoffs"),
            SavedViewChanges(name="ours", is_shared=True),
            SavedViewChanges(name="mine again", is_shared=False),
        ):
            await saved_views.update_view(work, id_=made.id, changes=changes)
        await saved_views.delete_view(work, id_=made.id)
    async with world.system() as work:
        told = await work.execute(
            select(outbox.c.name, outbox.c.resource["name"].astext)
            .where(outbox.c.name.startswith("saved_view."))
            .order_by(outbox.c.id)
        )
        written = await work.execute(
            select(audit_entries.c.action).where(audit_entries.c.target_id == made.id)
        )

    assert [tuple(row) for row in told] == [
        ("saved_view.updated", "ours"),
        ("saved_view.updated", "ours"),
    ]
    updates = ["saved_view.updated"] * 3
    assert sorted(written.scalars()) == ["saved_view.created", "saved_view.deleted", *updates]
