"""What a run token may do is what its table says, field by field, and nothing else."""

import re

import pytest
from graphql import GraphQLObjectType, build_schema

from tests.contracts.roles_matrix import SCHEMA
from tests.contracts.tenancy_cells import Cell
from tests.contracts.test_tenancy_matrix import REQUESTED, has_succeeded
from tests.factories.estates import Estate
from tests.fixtures.installations import Installation
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.anyio

DOCUMENT = ROOT / "infra/docs/operating/rights.md"
HEADING = "## What a run token may do"


def table() -> set[str]:
    """Return the fields that the document names in the first column of its table."""
    (_, _, rest) = DOCUMENT.read_text().partition(HEADING)
    section = rest.partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def root_fields() -> set[str]:
    schema = build_schema(SCHEMA.read_text())
    roots = [schema.type_map[name] for name in ("Query", "Mutation", "Subscription")]
    return {field for root in roots if isinstance(root, GraphQLObjectType) for field in root.fields}


def field_of(cell: Cell) -> str:
    return cell.name.partition("(")[0].partition(".")[2]


def test_table_names_fields_of_the_api() -> None:
    in_workspaces = {"variable", "variables"}

    assert len(table()) > 10
    assert table() - root_fields() == in_workspaces


async def test_nothing_else_is_done_with_a_run_token(
    installation: Installation, estate: Estate
) -> None:
    allowed = table()
    done: list[str] = []
    tried = 0
    for cell in REQUESTED:
        if field_of(cell) in allowed or cell.name.startswith("Viewer."):
            continue
        document, variables = cell.build(estate, cell.own(estate))
        answer = await estate.run.execute(document, **variables)
        tried += 1
        if has_succeeded(answer.json):
            done.append(f"{cell.name} {cell.variant}")

    assert tried > 80
    assert done == []
