"""Blocks through the API: secrets go in and never come out, but to the run that may use them."""

import json
from functools import partial
from uuid import uuid4

import pytest
import strawberry
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import select, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.graphql.mutations.blocks import BlockDocumentUpsertInput, SecretInput
from headgate_server.graphql.scalars import JSON, Key
from headgate_server.services import workspace_keys
from headgate_server.services.workspace_keys import Keyring
from headgate_server.tables.events import idempotency_keys
from headgate_server.tables.workspace_keys import block_secrets
from tests.factories.blocks import begin, fill, refused, register, resolve
from tests.factories.estate_blocks import LOGIN
from tests.factories.estates import Estate, make_estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.installations import Installation, key_providers, replica
from tests.fixtures.repository import ROOT
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

SHOWN = """query ($id: ID!) { node(id: $id) { ... on BlockDocument { data version missing
  secrets { path isSet external fingerprint } schema { number } } } }"""
SECRET = "correct horse"


async def test_secret_is_masked_for_everybody_and_changes_only_its_fingerprint(
    estate: Estate,
) -> None:
    made = await fill(estate, "db", {"host": "h", "password": SECRET})
    again = await fill(estate, "db", {"host": "h", "password": SECRET})
    kept = await fill(estate, "db", {"host": "other", "password": "********"})
    turned = await fill(
        estate, "db", {"host": "other"}, secrets=[{"path": "password", "value": "x"}]
    )

    first = made["blockDocument"]
    assert (made["created"], first["reference"], first["version"]) == (True, "login/db", 1)
    assert first["data"] == {"host": "h", "password": "********"}
    (secret,) = first["secrets"]
    assert (secret["path"], secret["isSet"], secret["external"]) == ("password", True, False)
    assert again["blockDocument"] == first
    assert kept["blockDocument"]["version"] == 2
    assert kept["blockDocument"]["secrets"] == first["secrets"]
    assert turned["blockDocument"]["version"] == 3
    assert turned["blockDocument"]["secrets"][0]["fingerprint"] != secret["fingerprint"]


async def test_key_that_was_used_for_another_filling_is_refused(
    estate: Estate, installation: Installation
) -> None:
    data = {"host": "h", "password": SECRET}
    place = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "name": "db"}
    given = {**place, "data": data, "idempotencyKey": "once"}
    others: list[Json] = [
        {"data": {**data, "host": "other"}},
        {"data": {**data, "password": "another horse"}},
        {"secrets": [{"path": "password", "value": None}]},
        {"replaceSecrets": True},
        {"expectedVersion": 1},
    ]

    first, again = [await fill(estate, "db", data, idempotencyKey="once") for _ in range(2)]
    errors = [
        await refused(estate.bound, "blockDocumentUpsert", **{**given, **other}) for other in others
    ]
    async with installation.database.system() as work:
        kept = (await work.execute(select(idempotency_keys))).all()

    assert again == first
    assert {error["code"] for error in errors} == {"IDEMPOTENCY_MISMATCH"}
    assert SECRET not in str(kept)


def test_request_with_a_key_is_told_by_what_it_says_not_by_what_it_leaves_out() -> None:
    asking = partial(
        BlockDocumentUpsertInput, workspace_id=strawberry.ID("w"), type_slug="login", name=Key("db")
    )
    place = {"workspace_id": "w", "type_slug": "login", "name": "db"}
    removed = {"path": "password", "value": None}

    said = asking(data=JSON({"host": None}), idempotency_key="k")
    more = asking(
        data=JSON({}), secrets=[SecretInput(path="password", value=None)], expected_version=0
    )

    assert said.to_asked() == {**place, "data": {"host": None}}
    assert more.to_asked() == {**place, "data": {}, "secrets": [removed], "expected_version": 0}


async def test_secret_of_an_entry_of_a_list_goes_with_the_entry(
    estate: Estate, installation: Installation
) -> None:
    entry = {
        "type": "object",
        "properties": {"user": {"type": "string"}, "token": {"type": "string", "writeOnly": True}},
    }
    fields = {"type": "object", "properties": {"logins": {"type": "array", "items": entry}}}
    await register(estate, "many", fields)
    two = [{"user": "a", "token": "first"}, {"user": "b", "token": "second"}]
    await fill(estate, "own", {"logins": two}, typeSlug="many")
    run, lease = await begin(estate.bound, estate, installation)

    seen: list[Json] = []
    for data in ({"logins": [{"user": "a"}]}, {"logins": [{"user": "a"}, {"user": "c"}]}, {}):
        await fill(estate, "own", data, typeSlug="many")
        seen.append((await resolve(run, lease, "many/own"))["many/own"])

    assert [one["data"] for one in seen] == [
        {"logins": [{"user": "a", "token": "first"}]},
        {"logins": [{"user": "a", "token": "first"}, {"user": "c"}]},
        {},
    ]


def test_no_type_of_the_api_has_a_field_for_secrets_but_the_two_that_are_audited() -> None:
    schema = build_schema((ROOT / "backend/schema.graphql").read_text())
    fields = {
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and type_.name.startswith(("Block", "Secret"))
        for name in type_.fields
    }
    of_documents = {
        field for field in fields if field.startswith(("BlockDocument.", "SecretField."))
    }

    assert of_documents == {
        *(f"BlockDocument.{name}" for name in ("id", "name", "reference", "type", "schema")),
        *(f"BlockDocument.{name}" for name in ("data", "secrets", "missing", "version")),
        *(f"BlockDocument.{name}" for name in ("updatedAt", "referredBy", "referredByMore")),
        *(f"BlockDocument.{name}" for name in ("deployments", "deploymentsMore")),
        *(f"SecretField.{name}" for name in ("path", "isSet", "external", "fingerprint")),
        "SecretField.updatedAt",
    }
    assert {field for field in fields if field.endswith((".data", ".blocks"))} == {
        "BlockDocument.data",
        "BlockResolvePayload.blocks",
        "BlockRevealPayload.data",
    }


async def test_run_reads_secrets_with_all_that_a_block_refers_to(estate: Estate) -> None:
    blocks = await resolve(estate.run, estate.own_run["lease"], "login/main")

    found = blocks["login/main"]
    assert found["data"] == {
        "host": "h",
        "password": "hunter2",
        "inner": {"password": "inner secret", "block_type_slug": "login"},
    }
    assert found["secretPaths"] == ["inner.password", "password"]


async def test_secret_of_another_store_is_told_to_runs_as_its_place(estate: Estate) -> None:
    place = {"$secret": {"provider": "vault", "path": "team/db", "field": "password"}}
    made = await fill(estate, "named", {"host": "h", "password": place})
    await fill(estate, "outer", {"host": "h", "inner": {"$ref": "login/named"}})

    blocks = await resolve(estate.run, estate.own_run["lease"], "login/named", "login/outer")

    (secret,) = made["blockDocument"]["secrets"]
    assert (secret["isSet"], secret["external"], secret["fingerprint"]) == (True, True, None)
    assert made["blockDocument"]["data"] == {"host": "h", "password": place}
    assert blocks["login/named"]["data"] == {"host": "h", "password": place}
    assert blocks["login/named"]["externalPaths"] == ["password"]
    assert blocks["login/outer"]["data"]["inner"]["password"] == place
    assert blocks["login/outer"]["externalPaths"] == ["inner.password"]
    assert blocks["login/outer"]["secretPaths"] == []


async def test_what_only_looks_like_a_place_of_a_secret_is_none(estate: Estate) -> None:
    shown = {"$secret": {"provider": "env", "name": "X"}}
    await fill(estate, "free", {"host": "h", "notes": shown, "password": "p"})

    blocks = await resolve(estate.run, estate.own_run["lease"], "login/free")

    assert blocks["login/free"]["data"]["notes"] == shown
    assert blocks["login/free"]["externalPaths"] == []


async def test_secrets_are_shown_to_runs_alone_and_under_their_lease_alone(
    estate: Estate, installation: Installation
) -> None:
    lease = estate.own_run["lease"]
    given = {"lease": lease, "references": ["login/main"]}

    person = await refused(estate.bound, "blockResolve", **given)
    other = {**lease, "leaseToken": str(uuid4())}
    stale = await refused(estate.run, "blockResolve", **{**given, "lease": other})
    unknown = await refused(estate.run, "blockResolve", **{**given, "references": ["login/gone"]})
    for state in ("RUNNING", "COMPLETED"):
        moved = {"id": lease["runId"], "state": {"type": state}, "lease": lease}
        await mutate(estate.run, "flowRunSetState", "accepted", **moved)
    ended = await refused(estate.run, "blockResolve", **given)

    assert (person["code"], "load blocks in a flow" in person["message"]) == ("FORBIDDEN", True)
    assert (stale["code"], ended["code"]) == ("LEASE_LOST", "FORBIDDEN")
    assert unknown["code"] == "NOT_FOUND"


async def test_schema_change_leaves_blocks_readable_and_says_what_they_lack(
    estate: Estate,
) -> None:
    id_ = (await fill(estate, "old", {"host": "h", "password": "p"}))["blockDocument"]["id"]
    newer: Json = {**LOGIN, "required": ["host", "password", "region"]}
    newer["properties"] = {**newer["properties"], "region": {"type": "string"}}
    given = {"blockTypeId": estate.ids[Kind.BLOCK_TYPE], "fields": newer}
    schema = await mutate(
        estate.bound, "blockSchemaRegister", "blockSchema { number } created", **given
    )
    again = await mutate(estate.bound, "blockSchemaRegister", "created", **given)

    old = (await estate.bound.execute(SHOWN, id=id_)).data["node"]
    read = await resolve(estate.run, estate.own_run["lease"], "login/old")
    place = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "name": "old"}
    lacking = await refused(estate.bound, "blockDocumentUpsert", **place, data={"host": "h"})
    filled = await fill(estate, "old", {"host": "h", "password": "********", "region": "eu"})

    assert (schema["blockSchema"]["number"], schema["created"], again["created"]) == (
        2,
        True,
        False,
    )
    assert (old["missing"], old["schema"]["number"]) == (["region"], 1)
    assert read["login/old"]["data"] == {"host": "h", "password": "p"}
    assert (lacking["code"], "region" in lacking["message"]) == ("INVALID", True)
    assert filled["blockDocument"]["missing"] == []
    assert filled["blockDocument"]["schema"]["number"] == 2


async def test_field_that_was_secret_once_is_secret_in_every_later_schema(estate: Estate) -> None:
    bare: Json = {**LOGIN, "properties": {**LOGIN["properties"], "password": {"type": "string"}}}
    given = {"blockTypeId": estate.ids[Kind.BLOCK_TYPE], "fields": bare}
    show = "blockSchema { number secretPaths } created"
    unmarked = await mutate(estate.bound, "blockSchemaRegister", show, **given)
    again = await mutate(estate.bound, "blockSchemaRegister", "created", **given)
    id_ = (await fill(estate, "new", {"host": "h", "password": "p"}))["blockDocument"]["id"]

    assert unmarked["created"]
    assert "password" in unmarked["blockSchema"]["secretPaths"]
    assert not again["created"]
    assert (await estate.bound.execute(SHOWN, id=id_)).data["node"]["data"]["password"] != "p"


async def test_block_that_others_refer_to_stays_and_circles_are_refused(estate: Estate) -> None:
    document = """query ($id: ID!, $name: String!) { node(id: $id) { ... on Workspace {
      blockDocument(reference: $name) { id } } } }"""
    place = estate.ids[Kind.WORKSPACE]
    found = await estate.bound.execute(document, id=place, name="login/inner")
    inner = found.data["node"]["blockDocument"]["id"]

    needed = await refused(estate.bound, "blockDocumentDelete", id=inner)
    given = {"workspaceId": place, "typeSlug": "login", "name": "inner"}
    circle = await refused(
        estate.bound, "blockDocumentUpsert", **given, data={"inner": {"$ref": "login/main"}}
    )
    missing = await refused(
        estate.bound, "blockDocumentUpsert", **given, data={"inner": {"$ref": "login/none"}}
    )

    assert (needed["code"], "login/main" in needed["message"]) == ("CONFLICT", True)
    assert (circle["code"], missing["code"]) == ("INVALID", "NOT_FOUND")


async def test_person_reveals_a_block_only_just_after_signing_in(
    estate: Estate, installation: Installation, urls: DatabaseUrls
) -> None:
    id_ = estate.ids[Kind.BLOCK_DOCUMENT]

    revealed = await mutate(estate.revealer, "blockDocumentReveal", "data", id=id_)
    owner = await refused(estate.wide, "blockDocumentReveal", id=id_)
    await query(
        urls.owner, "update login_sessions set created_at = created_at - interval '5 minutes'"
    )
    late = await refused(estate.revealer, "blockDocumentReveal", id=id_)

    assert revealed["data"]["password"] == "hunter2"
    assert revealed["data"]["inner"].keys() == {"$ref"}
    assert owner["code"] == "FORBIDDEN"
    assert (late["code"], "Sign in again" in late["message"]) == ("FORBIDDEN", True)


async def test_secrets_are_shown_to_nobody_unless_the_installation_allows_it(
    urls: DatabaseUrls, redis_url: str
) -> None:
    async with replica(urls, redis_url, may_reveal=False) as installation:
        estate = await make_estate(installation)
        given = {"id": estate.ids[Kind.BLOCK_DOCUMENT]}
        error = await refused(estate.revealer, "blockDocumentReveal", **given)

    assert (error["code"], "HEADGATE_BLOCK_REVEAL" in error["message"]) == ("FORBIDDEN", True)


async def test_each_read_of_a_secret_is_in_the_audit_log_and_no_secret_is(
    estate: Estate, urls: DatabaseUrls
) -> None:
    await resolve(estate.run, estate.own_run["lease"], "login/main")
    given = {"id": estate.ids[Kind.BLOCK_DOCUMENT]}
    await mutate(estate.revealer, "blockDocumentReveal", "data", **given)

    found = await query(
        urls.owner,
        "select json_agg(json_build_array(action, target_name, actor_kind) order by action, "
        "target_name) from audit_entries where action like 'block_document.re%'",
    )

    assert json.loads(found) == [
        ["block_document.resolved", "login/inner", "run"],
        ["block_document.resolved", "login/main", "run"],
        ["block_document.revealed", "login/main", "user"],
    ]
    everything = await query(urls.owner, "select json_agg(audit_entries)::text from audit_entries")
    assert "login/main" in everything
    assert "hunter2" not in everything


async def test_every_flipped_bit_of_a_stored_secret_is_refused(
    estate: Estate, installation: Installation
) -> None:
    block_id = ids.parse(estate.ids[Kind.BLOCK_DOCUMENT], kind=Kind.BLOCK_DOCUMENT)
    own = block_secrets.c.block_document_id == block_id
    async with installation.database.system() as work:
        blob: bytes = (await work.execute(select(block_secrets.c.blob).where(own))).scalar_one()
    document = "mutation ($input: BlockResolveInput!) { blockResolve(input: $input) { blocks } }"
    given = {"lease": estate.own_run["lease"], "references": ["login/main"]}

    for place in range(0, len(blob), 7):
        turned = bytearray(blob)
        turned[place] ^= 1 << place % 8
        async with installation.database.system() as work:
            await work.execute(update(block_secrets).where(own).values(blob=bytes(turned)))
        answer = await estate.run.execute(document, input=given)

        assert b"hunter2" not in answer.body
        assert answer.json["errors"]


async def test_rotated_key_opens_what_was_stored_before(
    estate: Estate, installation: Installation
) -> None:
    keyring = Keyring(key_providers())
    count = await workspace_keys.rotate(
        installation.database, keyring, workspace_id=estate.tenant.workspace_id
    )

    blocks = await resolve(estate.run, estate.own_run["lease"], "login/main")

    assert count == 2
    assert blocks["login/main"]["data"]["password"] == "hunter2"


async def test_block_tells_which_blocks_and_deployments_use_it(estate: Estate) -> None:
    used = await fill(estate, "used", {"host": "h", "password": SECRET})
    await fill(estate, "user", {"inner": {"$ref": "login/used"}})
    workspace = estate.ids[Kind.WORKSPACE]
    await mutate(
        estate.bound,
        "deploymentUpsert",
        "deployment { id }",
        workspaceId=workspace,
        flowName="reads",
        name="nightly",
        blocks=["login/used"],
    )

    answer = await estate.bound.execute(
        "query ($id: ID!) { node(id: $id) { ... on BlockDocument { "
        "referredBy { reference } deployments { name } } } }",
        id=used["blockDocument"]["id"],
    )

    assert answer.data["node"] == {
        "referredBy": [{"reference": "login/user"}],
        "deployments": [{"name": "nightly"}],
    }
