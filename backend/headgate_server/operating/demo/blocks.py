"""The blocks of the demo, made as people make them: their secrets are sealed like any others.

What they hold is made up; it opens nothing.
"""

from functools import partial
from typing import Any, cast

from headgate_server.database.work import Database
from headgate_server.operating.demo.definitions import Workspace
from headgate_server.services.blocks import documents, types
from headgate_server.services.blocks.documents import Filling
from headgate_server.services.blocks.sealing import open_sealer
from headgate_server.services.blocks.types import BlockTypeChanges, NewSchema
from headgate_server.services.workspace_keys import Keyring

_TEXT = {"type": "string"}
_SECRET = {"type": "string", "format": "password", "writeOnly": True}
_TYPES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "postgres",
        "Postgres",
        "A database and how to sign in to it.",
        {
            "type": "object",
            "required": ["host", "login"],
            "properties": {
                "host": {**_TEXT, "title": "Host"},
                "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 5432},
                "login": {
                    "type": "object",
                    "title": "Login",
                    "required": ["user"],
                    "properties": {
                        "user": _TEXT,
                        "password": _SECRET,
                        "tls": {
                            "type": "object",
                            "properties": {"certificate": _TEXT, "private_key": _SECRET},
                        },
                    },
                },
            },
        },
    ),
    (
        "s3-bucket",
        "S3 bucket",
        "A bucket and the keys that open it.",
        {
            "type": "object",
            "required": ["bucket"],
            "properties": {
                "bucket": {**_TEXT, "title": "Bucket"},
                "region": {"type": "string", "enum": ["eu-central-1", "us-east-1"]},
                "access_key_id": _TEXT,
                "secret_access_key": _SECRET,
            },
        },
    ),
    (
        "webhook",
        "Webhook",
        "An address that takes messages; the token is in its header.",
        {
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": {"type": "string", "format": "uri"},
                "token": _SECRET,
                "store": {"title": "Where messages are kept"},
            },
        },
    ),
)
_DOCUMENTS: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "postgres",
        "warehouse",
        {"host": "warehouse.internal.example", "port": 5432, "login": {"user": "loader"}},
        {"login": {"password": "made-up-1", "tls": {"private_key": "made-up-2"}}},  # nosec B105
    ),
    (
        "postgres",
        "replica",
        {"host": "replica.internal.example", "port": 5433, "login": {"user": "reader"}},
        {},
    ),
    (
        "s3-bucket",
        "lake",
        {"bucket": "lake", "region": "eu-central-1", "access_key_id": "AKIAMADEUP"},
        {"secret_access_key": "made-up-3"},  # nosec B105
    ),
    (
        "webhook",
        "on-call",
        {"url": "https://hooks.example/on-call", "store": {"$ref": "s3-bucket/lake"}},
        {"token": "made-up-4"},  # nosec B105
    ),
)


async def make_blocks(
    database: Database,
    workspace: Workspace,
    *,
    keyring: Keyring | None,
    pepper: str,
) -> None:
    """Register the types in a workspace and fill in a block or two of each.

    Where the installation keeps no secrets, the blocks have none.
    """
    open_work = partial(database.system, workspace_id=workspace.id, actor=workspace.owner)
    sealer = await open_sealer(open_work, keyring, pepper=pepper)
    async with open_work() as work:
        for slug, name, said, fields in _TYPES:
            changes = BlockTypeChanges(name=name, description=said)
            type_, _ = await types.upsert_type(work, slug=slug, changes=changes)
            new = NewSchema(fields=fields, capabilities=["connect"])
            await types.register_schema(work, block_type_id=type_.id, new=new)
        for slug, name, plain, secret in _DOCUMENTS:
            data = plain if keyring is None else _merged(plain, secret)
            await documents.upsert_document(
                work,
                type_slug=slug,
                name=name,
                filling=Filling(data=data),
                sealer=sealer,
                may_use=lambda _: True,
            )


def _merged(plain: dict[str, Any], secret: dict[str, Any]) -> dict[str, Any]:
    """Return one document with the fields of both."""
    merged = dict(plain)
    for key, value in secret.items():
        is_object = isinstance(value, dict)
        inner = cast("dict[str, Any]", value) if is_object else {}
        merged[key] = _merged(plain.get(key, {}), inner) if is_object else value
    return merged
