"""Secrets in the environment and in files: only what the agent's operator allowed."""

import os
from pathlib import Path
from typing import Any

import pytest

from headgate.blocks.external import SecretReference
from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretReferenceError,
    SecretRefusedError,
    SettingsError,
    UnknownSecretStoreError,
)
from headgate.redaction import redactor
from headgate.settings import load_settings
from tests.client.secret_references.naming import fail, find

SECRET = "correct-horse-battery"


def test_nothing_is_read_unless_the_operator_allowed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    (tmp_path / "password").write_text(SECRET)

    of_env = fail(SecretReference.env("DB_PASSWORD"), SecretRefusedError)
    of_file = fail(SecretReference.file(str(tmp_path / "password")), SecretRefusedError)

    assert "HEADGATE_SECRET_ENV=DB_PASSWORD" in of_env
    assert "HEADGATE_SECRET_FOLDERS" in of_file
    assert SECRET not in of_env + of_file


def test_allowed_variables_are_read_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_ENV", "DB_*, TOKEN")
    monkeypatch.setenv("DB_PASSWORD", f"{SECRET}-1")
    monkeypatch.setenv("TOKEN", '{"key": "correct-horse-2"}')

    found = find(SecretReference.env("DB_PASSWORD"), SecretReference.env("TOKEN", field="key"))

    assert found == [f"{SECRET}-1", "correct-horse-2"]
    assert redactor.redact(" ".join(found)) == "******** ********"
    assert "TOKENS" in fail(SecretReference.env("TOKENS"), SecretRefusedError)
    assert "DB_USER is not set" in fail(SecretReference.env("DB_USER"), SecretNotFoundError)


@pytest.mark.parametrize("name", ["HEADGATE_API_KEY", "HEADGATE_LEASE_TOKEN", "headgate_api_key"])
def test_own_credentials_are_refused_whatever_is_allowed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_ENV", "*")
    monkeypatch.setenv(name, SECRET)

    assert "Headgate's own" in fail(SecretReference.env(name), SecretRefusedError)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the operator allowed, with a secret as Kubernetes mounts one."""
    allowed = tmp_path / "allowed"
    (allowed / "..data").mkdir(parents=True)
    (allowed / "..data" / "password").write_text(f"{SECRET}\n")
    (allowed / "password").symlink_to("..data/password")
    (tmp_path / "outside").write_text("out-of-the-folder")
    (allowed / "escape").symlink_to(tmp_path / "outside")
    monkeypatch.setenv("HEADGATE_SECRET_FOLDERS", f"{tmp_path / 'none'},{allowed}")
    return allowed


def test_files_are_read_by_either_path_without_their_last_line_break(folder: Path) -> None:
    (folder / "odd").write_bytes(b"\xff\xfe")
    (folder / "large").write_text("x" * 70_000)

    found = find(
        SecretReference.file("password"), SecretReference.file(str(folder / "..data" / "password"))
    )

    assert found == [SECRET, SECRET]
    assert "no file gone" in fail(SecretReference.file("gone"), SecretNotFoundError)
    assert "no file ..data" in fail(SecretReference.file("..data"), SecretNotFoundError)
    assert "Base64" in fail(SecretReference.file("odd"), SecretReferenceError)
    assert "64 KiB" in fail(SecretReference.file("large"), SecretReferenceError)


@pytest.mark.parametrize("path", ["../outside", "escape", "/etc/passwd", "x/../../outside"])
def test_nothing_out_of_the_folder_is_read_nor_told_to_exist(
    folder: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_FOLDERS", str(folder))

    of_what_is = fail(SecretReference.file(path), SecretRefusedError)
    (folder.parent / "outside").unlink()
    of_what_is_not = fail(SecretReference.file(path), SecretRefusedError)

    assert of_what_is == of_what_is_not
    assert "out-of-the-folder" not in of_what_is


def test_home_folder_is_nobodys_even_inside_of_an_allowed_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "credentials.toml").write_text(SECRET)
    monkeypatch.setenv("HEADGATE_SECRET_FOLDERS", str(home.parent))

    fail(SecretReference.file("home/credentials.toml"), SecretRefusedError)


def test_a_relative_folder_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_FOLDERS", "secrets")

    with pytest.raises(SettingsError, match="absolute folders"):
        load_settings(os.environ)


@pytest.mark.parametrize("paths", ["team/*", "vault:", "env:DB_*", "vault:secret/*, safe:x"])
def test_a_secret_of_no_store_is_no_setting(monkeypatch: pytest.MonkeyPatch, paths: str) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_PATHS", paths)

    with pytest.raises(SettingsError, match=r"store:pattern, such as vault:secret/team/\*"):
        load_settings(os.environ)


@pytest.mark.parametrize(
    ("place", "kind", "said"),
    [
        ({"provider": "safe"}, UnknownSecretStoreError, "aws-secrets-manager, azure-key-vault"),
        ({}, UnknownSecretStoreError, "it is one of"),
        ({"provider": "env"}, InvalidSecretReferenceError, "missing required field `name`"),
        ({"provider": "env", "name": 3}, InvalidSecretReferenceError, "Expected `str`"),
        ({"provider": "file", "path": "a", "x": 1}, InvalidSecretReferenceError, "unknown field"),
        ({"provider": "file", "path": ""}, InvalidSecretReferenceError, "names no file"),
        ({"provider": "file", "path": "a\0b"}, InvalidSecretReferenceError, "names no file"),
    ],
)
def test_what_is_no_reference_says_what_it_lacks(
    place: dict[str, Any], kind: type[SecretReferenceError], said: str
) -> None:
    assert said in fail(place, kind)


def test_a_field_of_what_has_none_is_told_without_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEADGATE_SECRET_ENV", "*")
    monkeypatch.setenv("PLAIN", SECRET)
    monkeypatch.setenv("OTHER", f'{{"key": "{SECRET}"}}')

    plain = fail(SecretReference.env("PLAIN", field="key"), SecretReferenceError)
    other = fail(SecretReference.env("OTHER", field="gone"), SecretNotFoundError)

    assert ("no JSON object" in plain, "no field 'gone'" in other) == (True, True)
    assert SECRET not in plain + other
