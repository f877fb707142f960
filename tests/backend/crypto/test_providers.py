"""What every provider of keys promises, and what each of them refuses."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from headgate_server.crypto import providers, vault_transit
from headgate_server.crypto.aws_kms import VERSION, open_aws_kms
from headgate_server.crypto.envelope import make_secret
from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway, SecretUnreadable
from headgate_server.crypto.keks import open_providers
from headgate_server.crypto.keyfile import KeyFiles, make_first_key
from headgate_server.crypto.providers import Providers, WrapContext
from headgate_server.crypto.vault_transit import open_vault_transit
from headgate_server.domain.errors import ConfigurationError
from tests.backend.crypto.conftest import Held, write_key
from tests.fixtures.deadlines import eventually
from tests.fixtures.network import free_port
from tests.fixtures.transit import TOKEN, transit_server

CONTEXT = WrapContext(workspace_id=UUID(int=1), key_id=UUID(int=2))


async def test_what_is_wrapped_unwraps_and_names_its_key(held: Held) -> None:
    secret = make_secret()

    wrapped = await held.provider.wrap(secret, context=CONTEXT)

    assert await held.provider.unwrap(wrapped, context=CONTEXT) == secret
    assert wrapped.kek == await held.provider.newest()
    assert (wrapped.kek.provider, wrapped.kek.id) == (held.provider.name, held.provider.key_id)
    assert secret not in wrapped.data
    assert wrapped.data.hex() not in repr(wrapped)
    assert (await held.provider.wrap(secret, context=CONTEXT)).data != wrapped.data


@pytest.mark.parametrize(
    "context",
    [
        replace(CONTEXT, workspace_id=UUID(int=9)),
        replace(CONTEXT, key_id=UUID(int=9)),
        replace(CONTEXT, purpose="another"),
        replace(CONTEXT, workspace_id=CONTEXT.key_id, key_id=CONTEXT.workspace_id),
    ],
    ids=["workspace", "key", "purpose", "swapped"],
)
async def test_a_key_unwraps_for_its_own_context_only(held: Held, context: WrapContext) -> None:
    wrapped = await held.provider.wrap(make_secret(), context=CONTEXT)

    with pytest.raises(SecretUnreadable):
        await held.provider.unwrap(wrapped, context=context)


async def test_an_altered_key_does_not_unwrap(held: Held) -> None:
    wrapped = await held.provider.wrap(make_secret(), context=CONTEXT)

    for altered in (
        wrapped.data[:-4],
        wrapped.data[:-8] + bytes([wrapped.data[-8] ^ 1]) + wrapped.data[-7:],
        b"",
    ):
        with pytest.raises(SecretUnreadable):
            await held.provider.unwrap(replace(wrapped, data=altered), context=CONTEXT)


async def test_what_an_older_version_wrapped_still_unwraps(held: Held) -> None:
    secret = make_secret()
    old = await held.provider.wrap(secret, context=CONTEXT)

    held.rotate()

    new = await held.provider.wrap(secret, context=CONTEXT)
    assert await held.provider.unwrap(old, context=CONTEXT) == secret
    assert await held.provider.unwrap(new, context=CONTEXT) == secret
    assert new.kek == await held.provider.newest()
    assert (new.kek == old.kek) == (old.kek.version == VERSION)


async def test_a_provider_that_is_away_is_a_failure_to_try_again(held: Held) -> None:
    wrapped = await held.provider.wrap(make_secret(), context=CONTEXT)
    held.go_away()

    with pytest.raises(KeyProviderAway) as away:
        await held.provider.wrap(make_secret(), context=CONTEXT)
    with pytest.raises(KeyProviderAway):
        await held.provider.unwrap(wrapped, context=CONTEXT)
    assert away.value.is_retryable


async def test_of_several_the_first_wraps_and_each_unwraps_its_own(tmp_path: Path) -> None:
    make_first_key(tmp_path / "kek")
    files = KeyFiles(tmp_path / "kek")
    with transit_server() as server:
        vault = open_vault_transit(f"{server.url}#headgate", token=TOKEN)
        old = await files.wrap(make_secret(), context=CONTEXT)

        both = Providers([vault, files])
        new = await both.wrap(await both.unwrap(old, context=CONTEXT), context=CONTEXT)

        assert new.kek == await both.newest() == await vault.newest()
        with pytest.raises(KeyMismatch) as unnamed:
            await Providers([vault]).unwrap(old, context=CONTEXT)
    assert "HEADGATE_KEK does not name" in unnamed.value.detail


async def test_nobody_listening_is_a_provider_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    url = f"http://127.0.0.1:{free_port()}"
    arn = "arn:aws:kms:eu-central-1:123456789012:key/1"

    for provider in (
        open_aws_kms(arn, endpoint_url=url),
        open_vault_transit(f"{url}#headgate", token=TOKEN),
    ):
        with pytest.raises(KeyProviderAway):
            await provider.newest()


async def test_vault_refuses_another_token_without_showing_it() -> None:
    with transit_server() as server:
        provider = open_vault_transit(f"{server.url}#headgate", token="hvs.wrong")

        with pytest.raises(KeyProviderAway) as away:
            await provider.wrap(make_secret(), context=CONTEXT)

    assert away.value.detail == "Vault answers encrypt with status 403."


@pytest.mark.parametrize(
    ("ttl_seconds", "is_renewable", "again", "renewals"),
    [(3_600, True, 1_800.0, 1), (4, True, 10.0, 1), (0, True, None, 0), (3_600, False, None, 0)],
)
async def test_a_token_of_vault_that_ends_is_renewed_at_half_of_its_time(
    caplog: pytest.LogCaptureFixture,
    ttl_seconds: int,
    is_renewable: bool,  # noqa: FBT001 - a case
    again: float | None,
    renewals: int,
) -> None:
    with transit_server() as server:
        server.ttl_seconds, server.is_renewable = ttl_seconds, is_renewable
        provider = open_vault_transit(f"{server.url}#headgate", token=TOKEN)

        assert await provider.renew() == again

    assert server.renewal_count == renewals
    assert ("not renewable" in caplog.text) == (not is_renewable)
    assert TOKEN not in caplog.text


async def test_sign_ins_are_renewed_until_none_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vault_transit, "LEAST_RENEWAL_SECONDS", 0.0)
    monkeypatch.setattr(providers, "RENEW_AGAIN_SECONDS", 0.0)
    make_first_key(tmp_path / "kek")
    with transit_server() as server:
        answers = iter([{"ttl": 1, "renewable": True}, {"ttl": 0}])
        server.look_at_token = lambda: next(answers)
        server.seal()
        vault = open_vault_transit(f"{server.url}#headgate", token=TOKEN)
        renewing = asyncio.create_task(
            Providers([KeyFiles(tmp_path / "kek"), vault]).renew_forever()
        )
        refused = "is not renewed: Vault answers lookup-self with status 503."
        asked = server.asked_count
        await eventually(lambda: server.asked_count > asked + 3, what="refusals")
        server.is_sealed = False
        async with asyncio.timeout(10):
            await renewing

    assert server.renewal_count == 1
    assert caplog.text.count(refused) == 1, "the first time only"


async def test_callers_are_not_told_where_keys_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
    make_first_key(tmp_path / "open")
    (tmp_path / "open" / "1.key").chmod(0o644)
    failing = [
        (KeyFiles(tmp_path / "none"), str(tmp_path)),
        (KeyFiles(tmp_path / "open"), str(tmp_path)),
        (open_aws_kms(arn, endpoint_url=f"http://127.0.0.1:{free_port()}"), arn),
    ]

    for provider, place in failing:
        with pytest.raises(KeyProviderAway) as away:
            await Providers([provider]).wrap(make_secret(), context=CONTEXT)

        shown = f"{away.value} {away.value.message} {away.value!r}"
        assert place not in shown
        assert place in away.value.detail


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o500, 0o666])
async def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    write_key(tmp_path / "1.key")
    (tmp_path / "1.key").chmod(mode)

    with pytest.raises(ConfigurationError, match="chmod 0400"):
        await KeyFiles(tmp_path).wrap(make_secret(), context=CONTEXT)


@pytest.mark.parametrize("size_bytes", [0, 31, 33, 64])
async def test_a_key_file_of_another_size_is_refused(tmp_path: Path, size_bytes: int) -> None:
    (tmp_path / "1.key").touch(0o600)
    (tmp_path / "1.key").write_bytes(bytes(size_bytes))

    with pytest.raises(ConfigurationError, match="does not hold 32 bytes"):
        await KeyFiles(tmp_path).wrap(make_secret(), context=CONTEXT)


async def test_the_highest_number_wraps_and_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("2.key", "10.key", "9.key", "11.key.bak", "0.key", "notes"):
        write_key(tmp_path / name)

    assert (await KeyFiles(tmp_path).newest()).version == "10"


def test_the_first_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kek"

    make_first_key(folder)
    made = (folder / "1.key").read_bytes()
    make_first_key(folder)

    assert (folder / "1.key").read_bytes() == made
    assert [path.name for path in folder.iterdir()] == ["1.key"]
    assert (folder / "1.key").stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize(
    "named",
    [
        "keyfile",
        "keyfile:",
        "keyfile:relative/folder",
        "aws-kms:alias/headgate",
        "vault-transit:https://vault.example.com",
        "vault-transit:ftp://vault.example.com#key",
        "gcp-kms:projects/p",
        "keyfile:/tmp/kek,nonsense",
    ],
)
def test_a_provider_that_is_named_wrongly_is_refused(named: str) -> None:
    with pytest.raises(ConfigurationError, match="HEADGATE_KEK"):
        open_providers(named, vault_token=TOKEN)


def test_vault_needs_a_token_and_nothing_named_is_no_provider() -> None:
    with pytest.raises(ConfigurationError, match="HEADGATE_VAULT_TOKEN"):
        open_providers("vault-transit:https://vault.example.com#key")
    assert open_providers(" ") is None
