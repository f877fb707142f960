"""What the built-in roles may do is written down, and is what the API does."""

from typing import Any, cast

import pytest

from headgate_server.domain.permissions import BuiltinRole
from tests.contracts.roles_matrix import ANYONE, MATRIX, SCHEMA, table
from tests.contracts.tenancy_cells import QUERIES, Cell
from tests.contracts.tenancy_configuration import CONFIGURATION
from tests.contracts.tenancy_deployments import DEPLOYED
from tests.contracts.tenancy_members import MEMBERS
from tests.contracts.tenancy_pages import PROMISES
from tests.contracts.tenancy_runs import RUNS
from tests.factories.estates import Estate, make_estate
from tests.factories.members import make_member, make_member_token, within
from tests.factories.mutations import Json
from tests.fixtures.installations import PEPPER, Installation

pytestmark = pytest.mark.anyio

CELLS = (*CONFIGURATION, *DEPLOYED, *PROMISES, *MEMBERS, *RUNS, *QUERIES)
OF_A_RUN = {
    "Mutation.logsAppend",
    "Mutation.taskRunSync",
    "Mutation.runRenew",
    "Mutation.flowRunStart",
    "Query.flowRunStarted",
}
"""They need a lease or a run's own token beside the scope, which no role gives."""
OF_THE_UNUSED = {"Mutation.workspaceArchive", "Mutation.workspaceDelete"}
"""They are tried on another workspace, which who holds a role in one does not even see."""
OF_A_PLACE = {"Workspace.backgroundTask"}
"""It is asked of the workspace, which who may read nothing there does not even see."""
APART = OF_A_RUN | OF_THE_UNUSED | OF_A_PLACE


def test_matrix_is_written_down() -> None:
    expected = table(SCHEMA.read_text())

    assert MATRIX.read_text() == expected, "Read the change, then write it by the command."


def _field(cell: Cell) -> str:
    return cell.name.split("(")[0]


def _needs_organization(cell: Cell) -> bool:
    return cell.callers == ("wide",)


@pytest.fixture
async def estate(installation: Installation) -> Estate:
    return await make_estate(installation)


@pytest.mark.parametrize("role", list(BuiltinRole))
async def test_role_in_a_workspace_does_there_what_the_matrix_says_and_nothing_else(
    installation: Installation, estate: Estate, role: BuiltinRole
) -> None:
    held = within(role, estate.tenant.workspace_id)
    member = await make_member(installation.database, estate.tenant, held)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    api = installation.holding(token)
    lines = {line.split()[0]: line for line in MATRIX.read_text().splitlines()}
    denied: set[str] = set()
    allowed: set[str] = set()

    for field, cell in {_field(cell): cell for cell in CELLS}.items():
        if field not in lines or field in APART or ANYONE in lines[field]:
            continue
        document, variables = cell.build(estate, cell.own(estate))
        answer = await api.execute(document, **variables)
        (denied if is_denied(answer.json) else allowed).add(field)

    expected = {
        field
        for field, cell in {_field(cell): cell for cell in CELLS}.items()
        if field in lines
        and field not in APART
        and ANYONE not in lines[field]
        and (role.value not in lines[field].split() or _needs_organization(cell))
    }
    assert denied == expected
    assert allowed | denied >= {"Mutation.flowRunCreate", "Mutation.deploymentUpsert"}


def is_denied(answer: Json) -> bool:
    """Whether an answer says that a scope is missing, or shows nothing of a nullable field."""
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    data: dict[str, Any] = answer.get("data") or {}
    for value in data.values():
        if value is None:
            codes.append("FORBIDDEN")
        elif isinstance(value, dict):
            payload = cast("Json", value)
            codes += [error["code"] for error in payload.get("errors", ())]
    return "FORBIDDEN" in codes
