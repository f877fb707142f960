"""Tenants cannot tell each other's objects from objects that do not exist.

The matrix is made from the schema: every argument and input field that takes an id is a cell, and
a cell without a request fails. Each cell is tried with another tenant's id and with a random one:
the answers are equal, byte for byte. Then the caller's own id succeeds, so that no cell passes by
being broken.
"""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

from headgate_server.domain import ids
from headgate_server.graphql.shapes import nodes
from tests.contracts.tenancy_agents import AGENTS
from tests.contracts.tenancy_artifacts import ARTIFACTS
from tests.contracts.tenancy_background import BACKGROUND
from tests.contracts.tenancy_blocks import BLOCKS
from tests.contracts.tenancy_caches import CACHES
from tests.contracts.tenancy_cells import (
    CLIENT_MADE,
    FOLLOWED,
    NODE_KINDS,
    QUERIES,
    TRIED_APART,
    Cell,
)
from tests.contracts.tenancy_configuration import CONFIGURATION
from tests.contracts.tenancy_deployments import DEPLOYED
from tests.contracts.tenancy_members import MEMBERS
from tests.contracts.tenancy_pages import PROMISES, VIEWS
from tests.contracts.tenancy_runs import RUNS
from tests.factories.estates import Estate
from tests.factories.mutations import Json
from tests.fixtures.api import ApiClient, Socket, open_socket, serve
from tests.fixtures.installations import Installation, shown
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.anyio

FILTERS = "Filter"
REQUESTED = (
    *QUERIES,
    *CONFIGURATION,
    *DEPLOYED,
    *PROMISES,
    *VIEWS,
    *BLOCKS,
    *ARTIFACTS,
    *CACHES,
    *BACKGROUND,
    *MEMBERS,
    *RUNS,
    *AGENTS,
)


def places(schema: GraphQLSchema) -> Iterator[str]:
    """Yield every place of the schema that takes an id; a filter's once, wherever it is used."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType) and type_.name.endswith(FILTERS):
            for name, field in type_.fields.items():
                if _named(field.type).name in {"ID", "IdFilter"} and type_.name != "IdFilter":
                    yield f"{type_.name}.{name}"
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in type_.fields.items():
                for argument, given in field.args.items():
                    for path in _paths(_named(given.type), argument):
                        yield f"{type_.name}.{name}({path})"


def _paths(type_: Any, path: str) -> Iterator[str]:
    if isinstance(type_, GraphQLScalarType) and type_.name == "ID":
        yield path
    if isinstance(type_, GraphQLInputObjectType) and not type_.name.endswith(FILTERS):
        for name, field in type_.fields.items():
            yield from _paths(_named(field.type), f"{path}.{name}")


def _named(type_: object) -> Any:
    return get_named_type(cast("GraphQLNamedType", type_))


def test_every_id_of_the_schema_is_tried() -> None:
    schema = build_schema((ROOT / "backend/schema.graphql").read_text())
    tried = {cell.name for cell in (*REQUESTED, *FOLLOWED)} | CLIENT_MADE | TRIED_APART

    assert set(places(schema)) == tried


def test_every_kind_of_object_that_is_read_by_its_id_is_tried() -> None:
    assert set(nodes._KINDS) == set(NODE_KINDS)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  nobody else asks


@pytest.fixture
def mine(estate: Estate) -> Estate:
    return estate


@pytest.fixture
def theirs(other_estate: Estate) -> Estate:
    return other_estate


def _name(cell: Cell) -> str:
    return f"{cell.name}{cell.variant and '-'}{cell.variant}"


def _tried(cells: tuple[Cell, ...]) -> list[Any]:
    return [
        pytest.param(cell, caller, id=f"{_name(cell)}-{caller}")
        for cell in cells
        for caller in cell.callers
    ]


def unknown(cell: Cell) -> str:
    return shown(cell.kind, ids.new_id())


@pytest.mark.parametrize(("cell", "caller"), _tried(REQUESTED))
async def test_foreign_id_is_answered_as_a_random_one(
    cell: Cell, caller: str, mine: Estate, theirs: Estate
) -> None:
    async def answer(id_: str) -> tuple[int, bytes, Json]:
        document, variables = cell.build(mine, id_)
        found = await mine.client(caller).execute(document, **variables)
        return found.status, found.body.replace(id_.encode(), b"<id>"), found.json

    foreign_status, foreign_body, foreign = await answer(cell.own(theirs))
    unknown_status, unknown_body, _ = await answer(unknown(cell))
    own_status, _, own = await answer(cell.own(mine))

    assert (foreign_status, foreign_body) == (unknown_status, unknown_body)
    assert not has_succeeded(foreign)
    assert own_status == 200
    assert has_succeeded(own), own


@pytest.mark.parametrize(("cell", "caller"), _tried(FOLLOWED))
async def test_foreign_id_is_followed_as_a_random_one(
    cell: Cell, caller: str, installation: Installation, mine: Estate, theirs: Estate
) -> None:
    client = mine.client(caller)
    assert isinstance(client, ApiClient)
    token = client.token
    async with serve(installation.app) as address:

        async def first(id_: str) -> Json:
            document, variables = cell.build(mine, id_)
            async with open_socket(address, token=token) as socket:
                await socket.subscribe(document, **variables)
                answer = await socket.receive()
                await settle(socket)
                return answer

        foreign = await first(cell.own(theirs))
        random = await first(unknown(cell))
        own = await first(cell.own(mine))

    assert foreign == random
    assert not has_succeeded(foreign["payload"])
    assert own["type"] == "next"
    assert has_succeeded(own["payload"]), own


async def settle(socket: Socket) -> None:
    """Let the reads that a stream begins with finish: closing now would cut them off."""
    for _ in range(3):
        await socket.run("{ viewer { organizations { nodes { id } } } }")


FRUITLESS = ("UNKNOWN", "LOST")


def has_succeeded(answer: Json) -> bool:
    """Whether an answer holds something: no errors, and an object, a list or a good verdict."""
    return not answer.get("errors") and _holds(answer.get("data"))


def _holds(value: object) -> bool:
    if isinstance(value, dict):
        fields = cast("Json", value)
        if fields.get("errors") or fields.get("accepted") is False:
            return False
        parts = [part for name, part in fields.items() if name != "errors"]
        return bool(fields) and (not parts or any(_holds(part) for part in parts))
    if isinstance(value, list):
        return any(_holds(part) for part in cast("list[object]", value))
    return value is not None and value is not False and value not in FRUITLESS
