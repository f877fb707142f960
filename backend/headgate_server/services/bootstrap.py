"""The first tenant of an installation on one machine: made once, found again ever after."""

from dataclasses import dataclass

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.ids import new_id
from headgate_server.domain.organizations import Organization
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.domain.users import User
from headgate_server.domain.workspaces import Workspace
from headgate_server.repositories import organizations, users, workspaces
from headgate_server.services.api_keys import create_key
from headgate_server.services.members import add_owner
from headgate_server.services.work_pools import upsert_work_pool

SLUG = "default"
NAME = "Default"
OWNER_NAME, OWNER_EMAIL = "Owner", "owner@localhost"
KEY_NAME = "dev"
POOL_NAME, POOL_TYPE = "default", "process"


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The first tenant, with the token of its owner's key."""

    organization: Organization
    workspace: Workspace
    secret: str


async def bootstrap_dev(database: Database, *, pepper: str, key: str | None = None) -> Bootstrap:
    """Make sure of an organization, a workspace, an owner with a key, and a process pool.

    Safe to repeat and to run twice at once: what exists is found by its name.

    Args:
        database: opens the units of work.
        pepper: the installation's secret key.
        key: the token of a key that works; then no other key is made.
    """
    async with database.system() as work:
        organization = await _organization(work)
        workspace = await _workspace(work, organization)
        owner = await _owner(work)
        await add_owner(work, organization_id=organization.id, user_id=owner.id)
    principal = Principal(
        actor=Actor(ActorKind.USER, owner.id, owner.display_name),
        organization_id=organization.id,
        workspace_id=None,
        scopes=OWNER_SCOPES,
    )
    async with database.tenant(principal, workspace.id) as work:
        await upsert_work_pool(work, name=POOL_NAME, type_=POOL_TYPE)
        if key is None:
            new = NewApiKey(name=KEY_NAME, owner=principal.actor, scopes=OWNER_SCOPES)
            _, key = await create_key(work, granter=principal, new=new, pepper=pepper)
    return Bootstrap(organization=organization, workspace=workspace, secret=key)


async def _organization(work: UnitOfWork) -> Organization:
    made = await organizations.insert_organization(work, id_=new_id(), slug=SLUG, name=NAME)
    found = made or await organizations.find_by_slug(work, slug=SLUG)
    assert found is not None  # noqa: S101  inserted, or in the way of the insert
    return found


async def _workspace(work: UnitOfWork, organization: Organization) -> Workspace:
    place = organization.id
    made = await workspaces.insert_workspace(
        work, organization_id=place, id_=new_id(), slug=SLUG, name=NAME
    )
    found = made or await workspaces.find_by_slug(work, organization_id=place, slug=SLUG)
    assert found is not None  # noqa: S101  inserted, or in the way of the insert
    return found


async def _owner(work: UnitOfWork) -> User:
    made = await users.insert_user(work, id_=new_id(), display_name=OWNER_NAME, email=OWNER_EMAIL)
    found = made or await users.find_by_email(work, email=OWNER_EMAIL)
    assert found is not None  # noqa: S101  inserted, or in the way of the insert
    return found
