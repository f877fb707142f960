"""Failure groups found by words of their type, message and frames."""

import pytest

from headgate_server.database.work import Database
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.failure_groups import GroupFilter, to_words
from headgate_server.domain.pagination import PageRequest
from headgate_server.services import failure_groups
from tests.backend.services.test_failure_groups import fail, group_all
from tests.factories.deployments import make_deployment
from tests.factories.tenants import make_tenant


async def test_every_word_is_somewhere_in_a_group(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        await fail(work, deployed, "no column region")
        await fail(work, deployed, "rate is over 100 percent")
    await group_all(database)

    async def found(text: str) -> list[str]:
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            filter_ = GroupFilter(words=to_words(text))
            page = await failure_groups.list_groups(work, page=PageRequest(), filter=filter_)
            counted = await failure_groups.count_groups(work, filter=filter_, cap=10)
        assert counted == len(page.items)
        return sorted(group.message for group in page.items)

    both = await found("  valueerror ETL.py ")
    assert len(both) == 2
    assert await found("region valueerror load") == ["no column region"]
    assert await found("region percent") == []
    assert await found("_") == await found("%") == []
    assert await found(" ") == both


def test_a_search_is_no_longer_than_a_sentence() -> None:
    assert to_words(None) == ()
    assert len(to_words("x" * 200)) == 1
    with pytest.raises(InvalidInput):
        to_words("x" * 201)
