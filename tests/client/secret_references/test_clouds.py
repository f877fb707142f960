"""Secrets of Google Cloud and of Azure, which their own clients read from stand-ins."""

import base64
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from headgate.blocks.external import SecretReference
from headgate.errors import (
    InvalidSecretReferenceError,
    MissingExtraError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from tests.client.secret_references.naming import fail, find, said_while_finding
from tests.fixtures.clouds import (
    AZURE,
    AZURE_IDENTITY,
    GOOGLE,
    GOOGLE_TOKENS,
    REGIONAL,
    TOKEN,
    Clouds,
    clouds,
)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Clouds]:
    """Both clouds, in each of which this process has an identity."""
    allowed = "gcp-secret-manager:*,azure-key-vault:*"
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", allowed)
    with clouds(tmp_path, monkeypatch) as server:
        yield server


def test_google_s_secrets_are_read_by_project_version_location_and_field(both: Clouds) -> None:
    both.secrets = {
        (GOOGLE, "/v1/projects/acme/secrets/db/versions/latest:access"): "correct-horse-1",
        (GOOGLE, "/v1/projects/other/secrets/db/versions/3:access"): '{"k": "correct-horse-2"}',
        (
            REGIONAL,
            "/v1/projects/acme/locations/europe-west3/secrets/db/versions/latest:access",
        ): "correct-horse-3",
    }

    found = find(
        SecretReference.gcp("db"),
        SecretReference.gcp("db", project="other", version="3", field="k"),
        SecretReference.gcp("db", location="europe-west3"),
    )

    assert found == ["correct-horse-1", "correct-horse-2", "correct-horse-3"]


def test_what_google_does_not_give_says_which_and_why(both: Clouds) -> None:
    path = "/v1/projects/acme/secrets/{}/versions/latest:access"
    both.secrets = {
        (GOOGLE, path.format(name)): status
        for name, status in {"theirs": 403, "off": 400, "ill": 500}.items()
    }

    gone = fail(SecretReference.gcp("gone"), SecretNotFoundError)
    off = fail(SecretReference.gcp("off"), SecretNotFoundError)
    theirs = fail(SecretReference.gcp("theirs"), SecretRefusedError)
    ill = fail(SecretReference.gcp("ill"), SecretStoreUnavailableError)

    assert ("no secret acme/gone" in gone, "disabled" in off) == (True, True)
    assert ("secretAccessor" in theirs, "status 500" in ill) == (True, True)


def test_each_cloud_is_signed_in_to_once(both: Clouds) -> None:
    path = "/v1/projects/acme/secrets/db/versions/latest:access"
    both.secrets = {(GOOGLE, path): "correct-horse-1", (AZURE, "/secrets/db/"): "correct-horse-2"}
    google, azure = SecretReference.gcp("db"), SecretReference.azure("team", "db")

    assert find(google, google, azure) == ["correct-horse-1"] * 2 + ["correct-horse-2"]
    assert find(azure, google) == ["correct-horse-2", "correct-horse-1"]

    hosts = [host for host, _ in both.seen]
    assert (hosts.count(GOOGLE), hosts.count(GOOGLE_TOKENS)) == (3, 1)
    assert hosts.count(AZURE_IDENTITY) == 1


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (SecretReference.gcp("db"), "gcp-secret-manager:db"),
        (SecretReference.gcp("db", project="other"), "gcp-secret-manager:other/db"),
        (SecretReference.azure("team", "db"), "azure-key-vault:team/db"),
        (SecretReference.aws("team/db"), "aws-secrets-manager:team/db"),
    ],
)
def test_only_what_the_operator_allows_is_asked_for(
    both: Clouds, monkeypatch: pytest.MonkeyPatch, reference: SecretReference, name: str
) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", "vault:*,azure-key-vault:theirs/*")

    assert f"HEADGATE_SECRET_PATHS={name}" in fail(reference, SecretRefusedError)
    assert both.seen == []


def test_an_agent_without_google_s_credentials_says_so(
    both: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/none")

    said = fail(SecretReference.gcp("db"), SecretStoreUnavailableError)

    assert "DefaultCredentialsError" in said
    assert both.seen == []


def test_azure_s_secrets_are_read_by_vault_version_and_field(both: Clouds) -> None:
    both.secrets = {
        (AZURE, "/secrets/db/"): "correct-horse-1",
        (AZURE, "/secrets/db/0a1b"): "correct-horse-2",
        (AZURE, "/secrets/json/"): '{"k": "correct-horse-3"}',
    }

    found = find(
        SecretReference.azure("team", "db"),
        SecretReference.azure("team", "db", version="0a1b"),
        SecretReference.azure("team", "json", field="k"),
    )

    assert found == ["correct-horse-1", "correct-horse-2", "correct-horse-3"]


def test_what_azure_does_not_give_says_which_and_why(
    both: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.secrets = {(AZURE, "/secrets/theirs/"): 403, (AZURE, "/secrets/ill/"): 409}

    gone = fail(SecretReference.azure("team", "gone"), SecretNotFoundError)
    theirs = fail(SecretReference.azure("team", "theirs"), SecretRefusedError)
    ill = fail(SecretReference.azure("team", "ill"), SecretStoreUnavailableError)
    monkeypatch.setenv("IDENTITY_HEADER", "wrong-header")
    nobody = fail(SecretReference.azure("team", "gone"), SecretStoreUnavailableError)

    assert ("vault team has no secret gone" in gone, "Secrets User" in theirs) == (True, True)
    assert ("status 409" in ill, "managed identity" in nobody) == (True, True)
    assert "wrong-header" not in nobody


def test_no_library_logs_a_secret_nor_who_asks(both: Clouds) -> None:
    secret = "correct-horse-battery"
    path = "/v1/projects/acme/secrets/db/versions/latest:access"
    both.secrets = {(AZURE, "/secrets/db/"): secret, (GOOGLE, path): secret}

    references = SecretReference.azure("team", "db"), SecretReference.gcp("db")
    said = said_while_finding(*references)

    assert secret not in said
    assert TOKEN not in said
    assert base64.b64encode(secret.encode()).decode() not in said


@pytest.mark.parametrize(
    "place",
    [
        {"provider": "azure-key-vault", "vault": "evil.example/", "secret": "db"},
        {"provider": "azure-key-vault", "vault": "team", "secret": "../keys"},
        {"provider": "gcp-secret-manager", "secret": "db/../x"},
        {"provider": "gcp-secret-manager", "secret": "db", "project": "a/secrets/b"},
        {"provider": "gcp-secret-manager", "secret": "db", "location": "evil.example/"},
        {"provider": "gcp-secret-manager", "secret": "db", "version": "1:access?x"},
    ],
)
def test_no_name_leads_elsewhere(both: Clouds, place: dict[str, Any]) -> None:
    fail(place, InvalidSecretReferenceError)

    assert both.seen == []


@pytest.mark.parametrize(
    ("module", "extra", "reference"),
    [
        ("google.auth", "gcp", SecretReference.gcp("db")),
        ("azure.identity", "azure", SecretReference.azure("team", "db")),
    ],
)
def test_a_missing_library_says_how_to_install_it(
    module: str, extra: str, reference: SecretReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", "gcp-secret-manager:db,azure-key-vault:team/db")
    monkeypatch.setitem(sys.modules, module, None)

    assert f'pip install "headgate[{extra}]"' in fail(reference, MissingExtraError)
