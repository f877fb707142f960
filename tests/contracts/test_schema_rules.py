"""Each rule of the GraphQL schema catches a planted violation."""

from tests.contracts.schema_rules import (
    breaking_changes,
    invalid_operations,
    root_fields_without_scope,
    undescribed,
)

SMALL = """
directive @scope(requires: [String!]!) on FIELD_DEFINITION
type Query {
  "The number of runs."
  runs("Only of this flow." flow: ID): Int @scope(requires: ["RUNS_READ"])
}
type Mutation {
  "Cancels a run."
  runCancel("Which one." input: RunCancelInput!): Int @scope(requires: [])
}
input RunCancelInput {
  "The run."
  id: ID!
}
"""


def test_small_schema_keeps_the_rules() -> None:
    assert root_fields_without_scope(SMALL) == []
    assert undescribed(SMALL) == []
    assert breaking_changes(released=SMALL, current=SMALL) == []


def test_undeclared_root_field_is_caught() -> None:
    bare = SMALL.replace(" @scope(requires: [])", "")

    assert root_fields_without_scope(bare) == ["Mutation.runCancel has no @scope"]


def test_missing_descriptions_are_caught() -> None:
    bare = SMALL.replace('"Only of this flow." ', "").replace('"The run."', "")

    assert undescribed(bare) == [
        "Query.runs(flow) has no description",
        "RunCancelInput.id has no description",
    ]


def test_breaking_changes_are_caught() -> None:
    removed = SMALL.replace('"Only of this flow." flow: ID', '"Only of this flow." name: ID')

    assert breaking_changes(released=SMALL, current=removed) == [
        "Argument Query.runs(flow:) was removed."
    ]


def test_additions_are_no_breaking_changes() -> None:
    grown = SMALL.replace("flow: ID)", 'flow: ID, "Only with this tag." tag: String)')

    assert breaking_changes(released=SMALL, current=grown) == []


def test_operations_that_fit_pass() -> None:
    documents = ["query A { ...Runs }", "fragment Runs on Query { runs(flow: 1) }"]

    assert invalid_operations(SMALL, documents=documents) == []


def test_operations_that_do_not_fit_are_caught() -> None:
    documents = ["query A { walks }", "query A { runs(flow: 1) }", "fragment F on Query { runs }"]

    assert invalid_operations(SMALL, documents=documents) == [
        "Cannot query field 'walks' on type 'Query'.",
        "There can be only one operation named 'A'.",
        "Fragment 'F' is never used.",
    ]
