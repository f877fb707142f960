"""Random histories of an organization, by the services themselves, against a model of sets.

Whatever is done in whichever order, by people and by their keys: it is carried out just where the
model says that the doer holds what is given or taken, and everybody holds then what the model says.
``COUNT=n`` makes so many steps, ``SEED=n`` others.
"""

import os
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import Conflict, Forbidden
from headgate_server.domain.permissions import Grant, Scope
from headgate_server.domain.roles import BUILTIN, BindingPlace
from tests.backend.services.rights_model import NONE, Doer, Invited, Key, Model
from tests.backend.services.rights_world import (
    MADE,
    OUTSIDE,
    PEOPLE,
    TEAMS,
    Change,
    World,
    make_world,
)
from tests.factories.databases import shifted

COUNT = int(os.environ.get("COUNT", "240"))
SEED = int(os.environ.get("SEED", "3"))
STEPS = 15
T = TypeVar("T")
SOME = (
    Scope.RUNS_READ,
    Scope.RUNS_WRITE,
    Scope.KEYS_WRITE,
    Scope.MEMBERS_WRITE,
    Scope.AGENTS_CONNECT,
    Scope.BLOCKS_REVEAL,
)
pytestmark = pytest.mark.timeout(120 + COUNT)


def any_of(choices: Sequence[T]) -> st.SearchStrategy[T]:
    """Draw evenly: what Hypothesis draws itself is often what it has drawn before."""
    return st.integers(0, 2**64 - 1).map(lambda drawn: random.Random(drawn).choice(choices))  # noqa: S311  no secret


people = any_of(PEOPLE)
newcomers = any_of([*OUTSIDE, *OUTSIDE, *OUTSIDE, *PEOPLE])
holders = any_of([*PEOPLE, *TEAMS, "robot"])
teams = any_of(TEAMS)
places = any_of(range(4))
roles_ = any_of(range(len(BUILTIN) + len(MADE)))
doers = st.tuples(people, any_of(range(4)))
some_scopes = st.frozensets(any_of(SOME), min_size=1, max_size=3)


class Organization(RuleBasedStateMachine):
    """One organization with a few people, machines, teams and roles, and what happens there."""

    world: World
    model: Model

    @initialize()
    def begin(self) -> None:
        self.world, self.model = self._make()

    def _make(self) -> tuple[World, Model]:
        raise NotImplementedError

    def _doer(self, chosen: tuple[str, int]) -> Doer | None:
        """Return somebody who is in the organization, often by a key of theirs."""
        name, number = chosen
        keys = [key for key in self.model.keys if key.workspace_id is None]
        if number == 3 and keys:
            key = keys[-1]
            return Doer(key.owner, key.scopes, key.token)
        return Doer(name) if name in self.model.ids else None

    def _try(
        self,
        doer: Doer,
        change: Change,
        *,
        may: bool,
        model: Callable[[], Any] = lambda: None,
    ) -> Any:
        """Do something, and check that it went as the model says; None where it did not."""
        before = self.model.copy()
        if may:
            model()
        clashes = not self.model.has_owner()
        if clashes:
            self.model = before
        try:
            found = self.world.do(doer, change)
        except Forbidden:
            assert not may, f"{doer} was refused what they may do"
            return None
        except Conflict:
            assert clashes, f"{doer} left an owner, and was refused"
            return None
        assert may, f"{doer} did what they may not do"
        assert not clashes, f"{doer} took the last owner away"
        return found

    @rule(chosen=doers, holder=holders, number=roles_, where=places, is_given=st.booleans())
    def bind(
        self, chosen: tuple[str, int], holder: str, number: int, where: int, *, is_given: bool
    ) -> None:
        """Give somebody a role, or take it away."""
        doer, place = self._doer(chosen), self.world.places[where]
        role_id = sorted(self.model.roles)[number % len(self.model.roles)]
        if doer is None or holder not in self.model.ids:
            return
        bound, one = self.model.bound, (holder, role_id, place)
        self._try(
            doer,
            self.world.binding(self.model.ids[holder], holder, role_id, place, is_given=is_given),
            may=self.model.may_give(doer, self.model.roles[role_id], place),
            model=lambda: bound.add(one) if is_given else bound.discard(one),
        )

    @rule(chosen=doers, team=teams, member=people, is_in=st.booleans())
    def join(self, chosen: tuple[str, int], team: str, member: str, *, is_in: bool) -> None:
        """Put somebody into a team, or take them out of it."""
        doer = self._doer(chosen)
        if doer is None or not {team, member} <= set(self.model.ids):
            return
        ids, inside = self.model.ids, self.model.teams[team]
        self._try(
            doer,
            self.world.joining(ids[team], ids[member], is_in=is_in),
            may=self.model.may_touch(doer, team),
            model=lambda: inside.add(member) if is_in else inside.discard(member),
        )

    @rule(chosen=doers, name=any_of(list(MADE)), scopes=some_scopes)
    def define(self, chosen: tuple[str, int], name: str, scopes: frozenset[Scope]) -> None:
        """Make a role, or change what it gives to all who hold it."""
        doer = self._doer(chosen)
        if doer is None:
            return
        before = self.model.roles.get(self.world.made[name], NONE)
        may = self.model.may_give(doer, scopes, BindingPlace())
        if scopes != before:
            may = may and self.model.may_give(doer, before, BindingPlace())
        model = self.model.roles
        self._try(
            doer,
            self.world.defining(name, scopes),
            may=may,
            model=lambda: model.__setitem__(self.world.made[name], scopes),
        )

    @rule(chosen=doers, name=any_of([*PEOPLE, "bob", "bob", "robot"]))
    def remove(self, chosen: tuple[str, int], name: str) -> None:
        """Remove a member or a machine; whoever leaves by themselves needs nothing."""
        doer = self._doer(chosen)
        if doer is None or name not in self.model.ids:
            return
        touched = {name} if name == "robot" else self.model.holders(name)
        is_own = name == doer.name != "robot"
        self._try(
            doer,
            self.world.removing(name, self.model.ids[name]),
            may=is_own or self.model.may_touch(doer, *touched),
            model=lambda: self.model.forget(name),
        )

    @rule(chosen=doers, team=teams)
    def disband(self, chosen: tuple[str, int], team: str) -> None:
        """Delete a team."""
        doer = self._doer(chosen)
        if doer is None or team not in self.model.ids:
            return
        self._try(
            doer,
            self.world.disbanding(self.model.ids[team]),
            may=self.model.may_touch(doer, team),
            model=lambda: self.model.forget(team),
        )

    @rule(by=people, name=newcomers, number=roles_, where=any_of(range(3)))
    def invite(self, by: str, name: str, number: int, where: int) -> None:
        """Invite somebody who is not in; it replaces what they were invited to before."""
        place = self.world.places[where]
        role_id = sorted(self.model.roles)[number % len(self.model.roles)]
        if by not in self.model.ids or name in self.model.ids:
            return
        doer, former = Doer(by), self.model.invited.get(name)
        may = self.model.may_give(doer, self.model.roles[role_id], place)
        if former is not None:
            may = may and self.model.may_give(doer, self.model.roles[former.role_id], former.place)
        found = self._try(doer, self.world.inviting(name, role_id, place), may=may)
        if found is not None:
            made, token = found
            self.model.invited[name] = Invited(by, role_id, place, token, made.id)

    @rule(name=newcomers)
    def accept(self, name: str) -> None:
        """Come by an invitation, if whoever invited may still give what it says."""
        one = self.model.invited.get(name)
        if one is None:
            return
        may = one.by in self.model.ids and self.model.may_give(
            Doer(one.by), self.model.roles[one.role_id], one.place
        )
        try:
            self.model.ids[name] = self.world.accept(name, one.token)
        except Forbidden:
            assert not may, f"{name} was refused what {one.by} may give"
            return
        assert may, f"{name} got what {one.by} may not give"
        del self.model.invited[name]
        self.model.bound.add((name, one.role_id, one.place))

    @rule(chosen=doers, owner=holders, scopes=some_scopes, where=any_of(range(3)))
    def make_key(
        self, chosen: tuple[str, int], owner: str, scopes: frozenset[Scope], where: int
    ) -> None:
        """Make a key of one's own, or of the machine."""
        doer, place = self._doer(chosen), self.world.places[where]
        if doer is None or owner not in self.model.ids or owner in TEAMS:
            return
        is_own = owner == doer.name and owner != "robot"
        held = self.model.held(doer.name, place)
        if is_own and place.workspace_id is None:
            held = self.model.held_anywhere(doer.name)
        found = self._try(
            doer,
            self.world.keying(owner, scopes, place.workspace_id),
            may=(is_own or owner == "robot") and scopes <= held & doer.scopes,
        )
        if found is not None:
            self.model.keys.append(Key(owner, scopes, place.workspace_id, found[1]))

    @invariant()
    def everybody_holds_what_the_model_says(self) -> None:
        """Compare what is held, everywhere, in workspaces and on the pool; keys do no more."""
        if not hasattr(self, "model"):
            return
        for name, rights in self.world.rights(self.model).items():
            for place in self.world.places:
                held = self.model.held(name, place)
                grant = Grant(frozenset(Scope), place.workspace_id, place.object_id)
                assert frozenset(Scope) - rights.missing(grant) == held, (name, place)
        for key in self.model.keys[-2:]:
            rights = self.world.authenticate(key.token).all_rights()
            for place in self.world.places:
                is_good = key.workspace_id in {None, place.workspace_id}
                held = self.model.held(key.owner, place) & key.scopes if is_good else NONE
                if place.object_id is None:
                    found = frozenset(Scope) - rights.missing(
                        Grant(frozenset(Scope), place.workspace_id)
                    )
                    assert found == held, (key, place)


def test_nobody_ever_gives_or_takes_what_they_do_not_hold(
    urls: DatabaseUrls, portal: BlockingPortal
) -> None:
    """Play random histories; each in an organization of its own."""
    with portal.wrap_async_context_manager(shifted(urls, by=timedelta())) as database:

        class Here(Organization):
            def _make(self) -> tuple[World, Model]:
                return make_world(portal, database)

        run_state_machine_as_test(
            seed(SEED)(Here),
            settings=settings(
                max_examples=max(1, COUNT // STEPS),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
