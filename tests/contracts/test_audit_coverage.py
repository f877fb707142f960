"""Every mutation leaves an audit entry, or is one of those that have a reason not to."""

from itertools import chain

import pytest
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import func, select

from headgate_server.domain import ids
from headgate_server.domain.audit_entries import AuditEntry
from headgate_server.domain.pagination import PageRequest
from headgate_server.services.audit_entries import read
from headgate_server.tables.audit_entries import audit_entries
from tests.contracts.roles_matrix import SCHEMA
from tests.contracts.tenancy_agents import AGENTS
from tests.contracts.tenancy_artifacts import ARTIFACTS
from tests.contracts.tenancy_background import BACKGROUND
from tests.contracts.tenancy_blocks import BLOCKS
from tests.contracts.tenancy_caches import CACHES
from tests.contracts.tenancy_cells import Cell
from tests.contracts.tenancy_configuration import CONFIGURATION
from tests.contracts.tenancy_deployments import DEPLOYED
from tests.contracts.tenancy_members import MEMBERS
from tests.contracts.tenancy_pages import PROMISES, VIEWS
from tests.contracts.tenancy_runs import RUNS
from tests.factories.estates import Estate
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

UNAUDITED = {
    "flowRunCreate": "the run itself says who made it, and nobody can change that",
    "flowRunCreateBatch": "as flowRunCreate",
    "flowRunBegin": "as flowRunCreate",
    "flowRunStart": "as flowRunCreate: a run made it",
    "flowRunPause": "a run's own question under its lease: its states and pauses are kept with it",
    "runInputSend": "the input itself says who sent it, and nobody can change that",
    "taskRunSync": "a run's own report under its lease: its history is kept with the run",
    "logsAppend": "as taskRunSync",
    "artifactCreate": "as taskRunSync: what a run left, with the run that left it",
    "assetMaterialize": "as artifactCreate: what a run produced",
    "cacheRecordClaim": "a run's own protocol, under its lease",
    "cacheRecordWrite": "as cacheRecordClaim",
    "cacheRecordRelease": "as cacheRecordClaim",
    "backgroundTaskCreate": "the task itself says who queued it, and nobody can change that",
    "backgroundTaskStart": "a worker's protocol, under its lease",
    "backgroundTasksRenew": "as backgroundTaskStart",
    "backgroundTaskFinish": "as backgroundTaskStart",
    "backgroundTaskLogsAppend": "as backgroundTaskStart",
    "eventsEmit": "an event is history itself",
    "artifactUpdate": "as artifactCreate: how far something has come",
    "concurrencyAcquire": "as taskRunSync: slots that code takes for a moment",
    "concurrencyRelease": "as concurrencyAcquire; a person who takes them from it is written down",
    "runClaim": "an agent's protocol: attempts and states are kept with the run",
    "runDecline": "as runClaim",
    "runRelease": "as runClaim",
    "runRenew": "as runClaim",
    "agentRegister": "an agent comes: the event agent.connected",
    "agentHeartbeat": "an agent's protocol: changes nothing that anyone configured",
    "agentPoll": "as agentHeartbeat",
    "agentDrain": "an agent's own choice: the event agent.draining",
    "agentDeregister": "an agent leaves: the event agent.disconnected",
}
"""What machines report of runs is history already; the audit log is of what people decide."""
TRIED_APART = {
    "apiKeyRevokeAll",
    "loginSessionRevokeAll",
    "organizationCreate",
    "organizationDelete",
    "organizationQuotasUpdate",
    "organizationResume",
    "organizationSuspend",
    "supportGrantRequest",
    "supportGrantWithdraw",
}
"""Without an id, or not for the owner of an estate to ask: test_closing.py, test_identities.py,
test_login_sessions.py, test_quotas.py, test_support_grants.py and test_support_ends.py in
tests/backend/graphql do."""


def _mutations() -> set[str]:
    type_ = build_schema(SCHEMA.read_text()).type_map["Mutation"]
    assert isinstance(type_, GraphQLObjectType)
    return set(type_.fields)


def _changes() -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    kinds = (
        CONFIGURATION,
        DEPLOYED,
        BLOCKS,
        ARTIFACTS,
        CACHES,
        BACKGROUND,
        PROMISES,
        VIEWS,
        MEMBERS,
        RUNS,
        AGENTS,
    )
    for cell in chain.from_iterable(kinds):
        type_, _, field = cell.name.split("(")[0].partition(".")
        if type_ == "Mutation" and field not in UNAUDITED:
            found.setdefault(field, []).append(cell)
    return found


async def _count(installation: Installation) -> int:
    async with installation.database.system() as work:
        counted = await work.execute(select(func.count()).select_from(audit_entries))
        return counted.scalar_one()


async def _leaves_an_entry(installation: Installation, estate: Estate, cell: Cell) -> bool:
    document, variables = cell.build(estate, cell.own(estate))
    before = await _count(installation)
    await estate.client(cell.callers[-1]).execute(document, **variables)
    return await _count(installation) > before


def test_every_mutation_is_tried_or_has_a_reason() -> None:
    assert _mutations() == set(_changes()) | set(UNAUDITED) | TRIED_APART


@pytest.mark.parametrize("field", sorted(_changes()))
async def test_mutation_leaves_an_audit_entry(
    installation: Installation, estate: Estate, other_estate: Estate, field: str
) -> None:
    first, *others = _changes()[field]
    if await _leaves_an_entry(installation, estate, first):
        return
    for cell in others:
        if await _leaves_an_entry(installation, other_estate, cell):
            return
    pytest.fail(f"None of the requests of {field} left an entry.")


async def test_entry_says_who_did_it_and_from_where(
    installation: Installation, estate: Estate
) -> None:
    key = estate.ids[ids.Kind.API_KEY]

    document = (
        'mutation ($id: ID!) { organizationUpdate(input: {id: $id, name: "Renamed"}) '
        "{ errors { message } } }"
    )
    await estate.wide.execute(document, id=estate.ids[ids.Kind.ORGANIZATION])
    entry = await _latest(installation, estate)

    assert (entry.action, entry.target.name) == ("organization.updated", "Renamed")
    assert entry.actor.id == estate.tenant.owner.actor.id
    assert ids.show(ids.Kind.API_KEY, entry.origin.api_key_id or ids.new_id()) == key
    assert entry.origin.address
    assert entry.origin.request_id
    assert entry.diff is not None
    assert entry.diff["after"] == {"name": "Renamed"}


async def _latest(installation: Installation, estate: Estate) -> AuditEntry:
    async with installation.database.tenant(estate.tenant.owner, None) as work:
        page = await read.list_entries(
            work,
            organization_id=estate.tenant.organization_id,
            page=PageRequest(size=1),
        )
    return page.items[0]
