"""What the built-in roles may do is written down, and is what the API does: every scoped field."""

from collections.abc import AsyncGenerator, Callable

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type, is_leaf_type

from headgate_server.domain.permissions import BUILTIN_ROLES, MEMBER_SCOPES, BuiltinRole, Scope
from tests.contracts.roles_cells import EMPTY, ROOTS, is_denied, read, telling
from tests.contracts.roles_matrix import MATRIX, SCHEMA, requirements, table
from tests.contracts.tenancy_cells import Cell, Request
from tests.contracts.test_tenancy_matrix import FOLLOWED, REQUESTED, settle
from tests.factories.estates import Estate
from tests.factories.members import everywhere, make_member, make_member_token, within
from tests.factories.mutations import Json
from tests.fixtures.api import open_socket, serve
from tests.fixtures.installations import PEPPER, Installation

pytestmark = pytest.mark.anyio

PUBLISHED = build_schema(SCHEMA.read_text())
NEEDS = {field: needed for field, needed in requirements(SCHEMA.read_text()) if needed}
CELLS: dict[str, Cell] = {cell.name.split("(")[0]: cell for cell in (*REQUESTED, *FOLLOWED)}
OF_THE_UNUSED = {"Mutation.workspaceArchive", "Mutation.workspaceDelete"}
"""They are tried on another workspace, which who holds a role in one does not even see."""
OF_A_LEASE = {"Mutation.flowRunStart", "Query.flowRunStarted"}
"""They need a run's own token beside the scope, which no role gives."""
OF_THE_ORGANIZATION = {
    "ApiKey",
    "AuditEntry",
    "Invitation",
    "Membership",
    "Organization",
    "ServiceAccount",
    "SupportGrant",
    "Team",
}
SHOWN_TO = {"Invitation": frozenset({Scope.MEMBERS_WRITE})}
"""What it takes to see an object at all, where that is more than its fields take."""
ANOTHERS = {
    "Mutation.savedViewDelete": frozenset({Scope.RUNS_WRITE}),
    "Mutation.savedViewUpdate": frozenset({Scope.RUNS_WRITE}),
}
"""What it takes beside, as it is of another person's that it is tried."""
NOTHING: frozenset[Scope] = frozenset()
REFUSED_BEFORE = {"BAD_REQUEST", "LIMIT_EXCEEDED", "RATE_LIMITED", "INTERNAL"}
"""What is refused so says nothing of scopes."""
LAST = ("Revoke", "Remove", "Delete", "Archive")
"""What makes others fail for another reason than their scopes is tried at the end."""


def _is_leaf(field: str) -> bool:
    type_, _, name = field.partition(".")
    parent = PUBLISHED.type_map[type_]
    assert isinstance(parent, GraphQLObjectType)
    return is_leaf_type(get_named_type(parent.fields[name].type))


def _builder(field: str) -> Callable[[Estate, str], Request] | None:
    if field in ROOTS:
        return ROOTS[field]
    if field in CELLS:
        cell = CELLS[field]
        return lambda estate, _slug: cell.build(estate, cell.own(estate))
    return read(field, is_leaf=_is_leaf(field))


BUILDERS = {field: made for field in NEEDS if (made := _builder(field)) is not None}


def _turn(field: str) -> tuple[int, str]:
    """Return when a field has its turn: what reads first, what ends things last."""
    if not field.startswith("Mutation."):
        return -1, field
    ends = [at for at, word in enumerate(LAST, start=1) if word in field]
    is_place = field.startswith(("Mutation.workspace", "Mutation.organization"))
    return (max(ends, default=0) + (len(LAST) if ends and is_place else 0)), field


def test_matrix_is_written_down() -> None:
    expected = table(SCHEMA.read_text())

    assert MATRIX.read_text() == expected, "Read the change, then write it by the command."


def test_every_scoped_field_is_tried() -> None:
    assert set(BUILDERS) == set(NEEDS)
    assert set(EMPTY) | OF_A_LEASE | OF_THE_UNUSED <= set(NEEDS)


@pytest.mark.parametrize("role", list(BuiltinRole))
@pytest.mark.parametrize("place", ["workspace", "organization"])
async def test_role_does_where_it_is_held_what_the_matrix_says_and_nothing_else(
    installation: Installation, estate: Estate, role: BuiltinRole, place: str
) -> None:
    is_wide = place == "organization"
    held = everywhere(role) if is_wide else within(role, estate.tenant.workspace_id)
    member = await make_member(installation.database, estate.tenant, held)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    tried = [field for field in NEEDS if field not in EMPTY]

    denied = {
        field
        async for field, answer in _answers(installation, estate, token, tried)
        if is_denied(answer)
    }

    unsure = OF_A_LEASE if is_wide else OF_A_LEASE | OF_THE_UNUSED
    expected = {field for field in tried if not _is_allowed(field, role, is_wide=is_wide)}
    assert denied - unsure == expected - unsure
    assert expected & OF_A_LEASE <= denied


async def _answers(
    installation: Installation, estate: Estate, token: str, fields: list[str]
) -> AsyncGenerator[tuple[str, Json]]:
    """Yield each field with what is answered to who shows a token."""
    api = installation.holding(token)
    asked = await estate.wide.execute("{ viewer { organizations { nodes { slug } } } }")
    (place,) = asked.data["viewer"]["organizations"]["nodes"]
    async with serve(installation.app) as address:
        for field in sorted(fields, key=_turn):
            document, variables = BUILDERS[field](estate, place["slug"])
            if not field.startswith("Subscription."):
                answer = (await api.execute(telling(document), **variables)).json
                codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
                assert not codes & REFUSED_BEFORE, (field, answer)
                yield field, answer
                continue
            async with open_socket(address, token=token) as socket:
                await socket.subscribe(document, **variables)
                yield field, _first(await socket.receive())
                await settle(socket)


def _first(message: Json) -> Json:
    """Return what a socket sent first as an answer over HTTP would have it."""
    if message["type"] == "error":
        return {"errors": message["payload"]}
    data = message["payload"].get("data")
    if data is None:
        return message["payload"]
    return {"data": {name: value is not None or None for name, value in data.items()}}


def _is_allowed(field: str, role: BuiltinRole, *, is_wide: bool) -> bool:
    held: frozenset[Scope] = BUILTIN_ROLES[role]
    cell = CELLS.get(field)
    is_of_organization = (
        field in {"Query.organization", "Mutation.organizationDelete"}
        or field.partition(".")[0] in OF_THE_ORGANIZATION
        or (cell is not None and set(cell.callers) <= {"wide", "browser"})
    )
    if is_of_organization:
        held = held | MEMBER_SCOPES if is_wide else MEMBER_SCOPES
    shown = SHOWN_TO.get(field.partition(".")[0], NOTHING)
    return NEEDS[field] | shown | ANOTHERS.get(field, NOTHING) <= held
