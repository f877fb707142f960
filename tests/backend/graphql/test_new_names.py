"""What is to be new through the API: never written over what has its name already."""

from dataclasses import dataclass
from typing import Any

import pytest

from headgate_server.domain import ids
from tests.factories.estates import Estate
from tests.factories.mutations import mutate

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class New:
    """A mutation that makes what it does not find, and changes what it finds.

    Args:
        field: the mutation.
        shape: what it answers with.
        part: what a new one belongs to, and the name of the input's field that says so.
        first: what is made.
        second: what would be another one of its name.
        seen: fields that tell the two apart.
        named: the field of the input that the refusal points to.
        client: who sends it.
    """

    field: str
    shape: str
    part: tuple[str, ids.Kind]
    first: Json
    second: Json
    seen: str
    named: str = "name"
    client: str = "bound"


WORKSPACE = ("workspaceId", ids.Kind.WORKSPACE)
ORGANIZATION = ("organizationId", ids.Kind.ORGANIZATION)
EVERY = {"interval": {"every": "PT1H"}}
NEW = [
    New(
        "workPoolUpsert",
        "workPool",
        WORKSPACE,
        {"name": "lock", "type": "process", "concurrencyLimit": 1},
        {"name": "lock", "type": "process", "concurrencyLimit": 2},
        "concurrencyLimit version",
    ),
    New(
        "workQueueUpsert",
        "workQueue",
        ("workPoolId", ids.Kind.WORK_POOL),
        {"name": "lock", "priority": 1},
        {"name": "lock", "priority": 2},
        "priority version",
    ),
    New(
        "concurrencyLimitUpsert",
        "concurrencyLimit",
        WORKSPACE,
        {"name": "lock", "limit": 1},
        {"name": "lock", "limit": 2},
        "limit version",
    ),
    New(
        "scheduleUpsert",
        "schedule",
        ("deploymentId", ids.Kind.DEPLOYMENT),
        {"slug": "lock", "spec": EVERY, "active": True},
        {"slug": "lock", "spec": EVERY, "active": False},
        "active version",
        named="slug",
    ),
    New(
        "blockTypeUpsert",
        "blockType",
        WORKSPACE,
        {"slug": "lock", "name": "Lock"},
        {"slug": "lock", "name": "Other"},
        "name version",
        named="slug",
    ),
    New(
        "roleUpsert",
        "role",
        ORGANIZATION,
        {"name": "Lock", "scopes": ["RUNS_READ"]},
        {"name": "Lock", "scopes": ["FLOWS_READ"]},
        "scopes version",
        client="wide",
    ),
    New(
        "teamUpsert",
        "team",
        ORGANIZATION,
        {"name": "Lock"},
        {"name": "Lock"},
        "name",
        client="wide",
    ),
]


@pytest.mark.parametrize("new", NEW, ids=lambda new: new.field)
async def test_what_is_to_be_new_is_not_written_over_what_is_there(
    estate: Estate, new: New
) -> None:
    api, (field_, kind) = estate.client(new.client), new.part
    place = {field_: estate.ids[kind]}
    shape = f"{new.shape} {{ id {new.seen} }}"

    made = await mutate(api, new.field, shape, **place, **new.first, expectedVersion=0)
    (refused,) = await errors_of(api, new.field, **place, **new.second, expectedVersion=0)
    again = await mutate(api, new.field, shape, **place, **new.first)

    assert (refused["code"], refused["path"]) == ("CONFLICT", [new.named])
    assert refused["existing"] == {"id": made[new.shape]["id"]}
    assert again == made


async def errors_of(api: Any, field_: str, **given: Any) -> list[Json]:
    """Return how a mutation is refused."""
    kind = f"{field_[0].upper()}{field_[1:]}Input"
    document = (
        f"mutation ($input: {kind}!) {{ {field_}(input: $input) "
        "{ errors { code path ... on ConflictError { existing { id } } } } }"
    )
    errors: list[Json] = (await api.execute(document, input=given)).data[field_]["errors"]
    return errors
