"""Over event streams, too, a foreign id is answered as a random one, byte for byte.

The cells are those of the matrix over HTTP and sockets; here two estates serve all of them, so what
is the caller's own is asked for only where asking changes nothing.
"""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from tests.contracts.tenancy_cells import FOLLOWED, QUERIES, Cell
from tests.contracts.test_tenancy_matrix import REQUESTED, has_succeeded, unknown
from tests.factories.estates import Estate
from tests.fixtures.api import ApiClient, serve
from tests.fixtures.events import Events, open_events
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

NEXT = b"event: next\n"


@pytest.fixture
async def address(installation: Installation) -> AsyncGenerator[str]:
    async with serve(installation.app) as address:
        yield address


async def first_event(events: Events) -> bytes:
    """Return the first result of a stream as it was sent; comments before it are left out."""
    async with asyncio.timeout(10):
        while (line := await events.response.content.readline()) != NEXT:
            assert line, "The response ended."
        return line + await events.response.content.readline()


async def ask(address: str, caller: str, cell: Cell, estate: Estate, id_: str) -> bytes:
    client = estate.client(caller)
    assert isinstance(client, ApiClient)
    document, variables = cell.build(estate, id_)
    headers = {"host": "headgate.test", **client.always}
    opening = open_events(address, document, token=client.token, headers=headers, **variables)
    async with opening as events:
        assert events.response.status == 200
        return (await first_event(events)).replace(id_.encode(), b"<id>")


def asked(cells: tuple[Cell, ...]) -> list[tuple[Cell, str]]:
    """Return what is tried, but for people's browsers that sign in apart."""
    return [(cell, caller) for cell in cells for caller in cell.callers if caller != "revealer"]


@pytest.mark.parametrize("cells", [REQUESTED, FOLLOWED], ids=["requested", "followed"])
async def test_foreign_id_is_answered_as_a_random_one(
    cells: tuple[Cell, ...], address: str, estate: Estate, other_estate: Estate
) -> None:
    mine, theirs = estate, other_estate
    told_apart: list[str] = []
    succeeded: list[str] = []

    for cell, caller in asked(cells):
        foreign = await ask(address, caller, cell, mine, cell.own(theirs))
        random = await ask(address, caller, cell, mine, unknown(cell))
        if foreign != random:
            told_apart.append(f"{cell.name} {cell.variant} {caller}")
        if has_succeeded(_read(foreign)):
            succeeded.append(f"{cell.name} {cell.variant} {caller}")

    assert len(asked(cells)) >= len(cells) - 1
    assert told_apart == []
    assert succeeded == []


async def test_own_id_is_answered(address: str, estate: Estate) -> None:
    mine = estate

    failed = [
        f"{cell.name} {cell.variant} {caller}"
        for cell, caller in asked((*QUERIES, *FOLLOWED))
        if not has_succeeded(_read(await ask(address, caller, cell, mine, cell.own(mine))))
    ]

    assert failed == []


def _read(event: bytes) -> dict[str, object]:
    return json.loads(event.partition(b"data: ")[2])
