"""The committed schema: equal to the code, by the house's rules, and enough for every client."""

from pathlib import Path

import pytest
from graphql import build_schema as build_core_schema
from graphql import concat_ast, parse, validate

from headgate_server.graphql.schema import build_schema
from tests.contracts.schema_rules import root_fields_without_scope, undescribed

ROOT = Path(__file__).parents[2]
SDL = (ROOT / "backend/schema.graphql").read_text()
OPERATIONS = sorted((ROOT / "client/headgate/api/operations").glob("*.graphql"))


def test_committed_schema_equals_the_code() -> None:
    assert build_schema().as_str() + "\n" == SDL, (
        "backend/schema.graphql is not the code's; write it anew with infra/dev/schema.sh"
    )


def test_every_root_field_declares_its_scopes() -> None:
    assert root_fields_without_scope(SDL) == []


def test_every_field_and_argument_is_described() -> None:
    assert undescribed(SDL) == []


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_documents_of_the_client_are_valid(path: Path) -> None:
    fragments = parse((path.parent / "fragments.graphql").read_text())
    document = concat_ast([parse(path.read_text()), fragments])
    if path.stem == "fragments":
        document = fragments

    errors = validate(build_core_schema(SDL), document)

    assert [error.message for error in errors if "is never used" not in error.message] == []
