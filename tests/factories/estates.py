"""Everything a tenant can own, made through the API: one of each kind, with its credentials."""

from dataclasses import dataclass
from uuid import uuid4

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.login_sessions import NOWHERE
from headgate_server.domain.support_grants import SupportRole
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import identities
from headgate_server.repositories import users as stored_users
from headgate_server.services import login_sessions, support_grants, users
from tests.factories.backfills import make_backfill
from tests.factories.background_tasks import make_ended_task, make_held_task
from tests.factories.begun_runs import begin, hear, pause, report_task
from tests.factories.concurrency_limits import make_held_limit
from tests.factories.daily_deployments import deploy_daily
from tests.factories.estate_blocks import make_blocks
from tests.factories.failures import make_failure_group
from tests.factories.feeds import publish_all
from tests.factories.members import make_member
from tests.factories.mutations import Json, mutate
from tests.factories.pages import make_rule_and_view
from tests.factories.people import BROWSER, PEPPER
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import COOKIE, PAGE, Browser
from tests.fixtures.installations import Installation, shown

JOB_TEMPLATE: Json = {
    "variables": {"type": "object", "properties": {"image": {"type": "string"}}},
    "job_configuration": {"image": "{{ image }}"},
}


@dataclass(slots=True)
class Estate:
    """One tenant's objects, by kind, and the clients that may use them."""

    tenant: Tenant
    wide: ApiClient
    bound: ApiClient
    agent: ApiClient
    run: ApiClient
    revealer: Browser
    browser: ApiClient
    ids: dict[ids.Kind, str]
    own_run: Json
    offer: Json
    ended_run: str
    paused_run: str
    hearing_run: str
    unused: dict[Kind, str]
    started_run: str
    held_task: Json
    ended_task: str

    def client(self, name: str) -> ApiClient | Browser:
        """Return one of the clients: wide, bound, agent, run, revealer or browser."""
        return getattr(self, name)


async def make_estate(installation: Installation) -> Estate:
    tenant = await installation.tenant()
    wide = await installation.client(tenant, is_bound=False)
    bound = await installation.client(tenant)
    found = {
        ids.Kind.ORGANIZATION: shown(ids.Kind.ORGANIZATION, tenant.organization_id),
        ids.Kind.WORKSPACE: shown(ids.Kind.WORKSPACE, tenant.workspace_id),
    }
    await _make_identities(wide, found)
    await _make_people(installation, tenant, wide, found)
    await _make_configuration(bound, found)
    own_run = await begin(bound, found)
    run = installation.holding(own_run["runToken"])
    await report_task(run, own_run, found)
    agent = await _register(installation, bound, found)
    ended_run = await _end(bound, found)
    paused_run = await pause(installation, bound, found)
    found[ids.Kind.BACKFILL] = await make_backfill(installation.database, bound, found)
    found |= await make_rule_and_view(bound, found)
    found[ids.Kind.FAILURE_GROUP] = await make_failure_group(installation.database, bound, found)
    offer = await _offer(installation, tenant, found)
    unused = await _make_unused(bound, found)
    unused[ids.Kind.WORKSPACE] = await _make_archived(wide, found)
    await publish_all(installation.database)
    await _ask_for_support(installation, tenant, found)
    revealer = await _make_revealer(installation, tenant, wide, found)
    browser = await _sign_in(installation, tenant, found)
    clients = (wide, bound, agent, run, revealer, browser)
    started = await _start(run, bound, found)
    runs = (own_run, offer, ended_run, paused_run, await hear(installation, bound, found))
    held_task = await make_held_task(installation, tenant, bound, found)
    tasks = (held_task, await make_ended_task(bound, found))
    return Estate(tenant, *clients, found, *runs, unused, started, *tasks)


async def _make_revealer(
    installation: Installation, tenant: Tenant, wide: ApiClient, found: dict[ids.Kind, str]
) -> Browser:
    """Sign in somebody who may see secrets, and return their browser."""
    member = await make_member(installation.database, tenant)
    place = {"organizationId": found[ids.Kind.ORGANIZATION]}
    scopes = ["BLOCKS_REVEAL", "BLOCKS_READ"]
    role = await mutate(wide, "roleUpsert", "role { id }", **place, name="Revealer", scopes=scopes)
    given = {"membershipId": shown(ids.Kind.MEMBERSHIP, member.id), "roleId": role["role"]["id"]}
    await mutate(wide, "roleBind", "membership { id }", **given)
    assert member.principal.actor.id is not None
    async with installation.database.system() as work:
        cookie = await login_sessions.begin(
            work, user_id=member.principal.actor.id, browser=BROWSER, pepper=PEPPER
        )
    return Browser(installation.app, cookie.text)


async def _ask_for_support(
    installation: Installation, tenant: Tenant, found: dict[ids.Kind, str]
) -> None:
    """Have an operator of the installation ask for access."""
    async with installation.database.system() as work:
        user = await users.create_user(work, display_name="Otto", email=None)
        grant = await support_grants.request_grant(
            work,
            operator=Actor(ActorKind.USER, user.id, user.display_name),
            organization_id=tenant.organization_id,
            role=SupportRole.VIEWER,
            reason="A run hangs.",
            hours=4,
        )
    found[ids.Kind.SUPPORT_GRANT] = shown(ids.Kind.SUPPORT_GRANT, grant.id)


async def _sign_in(
    installation: Installation, tenant: Tenant, found: dict[ids.Kind, str]
) -> ApiClient:
    """Sign the owner in twice: in the browser that is returned, and in one that may be ended."""
    user_id = tenant.owner.actor.id
    assert user_id is not None
    async with installation.database.system() as work:
        here, there = [
            await login_sessions.begin(work, user_id=user_id, browser=NOWHERE, pepper=PEPPER)
            for _ in range(2)
        ]
        issuer, subject = "https://issuer.example", str(user_id)
        await identities.insert_identity(work, issuer=issuer, subject=subject, user_id=user_id)
        await stored_users.set_password(work, id_=user_id, password_hash="of nothing")
        (linked,) = await identities.list_identities(work, user_id=user_id)
    found[ids.Kind.IDENTITY] = shown(ids.Kind.IDENTITY, linked.id)
    found[ids.Kind.LOGIN_SESSION] = shown(ids.Kind.LOGIN_SESSION, there.session_id)
    cookie = {"cookie": f"{COOKIE}={here.text}"}
    return ApiClient(installation.app, always={**PAGE, **cookie})


async def _make_unused(api: ApiClient, found: dict[ids.Kind, str]) -> dict[ids.Kind, str]:
    """Make what nothing needs, so that it may be deleted, and return the ids."""
    place = {"workspaceId": found[ids.Kind.WORKSPACE]}
    pool = await mutate(
        api, "workPoolUpsert", "workPool { id }", **place, name="unused", type="process"
    )
    queue = await mutate(
        api,
        "workQueueUpsert",
        "workQueue { id }",
        workPoolId=found[ids.Kind.WORK_POOL],
        name="unused",
    )
    flow = await mutate(api, "flowUpsert", "flow { id }", **place, name="unused")
    deployed = await mutate(
        api, "deploymentUpsert", "deployment { id }", **place, flowName="etl", name="unused"
    )
    variable = await mutate(api, "variableSet", "variable { id }", **place, name="unused", value=1)
    block = await mutate(
        api,
        "blockDocumentUpsert",
        "blockDocument { id }",
        **place,
        typeSlug="login",
        name="unused",
        data={},
    )
    return {
        ids.Kind.BLOCK_DOCUMENT: block["blockDocument"]["id"],
        ids.Kind.VARIABLE: variable["variable"]["id"],
        ids.Kind.WORK_POOL: pool["workPool"]["id"],
        ids.Kind.WORK_QUEUE: queue["workQueue"]["id"],
        ids.Kind.FLOW: flow["flow"]["id"],
        ids.Kind.DEPLOYMENT: deployed["deployment"]["id"],
    }


async def _make_archived(wide: ApiClient, found: dict[ids.Kind, str]) -> str:
    """Make a workspace that may be deleted, and return its id."""
    place = {"organizationId": found[ids.Kind.ORGANIZATION]}
    made = await mutate(
        wide, "workspaceCreate", "workspace { id }", **place, slug="unused", name="Unused"
    )
    workspace_id: str = made["workspace"]["id"]
    await mutate(
        wide, "workspaceArchive", "workspace { archivedAt }", id=workspace_id, archived=True
    )
    return workspace_id


async def _end(api: ApiClient, found: dict[ids.Kind, str]) -> str:
    """Create a run of the deployment, cancel it before it starts, and return its id."""
    made = await mutate(
        api,
        "flowRunCreate",
        "flowRun { id }",
        workspaceId=found[ids.Kind.WORKSPACE],
        deploymentId=found[ids.Kind.DEPLOYMENT],
    )
    run_id: str = made["flowRun"]["id"]
    await _cancel(api, run_id)
    return run_id


async def _cancel(api: ApiClient, run_id: str) -> None:
    """End a run that was not offered yet."""
    state = {"type": "CANCELLED"}
    await mutate(api, "flowRunSetState", "accepted", id=run_id, state=state, force=True)


async def _start(run: ApiClient, api: ApiClient, found: dict[ids.Kind, str]) -> str:
    """Have the run start one of the deployment, cancel it, and return its id.

    So nothing is due but what a test makes: the session has its one offer until then.
    """
    given = {"deploymentId": found[ids.Kind.DEPLOYMENT]}
    run_id: str = (await mutate(run, "flowRunStart", "run { id }", **given))["run"]["id"]
    await _cancel(api, run_id)
    return run_id


async def _make_identities(wide: ApiClient, found: dict[ids.Kind, str]) -> None:
    viewer = (await wide.execute("{ viewer { user { id } apiKey { id } } }")).data["viewer"]
    found[ids.Kind.USER] = viewer["user"]["id"]
    found[ids.Kind.API_KEY] = viewer["apiKey"]["id"]
    made = await mutate(
        wide,
        "serviceAccountCreate",
        "serviceAccount { id }",
        organizationId=found[ids.Kind.ORGANIZATION],
        name="Robot",
    )
    found[ids.Kind.SERVICE_ACCOUNT] = made["serviceAccount"]["id"]


async def _make_people(
    installation: Installation, tenant: Tenant, wide: ApiClient, found: dict[ids.Kind, str]
) -> None:
    member = await make_member(installation.database, tenant)
    found[ids.Kind.MEMBERSHIP] = shown(ids.Kind.MEMBERSHIP, member.id)
    place = {"organizationId": found[ids.Kind.ORGANIZATION]}
    team = await mutate(wide, "teamUpsert", "team { id }", **place, name="Night shift")
    found[ids.Kind.TEAM] = team["team"]["id"]
    invited = await mutate(
        wide, "memberInvite", "invitation { id }", **place, email="guest@example.com", roleIds=[]
    )
    found[ids.Kind.INVITATION] = invited["invitation"]["id"]
    scopes = ["RUNS_READ", "LOGS_READ"]
    role = await mutate(wide, "roleUpsert", "role { id }", **place, name="Reader", scopes=scopes)
    found[ids.Kind.ROLE] = role["role"]["id"]
    reading = (
        "query ($id: ID!) { node(id: $id) { ... on Organization { auditLog { nodes { id } } } } }"
    )
    log = (await wide.execute(reading, id=found[ids.Kind.ORGANIZATION])).data["node"]["auditLog"]
    found[ids.Kind.AUDIT_ENTRY] = log["nodes"][0]["id"]


async def _make_configuration(api: ApiClient, found: dict[ids.Kind, str]) -> None:
    workspace = found[ids.Kind.WORKSPACE]
    pool = await mutate(
        api,
        "workPoolUpsert",
        "workPool { id queues { id } }",
        workspaceId=workspace,
        name="pool",
        type="process",
        baseJobTemplate=JOB_TEMPLATE,
    )
    found[ids.Kind.WORK_POOL] = pool["workPool"]["id"]
    found[ids.Kind.WORK_QUEUE] = pool["workPool"]["queues"][0]["id"]
    await deploy_daily(api, found)
    variable = await mutate(
        api,
        "variableSet",
        "variable { id }",
        workspaceId=workspace,
        name="region",
        value="north",
        tags=["place"],
    )
    found[ids.Kind.VARIABLE] = variable["variable"]["id"]
    found |= await make_held_limit(api, workspace)
    await make_blocks(api, found)


async def _register(
    installation: Installation, api: ApiClient, found: dict[ids.Kind, str]
) -> ApiClient:
    session = await mutate(
        api,
        "agentRegister",
        "agent { id } sessionId sessionToken",
        poolName="pool",
        name="agent-1",
        instanceId=str(uuid4()),
        capacity=5,
        sdkVersion="1",
        protocolVersions=[1],
    )
    found[ids.Kind.AGENT] = session["agent"]["id"]
    found[ids.Kind.AGENT_SESSION] = session["sessionId"]
    return installation.holding(session["sessionToken"])


async def _offer(installation: Installation, tenant: Tenant, found: dict[ids.Kind, str]) -> Json:
    """Create a run of the deployment and offer it to the session, as the dispatcher does."""
    api = await installation.client(tenant)
    await mutate(
        api,
        "flowRunCreate",
        "flowRun { id }",
        workspaceId=found[ids.Kind.WORKSPACE],
        deploymentId=found[ids.Kind.DEPLOYMENT],
    )
    offer = await installation.offer(
        tenant,
        session_id=ids.parse(found[ids.Kind.AGENT_SESSION], kind=ids.Kind.AGENT_SESSION),
        work_pool_id=ids.parse(found[ids.Kind.WORK_POOL], kind=ids.Kind.WORK_POOL),
    )
    return {
        "runId": shown(ids.Kind.FLOW_RUN, offer.run_id),
        "epoch": offer.epoch,
        "leaseToken": str(offer.token),
    }
