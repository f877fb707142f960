"""Secrets of AWS Secrets Manager, which moto plays."""

import sys
from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest

from headgate.blocks.external import SecretReference
from headgate.errors import MissingExtraError, SecretNotFoundError, SecretStoreUnavailableError
from tests.client.secret_references.naming import fail, find, said_while_finding
from tests.fixtures.network import free_port
from tests.fixtures.secret_stores import AWS, secrets_manager


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    """A client of a Secrets Manager on loopback, to which the environment leads."""
    with secrets_manager() as (url, client):
        allowed = {"HEADGATE_SECRET_PATHS": "aws-secrets-manager:*"}
        for name, value in {**AWS, **allowed, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        yield client


def test_secrets_are_read_by_name_arn_version_field_and_region(manager: Any) -> None:
    made = manager.create_secret(Name="db", SecretString="correct-horse-1")
    manager.put_secret_value(SecretId="db", SecretString="correct-horse-2")
    manager.create_secret(Name="json", SecretString='{"password": "correct-horse-3"}')
    manager.create_secret(Name="binary", SecretBinary=b"correct-horse-4")
    client = import_module("boto3").client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name="far", SecretString="correct-horse-5")

    found = find(
        SecretReference.aws("db"),
        SecretReference.aws(made["ARN"], version_id=made["VersionId"]),
        SecretReference.aws("db", version_stage="AWSPREVIOUS"),
        SecretReference.aws("json", field="password"),
        SecretReference.aws("binary"),
        SecretReference.aws("far", region="us-east-1"),
    )

    assert found == [f"correct-horse-{number}" for number in (2, 1, 1, 3, 4, 5)]


def test_what_cannot_be_had_says_which_and_why(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_secret(Name="db", SecretString="correct-horse-1")

    gone = fail(SecretReference.aws("gone"), SecretNotFoundError)
    far = fail(SecretReference.aws("db", region="us-east-1"), SecretNotFoundError)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    away = fail(SecretReference.aws("db"), SecretStoreUnavailableError)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    nobody = fail(SecretReference.aws("db"), SecretStoreUnavailableError)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    nowhere = fail(SecretReference.aws("db"), SecretStoreUnavailableError)

    assert ("no secret gone" in gone, "no secret db" in far) == (True, True)
    assert ("Could not connect" in away, "credentials" in nobody) == (True, True)
    assert "region" in nowhere


def test_no_library_logs_a_secret(manager: Any) -> None:
    manager.create_secret(Name="db", SecretString="correct-horse-1")

    assert "correct-horse" not in said_while_finding(SecretReference.aws("db"))


def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", "aws-secrets-manager:db")
    # What Python has where the extra was not installed.
    monkeypatch.setitem(sys.modules, "boto3", None)

    said = fail(SecretReference.aws("db"), MissingExtraError)

    assert 'pip install "headgate[aws]"' in said
