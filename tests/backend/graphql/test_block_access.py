"""Which blocks a run may read: what its deployment names, and what who began it may use."""

from typing import Any
from uuid import uuid4

import pytest

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import OWNER_SCOPES, BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace, ObjectKind
from tests.factories.blocks import begin, fill, refused, resolve
from tests.factories.estates import Estate
from tests.factories.members import Held, make_member, make_member_token
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import PEPPER, Installation, shown

pytestmark = pytest.mark.anyio

DEPLOYER = ("FLOWS_READ", "FLOWS_WRITE", "RUNS_READ", "RUNS_WRITE")
SHOWN = "query ($id: ID!) { node(id: $id) { ... on BlockDocument { version } } }"


async def holding(installation: Installation, estate: Estate, *held: Held) -> ApiClient:
    member = await make_member(installation.database, estate.tenant, *held)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    return installation.holding(token)


def on_block(estate: Estate, role: BuiltinRole, id_: str) -> Held:
    object_id = ids.parse(id_, kind=Kind.BLOCK_DOCUMENT)
    return role, BindingPlace(estate.tenant.workspace_id, ObjectKind.BLOCK_DOCUMENT, object_id)


async def claim(
    installation: Installation, estate: Estate, api: ApiClient | None = None, **deployed: Any
) -> tuple[Any, Json]:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    await mutate(
        api or estate.bound, "deploymentUpsert", "deployment { blocks }", **place, flowName="etl",
        name="daily", **deployed,
    )  # fmt: skip
    session = {"sessionId": estate.ids[Kind.AGENT_SESSION]}
    given = {**session, "lease": estate.offer}
    claimed = await mutate(estate.agent, "runClaim", "runToken job", **given)
    return installation.holding(claimed["runToken"]), estate.offer


async def test_key_without_the_right_begins_a_run_without_it(
    estate: Estate, installation: Installation
) -> None:
    scopes = OWNER_SCOPES - {Scope.BLOCKS_USE, Scope.VARIABLES_WRITE}
    run, lease = await begin(
        await installation.client(estate.tenant, scopes=scopes), estate, installation
    )

    reads = await refused(run, "blockResolve", lease=lease, references=["login/main"])
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    writes = await refused(run, "variableSet", **place, name="region", value="south")

    assert (reads["code"], writes["code"]) == ("FORBIDDEN", "FORBIDDEN")


async def test_run_of_who_may_only_execute_reads_nothing_of_others_and_tells_of_itself(
    estate: Estate, installation: Installation
) -> None:
    key = await installation.client(estate.tenant, scopes=[Scope.RUNS_EXECUTE])
    run, lease = await begin(key, estate, installation)
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    event = {
        "id": str(uuid4()),
        "occurred": "2026-03-01T00:00:00Z",
        "event": "a.happened",
        "resource": {"id": "somewhere"},
    }

    seen = await run.execute(
        "query ($id: ID!) { node(id: $id) { id } }", id=estate.ids[Kind.ARTIFACT]
    )
    emits = await refused(run, "eventsEmit", **place, events=[event])
    own = {"type": "markdown", "data": "Mine", "flowRunId": lease["runId"]}
    made = await mutate(run, "artifactCreate", "artifact { id }", **place, **own)

    assert seen.data == {"node": None}
    assert emits["code"] == "FORBIDDEN"
    assert made["artifact"]["id"]


async def test_right_on_one_block_reads_and_changes_that_one_and_lets_runs_read_it(
    estate: Estate, installation: Installation
) -> None:
    own = (await fill(estate, "own", {"password": "mine"}))["blockDocument"]["id"]
    api = await holding(installation, estate, on_block(estate, BuiltinRole.DEVELOPER, own))

    seen = (await api.execute(SHOWN, id=own)).data["node"]
    unseen = (await api.execute(SHOWN, id=estate.ids[Kind.BLOCK_DOCUMENT])).data["node"]
    changed = await fill(estate, "own", {"host": "h", "password": "********"}, api=api)
    given: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "data": {}}
    other = await refused(api, "blockDocumentUpsert", **given, name="main")
    new = await refused(api, "blockDocumentUpsert", **given, name="new")

    assert (seen["version"], unseen, changed["blockDocument"]["version"]) == (1, None, 2)
    assert (other["code"], new["code"]) == ("FORBIDDEN", "FORBIDDEN")


async def test_block_that_deployments_name_stays_so_that_none_takes_its_name(
    estate: Estate, installation: Installation
) -> None:
    own = (await fill(estate, "own", {"password": "mine"}))["blockDocument"]["id"]
    of_own = on_block(estate, BuiltinRole.DEVELOPER, own)
    deployer = await with_scopes(installation, estate, "Deployer", *DEPLOYER, held=of_own)
    given = {"workspaceId": estate.ids[Kind.WORKSPACE], "flowName": "etl", "name": "daily"}
    theirs = {**given, "entrypoint": "theirs.py:reads"}
    await mutate(deployer, "deploymentUpsert", "deployment { id }", **theirs, blocks=["login/own"])

    kept = await refused(estate.wide, "blockDocumentDelete", id=own)
    await mutate(estate.wide, "deploymentUpsert", "deployment { id }", **given, blocks=[])
    gone = await mutate(estate.wide, "blockDocumentDelete", "deletedId", id=own)
    await fill(estate, "own", {"password": "of-another"})
    again = await refused(deployer, "deploymentUpsert", **theirs, blocks=["login/own"])

    assert kept["code"] == "CONFLICT"
    assert kept["message"].startswith("1 deployments name login/own among what their runs may")
    assert (gone["deletedId"], again["code"]) == (own, "FORBIDDEN")


async def test_run_of_its_callers_own_process_reads_what_the_caller_may_use_now(
    estate: Estate, installation: Installation
) -> None:
    place = {"organizationId": estate.ids[Kind.ORGANIZATION]}
    made = await mutate(
        estate.wide, "roleUpsert", "role { id }", **place, name="Starter", scopes=["RUNS_EXECUTE"]
    )
    user = await mutate(
        estate.wide, "roleUpsert", "role { id }", **place, name="User", scopes=["BLOCKS_USE"]
    )
    member = await make_member(installation.database, estate.tenant)
    own = (await fill(estate, "own", {"password": "mine"}))["blockDocument"]["id"]
    bound = {
        "membershipId": shown(Kind.MEMBERSHIP, member.id),
        "workspaceId": estate.ids[Kind.WORKSPACE],
    }
    starts = {**bound, "roleId": made["role"]["id"]}
    uses = {**bound, "roleId": user["role"]["id"], "objectId": own}
    await mutate(estate.wide, "roleBind", "membership { id }", **starts)
    await mutate(estate.wide, "roleBind", "membership { id }", **uses)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    run, lease = await begin(installation.holding(token), estate, installation)

    allowed = await resolve(run, lease, "login/own")
    other = await refused(run, "blockResolve", lease=lease, references=["login/main"])
    await mutate(estate.wide, "roleBind", "membership { id }", **uses, remove=True)
    after = await refused(run, "blockResolve", lease=lease, references=["login/own"])

    assert allowed["login/own"]["data"] == {"password": "mine"}
    assert (other["code"], after["code"]) == ("NOT_FOUND", "NOT_FOUND")


@pytest.mark.parametrize(
    ("blocks", "may"),
    [
        (None, True),
        (["login/main"], True),
        (["login/*"], True),
        (["login/inner"], False),
        ([], False),
    ],
)
async def test_run_of_a_deployment_reads_the_blocks_that_it_names(
    estate: Estate,
    installation: Installation,
    blocks: list[str] | None,
    may: bool,  # noqa: FBT001
) -> None:
    run, lease = await claim(installation, estate, blocks=blocks)
    document = """mutation ($input: BlockResolveInput!) { blockResolve(input: $input) {
      blocks errors { code } } }"""

    given = {"lease": lease, "references": ["login/main"]}
    found = (await run.execute(document, input=given)).data["blockResolve"]

    assert (found["blocks"] is not None) == may
    assert [error["code"] for error in found["errors"]] == ([] if may else ["NOT_FOUND"])


async def with_scopes(
    installation: Installation, estate: Estate, name: str, *scopes: str, held: Held | None = None
) -> ApiClient:
    """Return a client of a member who holds these scopes everywhere, and no others but one role."""
    place = {"organizationId": estate.ids[Kind.ORGANIZATION]}
    role = await mutate(
        estate.wide, "roleUpsert", "role { id }", **place, name=name, scopes=list(scopes)
    )
    member = await make_member(installation.database, estate.tenant, *([held] if held else ()))
    given = {"membershipId": shown(Kind.MEMBERSHIP, member.id), "roleId": role["role"]["id"]}
    await mutate(estate.wide, "roleBind", "membership { id }", **given)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    return installation.holding(token)


@pytest.mark.parametrize("is_replaced", [True, False], ids=["code", "job variables"])
async def test_waiting_run_reads_no_block_that_is_named_for_what_others_have_it_do(
    estate: Estate,
    installation: Installation,
    is_replaced: bool,  # noqa: FBT001
) -> None:
    scopes = ["FLOWS_READ", "FLOWS_WRITE", "RUNS_READ", "RUNS_WRITE"]
    api = await with_scopes(installation, estate, "Deployer", *scopes)
    here: Json = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    place: Json = {**here, "flowName": "theirs", "name": "d"}
    code: Json = {"entrypoint": "theirs.py:steal", "workPoolName": "pool"}
    made = await mutate(api, "deploymentUpsert", "deployment { id }", **place, **code)
    own = {} if is_replaced else {"jobVariables": {"env": {"PYTHONPATH": "/theirs"}}}
    run = await mutate(
        api, "flowRunCreate", "flowRun { id }", **here, **own, deploymentId=made["deployment"]["id"]
    )
    new: Json = {"entrypoint": "reviewed.py:good"} if is_replaced else {}
    await mutate(
        estate.wide, "deploymentUpsert", "deployment { id }", **place, **new, blocks=["login/main"]
    )
    offer = await installation.offer(
        estate.tenant,
        session_id=ids.parse(estate.ids[Kind.AGENT_SESSION], kind=Kind.AGENT_SESSION),
        work_pool_id=ids.parse(estate.ids[Kind.WORK_POOL], kind=Kind.WORK_POOL),
    )
    lease = {"runId": run["flowRun"]["id"], "epoch": offer.epoch, "leaseToken": str(offer.token)}
    session = {"sessionId": estate.ids[Kind.AGENT_SESSION]}
    claimed = await mutate(estate.agent, "runClaim", "runToken job", **session, lease=lease)
    holder = installation.holding(claimed["runToken"])

    error = await refused(holder, "blockResolve", lease=lease, references=["login/main"])

    assert claimed["job"]["entrypoint"] == "theirs.py:steal"
    assert error["code"] == "NOT_FOUND"


async def test_code_of_who_may_deploy_and_no_more_reads_what_runs_do_and_no_blocks(
    estate: Estate, installation: Installation
) -> None:
    deployer = await with_scopes(installation, estate, "Deployer", "FLOWS_WRITE")
    given: Json = {"entrypoint": "mine.py:flow", "blocks": [], "starts": []}
    run, lease = await claim(installation, estate, deployer, **given)
    seen = """query ($id: ID!) {
      node(id: $id) { ... on Variable { value } ... on Artifact { type } } }"""

    variable, artifact = [
        [(await api.execute(seen, id=estate.ids[kind])).data["node"] for api in (deployer, run)]
        for kind in (Kind.VARIABLE, Kind.ARTIFACT)
    ]
    block = await refused(run, "blockResolve", lease=lease, references=["login/main"])

    assert variable == [None, {"value": "north"}]
    assert artifact == [None, {"type": "markdown"}]
    assert block["code"] == "NOT_FOUND"


async def test_who_only_starts_runs_does_not_choose_their_environment(
    estate: Estate, installation: Installation
) -> None:
    starter = await with_scopes(installation, estate, "Starter", "RUNS_WRITE", "RUNS_READ")
    here = {"workspaceId": estate.ids[Kind.WORKSPACE], "deploymentId": estate.ids[Kind.DEPLOYMENT]}
    asked = {**here, "jobVariables": {"env": {"HTTP_PROXY": "http://elsewhere"}}}

    one = await refused(starter, "flowRunCreate", **asked)
    many = await refused(
        starter, "flowRunCreateBatch", workspaceId=here["workspaceId"], runs=[asked]
    )
    plain = await mutate(starter, "flowRunCreate", "flowRun { id }", **here)
    owners = await mutate(estate.bound, "flowRunCreate", "flowRun { id }", **asked)

    assert (one["code"], many["code"]) == ("FORBIDDEN", "FORBIDDEN")
    assert "FLOWS_WRITE" in one["message"]
    assert plain["flowRun"]
    assert owners["flowRun"]


async def test_who_may_not_use_blocks_chooses_no_machine_and_no_environment_for_them(
    estate: Estate, installation: Installation
) -> None:
    api = await with_scopes(
        installation, estate, "Deployer", "FLOWS_WRITE", "RUNS_WRITE", "FLOWS_READ", "RUNS_READ"
    )
    here = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    await mutate(
        estate.bound, "workPoolUpsert", "workPool { id }", **here, name="other", type="process"
    )
    flow = {**here, "flowName": "etl"}
    mine = await mutate(api, "deploymentUpsert", "deployment { id }", **flow, name="mine")
    asked = {**here, "jobVariables": {"env": {"A": "b"}}}

    moved = await refused(api, "deploymentUpsert", **flow, name="daily", workPoolName="other")
    theirs = await refused(api, "flowRunCreate", **asked, deploymentId=estate.ids[Kind.DEPLOYMENT])
    placed = await mutate(
        api, "deploymentUpsert", "deployment { id }", **flow, name="mine", workPoolName="other"
    )
    own = await mutate(
        api, "flowRunCreate", "flowRun { id }", **asked, deploymentId=mine["deployment"]["id"]
    )

    assert (moved["code"], theirs["code"]) == ("FORBIDDEN", "FORBIDDEN")
    assert "BLOCKS_USE" in theirs["message"]
    assert placed["deployment"]
    assert own["flowRun"]


async def test_who_may_not_use_a_block_does_not_say_where_its_secrets_go(
    estate: Estate, installation: Installation
) -> None:
    await fill(estate, "own", {"host": "here", "password": "mine"})
    api = await with_scopes(installation, estate, "Filler", "BLOCKS_WRITE", "BLOCKS_READ")
    given: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "name": "own"}
    elsewhere = {"host": "elsewhere", "password": "********"}

    moved = await refused(api, "blockDocumentUpsert", **given, data=elsewhere)
    same = await fill(estate, "own", {"host": "here", "password": "********"}, api=api)
    anew = await fill(estate, "own", {"host": "elsewhere", "password": "theirs"}, api=api)

    assert moved["code"] == "FORBIDDEN"
    assert "BLOCKS_USE" in moved["message"]
    assert (same["blockDocument"]["version"], anew["blockDocument"]["version"]) == (1, 2)


async def test_who_may_not_use_a_block_does_not_change_what_is_a_part_of_it(
    estate: Estate, installation: Installation
) -> None:
    await fill(estate, "place", {"host": "here"})
    await fill(estate, "between", {"inner": {"$ref": "login/place"}})
    await fill(estate, "own", {"password": "mine", "inner": {"$ref": "login/between"}})
    await fill(estate, "apart", {"host": "here"})
    api = await with_scopes(installation, estate, "Filler", "BLOCKS_WRITE", "BLOCKS_READ")
    given: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login"}

    moved = await refused(
        api, "blockDocumentUpsert", **given, name="place", data={"host": "elsewhere"}
    )
    same = await fill(estate, "place", {"host": "here"}, api=api)
    apart = await fill(estate, "apart", {"host": "elsewhere"}, api=api)

    assert moved["code"] == "FORBIDDEN"
    assert "login/own" in moved["message"]
    assert (same["blockDocument"]["version"], apart["blockDocument"]["version"]) == (1, 2)


async def test_who_may_not_use_a_block_does_not_say_where_secrets_of_other_stores_go(
    estate: Estate, installation: Installation
) -> None:
    place = {"$secret": {"provider": "vault", "path": "team/db", "field": "password"}}
    other = {"$secret": {"provider": "vault", "path": "team/root", "field": "password"}}
    await fill(estate, "named", {"host": "here", "password": place})
    await fill(estate, "own", {"host": "here", "password": "mine"})
    api = await with_scopes(installation, estate, "Filler", "BLOCKS_WRITE", "BLOCKS_READ")
    given: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login"}
    asked = [
        ("named", {"host": "elsewhere", "password": place}),
        ("named", {"host": "here", "password": other}),
        ("own", {"host": "here", "password": place}),
        ("new", {"host": "elsewhere", "password": place}),
    ]

    errors = [
        await refused(api, "blockDocumentUpsert", **given, name=name, data=data)
        for name, data in asked
    ]
    same = await fill(estate, "named", {"host": "here", "password": place}, api=api)
    sealed = await fill(estate, "named", {"host": "elsewhere", "password": "theirs"}, api=api)

    assert {error["code"] for error in errors} == {"FORBIDDEN"}
    assert all("BLOCKS_USE" in error["message"] for error in errors)
    assert (same["blockDocument"]["version"], sealed["blockDocument"]["version"]) == (1, 2)


async def test_who_may_not_use_blocks_deploys_nothing_that_reads_them(
    estate: Estate, installation: Installation
) -> None:
    api = await with_scopes(installation, estate, "Deployer", *DEPLOYER)
    here = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    flow = {**here, "flowName": "etl"}

    made = await mutate(api, "deploymentUpsert", "deployment { blocks }", **flow, name="mine")
    for asked in (None, ["login/main"], ["login/*"]):
        error = await refused(api, "deploymentUpsert", **flow, name="mine", blocks=asked)
        assert error["code"] == "FORBIDDEN"
    code = await refused(api, "deploymentUpsert", **flow, name="daily", entrypoint="evil.py:x")
    template = {"size": "{{ blocks.login.main }}"}
    deployed = await refused(api, "deploymentUpsert", **flow, name="mine", parameters=template)
    started = await refused(
        api, "flowRunCreate", **here, deploymentId=estate.ids[Kind.DEPLOYMENT], parameters=template
    )
    paused = await mutate(
        api, "deploymentUpsert", "deployment { paused }", **flow, name="daily", paused=True
    )

    assert made["deployment"]["blocks"] == []
    assert {error["code"] for error in (code, deployed, started)} == {"FORBIDDEN"}
    assert paused["deployment"]["paused"]
