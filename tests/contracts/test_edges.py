"""What an edge of the graph shows to whom: every edge is walked, and a new one by itself.

Whoever may read an object sees of the objects it leads to what they may read by themselves: no
others, and of one that is always there only what it is called. What is part of an object is shown
with it.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import READ_SCOPES, RUN_SCOPES, BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace, ObjectKind
from headgate_server.domain.sla_rules import Breach
from headgate_server.repositories import sla_rules
from tests.contracts.edges import (
    KINDS,
    NODE_KINDS,
    SCOPES,
    Edge,
    all_edges,
    edges_of,
    leaves_and_lists,
    unasked,
)
from tests.factories.estates import Estate
from tests.factories.members import Held, make_member, make_member_token, within
from tests.factories.mutations import Json
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import PEPPER, Installation

pytestmark = pytest.mark.anyio

WHAT = "__typename ... on Node { id }"
BY_ID = "query ($id: ID!) { node(id: $id) { ... on %s { %s } } }"
BY_SLUG = """query ($organization: String!, $slug: String!) {
  workspace(organization: $organization, slug: $slug) { %s } }"""
SLUGS = "query ($id: ID!) { node(id: $id) { ... on Workspace { slug organization { slug } } } }"
REFUSED_BEFORE = {"BAD_REQUEST", "LIMIT_EXCEEDED", "RATE_LIMITED", "INTERNAL"}
PARTS = {
    "Agent.queues",
    "BlockDocument.schema",
    "BlockDocument.type",
    "Deployment.backfills",
    "Deployment.currentVersion",
    "Deployment.runs",
    "Deployment.schedules",
    "Deployment.versions",
    "FlowRun.deploymentVersion",
    "WorkPool.agents",
    "WorkPool.allQueues",
    "WorkPool.queues",
}
"""What is shown with the one object that somebody may read: it consists of that."""
ALONE = {
    Kind.BLOCK_DOCUMENT: ObjectKind.BLOCK_DOCUMENT,
    Kind.DEPLOYMENT: ObjectKind.DEPLOYMENT,
    Kind.WORK_POOL: ObjectKind.WORK_POOL,
}
Ask = Callable[[Edge, str], Awaitable[list[Json]]]


def starts(estate: Estate, edge: Edge) -> list[str]:
    """Return the objects of an estate that an edge begins at."""
    kind = KINDS[edge.start]
    found = [estate.ids[kind], *([estate.unused[kind]] if kind in estate.unused else [])]
    if kind is Kind.FLOW_RUN:
        runs = (estate.ended_run, estate.paused_run, estate.hearing_run, estate.started_run)
        found += [estate.offer["runId"], *runs]
    return found


async def see(api: ApiClient, estate: Estate, edge: Edge, selection: str = WHAT) -> list[Json]:
    """Return what somebody sees at the end of an edge, from all objects it begins at."""
    found: list[Json] = []
    for id_ in starts(estate, edge):
        found += await see_from(api, edge, id_, selection)
    return found


async def see_from(api: ApiClient, edge: Edge, id_: str, selection: str = WHAT) -> list[Json]:
    """Return what somebody sees at the end of an edge that begins at one object."""
    document = BY_ID % (edge.start, edge.ask(selection))
    answer = (await api.execute(document, id=id_)).json
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert not codes & REFUSED_BEFORE, (edge.name, answer)
    return edge.ends(data_of(answer).get("node"))


def data_of(answer: Json) -> Json:
    """Return the data of an answer, which has errors where something was refused."""
    return answer.get("data") or {}


def needed(found: Iterable[Json]) -> set[Scope]:
    """Return what the objects that somebody sees need to be read."""
    return set(map(_scope, found))


def _scope(shown: Json) -> Scope:
    return SCOPES[shown["__typename"]]


async def leaks(ask: Ask, edge: Edge, found: list[Json]) -> list[str]:
    """Say what an edge shows to who may not read what it leads to."""
    if not edge.is_single:
        return [f"{edge.name} shows {one['__typename']} {one.get('id')}" for one in found]
    shown: list[str] = []
    for type_ in {one["__typename"] for one in found}:
        for selection in leaves_and_lists(type_):
            name = selection.partition(" ")[0]
            answers = await ask(edge, f"... on {type_} {{ {selection} }}")
            if any(one.get(name) is not None for one in answers):
                shown.append(f"{edge.name} shows {type_}.{name}")
    return shown


class Keys:
    """Keys of an estate's owner, one for each set of scopes."""

    def __init__(self, installation: Installation, estate: Estate) -> None:
        self._installation = installation
        self._estate = estate
        self._known: dict[tuple[frozenset[Scope], bool], ApiClient] = {}

    async def client(self, scopes: frozenset[Scope], *, start: str) -> ApiClient:
        is_bound = not NODE_KINDS[KINDS[start]].is_of_organization or start == "Workspace"
        key = (scopes, is_bound)
        if key not in self._known:
            self._known[key] = await self._installation.client(
                self._estate.tenant, scopes=scopes, is_bound=is_bound
            )
        return self._known[key]


def test_every_edge_is_walked() -> None:
    assert unasked() == set()
    assert len(all_edges()) > 100


async def test_edge_shows_nothing_that_needs_a_scope_beyond_what_its_object_needs(
    installation: Installation, estate: Estate, other_estate: Estate
) -> None:
    shown, untried, tried = list[str](), list[str](), 0

    for place in (estate, other_estate):
        await break_rule(installation, place)
        keys = Keys(installation, place)
        for edge in all_edges():
            owners = await see(place.wide, place, edge)
            if not owners and not edge.possible <= edge.needs | edge.declared:
                untried.append(edge.name)
            if needed(owners) <= edge.needs:
                continue
            key = await keys.client(edge.needs, start=edge.start)
            shown += await exceeding(key, place, edge)
            tried += 1

    assert shown == []
    assert untried == [], "nothing lies behind them here, and they do not declare what they need"
    assert tried > 80


async def break_rule(installation: Installation, estate: Estate) -> None:
    """Have the SLA rule of an estate be broken."""
    rule_id = ids.parse(estate.ids[Kind.SLA_RULE], kind=Kind.SLA_RULE)
    run_id = ids.parse(estate.ended_run, kind=Kind.FLOW_RUN)
    async with installation.database.tenant(
        estate.tenant.owner, estate.tenant.workspace_id
    ) as work:
        breach = Breach(rule_id, "of a test", run_id, work.now, work.now)
        await sla_rules.insert_violations(work, [breach], are_over=False)


async def exceeding(api: ApiClient, estate: Estate, edge: Edge) -> list[str]:
    """Say what an edge shows beyond what its object needs."""

    async def ask(edge: Edge, selection: str) -> list[Json]:
        return await see(api, estate, edge, selection)

    found = await ask(edge, WHAT)
    return await leaks(ask, edge, [one for one in found if _scope(one) not in edge.needs])


async def test_runs_token_sees_over_no_edge_what_it_may_not_read(
    installation: Installation, estate: Estate
) -> None:
    shown, tried = list[str](), 0
    place = (await estate.wide.execute(SLUGS, id=estate.ids[Kind.WORKSPACE])).data["node"]
    given = {"organization": place["organization"]["slug"], "slug": place["slug"]}

    async def ask(edge: Edge, selection: str) -> list[Json]:
        if edge.start != "Workspace":
            return await see(estate.run, estate, edge, selection)
        answer = (await estate.run.execute(BY_SLUG % edge.ask(selection), **given)).json
        return edge.ends(data_of(answer).get("workspace"))

    for edge in all_edges():
        found = await ask(edge, WHAT)
        hidden = [one for one in found if _scope(one) not in RUN_SCOPES]
        shown += await leaks(ask, edge, hidden)
        tried += len(found)

    assert shown == []
    assert tried > 5


async def person(installation: Installation, estate: Estate, *held: Held) -> ApiClient:
    member = await make_member(installation.database, estate.tenant, *held)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    return installation.holding(token)


def on(estate: Estate, kind: Kind, shown_id: str) -> Held:
    """Return the role of a viewer of one object alone."""
    id_ = ids.parse(shown_id, kind=kind)
    return BuiltinRole.VIEWER, BindingPlace(estate.tenant.workspace_id, ALONE[kind], id_)


def ways_of(start: str) -> list[tuple[Edge, bool]]:
    """Return the edges of an object and of its parts; whether each leads to a part of it."""
    found: list[tuple[Edge, bool]] = []
    for edge in edges_of(start):
        is_part = edge.fields[0] in PARTS
        found.append((edge, is_part))
        if is_part:
            (part,) = [name for name in SCOPES if f'"{name}"' in _spelt(edge)]
            found += [
                (edge.then(further), further.fields[0] in PARTS) for further in edges_of(part)
            ]
    return found


def _spelt(edge: Edge) -> str:
    return f'"{str(edge.type_).strip("[]!").removesuffix("Connection")}"'


@pytest.mark.parametrize("kind", list(ALONE))
async def test_viewer_of_one_object_sees_that_and_its_parts_alone(
    installation: Installation, estate: Estate, kind: Kind
) -> None:
    (start,) = [name for name, known in KINDS.items() if known is kind]
    id_ = estate.ids[kind]
    api = await person(installation, estate, on(estate, kind, id_))
    shown, missing = list[str](), list[str]()

    async def ask(edge: Edge, selection: str) -> list[Json]:
        return await see_from(api, edge, id_, selection)

    for edge, is_part in ways_of(start):
        found = await ask(edge, WHAT)
        if is_part:
            missing += [] if found and await _is_whole(ask, edge, found) else [edge.name]
            continue
        others = [one for one in found if one.get("id") != id_]
        shown += await leaks(ask, edge, others)

    assert (shown, missing) == ([], [])


async def _is_whole(ask: Ask, edge: Edge, found: list[Json]) -> bool:
    """Return whether parts are shown, and not only named."""
    of = found[0]["__typename"]
    answers = [await ask(edge, f"... on {of} {{ {one} }}") for one in leaves_and_lists(of)]
    return any(one for answer in answers for one in answer)


async def test_two_roles_on_single_objects_add_up(
    installation: Installation, estate: Estate
) -> None:
    deployment, pool = estate.ids[Kind.DEPLOYMENT], estate.ids[Kind.WORK_POOL]
    held = (on(estate, Kind.DEPLOYMENT, deployment), on(estate, Kind.WORK_POOL, pool))
    document = """query ($id: ID!) { node(id: $id) { ... on Deployment {
      workPool { id baseJobTemplate queues { id } } workQueue { id priority } } } }"""

    one = await (await person(installation, estate, held[0])).execute(document, id=deployment)
    both = await (await person(installation, estate, *held)).execute(document, id=deployment)

    assert one.data["node"] == {"workPool": None, "workQueue": None}
    assert both.data["node"]["workPool"]["id"] == pool
    assert both.data["node"]["workQueue"]["id"] == estate.ids[Kind.WORK_QUEUE]


@pytest.mark.parametrize("role", [BuiltinRole.VIEWER, BuiltinRole.OPERATOR])
async def test_who_reads_the_workspace_sees_all_that_edges_of_it_lead_to(
    installation: Installation, estate: Estate, role: BuiltinRole
) -> None:
    api = await person(installation, estate, within(role, estate.tenant.workspace_id))
    of_workspaces = [
        edge for edge in all_edges() if not NODE_KINDS[KINDS[edge.start]].is_of_organization
    ]

    async def seen(client: ApiClient) -> dict[str, list[Any]]:
        found = {edge.name: await see(client, estate, edge) for edge in of_workspaces}
        return {
            name: [one for one in ends if _scope(one) in READ_SCOPES]
            for name, ends in found.items()
        }

    theirs, owners = await seen(api), await seen(estate.wide)

    assert theirs == owners
    assert sum(map(len, owners.values())) > 50


async def test_name_of_an_object_is_shown_where_it_may_not_be_read(
    installation: Installation, estate: Estate
) -> None:
    api = await installation.client(estate.tenant, scopes=[Scope.RUNS_READ])
    document = "query ($id: ID!) { flowRun(id: $id) { flow { id name %s } deployment { id } } }"
    id_ = estate.ended_run

    named = (await api.execute(document % "", id=id_)).data["flowRun"]
    refused = await api.execute(document % "version", id=id_)

    assert named == {"flow": {"id": estate.ids[Kind.FLOW], "name": "etl"}, "deployment": None}
    assert refused.code == "FORBIDDEN"
    assert refused.error["extensions"]["missingScopes"] == ["FLOWS_READ"]


async def test_block_shows_who_refers_to_it_to_who_may_read_that(
    installation: Installation, estate: Estate
) -> None:
    referring = estate.ids[Kind.BLOCK_DOCUMENT]
    reading = """query ($id: ID!) { node(id: $id) { ... on Workspace {
      blockDocument(reference: "login/inner") { id } } } }"""
    found = (await estate.wide.execute(reading, id=estate.ids[Kind.WORKSPACE])).data["node"]
    inner = found["blockDocument"]["id"]
    held = on(estate, Kind.BLOCK_DOCUMENT, inner), on(estate, Kind.BLOCK_DOCUMENT, referring)
    document = """query ($id: ID!) { node(id: $id) { ... on BlockDocument {
      referredBy { id data secrets { fingerprint } } } } }"""

    one = await (await person(installation, estate, held[0])).execute(document, id=inner)
    both = await (await person(installation, estate, *held)).execute(document, id=inner)

    assert one.data["node"] == {"referredBy": []}
    assert [shown["id"] for shown in both.data["node"]["referredBy"]] == [referring]
