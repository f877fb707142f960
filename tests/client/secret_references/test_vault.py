"""Secrets of Vault, before a stand-in of its API: signing in, reading, failing."""

from collections.abc import Generator
from pathlib import Path

import pytest

from headgate.blocks.external import SecretReference
from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from tests.client.secret_references.naming import fail, find, leave
from tests.fixtures.kv_engine import (
    POD_ROLE,
    POD_TOKEN,
    ROLE_ID,
    SECRET_ID,
    TOKEN,
    KvEngine,
    kv_engine,
)
from tests.fixtures.network import free_port

OLD, NEW = "correct-horse-old", "correct-horse-new"
NAMED = SecretReference.vault("team/db", field="password")
VARIABLES = (
    *("VAULT_ADDR", "VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "VAULT_NAMESPACE"),
    *("VAULT_CACERT", "VAULT_AUTH_MOUNT", "VAULT_KUBERNETES_ROLE", "VAULT_KUBERNETES_TOKEN_FILE"),
)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Generator[KvEngine]:
    """An engine at ``secret`` and one at ``kv/apps``, where the agent's environment says."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with kv_engine() as server:
        server.secrets = {
            "secret/data/team/db": [{"password": OLD}, {"password": NEW}],
            "kv/apps/data/one": [{"token": "correct-horse-app"}],
        }
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("HEADGATE_SECRET_PATHS", "vault:*")
        yield server
        leave()


def test_a_token_reads_the_newest_version_and_older_ones(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setenv("VAULT_NAMESPACE", "team")

    found = find(
        NAMED,
        SecretReference.vault("team/db", field="password", version=1),
        SecretReference.vault("one", field="token", mount="kv/apps"),
    )

    assert found == [NEW, OLD, "correct-horse-app"]
    assert {call[2] for call in vault.calls} == {"team"}
    assert not any("revoke" in path for _, path, _ in vault.calls)


def test_a_role_signs_in_once_and_gives_its_token_back(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE_ID)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)

    assert find(NAMED, NAMED) == [NEW, NEW]
    assert find(NAMED) == [NEW]
    assert len(vault.made) == 1
    leave()
    leave()
    assert [path for _, path, _ in vault.calls] == [
        "auth/approle/login",
        *["secret/data/team/db"] * 3,
        "auth/token/revoke-self",
    ]
    assert vault.made == set()

    monkeypatch.setenv("VAULT_SECRET_ID", "wrong-secret-id")
    assert "wrong" not in fail(NAMED, SecretRefusedError)


def test_a_token_that_is_good_no_more_is_made_anew(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE_ID)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)
    vault.lease_seconds = 0
    vault.forbidden = {"secret/data/theirs"}

    assert find(NAMED) == [NEW]
    vault.made.clear()
    assert find(NAMED) == [NEW]
    assert len(vault.made) == 1
    fail(SecretReference.vault("theirs", field="x"), SecretRefusedError)
    assert len(vault.made) == 1

    logins = [path for _, path, _ in vault.calls if path == "auth/approle/login"]
    assert len(logins) == 3


def test_a_token_is_made_anew_before_it_runs_out(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE_ID)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)
    vault.lease_seconds = 100
    now = [1000.0]
    monkeypatch.setattr("headgate.secret_references.vault.time.monotonic", lambda: now[0])

    for seconds, logins in [(0, 1), (89, 1), (2, 2)]:
        now[0] += seconds
        assert find(NAMED) == [NEW]
        made = [path for _, path, _ in vault.calls if path == "auth/approle/login"]
        assert len(made) == logins


@pytest.mark.parametrize(
    ("allowed", "may"),
    [
        ("vault:secret/team/*", True),
        ("vault:secret/other/*, vault:secret/team/db", True),
        ("", False),
        ("vault:secret/tea", False),
        ("vault:kv/*", False),
        ("aws-secrets-manager:secret/team/*", False),
    ],
)
def test_only_what_the_operator_allows_is_asked_for(
    vault: KvEngine,
    monkeypatch: pytest.MonkeyPatch,
    allowed: str,
    may: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", allowed)

    if may:
        assert find(NAMED) == [NEW]
        return
    refusal = fail(NAMED, SecretRefusedError)
    assert "HEADGATE_SECRET_PATHS=vault:secret/team/db" in refusal
    assert vault.calls == []


def test_a_pod_signs_in_with_its_token(
    vault: KvEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(f"{POD_TOKEN}\n")
    monkeypatch.setenv("VAULT_KUBERNETES_ROLE", POD_ROLE)
    monkeypatch.setenv("VAULT_AUTH_MOUNT", "pods")
    monkeypatch.setenv("VAULT_KUBERNETES_TOKEN_FILE", str(tmp_path / "token"))

    assert find(NAMED) == [NEW]
    leave()
    assert vault.made == set()

    (tmp_path / "token").unlink()
    assert "token of this pod" in fail(NAMED, SecretStoreUnavailableError)


def test_what_cannot_be_had_says_which_and_why(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    vault.forbidden = {"secret/data/theirs"}

    gone = fail(SecretReference.vault("gone", field="x"), SecretNotFoundError)
    version = fail(SecretReference.vault("team/db", field="x", version=9), SecretNotFoundError)
    field = fail(SecretReference.vault("team/db", field="x"), SecretNotFoundError)
    theirs = fail(SecretReference.vault("theirs", field="x"), SecretRefusedError)
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wrong-token")
    wrong = fail(NAMED, SecretRefusedError)
    vault.is_sealed = True
    sealed = fail(NAMED, SecretStoreUnavailableError)

    assert ("Vault has no secret secret/gone" in gone, "version 9" in version) == (True, True)
    assert ("no field 'x'" in field, "secret secret/theirs" in theirs) == (True, True)
    assert ("hvs.wrong-token" in wrong, "status 503" in sealed) == (False, True)
    assert NEW not in field


def test_a_token_follows_no_redirect(vault: KvEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with kv_engine() as other:
        vault.redirects_to = other.url

        fail(NAMED, SecretStoreUnavailableError)

        assert other.calls == []


@pytest.mark.parametrize(
    ("path", "mount"),
    [("../../sys/raw", "secret"), ("x", "auth/../sys"), ("", "secret"), ("x", ""), ("a//b", "kv")],
)
def test_no_path_leads_out_of_its_engine(vault: KvEngine, path: str, mount: str) -> None:
    place = {"provider": "vault", "path": path, "mount": mount, "field": "x"}

    fail(place, InvalidSecretReferenceError)

    assert vault.calls == []


def test_a_path_cannot_smuggle_another_call(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)

    fail(SecretReference.vault("team/db?version=1#", field="password"), SecretNotFoundError)
    fail(SecretReference.vault("team%2fdb", field="password"), SecretNotFoundError)

    assert [path for _, path, _ in vault.calls] == [
        "secret/data/team/db%3Fversion%3D1%23",
        "secret/data/team%252fdb",
    ]


def test_only_the_environment_says_where_vault_is_and_who_asks(
    vault: KvEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = fail(NAMED, SecretStoreUnavailableError)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    elsewhere = {**NAMED.place, "address": vault.url}
    named = fail(elsewhere, InvalidSecretReferenceError)
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free_port()}")
    away = fail(NAMED, SecretStoreUnavailableError)
    monkeypatch.setenv("VAULT_CACERT", "/none")
    uncertain = fail(NAMED, SecretStoreUnavailableError)
    monkeypatch.delenv("VAULT_ADDR")
    nowhere = fail(NAMED, SecretStoreUnavailableError)

    assert ("VAULT_TOKEN" in nobody, "unknown field" in named) == (True, True)
    assert ("does not answer" in away, "VAULT_CACERT" in uncertain) == (True, True)
    assert "VAULT_ADDR" in nowhere
    assert vault.calls == []
