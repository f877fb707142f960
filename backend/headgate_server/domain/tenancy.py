"""Who is asking, and in which workspace."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.allowlists import Networks, check_address
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.permissions import NOTHING, READ_SCOPES, Rights, Scope


class ActorKind(StrEnum):
    """What kind of actor a credential speaks for."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"
    AGENT_SESSION = "agent_session"
    RUN = "run"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as history and events name it."""

    kind: ActorKind
    id: UUID | None
    display_name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change came from: for the audit log.

    Args:
        request_id: of the operation; empty for the operator's own commands.
        address: of the caller, as far as it is known.
        user_agent: what the caller's program calls itself.
        api_key_id: the key that was used, if one was.
        login_session_id: the login session that was used, if one was.
        support_grant_id: the support access that was used, if any.
    """

    request_id: str = ""
    address: str | None = None
    user_agent: str | None = None
    api_key_id: UUID | None = None
    login_session_id: UUID | None = None
    support_grant_id: UUID | None = None


NOWHERE = Origin()
SYSTEM = Actor(kind=ActorKind.SYSTEM, id=None, display_name="Headgate")


@dataclass(frozen=True, slots=True)
class RunGrant:
    """What a run token is bound to: one run, under one epoch of its lease.

    ``may_start`` is whether it starts others at all; what its deployment says still counts.
    ``api_key_id`` is the key that it was begun with in its caller's own process, if one was.
    ``secret_number`` says which of that key's secrets was shown. ``agents_key_id`` is the key of
    the agent that runs it, if one does. ``caller`` is who began it in such a process, or began the
    run that it is below in one; None for what a deployment runs.
    """

    run_id: UUID
    epoch: int
    may_start: bool = True
    api_key_id: UUID | None = None
    secret_number: int | None = None
    agents_key_id: UUID | None = None
    caller: Actor | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, in one organization.

    ``scopes`` are those held anywhere: the first gate, which needs no place. ``rights`` say where;
    without them the scopes hold in ``workspace_id``, or everywhere where that is None.
    ``workspace_id`` is None for a credential that is good for every workspace of the organization;
    ``expires_at`` is None for one that does not expire; ``generation`` is that of the database in
    which an agent session's or a run's token was found good, None for a key. ``secret_number`` says
    which of the key's secrets was shown. ``is_operator`` is
    whether they run the installation, and are signed in: a key never does. ``support_grant_id``
    lets an operator look into an organization that they are no member of.
    """

    actor: Actor
    organization_id: UUID
    workspace_id: UUID | None
    scopes: frozenset[Scope]
    rights: Rights | None = field(default=None, hash=False)
    api_key_id: UUID | None = None
    secret_number: int | None = None
    agent_session_id: UUID | None = None
    login_session_id: UUID | None = None
    work_pool_id: UUID | None = None
    run: RunGrant | None = None
    is_operator: bool = False
    expires_at: datetime | None = None
    generation: UUID | None = None
    networks: Networks = ()
    support_grant_id: UUID | None = None

    def check_address(self, address: str | None) -> None:
        """Go on only if the organization may be reached from an address.

        Raises:
            AddressNotAllowed: with the address.
        """
        check_address(self.networks, address)

    def refusal(
        self, missing: Iterable[Scope], *, workspace_id: UUID | None, on: UUID | None = None
    ) -> Forbidden:
        """Return the error of a caller that lacks scopes in a place; it names them.

        Who holds them there where they are good for nothing, as it is archived, is told that.
        """
        rights, withheld = self.all_rights(), frozenset(missing)
        if workspace_id is None or rights.ceilings.get(workspace_id) != READ_SCOPES:
            return lacking(withheld)
        if not withheld <= rights.held_in(workspace_id, on=on):
            return lacking(withheld)
        return Forbidden(
            "This workspace is archived: it can be read, nothing is changed in it and nothing "
            "starts. Who holds ORG_ADMIN in the organization opens it with workspaceArchive, "
            "archived: false, or `headgate workspaces unarchive`.",
            missing_scopes=sorted(withheld),
        )

    def missing_scopes(self, required: frozenset[Scope]) -> list[Scope]:
        """Return the scopes of ``required`` that this caller lacks, in the order of their names."""
        return sorted(required - self.scopes)

    def scopes_in(self, workspace_id: UUID, *, on: UUID | None = None) -> frozenset[Scope]:
        """Return what the caller may do in a workspace, or on one object of it."""
        if self.workspace_id not in {None, workspace_id}:
            return NOTHING
        return self.scopes if self.rights is None else self.rights.within(workspace_id, on=on)

    def scopes_in_organization(self) -> frozenset[Scope]:
        """Return what the caller may do in the organization itself."""
        return self.scopes if self.rights is None else self.rights.of_organization()

    def all_rights(self) -> Rights:
        """Return where the caller holds which scopes."""
        if self.rights is not None:
            return self.rights
        if self.workspace_id is None:
            return Rights(everywhere=self.scopes)
        return Rights(organization=self.scopes, workspaces={self.workspace_id: self.scopes})


def lacking(missing: Iterable[Scope]) -> Forbidden:
    """Return the error of a caller that lacks scopes; it names them."""
    names = sorted(missing)
    return Forbidden(
        f"This needs {', '.join(names)}; ask an owner of the workspace to grant it.",
        missing_scopes=names,
    )
