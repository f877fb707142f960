"""The first tenant of an installation, and its first owner: made once, found again ever after."""

from dataclasses import dataclass

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import Conflict
from headgate_server.domain.ids import new_id
from headgate_server.domain.organizations import Organization
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.domain.users import OWNER_EMAIL, OWNER_NAME, User, check_email
from headgate_server.domain.workspaces import Workspace
from headgate_server.repositories import members, organizations, users, workspaces
from headgate_server.services.api_keys import create_key
from headgate_server.services.members import add_owner
from headgate_server.services.organizations import create_organization
from headgate_server.services.passwords import issue_token
from headgate_server.services.users import create_user
from headgate_server.services.work_pools import upsert_work_pool

SLUG = "default"
NAME = "Default"
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
        owner, is_new = await _owner(work)
        if is_new:
            await users.set_operator(work, id_=owner.id)
        if not await members.is_member(work, organization_id=organization.id, user_id=owner.id):
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


async def bootstrap_owner(
    database: Database, *, email: str, slug: str, pepper: str, is_operator: bool = False
) -> str:
    """Make sure of an organization and its first owner, and return the token of a link.

    By the link the owner chooses a password. Safe to repeat: a former link is void then. An
    operator may make and suspend organizations, once signed in.

    Raises:
        InvalidInput: a bad address or slug.
        Conflict: the organization is there, and the person does not belong to it.
    """
    address = check_email(email)
    async with database.system() as work:
        place = await organizations.find_by_slug(work, slug=slug)
        owner = await users.find_by_email(work, email=address)
        if place is None:
            place = await create_organization(work, slug=slug, name=slug)
            name = address.partition("@")[0]
            owner = owner or await create_user(work, display_name=name, email=address)
            await add_owner(work, organization_id=place.id, user_id=owner.id)
        elif owner is None or not await members.is_member(
            work, organization_id=place.id, user_id=owner.id
        ):
            raise Conflict("This organization has its owners; ask one of them to invite you.")
        if is_operator:
            await users.set_operator(work, id_=owner.id)
        return await issue_token(work, user_id=owner.id, pepper=pepper)


async def issue_owner_token(database: Database, *, pepper: str) -> str | None:
    """Return the token of a link by which the owner of ``dev`` chooses a password; None if done."""
    async with database.system() as work:
        found = await users.find_credentials(work, email=OWNER_EMAIL)
        if found is None or found.password_hash is not None:
            return None
        return await issue_token(work, user_id=found.user.id, pepper=pepper)


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


async def _owner(work: UnitOfWork) -> tuple[User, bool]:
    made = await users.insert_user(work, id_=new_id(), display_name=OWNER_NAME, email=OWNER_EMAIL)
    found = made or await users.find_by_email(work, email=OWNER_EMAIL)
    assert found is not None  # noqa: S101  inserted, or in the way of the insert
    return found, made is not None
