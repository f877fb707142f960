"""Which values of blocks are secret: by the schema, wherever it applies, and by a newer one."""

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import Kind
from tests.factories.blocks import begin, fill, refused, register, resolve
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.installations import Installation
from tests.fixtures.loop_turns import watched_turns
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

LOOP_SECONDS = 0.3
SECRET = "correct horse"
SHOWN = """query ($id: ID!) { node(id: $id) { ... on BlockDocument { data missing
  secrets { path isSet fingerprint } } } }"""

LISTED = """query ($id: ID!) { node(id: $id) { ... on Workspace { blockDocuments(first: 50) {
  nodes { reference data missing } } } } }"""


async def test_secrets_of_a_type_that_holds_itself_are_shown_to_runs_alone(
    estate: Estate, installation: Installation
) -> None:
    node = {
        "type": "object",
        "properties": {"key": {"writeOnly": True}, "child": {"$ref": "#/$defs/Node"}},
    }
    fields = {"type": "object", "$ref": "#/$defs/Node", "$defs": {"Node": node}}
    await register(estate, "tree", fields)
    place = {"$secret": {"provider": "env", "name": "X"}}
    data = {"key": "first", "child": {"key": SECRET, "child": {"child": {"key": place}}}}

    made = await fill(estate, "own", data, typeSlug="tree")
    again = await fill(
        estate, "own", made["blockDocument"]["data"], typeSlug="tree", replaceSecrets=True
    )
    deeper = [{"path": "child.child.key", "value": "third"}]
    named = await fill(estate, "own", data, typeSlug="tree", secrets=deeper)
    run, lease = await begin(estate.bound, estate, installation)
    read = (await resolve(run, lease, "tree/own"))["tree/own"]

    assert made["blockDocument"]["data"] == {
        "key": "********",
        "child": {"key": "********", "child": {"child": {"key": place}}},
    }
    assert again["blockDocument"] == made["blockDocument"]
    assert [one["path"] for one in named["blockDocument"]["secrets"] if one["isSet"]] == [
        "child.child.key",
        "child.key",
        "key",
    ]
    assert read["data"]["child"]["key"] == SECRET
    assert read["data"]["child"]["child"] == {"key": "third", "child": {"key": place}}
    assert read["externalPaths"] == ["child.child.child.key"]


async def test_schema_whose_secrets_nobody_would_find_is_refused(estate: Estate) -> None:
    hidden = {"type": "object", "dependencies": {"a": {"properties": {"b": {"writeOnly": True}}}}}
    given = {"blockTypeId": estate.ids[Kind.BLOCK_TYPE], "fields": hidden}

    error = await refused(estate.bound, "blockSchemaRegister", **given)

    assert (error["code"], "below dependencies" in error["message"]) == ("INVALID", True)


async def test_what_a_newer_schema_calls_secret_is_shown_to_runs_alone(
    estate: Estate, installation: Installation, urls: DatabaseUrls
) -> None:
    entry: Json = {"type": "object", "properties": {"user": {"type": "string"}, "token": {}}}
    fields: Json = {
        "type": "object",
        "properties": {"host": {}, "password": {}, "logins": {"type": "array", "items": entry}},
    }
    await register(estate, "svc", fields)
    data = {"host": "h", "password": SECRET, "logins": [{"user": "u", "token": "tok-1234"}]}
    id_ = (await fill(estate, "old", data, typeSlug="svc"))["blockDocument"]["id"]
    entry["properties"]["token"] = {"writeOnly": True}
    await register(estate, "svc", fields, secret_paths=["password"])
    run, lease = await begin(estate.bound, estate, installation)

    shown = (await estate.bound.execute(SHOWN, id=id_)).data["node"]
    read = (await resolve(run, lease, "svc/old"))["svc/old"]
    kept = await fill(estate, "old", {**shown["data"], "host": "other"}, typeSlug="svc")
    again = (await resolve(run, lease, "svc/old"))["svc/old"]
    stored = await query(urls.owner, "select string_agg(data::text, ' ') from block_documents")

    masked = {"password": "********", "logins": [{"user": "u", "token": "********"}]}
    assert shown["data"] == {"host": "h", **masked}
    assert shown["missing"] == ["logins.0.token", "password"]
    assert [(one["path"], one["isSet"], one["fingerprint"]) for one in shown["secrets"]] == [
        ("logins.0.token", True, None),
        ("password", True, None),
    ]
    assert (read["data"], read["secretPaths"]) == (data, ["logins.0.token", "password"])
    assert kept["blockDocument"]["data"] == {"host": "other", **masked}
    assert kept["blockDocument"]["missing"] == []
    assert None not in [one["fingerprint"] for one in kept["blockDocument"]["secrets"]]
    assert again["data"] == {**data, "host": "other"}
    assert SECRET not in stored
    assert "tok-1234" not in stored


NODE: Json = {"type": "object", "properties": {"token": {"type": "string"}, "next": {}}}


@pytest.mark.parametrize(
    "later", [{"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}, {"allOf": [NODE]}]
)
async def test_what_was_secret_is_sealed_however_a_later_schema_tells_it(
    estate: Estate, urls: DatabaseUrls, later: Json
) -> None:
    marked = {"type": "object", "properties": {"token": {"type": "string", "writeOnly": True}}}
    await register(estate, "sly", marked)
    await register(estate, "sly", {"type": "object", **later})

    made = await fill(estate, "b", {"token": SECRET}, typeSlug="sly")
    stored = await query(urls.owner, "select string_agg(data::text, ' ') from block_documents")

    assert made["blockDocument"]["data"] == {"token": "********"}
    assert [one["path"] for one in made["blockDocument"]["secrets"]] == ["token"]
    assert SECRET not in stored


async def test_data_of_an_older_schema_is_sealed_where_the_newest_has_secrets(
    estate: Estate, installation: Installation, urls: DatabaseUrls
) -> None:
    type_id = await register(estate, "aging", {"type": "object", "properties": {"token": {}}})
    shown = "blockSchema { checksum }"
    plain: Json = {
        "blockTypeId": type_id,
        "fields": {"type": "object", "properties": {"token": {}}},
    }
    older = await mutate(estate.bound, "blockSchemaRegister", shown, **plain)
    checksum = older["blockSchema"]["checksum"]
    marked = {"type": "object", "properties": {"token": {"writeOnly": True}}}
    await register(estate, "aging", marked)

    data = {"token": SECRET, "host": "h"}
    made = await fill(estate, "x", data, typeSlug="aging", schemaChecksum=checksum)
    stored = await query(urls.owner, "select string_agg(data::text, ' ') from block_documents")
    run, lease = await begin(estate.bound, estate, installation)
    read = (await resolve(run, lease, "aging/x"))["aging/x"]

    assert made["blockDocument"]["schema"] == {"number": 1, "checksum": checksum}
    assert made["blockDocument"]["missing"] == []
    assert SECRET not in stored
    assert (read["data"], read["secretPaths"]) == (data, ["token"])


async def test_blocks_are_looked_through_beside_the_loop(estate: Estate) -> None:
    await register(estate, "slow", {"type": "object"})
    id_ = (await fill(estate, "x", {"a": [0] * 4_000}, typeSlug="slow"))["blockDocument"]["id"]
    forks = {"type": "object", "properties": {"a": {"anyOf": [True] * 400}}}
    await register(estate, "slow", forks)

    async with watched_turns() as turns:
        shown = (await estate.bound.execute(SHOWN, id=id_)).data["node"]

    assert shown["missing"] == []
    assert turns.longest < LOOP_SECONDS


async def test_large_schemas_are_checked_beside_the_loop(estate: Estate) -> None:
    type_id = await register(estate, "wide", {"type": "object"})
    fields = {f"field {number}": {"type": "string"} for number in range(1_500)}
    given = {"blockTypeId": type_id, "fields": {"type": "object", "properties": fields}}

    async with watched_turns() as turns:
        made = await mutate(estate.bound, "blockSchemaRegister", "created", **given)

    assert made["created"]
    assert turns.longest < LOOP_SECONDS


async def test_large_block_hides_nothing_of_those_beside_it(
    estate: Estate, installation: Installation
) -> None:
    await register(estate, "large", {"type": "object"})
    await register(estate, "small", {"type": "object"})
    for type_slug, name in (("small", "a"), ("large", "m"), ("small", "z")):
        data = {"host": "h", "rows": [0] * (2_000 if type_slug == "large" else 1)}
        await fill(estate, name, data, typeSlug=type_slug)
    rows: Json = {"allOf": [{"items": {}} for _ in range(400)]}
    await register(estate, "large", {"type": "object", "properties": {"rows": rows}})
    run, lease = await begin(estate.bound, estate, installation)

    listed = await estate.bound.execute(LISTED, id=estate.ids[Kind.WORKSPACE])
    nodes = listed.data["node"]["blockDocuments"]["nodes"]
    shown = {one["reference"]: (one["data"], one["missing"]) for one in nodes}
    read = await resolve(run, lease, "small/a", "large/m", "small/z")

    small = {"host": "h", "rows": [0]}
    assert shown["small/a"] == shown["small/z"] == (small, [])
    assert shown["large/m"][0] == {"host": "********", "rows": "********"}
    assert (read["small/a"]["secretPaths"], read["small/z"]["secretPaths"]) == ([], [])
    assert read["large/m"]["secretPaths"] == ["host", "rows"]


@pytest.mark.parametrize(
    "data",
    [
        [{"host": "b", "token": "********"}],
        [{"host": "b"}],
        [{"host": "b", "token": "********"}, {"host": "a", "token": "********"}],
        [{"host": "c", "token": "of-c"}, {"host": "a"}, {"host": "b", "token": "of-b"}],
    ],
)
async def test_secret_of_one_entry_is_never_read_as_that_of_another(
    estate: Estate, installation: Installation, data: list[Json]
) -> None:
    entry = {"type": "object", "properties": {"host": {}, "token": {"writeOnly": True}}}
    await register(estate, "many", {"type": "object", "properties": {"logins": {"items": entry}}})
    logins = [{"host": "a", "token": "of-a"}, {"host": "b", "token": "of-b"}]
    await fill(estate, "own", {"logins": logins}, typeSlug="many")
    place = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "many", "name": "own"}

    error = await refused(estate.bound, "blockDocumentUpsert", **place, data={"logins": data})
    run, lease = await begin(estate.bound, estate, installation)
    read = (await resolve(run, lease, "many/own"))["many/own"]["data"]
    told = [{"host": "b", "token": "of-b"}, {"host": "a", "token": "********", "port": 1}]
    await fill(estate, "own", {"logins": told[::-1]}, typeSlug="many")
    changed = (await resolve(run, lease, "many/own"))["many/own"]["data"]

    assert (error["code"], "send the secret again" in error["message"]) == ("INVALID", True)
    assert read == {"logins": logins}
    assert changed == {"logins": [{"host": "a", "token": "of-a", "port": 1}, logins[1]]}
