"""Scopes, the roles that hold them, and where somebody holds which: rights as sets."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.errors import InvalidInput


class Scope(StrEnum):
    """One right. A credential's effective scopes are its role's, cut down to the key's own."""

    ORG_READ = "ORG_READ"
    ORG_ADMIN = "ORG_ADMIN"
    MEMBERS_WRITE = "MEMBERS_WRITE"
    KEYS_WRITE = "KEYS_WRITE"
    FLOWS_READ = "FLOWS_READ"
    FLOWS_WRITE = "FLOWS_WRITE"
    RUNS_READ = "RUNS_READ"
    RUNS_WRITE = "RUNS_WRITE"
    RUNS_EXECUTE = "RUNS_EXECUTE"
    LOGS_READ = "LOGS_READ"
    LOGS_WRITE = "LOGS_WRITE"
    ARTIFACTS_READ = "ARTIFACTS_READ"
    ARTIFACTS_WRITE = "ARTIFACTS_WRITE"
    VARIABLES_READ = "VARIABLES_READ"
    VARIABLES_WRITE = "VARIABLES_WRITE"
    BLOCKS_READ = "BLOCKS_READ"
    BLOCKS_WRITE = "BLOCKS_WRITE"
    BLOCKS_USE = "BLOCKS_USE"
    BLOCKS_REVEAL = "BLOCKS_REVEAL"
    POOLS_READ = "POOLS_READ"
    POOLS_WRITE = "POOLS_WRITE"
    AGENTS_CONNECT = "AGENTS_CONNECT"
    AUTOMATIONS_READ = "AUTOMATIONS_READ"
    AUTOMATIONS_WRITE = "AUTOMATIONS_WRITE"
    EVENTS_READ = "EVENTS_READ"
    EVENTS_WRITE = "EVENTS_WRITE"
    AUDIT_READ = "AUDIT_READ"
    BILLING_WRITE = "BILLING_WRITE"


READ_SCOPES = frozenset(
    {
        Scope.ORG_READ,
        Scope.FLOWS_READ,
        Scope.RUNS_READ,
        Scope.LOGS_READ,
        Scope.ARTIFACTS_READ,
        Scope.VARIABLES_READ,
        Scope.BLOCKS_READ,
        Scope.POOLS_READ,
        Scope.AUTOMATIONS_READ,
        Scope.EVENTS_READ,
    }
)

OWNER_SCOPES = frozenset(Scope) - {Scope.BLOCKS_REVEAL}
"""An owner's key; revealing a secret is a right of its own that nobody holds by default."""

MEMBER_SCOPES = frozenset({Scope.ORG_READ})
"""What every member holds in the organization itself: its name, its people, its roles."""


class BuiltinRole(StrEnum):
    """A role that every organization has. Those that it made itself are rows."""

    OWNER = "Owner"
    ADMIN = "Admin"
    DEVELOPER = "Developer"
    OPERATOR = "Operator"
    VIEWER = "Viewer"
    AGENT = "Agent"


BUILTIN_ROLES: Mapping[BuiltinRole, frozenset[Scope]] = {
    BuiltinRole.OWNER: OWNER_SCOPES,
    BuiltinRole.ADMIN: OWNER_SCOPES - {Scope.BILLING_WRITE},
    BuiltinRole.DEVELOPER: READ_SCOPES
    | {
        Scope.FLOWS_WRITE,
        Scope.RUNS_WRITE,
        Scope.RUNS_EXECUTE,
        Scope.LOGS_WRITE,
        Scope.ARTIFACTS_WRITE,
        Scope.VARIABLES_WRITE,
        Scope.BLOCKS_WRITE,
        Scope.BLOCKS_USE,
        Scope.AUTOMATIONS_WRITE,
        Scope.EVENTS_WRITE,
    },
    BuiltinRole.OPERATOR: READ_SCOPES | {Scope.RUNS_WRITE},
    BuiltinRole.VIEWER: READ_SCOPES,
    BuiltinRole.AGENT: frozenset({Scope.AGENTS_CONNECT}),
}
"""An admin is an owner who cannot end or sell the organization, and so cannot make an owner."""

AGENT_SESSION_SCOPES = frozenset({Scope.AGENTS_CONNECT})
"""What the token of an agent session carries: the agent protocol and nothing else."""

RUN_SCOPES = frozenset(
    {
        Scope.RUNS_EXECUTE,
        Scope.LOGS_WRITE,
        Scope.ARTIFACTS_READ,
        Scope.ARTIFACTS_WRITE,
        Scope.EVENTS_WRITE,
        Scope.BLOCKS_USE,
        Scope.VARIABLES_READ,
        Scope.VARIABLES_WRITE,
    }
)
"""What a run token carries: its own run, the blocks it may use, and the variables, artifacts and
events of its workspace."""


NOTHING: frozenset[Scope] = frozenset()
Places = Mapping[UUID, frozenset[Scope]]


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes in one place: everywhere, in one workspace, or on one object of a workspace."""

    scopes: frozenset[Scope]
    workspace_id: UUID | None = None
    object_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything that somebody may do in one organization.

    Args:
        everywhere: scopes in the organization and in each of its workspaces.
        organization: scopes in the organization itself, beside ``everywhere``.
        workspaces: scopes in single workspaces. A workspace that is named may be entered, even
            where only objects in it are granted.
        objects: scopes on single deployments, pools and blocks.
        ceilings: all that anybody may do in single workspaces, whatever they hold: reading in one
            that is archived, nothing in one that is deleted.
    """

    everywhere: frozenset[Scope] = NOTHING
    organization: frozenset[Scope] = NOTHING
    workspaces: Places = field(default_factory=dict[UUID, frozenset[Scope]])
    objects: Places = field(default_factory=dict[UUID, frozenset[Scope]])
    ceilings: Places = field(default_factory=dict[UUID, frozenset[Scope]])

    @property
    def anywhere(self) -> frozenset[Scope]:
        """Return the scopes that are held in some place: who lacks one here lacks it everywhere."""
        places = (*self.workspaces.values(), *self.objects.values())
        return self.everywhere.union(self.organization, *places)

    def held_in(self, workspace_id: UUID, *, on: UUID | None = None) -> frozenset[Scope]:
        """Return the scopes that are held in a workspace, also where it lets nobody use them now.

        So for what of them may be given and taken; what may be done there says ``within``.
        """
        found = self.everywhere | self.workspaces.get(workspace_id, NOTHING)
        return found if on is None else found | self.objects.get(on, NOTHING)

    def within(self, workspace_id: UUID, *, on: UUID | None = None) -> frozenset[Scope]:
        """Return the scopes that are good in a workspace, or on one object of it."""
        found = self.held_in(workspace_id, on=on)
        ceiling = self.ceilings.get(workspace_id)
        return found if ceiling is None else found & ceiling

    def of_organization(self) -> frozenset[Scope]:
        """Return the scopes that are held in the organization itself."""
        return self.everywhere | self.organization

    def cut(self, scopes: frozenset[Scope], *, workspace_id: UUID | None = None) -> "Rights":
        """Return what is left of these rights for a credential of some scopes.

        Args:
            scopes: those of the credential.
            workspace_id: the only workspace that the credential is good for.
        """
        objects = {id_: held & scopes for id_, held in self.objects.items()}
        if workspace_id is not None:
            held = self.held_in(workspace_id)
            return Rights(
                organization=self.organization & scopes,
                workspaces={workspace_id: held & scopes},
                objects=objects,
                ceilings=self.ceilings,
            )
        return Rights(
            everywhere=self.everywhere & scopes,
            organization=self.organization & scopes,
            workspaces={id_: held & scopes for id_, held in self.workspaces.items()},
            objects=objects,
            ceilings=self.ceilings,
        )

    def covers(self, other: "Rights") -> bool:
        """Whether everything that others may do may be done here, where they may do it."""
        is_in = (
            other.everywhere <= self.everywhere
            and other.organization <= self.of_organization()
            and all(
                other.within(place) <= self.within(place)
                for place in {*other.workspaces, *self.ceilings}
            )
        )
        return is_in and all(held <= self._on(id_) for id_, held in other.objects.items())

    def _on(self, object_id: UUID) -> frozenset[Scope]:
        # Its workspace is not known here; a scope that was moved there counts as lost, no harm.
        return self.everywhere | self.objects.get(object_id, NOTHING)

    def missing(self, grant: Grant) -> frozenset[Scope]:
        """Return the scopes of a grant that whoever holds these rights may not give or take away.

        An archived workspace is like an open one: people leave it as they leave others. What is
        deleted gives nobody anything, and is in nobody's way.
        """
        if grant.workspace_id is None:
            return grant.scopes - self.everywhere
        if self.ceilings.get(grant.workspace_id) == NOTHING:
            return NOTHING
        return grant.scopes - self.held_in(grant.workspace_id, on=grant.object_id)


def ceilings_of(*, archived: Iterable[UUID], deleted: Iterable[UUID]) -> Places:
    """Return what anybody may still do in workspaces that are archived or deleted."""
    return dict.fromkeys(archived, READ_SCOPES) | dict.fromkeys(deleted, NOTHING)


OWNERS_GIVE = frozenset({Scope.BLOCKS_REVEAL})
"""What nobody holds at first, and so nobody could give: who holds all else everywhere may."""


def ungivable(rights: Rights, grant: Grant) -> frozenset[Scope]:
    """Return the scopes of a grant that the holder of some rights may not give away."""
    missing = rights.missing(grant)
    return missing - OWNERS_GIVE if rights.everywhere >= OWNER_SCOPES else missing


def gather(grants: Iterable[Grant], *, is_member: bool, ceilings: Places | None = None) -> Rights:
    """Return the rights that grants add up to.

    Args:
        grants: in any order; several of one place add up.
        is_member: whether their holder belongs to the organization.
        ceilings: all that anybody may do in some workspaces; one with nothing is not entered.
    """
    caps = ceilings or {}
    everywhere = NOTHING
    workspaces: dict[UUID, frozenset[Scope]] = {}
    objects: dict[UUID, frozenset[Scope]] = {}
    for grant in grants:
        if grant.workspace_id is None:
            everywhere |= grant.scopes
            continue
        if caps.get(grant.workspace_id) == NOTHING:
            continue
        held = workspaces.setdefault(grant.workspace_id, NOTHING)
        if grant.object_id is None:
            workspaces[grant.workspace_id] = held | grant.scopes
        else:
            objects[grant.object_id] = objects.get(grant.object_id, NOTHING) | grant.scopes
    return Rights(
        everywhere=everywhere,
        organization=MEMBER_SCOPES if is_member else NOTHING,
        workspaces=workspaces,
        objects=objects,
        ceilings=caps,
    )


def read_scopes(names: Collection[str]) -> frozenset[Scope]:
    """Return the scopes that somebody asks for by name.

    Raises:
        InvalidInput: a name that is none: leaving it out could ask for more than was meant.
    """
    if not set(names) <= Scope.__members__.keys():
        raise InvalidInput(f"scopes are of {', '.join(sorted(Scope))}.", path=["scopes"])
    return known_scopes(names)


def known_scopes(names: Collection[str]) -> frozenset[Scope]:
    """Return the scopes of names; one that a newer version wrote is left out."""
    return frozenset(Scope(name) for name in names if name in Scope.__members__)
