"""Secrets whose key was destroyed: shown as not set, and set by storing them again."""

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.services import workspace_keys
from headgate_server.services.workspace_keys import Keyring
from tests.factories.blocks import begin, fill, refused, register, resolve
from tests.factories.estates import Estate
from tests.factories.mutations import Json
from tests.fixtures.installations import Installation, key_providers

pytestmark = pytest.mark.anyio

SECRET = "correct horse"
OPTIONAL: Json = {
    "type": "object",
    "properties": {
        "host": {"type": "string"},
        "first": {"type": "string", "writeOnly": True},
        "second": {"type": "string", "writeOnly": True},
    },
}


async def destroy(estate: Estate, installation: Installation) -> None:
    await workspace_keys.destroy(installation.database, workspace_id=estate.tenant.workspace_id)


async def refused_data(estate: Estate, data: Json, *, type_slug: str) -> Json:
    given = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": type_slug, "name": "x"}
    return await refused(estate.bound, "blockDocumentUpsert", **given, data=data)


async def test_secret_that_is_stored_again_after_its_key_was_destroyed_is_read(
    estate: Estate, installation: Installation
) -> None:
    run, lease = await begin(estate.bound, estate, installation)
    made = (await fill(estate, "db", {"host": "h", "password": SECRET}))["blockDocument"]
    await destroy(estate, installation)

    told = await refused(run, "blockResolve", lease=lease, references=["login/db"])
    again = (await fill(estate, "db", {"host": "h", "password": SECRET}))["blockDocument"]
    read = await resolve(run, lease, "login/db")

    assert "store the value again" in told["message"]
    assert again["version"] == made["version"] + 1
    assert again["secrets"][0]["fingerprint"] == made["secrets"][0]["fingerprint"]
    assert read["login/db"]["data"]["password"] == SECRET


async def test_lost_secrets_are_shown_as_not_set_until_they_are_set_or_taken_away(
    estate: Estate, installation: Installation
) -> None:
    await register(estate, "pair", OPTIONAL)
    await fill(estate, "x", {"host": "h", "first": SECRET, "second": "2"}, typeSlug="pair")
    await destroy(estate, installation)

    mask = {"first": "********"}
    masked = await refused_data(estate, mask, type_slug="pair")
    lost = (await fill(estate, "x", {"host": "other"}, typeSlug="pair"))["blockDocument"]
    first = [{"path": "first", "value": SECRET}]
    half = (await fill(estate, "x", lost["data"], typeSlug="pair", secrets=first))["blockDocument"]
    none = [{"path": "second", "value": None}]
    whole = (await fill(estate, "x", half["data"], typeSlug="pair", secrets=none))["blockDocument"]
    run, lease = await begin(estate.bound, estate, installation)
    read = await resolve(run, lease, "pair/x")

    assert (masked["code"], "no secret is set" in masked["message"]) == ("INVALID", True)
    assert (lost["data"], lost["missing"]) == ({"host": "other"}, ["first", "second"])
    assert [
        (one["path"], one["isSet"], one["fingerprint"], one["updatedAt"]) for one in lost["secrets"]
    ] == [("first", False, None, None), ("second", False, None, None)]
    assert (half["data"], half["missing"]) == ({"host": "other", **mask}, ["second"])
    assert [one["isSet"] for one in half["secrets"]] == [True, False]
    assert (whole["missing"], read["pair/x"]["data"]) == ([], {"host": "other", "first": SECRET})


async def test_required_secret_that_is_lost_is_asked_for(
    estate: Estate, installation: Installation
) -> None:
    await register(estate, "strict", {**OPTIONAL, "required": ["first"]})
    await fill(estate, "x", {"first": SECRET}, typeSlug="strict")
    await destroy(estate, installation)

    error = await refused_data(estate, {"host": "h"}, type_slug="strict")

    assert (error["code"], "'first' is a required property" in error["message"]) == (
        "INVALID",
        True,
    )


async def test_keys_are_rotated_where_some_were_destroyed(
    estate: Estate, installation: Installation
) -> None:
    await fill(estate, "lost", {"host": "h", "password": SECRET})
    await destroy(estate, installation)
    await fill(estate, "kept", {"host": "h", "password": SECRET})
    keyring = Keyring(key_providers())
    database, workspace_id = installation.database, estate.tenant.workspace_id

    count = await workspace_keys.rotate(database, keyring, workspace_id=workspace_id)
    again = await workspace_keys.reseal(database, keyring, workspace_id=workspace_id)
    run, lease = await begin(estate.bound, estate, installation)
    read = await resolve(run, lease, "login/kept")
    told = await refused(run, "blockResolve", lease=lease, references=["login/lost"])

    assert (count, again) == (1, 0)
    assert read["login/kept"]["data"]["password"] == SECRET
    assert told["code"] == "NOT_FOUND"
