"""Identities of people at OpenID Connect providers: which providers, and what they tell of whom.

An identity is an issuer and a subject. An address is what the provider says of it, and joins
nothing: it may change, and be given to another person.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.errors import ConfigurationError, HeadgateError, InvalidId

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_SUBJECT_LENGTH = 255
MAX_NAME_LENGTH = 200
MAX_GROUPS = 500
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class SignInRefused(HeadgateError):
    """The provider did not sign you in; go back to the sign-in page and begin again."""

    code = "SIGN_IN_REFUSED"


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What members of a provider's group hold.

    Args:
        group: as the provider names it.
        role: the name of a built-in role, or of one that the organization made.
        workspace: the slug of the only workspace it holds in; None is the whole organization.
    """

    group: str
    role: str
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that people may sign in with.

    Args:
        slug: its name in addresses.
        name: its name on the sign-in page.
        issuer: its address, exactly as its tokens say it.
        client_id: who we are to it.
        client_secret: empty for a client without one.
        scopes: what is asked for, beside openid.
        organization: the slug of the organization that whoever it signs in joins, or its id; None
            lets in only who was invited.
        default_role: what they hold there who are in no group that is named.
        groups_claim: where tokens name groups.
        roles: what groups hold.
        required: claims that must have a value, such as the domain of a company.
    """

    slug: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("profile", "email")
    organization: str | None = None
    default_role: str | None = None
    groups_claim: str = "groups"
    roles: tuple[GroupRole, ...] = ()
    required: Mapping[str, str] = field(default_factory=dict[str, str])

    def roles_of(self, groups: frozenset[str]) -> list[tuple[str, str | None]]:
        """Return the names of the roles of some groups, each with its workspace."""
        found = [(one.role, one.workspace) for one in self.roles if one.group in groups]
        if not found and self.default_role is not None:
            found = [(self.default_role, None)]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Trip:
    """What is remembered of one way to a provider and back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider signed in.

    Args:
        issuer: the provider's address.
        subject: the provider's name for the person, which stays.
        email: an address that the provider has verified; None for any other.
        display_name: for people.
        groups: those of the person.
    """

    issuer: str
    subject: str
    email: str | None
    display_name: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity that a person may sign in with."""

    id: UUID
    issuer: str
    created_at: datetime
    last_used_at: datetime | None


def check_provider(provider: Provider) -> Provider:
    """Return a provider that can be used.

    Raises:
        ConfigurationError: naming what to correct.
    """
    named = f"HEADGATE_OIDC_FILE: provider {provider.slug!r}"
    if not _SLUG.fullmatch(provider.slug):
        raise ConfigurationError(
            f"{named}: a slug has 1 to 31 lower-case letters, digits and hyphens; correct it."
        )
    if not provider.name or not provider.client_id:
        raise ConfigurationError(f"{named}: give it a name and a client_id.")
    if not is_safe_address(provider.issuer) or urlsplit(provider.issuer).query:
        raise ConfigurationError(f"{named}: an issuer starts with https:// and names a host.")
    if provider.organization is not None and "_" in provider.organization:
        try:
            ids.parse(provider.organization, kind=ids.Kind.ORGANIZATION)
        except InvalidId:
            raise ConfigurationError(
                f"{named}: an organization is named by its slug, or by its id, org_…; correct it."
            ) from None
    has_roles = provider.roles or provider.default_role is not None
    if has_roles and provider.organization is None:
        raise ConfigurationError(f"{named}: name the organization in which its roles hold.")
    return provider


def is_safe_address(url: object) -> bool:
    """Whether secrets may be sent to an address: over TLS, or within this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
