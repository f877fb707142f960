"""Random histories of an organization, by the services themselves, against a model of sets.

Whatever is done in whichever order, by people and by their keys, while workspaces are archived and
deleted and people and the organization suspended: it is carried out just where the model says that
the doer holds what is given or taken, and everybody holds then what the model says.
``COUNT=n`` makes so many steps, ``SEED=n`` others.
"""

import os
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

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
from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from headgate_server.domain.permissions import Grant, Rights, Scope
from headgate_server.domain.roles import BUILTIN, BindingPlace
from headgate_server.services import closing
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
            return keys[-1].doer
        return Doer(name) if name in self.model.ids else None

    def _try(
        self,
        doer: Doer,
        change: Change,
        *,
        may: bool,
        model: Callable[[], Any] = lambda: None,
        is_gone: bool = False,
    ) -> Any:
        """Do something, and check that it went as the model says; None where it did not."""
        if doer.name in self.model.kept_out:
            with pytest.raises(Unauthenticated):
                self.world.do(doer, change)
            return None
        before = self.model.copy()
        if may and not is_gone:
            model()
        had_one = before.has_owner(is_able=True)
        clashes = not self.model.has_owner(is_able=had_one)
        if clashes:
            self.model = before
        try:
            found = self.world.do(doer, change)
        except NotFound:
            assert is_gone, f"{doer} did not find what is there"
            return None
        except Forbidden:
            assert not may, f"{doer} was refused what they may do"
            return None
        except Conflict:
            assert clashes, f"{doer} left an owner, and was refused"
            return None
        assert may, f"{doer} did what they may not do"
        assert not is_gone, f"{doer} did something in what is deleted"
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
            is_gone=self.model.is_gone(place),
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
        found = self._try(
            doer,
            self.world.inviting(name, role_id, place),
            may=may,
            is_gone=self.model.is_gone(place),
        )
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
        if not self.model.is_gone(one.place):
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
        is_gone = self.model.is_gone(place)
        found = self._try(
            doer,
            self.world.keying(owner, scopes, place.workspace_id),
            may=(is_own or owner == "robot") and (is_gone or scopes <= held & doer.scopes),
            is_gone=is_gone,
        )
        if found is not None:
            self.model.keys.append(Key(owner, scopes, place.workspace_id, found[1]))

    @rule(where=any_of([1, 2]), is_archived=st.booleans())
    def archive(self, where: int, *, is_archived: bool) -> None:
        """Archive a workspace, or open it again."""
        id_ = self._workspace(where)
        if id_ in self.model.deleted:
            return
        self.world.settle(
            lambda work: closing.archive_workspace(work, id_=id_, is_archived=is_archived)
        )
        change = self.model.archived.add if is_archived else self.model.archived.discard
        change(id_)

    @rule(where=any_of([2, 2, 2, 1]))
    def delete(self, where: int) -> None:
        """Delete a workspace that is archived; the keys that are good for it alone go with it."""
        id_ = self._workspace(where)
        if id_ not in self.model.archived - self.model.deleted:
            return
        self.world.settle(lambda work: closing.delete_workspace(work, id_=id_))
        self.model.deleted.add(id_)
        of_it = [key for key in self.model.keys if key.workspace_id == id_]
        self.model.keys = [key for key in self.model.keys if key.workspace_id != id_]
        assert self.world.rights([key.doer for key in of_it]) == [None] * len(of_it)

    @rule(name=people, is_out=any_of([True, False, False]))
    def keep_out(self, name: str, *, is_out: bool) -> None:
        """Suspend a person, or let them in again."""
        if is_out is not (name in self.model.kept_out):
            self.world.keep_out(name, is_out=is_out)
            change = self.model.kept_out.add if is_out else self.model.kept_out.discard
            change(name)

    @rule()
    def suspend(self) -> None:
        """Suspend the organization, and resume it: nobody does or joins anything meanwhile."""
        id_ = self.world.tenant.organization_id
        self.world.settle(
            lambda work: closing.suspend_organization(work, id_=id_, reason="Unpaid.")
        )
        self._nobody_is_let_in()
        self.world.settle(lambda work: closing.resume_organization(work, id_=id_))

    def teardown(self) -> None:
        """Delete the organization: nobody does or joins anything there ever again."""
        if not hasattr(self, "model"):
            return
        id_ = self.world.tenant.organization_id
        self.world.settle(
            lambda work: closing.archive_organization(work, id_=id_, is_archived=True)
        )
        self.world.settle(lambda work: closing.delete_organization(work, id_=id_))
        self._nobody_is_let_in()

    def _nobody_is_let_in(self) -> None:
        doers = [Doer(name) for name in PEOPLE if name in self.model.ids]
        doers += [key.doer for key in self.model.keys]
        assert self.world.rights(doers) == [None] * len(doers)
        for name, one in self.model.invited.items():
            with pytest.raises(InvalidInput, match="used, revoked or has expired"):
                self.world.accept(name, one.token)

    def _workspace(self, where: int) -> UUID:
        id_ = self.world.places[where].workspace_id
        assert id_ is not None
        return id_

    @invariant()
    def everybody_holds_what_the_model_says(self) -> None:
        """Compare what is held and good everywhere, in workspaces and on the pool; also of keys."""
        if not hasattr(self, "model"):
            return
        doers = [Doer(name) for name in (*PEOPLE, "robot") if name in self.model.ids]
        doers += [key.doer for key in self.model.keys[-2:]]
        for doer, rights in zip(doers, self.world.rights(doers), strict=True):
            if doer.name in self.model.kept_out:
                assert rights is None, f"{doer} is kept out"
                continue
            assert rights is not None, f"{doer} is let in"
            for place in self.world.places:
                self._check(doer, rights, place)

    def _check(self, doer: Doer, rights: Rights, place: BindingPlace) -> None:
        is_theirs = doer.workspace_id in {None, place.workspace_id}
        if not is_theirs and place.object_id is not None:
            return
        cut = doer.scopes if is_theirs else NONE
        if not self.model.is_gone(place):
            grant = Grant(frozenset(Scope), place.workspace_id, place.object_id)
            held = frozenset(Scope) - rights.missing(grant)
            assert held == self.model.held(doer.name, place) & cut, (doer, place)
        if place.workspace_id is not None and doer != Doer("robot"):
            good = rights.within(place.workspace_id, on=place.object_id)
            assert good == self.model.good(doer.name, place) & cut, (doer, place)


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
