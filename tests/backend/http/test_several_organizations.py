"""People of several organizations: one that refuses them is in nobody's way to the others."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.services import members, organizations
from headgate_server.tables import organizations as tables
from tests.factories.people import Person
from tests.factories.tenants import Tenant
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

WHO = "{ viewer { memberOf { slug } organizations { nodes { slug } } } }"
SECOND = "second-one"


async def shut(installation: Installation, ids: Sequence[UUID], **how: Any) -> None:
    async with installation.database.system() as work:
        await work.execute(
            update(tables.organizations).where(tables.organizations.c.id.in_(ids)).values(how)
        )


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"suspended_because": "unpaid"}, "SUSPENDED"),
        ({"requires_second_factor": True}, "FORBIDDEN"),
        ({"allowed_networks": ["203.0.113.0/24"]}, "ADDRESS_NOT_ALLOWED"),
    ],
    ids=["suspended", "factor", "allowlist"],
)
async def test_organization_that_refuses_a_person_is_not_the_one_that_they_get_unasked(
    installation: Installation,
    tenant: Tenant,
    person: Person,
    browser: Browser,
    how: dict[str, Any],
    code: str,
) -> None:
    async with installation.database.system() as work:
        other = await organizations.create_organization(work, slug=SECOND, name="Second")
        await members.add_owner(work, organization_id=other.id, user_id=person.id)
        first = await organizations.find_organization(work, id_=tenant.organization_id)
    assert first is not None
    before = (await browser.ask(WHO)).data["viewer"]
    await shut(installation, [first.id], **how)

    unasked = await browser.ask(WHO)
    asked = await browser.ask(WHO, x_headgate_organization=first.slug)
    await shut(installation, [other.id], **how)
    nowhere = await browser.ask(WHO)

    assert before["organizations"]["nodes"] == [{"slug": first.slug}]
    assert unasked.data["viewer"]["organizations"]["nodes"] == [{"slug": SECOND}]
    assert unasked.data["viewer"]["memberOf"] == before["memberOf"]
    assert asked.code == nowhere.code == code
