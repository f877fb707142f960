"""Roles, and their bindings: who holds which role where."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import BUILTIN_ROLES, BuiltinRole, Grant, Scope
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.domain.workspaces import check_name

_NAMESPACE = UUID("0192e4c7-5d00-7000-8000-000000000000")
"""Built-in roles have the same ids in every organization and installation."""
_PROVIDER = "Provider "


class HolderKind(StrEnum):
    """What kind of holder a role is bound to."""

    MEMBERSHIP = "membership"
    SERVICE_ACCOUNT = "service_account"
    TEAM = "team"


class ObjectKind(StrEnum):
    """What a role may be bound to beside whole workspaces."""

    DEPLOYMENT = "deployment"
    WORK_POOL = "work_pool"
    BLOCK_DOCUMENT = "block_document"


@dataclass(frozen=True, slots=True)
class Role:
    """A set of scopes with a name. ``builtin`` is None for one that an organization made."""

    id: UUID
    name: str
    scopes: frozenset[Scope]
    builtin: BuiltinRole | None = None
    version: int = 1
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A member, a service account or a team."""

    kind: HolderKind
    id: UUID


@dataclass(frozen=True, slots=True)
class BindingPlace:
    """Where a role holds: everywhere, in a workspace, or on one object of it."""

    workspace_id: UUID | None = None
    object_kind: ObjectKind | None = None
    object_id: UUID | None = None


EVERYWHERE = BindingPlace()


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """A role that somebody holds in a place.

    ``also_granted_by`` names providers whose groups give it, too: it stays as one of them, or of
    those it came from, gives it no more. A provider is named by ``provider_actor``.
    """

    id: UUID
    holder: Holder
    role: Role
    place: BindingPlace
    granted_by: Actor
    created_at: datetime
    also_granted_by: tuple[str, ...] = ()

    @property
    def grant(self) -> Grant:
        """Return what it gives."""
        return grant_of(self.role, self.place)

    @property
    def providers(self) -> tuple[str, ...]:
        """Return the names of all providers that give it."""
        name = self.granted_by.display_name
        is_provider = self.granted_by.kind is ActorKind.SYSTEM and name.startswith(_PROVIDER)
        return (name, *self.also_granted_by) if is_provider else self.also_granted_by

    def given_too(self, provider: Actor) -> "RoleBinding":
        """Return the binding once a provider gives it as well; asked twice it is the same."""
        names = self.also_granted_by
        if self.granted_by == provider or provider.display_name in names:
            return self
        return replace(self, also_granted_by=(*names, provider.display_name))

    def given_no_more(self, provider: Actor) -> "RoleBinding | None":
        """Return the binding once a provider gives it no more; None where nobody else does."""
        names = self.also_granted_by
        if self.granted_by != provider:
            left = tuple(name for name in names if name != provider.display_name)
            return replace(self, also_granted_by=left)
        if not names:
            return None
        heir = replace(provider, display_name=names[0])
        return replace(self, granted_by=heir, also_granted_by=names[1:])


def provider_actor(name: str) -> Actor:
    """Return who gives roles by the groups of a provider, named by what stays: its issuer."""
    return Actor(ActorKind.SYSTEM, None, f"{_PROVIDER}{name}")


def grant_of(role: Role, place: BindingPlace) -> Grant:
    """Return what a role gives in a place."""
    return Grant(role.scopes, workspace_id=place.workspace_id, object_id=place.object_id)


def builtin_role(name: BuiltinRole) -> Role:
    """Return a role that every organization has."""
    return Role(uuid5(_NAMESPACE, name.value), name.value, BUILTIN_ROLES[name], builtin=name)


BUILTIN: dict[UUID, Role] = {role.id: role for role in map(builtin_role, BuiltinRole)}
"""By id, the most powerful first."""


def check_role(name: str, scopes: frozenset[Scope]) -> str:
    """Return the name of a role that an organization makes.

    Raises:
        InvalidInput: a bad name, the name of a built-in role in any case, or no scopes.
    """
    check_name(name)
    if name.lower() in {role.value.lower() for role in BuiltinRole}:
        raise InvalidInput(f"{name} is a built-in role; choose another name.", path=["name"])
    if not scopes:
        raise InvalidInput("A role has at least one scope.", path=["scopes"])
    return name
