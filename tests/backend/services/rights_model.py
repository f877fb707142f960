"""Who holds what, as sets: a model of roles, teams, invitations, keys and what is closed.

It is apart from the code: archived is read, deleted is nothing to anybody, who is kept out is
nobody.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from uuid import UUID

from headgate_server.domain.permissions import OWNER_SCOPES, READ_SCOPES, BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace, builtin_role

OWNER = builtin_role(BuiltinRole.OWNER).id
HELD_BY_NOBODY = frozenset({Scope.BLOCKS_REVEAL})
Scopes = frozenset[Scope]
NONE: Scopes = frozenset()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of somebody: for all workspaces, or for one."""

    owner: str
    scopes: Scopes
    workspace_id: UUID | None
    token: str

    @property
    def doer(self) -> "Doer":
        """Return its owner, who shows it."""
        return Doer(self.owner, self.scopes, self.token, self.workspace_id)


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something: somebody, with all that they hold or by a key of theirs."""

    name: str
    scopes: Scopes = field(default=frozenset(Scope), repr=False)
    token: str | None = None
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that nobody has accepted."""

    by: str
    role_id: UUID
    place: BindingPlace
    token: str
    id: UUID


@dataclass(slots=True)
class Model:
    """An organization. People, machines and teams are names; those that are in it have an id."""

    ids: dict[str, UUID] = field(default_factory=dict[str, UUID])
    roles: dict[UUID, Scopes] = field(default_factory=dict[UUID, Scopes])
    bound: set[tuple[str, UUID, BindingPlace]] = field(
        default_factory=set[tuple[str, UUID, BindingPlace]]
    )
    teams: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    invited: dict[str, Invited] = field(default_factory=dict[str, Invited])
    keys: list[Key] = field(default_factory=list[Key])
    archived: set[UUID] = field(default_factory=set[UUID])
    deleted: set[UUID] = field(default_factory=set[UUID])
    kept_out: set[str] = field(default_factory=set[str])

    def copy(self) -> "Model":
        """Return the same, to go back to."""
        return deepcopy(self)

    def holders(self, name: str) -> set[str]:
        """Return a holder, and the teams that they are in."""
        return {name, *(team for team, inside in self.teams.items() if name in inside)}

    def bindings(self, names: Iterable[str]) -> Iterator[tuple[Scopes, BindingPlace]]:
        """Yield what is bound to any of some holders, themselves, where there is something."""
        wanted = set(names)
        for name, role_id, place in self.bound:
            if name in wanted and not self.is_gone(place):
                yield self.roles[role_id], place

    def is_gone(self, place: BindingPlace) -> bool:
        """Whether a place is in a workspace that is deleted."""
        return place.workspace_id in self.deleted

    def held(self, name: str, place: BindingPlace) -> Scopes:
        """Return what somebody may give in a place, by themselves and through teams."""
        if name in self.kept_out:
            return NONE
        found = (s for s, where in self.bindings(self.holders(name)) if covers(where, place))
        return NONE.union(*found)

    def good(self, name: str, place: BindingPlace) -> Scopes:
        """Return what somebody may do in a place: what they hold, as far as it is open."""
        if self.is_gone(place):
            return NONE
        held = self.held(name, place)
        return held & READ_SCOPES if place.workspace_id in self.archived else held

    def held_anywhere(self, name: str) -> Scopes:
        """Return what somebody may do in some place."""
        return NONE.union(*(scopes for scopes, _ in self.bindings(self.holders(name))))

    def may_give(self, doer: "Doer", scopes: Scopes, place: BindingPlace) -> bool:
        """Whether somebody holds what they would give or take, where they would.

        What is deleted is in nobody's way.
        """
        if self.is_gone(place):
            return True
        is_owner = self.held(doer.name, BindingPlace()) & doer.scopes >= OWNER_SCOPES
        held = self.held(doer.name, place) & doer.scopes
        return scopes <= held | (HELD_BY_NOBODY if is_owner else NONE)

    def may_touch(self, doer: "Doer", *holders: str) -> bool:
        """Whether somebody holds all that is bound to some holders."""
        return all(self.may_give(doer, scopes, place) for scopes, place in self.bindings(holders))

    def has_owner(self, *, is_able: bool) -> bool:
        """Whether a person owns the organization, by themselves or through a team.

        ``is_able`` counts nobody who is kept out.
        """
        owners = {
            person
            for name, role_id, place in self.bound
            if role_id == OWNER and place == BindingPlace() and name != "robot"
            for person in self.teams.get(name, {name})
        }
        return bool(owners - self.kept_out if is_able else owners)

    def forget(self, name: str) -> None:
        """Let a member, a machine or a team go, with all that is theirs."""
        del self.ids[name]
        self.teams.pop(name, None)
        for inside in self.teams.values():
            inside.discard(name)
        self.bound = {one for one in self.bound if one[0] != name}
        self.keys = [key for key in self.keys if key.owner != name]


def covers(where: BindingPlace, place: BindingPlace) -> bool:
    """Whether what holds in one place holds in another."""
    if where.workspace_id is None:
        return True
    is_here = where.workspace_id == place.workspace_id
    return is_here and where.object_id in {None, place.object_id}
