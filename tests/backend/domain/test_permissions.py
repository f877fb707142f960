"""Rights as sets: what adds up, what a credential leaves of them, and what may be given away.

The model is a set of (scope, place) pairs, as flat as it gets: rights must agree with it.
"""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain.permissions import (
    BUILTIN_ROLES,
    MEMBER_SCOPES,
    OWNER_SCOPES,
    READ_SCOPES,
    BuiltinRole,
    Grant,
    Places,
    Rights,
    Scope,
    ceilings_of,
    gather,
    known_scopes,
)

WORKSPACES = [UUID(int=1), UUID(int=2), UUID(int=3)]
OBJECTS = {UUID(int=10 + n): WORKSPACES[n % 3] for n in range(6)}
SOME = [Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.FLOWS_WRITE, Scope.MEMBERS_WRITE]

scopes = st.frozensets(st.sampled_from(SOME), min_size=1)
PLACES: list[tuple[UUID | None, UUID | None]] = [
    (None, None),
    *((workspace, None) for workspace in WORKSPACES),
    *((workspace, id_) for id_, workspace in OBJECTS.items()),
]


@st.composite
def grants_of_any_place(draw: st.DrawFn) -> Grant:
    return Grant(draw(scopes), *draw(st.sampled_from(PLACES)))


grants = grants_of_any_place()

Held = set[tuple[Scope, UUID | None]]
"""Scopes with the workspace or object they are held in; None for everywhere."""


def model(given_: list[Grant]) -> Held:
    return {(scope, one.object_id or one.workspace_id) for one in given_ for scope in one.scopes}


def holds(held: Held, scope: Scope, workspace: UUID | None, object_: UUID | None = None) -> bool:
    wanted = {None, workspace, object_} if workspace else {None}
    return any((scope, place) in held for place in wanted)


@given(st.lists(grants, max_size=8))
def test_rights_are_the_union_of_grants(some: list[Grant]) -> None:
    rights, held = gather(some, is_member=False), model(some)

    for scope in SOME:
        assert (scope in rights.of_organization()) == holds(held, scope, None)
        for workspace in WORKSPACES:
            assert (scope in rights.within(workspace)) == holds(held, scope, workspace)
        for object_, workspace in OBJECTS.items():
            expected = holds(held, scope, workspace, object_)
            assert (scope in rights.within(workspace, on=object_)) == expected
        assert (scope in rights.anywhere) == any(one == scope for one, _ in held)


@given(st.lists(grants, max_size=8), scopes, st.sampled_from([None, *WORKSPACES]))
def test_credential_never_adds_and_never_leaves_its_workspace(
    some: list[Grant], cut: frozenset[Scope], bound: UUID | None
) -> None:
    owned = gather(some, is_member=True)

    left = owned.cut(cut, workspace_id=bound)

    for workspace in WORKSPACES:
        inside = bound in {None, workspace}
        expected = owned.within(workspace) & cut if inside else frozenset[Scope]()
        assert left.within(workspace) == expected
    assert left.anywhere <= cut
    if bound is not None:
        assert left.everywhere == frozenset()


def test_admin_cannot_make_an_owner_and_owner_can_make_an_admin() -> None:
    admin = Rights(everywhere=BUILTIN_ROLES[BuiltinRole.ADMIN])
    owner = Rights(everywhere=BUILTIN_ROLES[BuiltinRole.OWNER])

    assert admin.missing(Grant(OWNER_SCOPES)) == {Scope.BILLING_WRITE}
    assert owner.missing(Grant(BUILTIN_ROLES[BuiltinRole.ADMIN])) == frozenset()


def test_nobody_holds_the_right_to_reveal_secrets_by_a_built_in_role() -> None:
    assert all(Scope.BLOCKS_REVEAL not in held for held in BUILTIN_ROLES.values())


def test_member_without_roles_sees_the_organization_and_enters_nothing() -> None:
    rights = gather([], is_member=True)

    assert rights.of_organization() == MEMBER_SCOPES
    assert rights.workspaces == {}
    assert rights.within(WORKSPACES[0]) == frozenset()


def test_scope_of_a_newer_version_is_left_out() -> None:
    assert known_scopes(["RUNS_READ", "TIME_TRAVEL"]) == {Scope.RUNS_READ}


def test_closing_a_workspace_takes_rights_from_those_who_held_some_there_only() -> None:
    here, there, _ = WORKSPACES
    closed = ceilings_of(archived=[there], deleted=[])
    everywhere, bound = Grant(OWNER_SCOPES), Grant(OWNER_SCOPES, here)

    def rights(grant: Grant, ceilings: Places | None = None) -> Rights:
        return gather([grant], is_member=True, ceilings=ceilings)

    assert not rights(everywhere, closed).covers(rights(everywhere))
    assert rights(bound, closed).covers(rights(bound))
    assert rights(everywhere).covers(rights(everywhere, closed)), "opening takes nothing away"
    assert rights(everywhere, closed).within(there) == OWNER_SCOPES & READ_SCOPES
    assert rights(everywhere, closed).within(here) == OWNER_SCOPES


def test_who_may_give_and_take_in_an_archived_workspace_is_who_could_if_it_were_open() -> None:
    here, there, gone = WORKSPACES
    closed = ceilings_of(archived=[there], deleted=[gone])
    rights = gather([Grant(OWNER_SCOPES, place) for place in WORKSPACES], is_member=True)
    under = gather(
        [Grant(OWNER_SCOPES, here), Grant(READ_SCOPES, there), Grant(OWNER_SCOPES, gone)],
        is_member=True,
        ceilings=closed,
    )
    owner = gather([Grant(OWNER_SCOPES)], is_member=True, ceilings=closed)

    assert not owner.missing(Grant(OWNER_SCOPES, there))
    assert under.missing(Grant(OWNER_SCOPES, there)) == OWNER_SCOPES - READ_SCOPES
    assert not under.missing(Grant(OWNER_SCOPES, gone)), "nobody has anything of it any more"
    assert under.missing(Grant(READ_SCOPES)) == READ_SCOPES
    assert not under.covers(rights)
    assert under.covers(under), "what was cut before is not lost now"
    assert not under.missing(Grant(OWNER_SCOPES, here))
