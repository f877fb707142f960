"""The GraphQL schema in the repository keeps the house rules; so do the clients' documents."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.schema_rules import (
    breaking_changes,
    invalid_operations,
    root_fields_without_scope,
    undescribed,
)
from tests.fixtures.repository import ROOT

SCHEMA = ROOT / "backend/schema.graphql"
RELEASED = ROOT / "tests/contracts/released_schema.graphql"
CLIENTS = (ROOT / "client/headgate/api/operations",)


def test_schema_file_equals_the_code() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "headgate_server", "schema"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout

    assert SCHEMA.read_text() == printed, "Run `make schema` and commit the result."


def test_every_root_field_declares_its_scopes() -> None:
    assert root_fields_without_scope(SCHEMA.read_text()) == []


def test_every_field_and_argument_is_described() -> None:
    assert undescribed(SCHEMA.read_text()) == []


def test_no_breaking_change_since_the_last_release() -> None:
    assert breaking_changes(released=RELEASED.read_text(), current=SCHEMA.read_text()) == []


@pytest.mark.parametrize("folder", CLIENTS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_documents_of_the_client_fit_the_schema(folder: Path) -> None:
    documents = [path.read_text() for path in sorted(folder.glob("*.graphql"))]

    assert documents
    assert invalid_operations(SCHEMA.read_text(), documents=documents) == []
