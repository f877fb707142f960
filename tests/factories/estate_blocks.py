"""The blocks of an estate: a type, its schema, and a document that refers to another."""

from headgate_server.domain.ids import Kind
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient

LOGIN: Json = {
    "type": "object",
    "properties": {
        "host": {"type": "string"},
        "password": {"type": "string", "writeOnly": True},
        "inner": {"type": "object"},
    },
}


async def make_blocks(api: ApiClient, found: dict[Kind, str]) -> None:
    """Make a type, its schema and two documents, of which the later refers to the other."""
    place = {"workspaceId": found[Kind.WORKSPACE]}
    type_ = await mutate(api, "blockTypeUpsert", "blockType { id }", **place, slug="login")
    found[Kind.BLOCK_TYPE] = type_["blockType"]["id"]
    schema = await mutate(
        api,
        "blockSchemaRegister",
        "blockSchema { id }",
        blockTypeId=found[Kind.BLOCK_TYPE],
        fields=LOGIN,
    )
    found[Kind.BLOCK_SCHEMA] = schema["blockSchema"]["id"]
    for name, data in (
        ("inner", {"password": "inner secret"}),
        ("main", {"host": "h", "password": "hunter2", "inner": {"$ref": "login/inner"}}),
    ):
        made = await mutate(
            api,
            "blockDocumentUpsert",
            "blockDocument { id }",
            **place,
            typeSlug="login",
            name=name,
            data=data,
        )
        found[Kind.BLOCK_DOCUMENT] = made["blockDocument"]["id"]
