"""Rights through the API: each place on its own, and a change of them at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import update

from headgate_server.domain import ids
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import BindingPlace, ObjectKind, builtin_role
from headgate_server.tables.flow_runs import flow_runs
from tests.backend.graphql.test_closing import ARCHIVE, DELETE, signed_in
from tests.factories.estates import Estate
from tests.factories.members import Held, Member, everywhere, make_member, make_member_token, within
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import PEPPER, Installation, shown

pytestmark = pytest.mark.anyio

REVOKED_WITHIN_SECONDS = 1.0
TRY_AGAIN = 1013
WORKSPACES = "{ viewer { organizations { nodes { workspaces { nodes { slug viewerScopes } } } } } }"
RUNS = "query ($id: ID!) { node(id: $id) { ... on Workspace { flowRuns { nodes { id } } } } }"
LEAVER = """{ viewer { user { id }
  organizations { nodes { members(first: 9) { nodes { id user { id } } } } } } }"""
CREATE = """mutation ($input: FlowRunCreateInput!) { flowRunCreate(input: $input) {
  flowRun { id } errors { __typename code ... on ForbiddenError { missingScopes } } } }"""
BIND = """mutation ($input: RoleBindInput!) {
  roleBind(input: $input) { membership { id } errors { code message } } }"""
CAN = """query ($scopes: [Scope!]!, $place: ID, $on: ID) {
  viewerCan(scopes: $scopes, workspaceId: $place, objectId: $on) {
    allowed missing grantableBy { user { displayName } } } }"""


@dataclass(frozen=True, slots=True)
class Person:
    member: Member
    api: ApiClient


async def person(installation: Installation, estate: Estate, *held: Held) -> Person:
    member = await make_member(installation.database, estate.tenant, *held)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    return Person(member, installation.holding(token))


async def second_workspace(estate: Estate) -> str:
    made = await mutate(
        estate.wide,
        "workspaceCreate",
        "workspace { id }",
        organizationId=estate.ids[ids.Kind.ORGANIZATION],
        slug="second",
        name="Second",
    )
    return made["workspace"]["id"]


async def create_run(api: ApiClient, estate: Estate, deployment_id: str) -> Json:
    given = {"workspaceId": estate.ids[ids.Kind.WORKSPACE], "deploymentId": deployment_id}
    return (await api.execute(CREATE, input=given)).data["flowRunCreate"]


async def workspaces_of(api: ApiClient) -> list[Json]:
    (organization,) = (await api.execute(WORKSPACES)).data["viewer"]["organizations"]["nodes"]
    found: list[Json] = organization["workspaces"]["nodes"]
    return found


async def test_member_enters_the_workspaces_of_their_roles_only(
    installation: Installation, estate: Estate
) -> None:
    other = await second_workspace(estate)
    one = await person(installation, estate, within(BuiltinRole.VIEWER, estate.tenant.workspace_id))
    nowhere = await person(installation, estate)

    seen = await workspaces_of(one.api)

    assert [one["slug"] for one in seen] == ["main"]
    assert "RUNS_READ" in seen[0]["viewerScopes"]
    assert (await one.api.execute(RUNS, id=other)).data["node"] is None
    assert await workspaces_of(nowhere.api) == []


NODES = """query ($run: ID!, $task: ID!, $artifact: ID!, $backfill: ID!) {
  run: node(id: $run) { ... on FlowRun { taskRuns { nodes { id } } } }
  task: node(id: $task) { ... on TaskRun {
    flowRun { id } logs(first: 1) { nodes { message } } artifacts(first: 1) { nodes { id } } } }
  artifact: node(id: $artifact) { id }
  backfill: node(id: $backfill) { ... on Backfill {
    items(first: 2) { nodes { status } } refusals { count } } } }"""


async def test_viewer_of_one_deployment_reads_its_runs_with_all_that_is_in_them_and_no_others(
    installation: Installation, estate: Estate
) -> None:
    workspace_id, shown_run = estate.tenant.workspace_id, estate.own_run["lease"]["runId"]
    known = ids.parse(estate.ids[ids.Kind.DEPLOYMENT], kind=ids.Kind.DEPLOYMENT)
    other = ids.parse(estate.unused[ids.Kind.DEPLOYMENT], kind=ids.Kind.DEPLOYMENT)
    async with installation.database.system(workspace_id=workspace_id) as work:
        own = flow_runs.c.id == ids.parse(shown_run, kind=ids.Kind.FLOW_RUN)
        await work.execute(update(flow_runs).where(own).values(deployment_id=known))
    viewers = [
        await person(
            installation,
            estate,
            (BuiltinRole.VIEWER, BindingPlace(workspace_id, ObjectKind.DEPLOYMENT, deployment_id)),
        )
        for deployment_id in (known, other)
    ]
    kinds = (ids.Kind.TASK_RUN, ids.Kind.ARTIFACT, ids.Kind.BACKFILL)
    given = dict(zip(("task", "artifact", "backfill"), map(estate.ids.get, kinds), strict=True))

    seen, hidden = [(await one.api.execute(NODES, run=shown_run, **given)) for one in viewers]

    assert seen.data["task"]["flowRun"] == {"id": shown_run}
    assert len(seen.data["task"]["logs"]["nodes"]) == 1
    assert seen.data["task"]["artifacts"] == {"nodes": []}
    assert given["task"] in [node["id"] for node in seen.data["run"]["taskRuns"]["nodes"]]
    assert seen.data["artifact"] == {"id": given["artifact"]}
    assert len(seen.data["backfill"]["items"]["nodes"]) == 2
    assert seen.data["backfill"]["refusals"] == [{"count": 1}]
    assert hidden.data == dict.fromkeys(("run", *given))


async def test_scopes_of_one_workspace_count_for_nothing_in_another(
    installation: Installation, estate: Estate
) -> None:
    other = await second_workspace(estate)
    one = await person(
        installation,
        estate,
        within(BuiltinRole.VIEWER, estate.tenant.workspace_id),
        within(BuiltinRole.ADMIN, ids.parse(other, kind=ids.Kind.WORKSPACE)),
    )

    refused = await create_run(one.api, estate, estate.ids[ids.Kind.DEPLOYMENT])

    assert refused["errors"] == [
        {"__typename": "ForbiddenError", "code": "FORBIDDEN", "missingScopes": ["RUNS_WRITE"]}
    ]
    assert refused["flowRun"] is None


async def test_operator_of_one_deployment_runs_that_one(
    installation: Installation, estate: Estate
) -> None:
    workspace_id = estate.tenant.workspace_id
    shown_id = estate.ids[ids.Kind.DEPLOYMENT]
    deployment_id = ids.parse(shown_id, kind=ids.Kind.DEPLOYMENT)
    place = BindingPlace(workspace_id, ObjectKind.DEPLOYMENT, deployment_id)
    one = await person(
        installation,
        estate,
        within(BuiltinRole.VIEWER, workspace_id),
        (BuiltinRole.OPERATOR, place),
    )

    own = await create_run(one.api, estate, shown_id)
    cancelled = await mutate(
        one.api, "flowRunCancel", "flowRun { state { type } }", id=own["flowRun"]["id"]
    )
    other = await create_run(one.api, estate, estate.unused[ids.Kind.DEPLOYMENT])

    assert own["errors"] == []
    assert cancelled["flowRun"]["state"]["type"] == "CANCELLED"
    assert [error["code"] for error in other["errors"]] == ["FORBIDDEN"]


async def can(api: ApiClient, scopes: Sequence[str], *, place: str | None = None) -> Json:
    answer = await api.execute(CAN, scopes=scopes, place=place, on=None)
    return answer.data["viewerCan"]


async def test_answer_says_what_is_missing_and_who_could_give_it(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, within(BuiltinRole.VIEWER, estate.tenant.workspace_id))
    here = estate.ids[ids.Kind.WORKSPACE]

    reads = await can(one.api, ["RUNS_READ"], place=here)
    writes = await can(one.api, ["RUNS_READ", "RUNS_WRITE"], place=here)
    reveals = await can(one.api, ["BLOCKS_REVEAL"], place=here)

    assert reads == {"allowed": True, "missing": [], "grantableBy": []}
    assert writes["missing"] == ["RUNS_WRITE"]
    assert writes["grantableBy"] == [{"user": {"displayName": "Olive"}}]
    assert reveals["missing"] == ["BLOCKS_REVEAL"]
    assert reveals["grantableBy"] == [{"user": {"displayName": "Olive"}}]


async def test_answer_names_nobody_who_could_open_an_archived_workspace_by_a_role(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, within(BuiltinRole.VIEWER, estate.tenant.workspace_id))
    here = estate.ids[ids.Kind.WORKSPACE]
    await estate.wide.execute(ARCHIVE, id=here, archived=True)
    asked = CAN.replace("allowed", "reason allowed")

    owner, viewer, reader = [
        (await api.execute(asked, scopes=[scope], place=here, on=None)).data["viewerCan"]
        for api, scope in (
            (estate.wide, "RUNS_WRITE"),
            (one.api, "RUNS_WRITE"),
            (one.api, "RUNS_READ"),
        )
    ]

    assert owner["reason"].startswith("This workspace is archived: it can be read")
    assert owner | {"reason": ""} == {
        "reason": "",
        "allowed": False,
        "missing": ["RUNS_WRITE"],
        "grantableBy": [],
    }
    assert viewer["reason"].startswith("This needs RUNS_WRITE")
    assert viewer["grantableBy"] == [{"user": {"displayName": "Olive"}}]
    assert reader == {"reason": None, "allowed": True, "missing": [], "grantableBy": []}


async def test_key_does_no_more_than_its_owner_from_the_next_call_on(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, everywhere(BuiltinRole.DEVELOPER))
    before = await create_run(one.api, estate, estate.ids[ids.Kind.DEPLOYMENT])

    await take_role(estate, one.member, BuiltinRole.DEVELOPER)
    after = await one.api.execute("{ viewer { scopes } }")

    assert before["errors"] == []
    assert after.data["viewer"]["scopes"] == ["ORG_READ"]


async def take_role(estate: Estate, member: Member, role: BuiltinRole) -> None:
    await mutate(
        estate.wide,
        "roleBind",
        "membership { bindings { role { name } } }",
        membershipId=shown(ids.Kind.MEMBERSHIP, member.id),
        roleId=shown(ids.Kind.ROLE, builtin_role(role).id),
        remove=True,
    )


async def refused_again(address: str, one: Person, tail: str, estate: Estate) -> Json:
    async with open_socket(address, token=one.api.token) as socket:
        await socket.subscribe(tail, id=estate.ids[ids.Kind.WORKSPACE])
        return await socket.receive()


async def test_stream_ends_within_a_second_of_the_loss_of_its_scope(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, everywhere(BuiltinRole.VIEWER))
    tail = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { caughtUp } }"
    async with (
        serve(installation.app) as address,
        open_socket(address, token=one.api.token) as socket,
    ):
        await socket.subscribe(tail, id=estate.ids[ids.Kind.WORKSPACE])
        first = await socket.receive()
        await take_role(estate, one.member, BuiltinRole.VIEWER)
        at = time.monotonic()
        code = await socket.closed()
        again = await refused_again(address, one, tail, estate)

    assert first["type"] == "next"
    assert code == TRY_AGAIN
    assert again["payload"][0]["extensions"]["code"] in {"FORBIDDEN", "NOT_FOUND"}
    assert time.monotonic() - at < REVOKED_WITHIN_SECONDS


async def test_who_leaves_is_signed_in_and_takes_their_keys_along(
    installation: Installation, estate: Estate
) -> None:
    browser = await signed_in(installation, estate, email="ada@example.com", is_operator=False)
    viewer = (await browser.ask(LEAVER)).json["data"]["viewer"]
    (membership,) = [
        member["id"]
        for member in viewer["organizations"]["nodes"][0]["members"]["nodes"]
        if member["user"] == viewer["user"]
    ]
    key = {"ownerId": viewer["user"]["id"], "name": "ci", "scopes": ["ORG_READ", "RUNS_READ"]}
    made = await mutate(browser, "apiKeyCreate", "secret", **key)
    api = installation.holding(made["secret"])
    leave = "mutation ($i: IdInput!) { memberRemove(input: $i) { errors { code } } }"

    by_key = await api.execute(leave, i={"id": membership})
    before = await api.execute("{ viewer { scopes } }")
    await mutate(browser, "memberRemove", "deletedId", id=membership)
    after = await api.execute("{ viewer { scopes } }")

    assert by_key.data["memberRemove"] == {"errors": [{"code": "FORBIDDEN"}]}
    assert (before.status, after.status) == (200, 401)


async def test_nobody_makes_or_turns_the_keys_of_another_person(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, everywhere(BuiltinRole.ADMIN))
    admin = await person(installation, estate, everywhere(BuiltinRole.ADMIN))
    me = (await one.api.execute("{ viewer { user { id } apiKey { id } } }")).data["viewer"]
    key = {"ownerId": me["user"]["id"], "name": "stolen", "scopes": ["RUNS_READ"]}
    make = "mutation ($i: ApiKeyCreateInput!) { apiKeyCreate(input: $i) { errors { code } } }"
    turn = "mutation ($i: IdInput!) { apiKeyRotate(input: $i) { secret errors { code } } }"

    made, turned = await asyncio.gather(
        admin.api.execute(make, i=key),
        admin.api.execute(turn, i={"id": me["apiKey"]["id"]}),
    )

    assert made.data["apiKeyCreate"]["errors"] == [{"code": "FORBIDDEN"}]
    assert turned.data["apiKeyRotate"] == {"secret": None, "errors": [{"code": "FORBIDDEN"}]}


async def test_old_token_works_until_the_overlap_is_over(
    installation: Installation, estate: Estate
) -> None:
    one = await person(installation, estate, everywhere(BuiltinRole.ADMIN))
    me = (await one.api.execute("{ viewer { apiKey { id } } }")).data["viewer"]["apiKey"]["id"]
    turn = """mutation ($i: IdInput!, $overlap: Int!) {
      apiKeyRotate(input: $i, overlapSeconds: $overlap) { secret errors { code } } }"""

    with_overlap = await one.api.execute(turn, i={"id": me}, overlap=3600)
    newer = installation.holding(with_overlap.data["apiKeyRotate"]["secret"])
    during = await one.api.execute("{ viewer { apiKey { id } } }")
    await newer.execute(turn, i={"id": me}, overlap=0)
    after = [(await api.execute("{ viewer { apiKey { id } } }")).status for api in (one.api, newer)]
    own = estate.ids[ids.Kind.API_KEY]
    refused = await estate.wide.execute(turn, i={"id": own}, overlap=700_000)

    assert during.data["viewer"]["apiKey"]["id"] == me
    assert after == [401, 401]
    assert refused.data["apiKeyRotate"]["errors"] == [{"code": "INVALID"}]


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_who_holds_a_role_in_a_closed_workspace_can_be_removed(
    installation: Installation,
    estate: Estate,
    is_deleted: bool,  # noqa: FBT001
) -> None:
    held = within(BuiltinRole.DEVELOPER, estate.tenant.workspace_id)
    one = await person(installation, estate, held)
    place = estate.ids[ids.Kind.WORKSPACE]
    await estate.wide.execute(ARCHIVE, id=place, archived=True)
    if is_deleted:
        await estate.wide.execute(DELETE, id=place)

    gone = await mutate(
        estate.wide, "memberRemove", "deletedId", id=shown(ids.Kind.MEMBERSHIP, one.member.id)
    )

    assert gone["deletedId"]


async def test_roles_in_an_archived_workspace_are_given_and_taken_by_who_could_if_it_were_open(
    installation: Installation, estate: Estate
) -> None:
    place = estate.ids[ids.Kind.WORKSPACE]
    one, viewer, admin = [
        await person(installation, estate, within(role, estate.tenant.workspace_id))
        for role in (BuiltinRole.DEVELOPER, BuiltinRole.VIEWER, BuiltinRole.ADMIN)
    ]
    await estate.wide.execute(ARCHIVE, id=place, archived=True)
    given = {
        "membershipId": shown(ids.Kind.MEMBERSHIP, one.member.id),
        "roleId": shown(ids.Kind.ROLE, builtin_role(BuiltinRole.DEVELOPER).id),
        "workspaceId": place,
    }

    refused = await viewer.api.execute(BIND, input={**given, "remove": True})
    taken = await mutate(admin.api, "roleBind", "membership { id }", **given, remove=True)
    left = await workspaces_of(one.api)
    again = await mutate(estate.wide, "roleBind", "membership { id }", **given)
    (seen,) = await workspaces_of(one.api)

    assert refused.data["roleBind"]["errors"][0]["code"] == "FORBIDDEN"
    assert taken["membership"] == again["membership"]
    assert left == []
    assert "RUNS_READ" in seen["viewerScopes"]
    assert "RUNS_WRITE" not in seen["viewerScopes"], "the workspace stays archived"
