"""Every document that the client sends is valid by the server's published schema."""

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from headgate.api.documents import document, nouns, operation_names
from tests.fixtures.repository import ROOT

SCHEMA = ROOT / "backend" / "schema.graphql"
OPERATIONS = [(noun, name) for noun in nouns() for name in operation_names(noun)]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """The server's committed schema."""
    assert SCHEMA.is_file(), f"{SCHEMA} is missing: `poe schema` writes it"
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("noun", "name"), OPERATIONS)
def test_the_server_understands_the_operation(schema: GraphQLSchema, noun: str, name: str) -> None:
    errors = validate(schema, parse(document(noun, name)))

    assert [error.message for error in errors] == []
