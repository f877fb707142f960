"""Who belongs to both tenants acts in one of them: there, an id of the other is a random one.

All cells of the matrix are tried by such a person over a socket, and by machines over theirs; what
is read is tried over HTTP, too, and what is followed over event streams. What the caller owns is
asked for only where asking changes nothing.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from uuid import uuid4

import pytest

from headgate_server.domain.ids import Kind, new_id
from headgate_server.services import login_sessions, members, organizations
from tests.contracts.tenancy_cells import FOLLOWED, PEOPLE, QUERIES, Cell, Request, mutation
from tests.contracts.test_tenancy_events import first_event
from tests.contracts.test_tenancy_matrix import REQUESTED, has_succeeded, unknown
from tests.factories.estates import Estate
from tests.factories.mutations import Json
from tests.factories.people import BROWSER, PEPPER, make_person
from tests.fixtures.api import ApiClient, Socket, open_socket, serve
from tests.fixtures.browsers import COOKIE, PAGE
from tests.fixtures.events import open_events
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

Ask = Callable[[Cell, str], Awaitable[str]]
"""Asks for an id, and returns the first answer as a text in which the id does not stand."""
ASKED_OF_ONE = 50
"""So often a socket is asked."""
ORGANIZATION = "x-headgate-organization"
BY_SLUG = "query ($slug: String!) { organization(slug: $slug) { id } }"
BY_SLUGS = 'query ($slug: String!) { workspace(organization: $slug, slug: "main") { id } }'


@dataclass(frozen=True, slots=True)
class World:
    """Two estates, somebody who owns both, and where they act."""

    installation: Installation
    address: str
    mine: Estate
    theirs: Estate
    cookie: str
    slug: str
    other_slug: str

    @property
    def origin(self) -> str:
        return f"http://{self.address}"


@pytest.fixture
async def world(
    installation: Installation, estate: Estate, other_estate: Estate
) -> AsyncGenerator[World]:
    mine, theirs = estate, other_estate
    person = await make_person(installation.database)
    async with installation.database.system() as work:
        for estate in (mine, theirs):
            place = estate.tenant.organization_id
            await members.add_owner(work, organization_id=place, user_id=person.id)
        here, there = [
            await organizations.get_organization(work, id_=estate.tenant.organization_id)
            for estate in (mine, theirs)
        ]
        cookie = await login_sessions.begin(work, user_id=person.id, browser=BROWSER, pepper=PEPPER)
    async with serve(installation.app) as address:
        shown = f"{COOKIE}={cookie.text}"
        yield World(installation, address, mine, theirs, shown, here.slug, there.slug)


def over(world: World) -> ApiClient:
    """Return the browser of the person, that says where they act."""
    always = {**PAGE, "cookie": world.cookie, ORGANIZATION: world.slug}
    return ApiClient(world.installation.app, always=always)


def over_http(world: World) -> Ask:
    """Ask one request after the other."""
    client = over(world)

    async def ask(cell: Cell, id_: str) -> str:
        document, variables = cell.build(world.mine, id_)
        answer = await client.execute(document, **variables)
        return answer.body.decode().replace(id_, "<id>")

    return ask


def over_socket(world: World, open_one: Callable[[], Awaitable[Socket]]) -> Ask:
    """Ask on one socket, and on another after so many: they may not be asked faster for long.

    A stream ends after its first answer.
    """
    opened: list[Socket] = []
    numbers = count()

    async def ask(cell: Cell, id_: str) -> str:
        if next(numbers) % ASKED_OF_ONE == 0:
            opened.append(await open_one())
        socket = opened[-1]
        document, variables = cell.build(world.mine, id_)
        if cell not in FOLLOWED:
            first = (await socket.run(document, **variables))[0]
            return _text(first, id_)
        asked = await socket.subscribe(document, **variables)
        while (first := await socket.receive()).pop("id", None) != asked:
            pass
        await socket.send({"id": asked, "type": "complete"})
        return _text(first, id_)

    return ask


def over_events(world: World) -> Ask:
    """Ask over an event stream of its own each time."""
    headers = {"cookie": world.cookie, "origin": world.origin, "x-headgate": "1"}
    headers[ORGANIZATION] = world.slug

    async def ask(cell: Cell, id_: str) -> str:
        document, variables = cell.build(world.mine, id_)
        opening = open_events(world.address, document, token=None, headers=headers, **variables)
        async with opening as events:
            return (await first_event(events)).decode().replace(id_, "<id>")

    return ask


def as_people(ask: Ask) -> dict[str, Ask]:
    """Let one way to ask stand for all people of the matrix."""
    return {**dict.fromkeys(PEOPLE, ask)}


@asynccontextmanager
async def sockets(world: World) -> AsyncGenerator[dict[str, Ask]]:
    """Open a socket of the person, who stands for people, and one of each machine."""
    async with AsyncExitStack() as stack:

        async def of_person() -> Socket:
            opening = open_socket(world.address, origin=world.origin, cookie=world.cookie)
            person = await stack.enter_async_context(opening)
            await person.send({"type": "connection_init", "payload": {"organization": world.slug}})
            assert (await person.receive())["type"] == "connection_ack"
            return person

        async def of_machine(name: str) -> Socket:
            client = world.mine.client(name)
            assert isinstance(client, ApiClient)
            opening = open_socket(world.address, token=client.token)
            return await stack.enter_async_context(opening)

        ask = over_socket(world, of_person)
        asks = {**as_people(ask), "browser": ask}
        for name in ("agent", "run"):
            asks[name] = over_socket(world, partial(of_machine, name))
        yield asks


def ways(cell: Cell, asks: dict[str, Ask]) -> list[Ask]:
    """Return each way in which the callers of a cell ask, once."""
    return list(dict.fromkeys(asks[one] for one in cell.callers if one in asks))


async def tell_apart(world: World, cells: tuple[Cell, ...], asks: dict[str, Ask]) -> list[str]:
    """Return the cells in which another tenant's id is not as good as a random one."""
    found: list[str] = []
    for cell in cells:
        for ask in ways(cell, asks):
            foreign = await ask(cell, cell.own(world.theirs))
            if foreign != await ask(cell, unknown(cell)) or _has_succeeded(foreign):
                found.append(f"{cell.name} {cell.variant}: {foreign}")
    return found


async def fail(world: World, cells: tuple[Cell, ...], asks: dict[str, Ask]) -> list[str]:
    """Return the cells in which their own id is not answered."""
    return [
        f"{cell.name} {cell.variant}: {answer}"
        for cell in cells
        for ask in ways(cell, asks)
        if not _has_succeeded(answer := await ask(cell, cell.own(world.mine)))
    ]


async def test_over_http(world: World) -> None:
    asks = as_people(over_http(world))

    assert await tell_apart(world, QUERIES, asks) == []
    assert await fail(world, QUERIES, asks) == []


Named = tuple[str, Callable[[str], Request], tuple[str, str, str]]
"""What names something beside ids: another tenant's, a random one, one's own."""


def named(world: World) -> list[Named]:
    mine, theirs = world.mine, world.theirs
    lease, stolen = mine.own_run["lease"], theirs.own_run["lease"]["leaseToken"]
    block = {"workspaceId": mine.ids[Kind.WORKSPACE], "typeSlug": "login", "name": "third"}
    run = {"id": lease["runId"], "state": {"type": "RUNNING"}}
    slugs = (world.other_slug, "nobody", world.slug)
    random_block = shown(Kind.BLOCK_DOCUMENT, new_id())
    blocks = [one.ids[Kind.BLOCK_DOCUMENT] for one in (theirs, mine)]

    def refer(given: str) -> Request:
        given_data = {**block, "data": {"inner": {"$ref": given}}}
        return mutation("blockDocumentUpsert", "blockDocument { name }", given_data)

    def go_on(given: str) -> Request:
        given_state = {**run, "lease": {**lease, "leaseToken": given}}
        return mutation("flowRunSetState", "accepted", given_state, input_type="RunSetStateInput")

    return [
        ("organization(slug)", lambda slug: (BY_SLUG, {"slug": slug}), slugs),
        ("workspace(organization)", lambda slug: (BY_SLUGS, {"slug": slug}), slugs),
        ("blockDocumentUpsert(data)", refer, (blocks[0], random_block, blocks[1])),
        ("leaseToken", go_on, (stolen, str(uuid4()), lease["leaseToken"])),
    ]


async def test_what_names_others_beside_ids(world: World) -> None:
    """Slugs, and the ids and tokens that stand inside of JSON."""
    client = over(world)
    for name, build, tried in named(world):
        answers: list[str] = []
        for given in tried:
            document, variables = build(given)
            answer = await client.execute(document, **variables)
            answers.append(answer.body.decode().replace(given, "<given>"))

        assert answers[0] == answers[1], name
        assert [_has_succeeded(one) for one in answers] == [False, False, True], (name, answers)


async def test_over_sockets(world: World) -> None:
    async with sockets(world) as asks:
        assert await tell_apart(world, (*REQUESTED, *FOLLOWED), asks) == []
        assert await fail(world, (*QUERIES, *FOLLOWED), asks) == []


async def test_over_event_streams(world: World) -> None:
    asks = as_people(over_events(world))

    assert await tell_apart(world, FOLLOWED, asks) == []
    assert await fail(world, FOLLOWED, asks) == []


def _text(message: Json, id_: str) -> str:
    return json.dumps(message).replace(id_, "<id>")


def _has_succeeded(text: str) -> bool:
    """Whether an answer, message or event holds something."""
    answer = json.loads(text.partition("data: ")[2] if text.startswith("event:") else text)
    if "type" not in answer:
        return has_succeeded(answer)
    return answer["type"] == "next" and has_succeeded(answer["payload"])
