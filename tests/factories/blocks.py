"""Blocks of an estate: filled in, refused, and read by runs."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation

DOCUMENT = """blockDocument { id name reference version data missing schema { number checksum }
  type { slug } secrets { path isSet external fingerprint updatedAt } } created"""


async def fill(estate: Estate, name: str, data: Json, **more: Any) -> Json:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "name": name}
    api = more.pop("api", estate.bound)
    return await mutate(api, "blockDocumentUpsert", DOCUMENT, **{**place, **more}, data=data)


async def register(
    estate: Estate, slug: str, fields: Json, *, secret_paths: Sequence[str] = ()
) -> str:
    """Register a type of these fields, and return its id; again, they are its newest."""
    place = {"workspaceId": estate.ids[Kind.WORKSPACE], "slug": slug}
    made = await mutate(estate.bound, "blockTypeUpsert", "blockType { id }", **place)
    type_id: str = made["blockType"]["id"]
    given = {"blockTypeId": type_id, "fields": fields, "secretPaths": list(secret_paths)}
    await mutate(estate.bound, "blockSchemaRegister", "blockSchema { id }", **given)
    return type_id


async def refused(api: ApiClient | Browser, field: str, **given: Any) -> Json:
    others = {"blockDocumentReveal": "IdInput", "blockDocumentDelete": "DeleteInput"}
    name = others.get(field, f"{field[0].upper()}{field[1:]}Input")
    answer = await api.execute(
        f"mutation ($input: {name}!) {{ {field}(input: $input)"
        " { errors { code message path } } }",
        input=given,
    )
    (error,) = answer.data[field]["errors"]
    return error


async def resolve(run: ApiClient, lease: Json, *references: str) -> Json:
    found = await mutate(run, "blockResolve", "blocks", lease=lease, references=references)
    return found["blocks"]


async def begin(
    api: ApiClient, estate: Estate, installation: Installation
) -> tuple[ApiClient, Json]:
    begun = await mutate(
        api,
        "flowRunBegin",
        "lease { runId epoch } leaseToken runToken",
        workspaceId=estate.ids[Kind.WORKSPACE],
        flowName="reads",
        clientId=str(uuid4()),
    )
    lease = {**begun["lease"], "leaseToken": begun["leaseToken"]}
    return installation.holding(begun["runToken"]), lease
