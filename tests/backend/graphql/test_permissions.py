"""Every field that can deny says so in the schema, and denies as it says."""

import pytest
import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import scoped_field
from headgate_server.graphql.schema import UndeclaredField, make_schema
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.backend.graphql.local_schema import SCHEMA, Mutation, Subscription
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio


@pytest.fixture
def guest() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="guest")


async def test_nullable_field_is_null_without_the_scope(guest: ApiClient) -> None:
    answer = await guest.execute("{ tree { number secret } }")

    assert answer.data == {"tree": {"number": 0, "secret": None}}


async def test_other_field_is_forbidden_without_the_scope_and_names_it(guest: ApiClient) -> None:
    answer = await guest.execute("{ tree { secretRings } }")

    assert answer.error["extensions"] == {"code": "FORBIDDEN", "missingScopes": ["LOGS_READ"]}


async def test_fields_answer_with_the_scope() -> None:
    owner = ApiClient(local_app(doorkeeper()), token="owner")

    answer = await owner.execute("{ tree { secret secretRings } }")

    assert answer.data == {"tree": {"secret": "sap", "secretRings": [0]}}


def test_scopes_are_in_the_schema() -> None:
    sdl = SCHEMA.as_str()

    assert "secret: String @scope(requires: [LOGS_READ])" in sdl
    assert "plant(how: String = null): PlantPayload! @scope(requires: [RUNS_WRITE])" in sdl
    assert "directive @scope(requires: [Scope!]!) on FIELD_DEFINITION" in sdl
    assert sdl.count("@scope(requires: [RUNS_WRITE])") == 1


def test_root_field_without_scopes_is_refused_when_the_schema_is_made() -> None:
    @strawberry.type
    class Query:
        @scoped_field(requires=[Scope.RUNS_READ], description="Declared.")
        def declared(self) -> int:
            return 1

        @strawberry.field(description="Open to everyone by oversight.")
        def forgotten(self) -> int:
            return 1

    with pytest.raises(UndeclaredField, match=r"Query\.forgotten declares no scopes"):
        make_schema(query=Query, mutation=Mutation, subscription=Subscription)
