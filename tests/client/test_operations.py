"""Every document that the client sends is valid by the server's published schema."""

import importlib

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from headgate.api.documents import document, nouns, operation_names
from headgate_server.graphql.limits.rules import MAX_COST
from headgate_server.graphql.limits.walk import measure
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


@pytest.mark.parametrize(("noun", "name"), OPERATIONS)
def test_the_largest_page_of_the_operation_costs_no_more_than_a_request_may(
    schema: GraphQLSchema, noun: str, name: str
) -> None:
    longest = getattr(importlib.import_module(f"headgate.api.{noun}"), "LONGEST_PAGE", None)
    sizes = None if longest is None else {"first": longest}

    (found,) = measure(schema, parse(document(noun, name)), variables=sizes)

    assert found.cost <= MAX_COST
