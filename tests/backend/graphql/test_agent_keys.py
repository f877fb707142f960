"""Keys of agents that are bound to a pool, and roles on one pool: they register agents of it."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from headgate_server.domain.agents import PROTOCOL_VERSION
from headgate_server.domain.ids import Kind, parse
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace, ObjectKind
from headgate_server.domain.tenancy import Actor
from headgate_server.services import roles
from tests.factories.members import make_member, make_member_token
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import PEPPER, Installation, shown

pytestmark = pytest.mark.anyio

CREATE = "mutation ($i: ApiKeyCreateInput!) { apiKeyCreate(input: $i) { errors { code } } }"

TURNS = 2
TURN = """mutation ($id: ID!, $overlap: Int!) {
  apiKeyRotate(input: {id: $id}, overlapSeconds: $overlap) { secret errors { message } } }"""
WHO = "{ viewer { scopes } }"
DELETE = "mutation ($id: ID!) { workPoolDelete(input: {id: $id}) { deletedId } }"
REGISTER = """mutation ($input: AgentRegisterInput!) { agentRegister(input: $input) {
  workPool { name } errors { code } } }"""


async def register(api: ApiClient, pool: str, *, workspace: str | None = None) -> Any:
    """Register an agent of a pool, and return the pool's name or the code of the refusal."""
    given = {
        "workspaceId": workspace,
        "poolName": pool,
        "name": "one",
        "instanceId": str(uuid4()),
        "capacity": 1,
        "sdkVersion": "1.0",
        "protocolVersions": [PROTOCOL_VERSION],
    }
    answer = (await api.execute(REGISTER, input=given)).data["agentRegister"]
    return answer["workPool"]["name"] if answer["workPool"] else answer["errors"][0]["code"]


async def session_token_of(api: ApiClient, *, instance_id: str) -> str:
    """Register an agent's process in the pool named mine, and return its session's token."""
    one = {"poolName": "mine", "name": "one", "instanceId": instance_id, "capacity": 1}
    spoken = {"sdkVersion": "1", "protocolVersions": [PROTOCOL_VERSION]}
    session = await mutate(api, "agentRegister", "sessionToken", **one, **spoken)
    return session["sessionToken"]


def user_of(actor: Actor) -> str:
    return shown(Kind.USER, actor.id or UUID(int=0))


async def make_pools(api: ApiClient, workspace_id: str) -> dict[str, str]:
    """Make two pools, and return their ids by name."""
    made: dict[str, str] = {}
    for name in ("mine", "other"):
        place = {"workspaceId": workspace_id, "name": name, "type": "process"}
        made[name] = (await mutate(api, "workPoolUpsert", "workPool { id }", **place))["workPool"][
            "id"
        ]
    return made


async def test_key_of_a_pool_outlives_the_membership_of_who_made_it(
    installation: Installation,
) -> None:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    pools = await make_pools(wide, shown(Kind.WORKSPACE, tenant.workspace_id))
    maker = await make_member(installation.database, tenant, (BuiltinRole.ADMIN, BindingPlace()))
    by_maker = installation.holding(
        await make_member_token(installation.database, tenant, maker, pepper=PEPPER)
    )
    made = await mutate(
        by_maker,
        "apiKeyCreate",
        "apiKey { id } secret",
        ownerId=user_of(maker.principal.actor),
        name="agents",
        scopes=["AGENTS_CONNECT"],
        workPoolId=pools["mine"],
    )
    agents = installation.holding(made["secret"])

    await mutate(wide, "memberRemove", "deletedId", id=shown(Kind.MEMBERSHIP, maker.id))

    assert (await by_maker.execute("{ viewer { scopes } }")).status == 401
    assert await register(agents, "mine") == "mine"


async def test_key_of_a_pool_registers_agents_of_that_one_only_until_it_is_revoked(
    installation: Installation,
) -> None:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    workspace = shown(Kind.WORKSPACE, tenant.workspace_id)
    pools = await make_pools(wide, workspace)
    given = {"ownerId": user_of(tenant.owner.actor), "name": "agents"}

    made = await mutate(
        wide,
        "apiKeyCreate",
        "apiKey { id isAgents scopes workPool { name } } secret",
        **given,
        scopes=["AGENTS_CONNECT"],
        workPoolId=pools["mine"],
    )
    wider = await wide.execute(
        CREATE,
        i={**given, "scopes": ["AGENTS_CONNECT", "RUNS_READ"], "workPoolId": pools["mine"]},
    )
    agents = installation.holding(made["secret"])

    assert made["apiKey"] | {"id": ""} == {
        "id": "",
        "isAgents": True,
        "scopes": ["AGENTS_CONNECT"],
        "workPool": {"name": "mine"},
    }
    assert wider.data["apiKeyCreate"]["errors"][0]["code"] == "INVALID"
    assert await register(agents, "mine") == "mine"
    assert await register(agents, "other") == "FORBIDDEN"
    can = "{ viewerCan(scopes: [MEMBERS_WRITE]) { allowed grantableBy { user { email } } } }"
    told = (await agents.execute(can)).data["viewerCan"]
    assert told == {"allowed": False, "grantableBy": []}
    maker = (await agents.execute("{ viewer { apiKeys { name } user { email } } }")).data["viewer"]
    assert maker == {"apiKeys": [], "user": {"email": None}}
    await mutate(wide, "apiKeyRevoke", "deletedId", id=made["apiKey"]["id"])
    assert (await agents.execute("{ viewer { scopes } }")).status == 401


@pytest.mark.parametrize("is_session", [False, True], ids=["key", "session"])
async def test_sockets_of_a_pool_s_keys_end_as_the_pool_is_deleted(
    installation: Installation,
    is_session: bool,  # noqa: FBT001
) -> None:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    pools = await make_pools(wide, shown(Kind.WORKSPACE, tenant.workspace_id))
    given = {"ownerId": user_of(tenant.owner.actor), "name": "a", "workPoolId": pools["mine"]}
    made = await mutate(wide, "apiKeyCreate", "secret", **given, scopes=["AGENTS_CONNECT"])
    agents = installation.holding(made["secret"])
    session_token = await session_token_of(agents, instance_id=str(uuid4()))
    token = session_token if is_session else made["secret"]

    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        await wide.execute(DELETE, id=pools["mine"])
        code = await asyncio.wait_for(socket.closed(), 5)

    assert code == 4403


async def test_socket_of_an_agent_ends_with_the_key_that_its_session_is_under_by_now(
    installation: Installation,
) -> None:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    pools = await make_pools(wide, shown(Kind.WORKSPACE, tenant.workspace_id))
    given = {"ownerId": user_of(tenant.owner.actor), "workPoolId": pools["mine"]}
    first, second = [
        await mutate(
            wide,
            "apiKeyCreate",
            "apiKey { id } secret",
            **given,
            name=name,
            scopes=["AGENTS_CONNECT"],
        )
        for name in ("a", "b")
    ]
    instance_id, other = str(uuid4()), installation.holding(second["secret"])
    token = await session_token_of(installation.holding(first["secret"]), instance_id=instance_id)
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        await session_token_of(other, instance_id=instance_id)
        await mutate(wide, "apiKeyRevoke", "deletedId", id=first["apiKey"]["id"])
        assert (await socket.run("{ viewer { actor { displayName } } }"))[0]["payload"]["data"]
        await mutate(wide, "apiKeyRevoke", "deletedId", id=second["apiKey"]["id"])
        code = await asyncio.wait_for(socket.closed(), 5)

    assert code == 4403


async def test_agent_role_on_a_pool_registers_agents_of_that_one_and_makes_its_keys(
    installation: Installation,
) -> None:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    workspace = shown(Kind.WORKSPACE, tenant.workspace_id)
    pools = await make_pools(wide, workspace)
    pool_id = parse(pools["mine"], kind=Kind.WORK_POOL)
    on_pool = BindingPlace(tenant.workspace_id, ObjectKind.WORK_POOL, pool_id)
    async with installation.database.tenant(tenant.owner, None) as work:
        keeper = await roles.upsert_role(
            work, granter=tenant.owner, name="Keeper", scopes=frozenset({Scope.KEYS_WRITE})
        )
    member = await make_member(
        installation.database,
        tenant,
        (BuiltinRole.AGENT, on_pool),
        (keeper, BindingPlace(tenant.workspace_id)),
    )
    token = await make_member_token(installation.database, tenant, member, pepper=PEPPER)
    machine = installation.holding(token)

    found = {
        name: (
            await machine.execute(
                CREATE,
                i={
                    "ownerId": user_of(member.principal.actor),
                    "name": "agents",
                    "scopes": ["AGENTS_CONNECT"],
                    "workPoolId": id_,
                },
            )
        ).data["apiKeyCreate"]["errors"]
        for name, id_ in pools.items()
    }

    assert found == {"mine": [], "other": [{"code": "FORBIDDEN"}]}
    assert await register(machine, "mine", workspace=workspace) == "mine"
    assert await register(machine, "other", workspace=workspace) == "FORBIDDEN"
    assert await register(machine, "unknown", workspace=workspace) == "FORBIDDEN"


def has(found: list[int], count: int) -> bool:
    return len(found) >= count


async def test_agents_poll_without_a_failure_while_their_key_is_turned(
    installation: Installation,
) -> None:
    """Each turn leaves the token before good; the one that was replaced earlier ends nothing."""
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    pools = await make_pools(wide, shown(Kind.WORKSPACE, tenant.workspace_id))
    made = await mutate(
        wide,
        "apiKeyCreate",
        "apiKey { id } secret",
        ownerId=user_of(tenant.owner.actor),
        name="agents",
        scopes=["AGENTS_CONNECT"],
        workPoolId=pools["mine"],
    )
    key, instance = made["apiKey"]["id"], str(uuid4())
    tokens = [made["secret"]]
    statuses: list[int] = []
    is_over = asyncio.Event()

    async def poll() -> None:
        while not is_over.is_set():
            session = await session_token_of(installation.holding(tokens[-1]), instance_id=instance)
            for _ in range(3):
                answer = await installation.holding(session).execute(WHO)
                statuses.append(answer.status)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(poll())
        for _ in range(TURNS):
            turned = await wide.execute(TURN, id=key, overlap=3600)
            tokens.append(turned.data["apiKeyRotate"]["secret"])
            wanted = len(statuses) + 3
            await eventually(partial(has, statuses, wanted), what="polls after the turn")
        is_over.set()
    shown_by = [(await installation.holding(one).execute(WHO)).status for one in tokens]

    assert set(statuses) == {200}
    assert shown_by == [401] * (TURNS - 1) + [200, 200]
