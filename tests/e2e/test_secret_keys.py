"""Another secret key: what was given out under the one before works on, and what nobody uses ends.

The server is a real one, started with the old key, with the new and the old, and with the new.
"""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from tests.factories.people import Person, make_person
from tests.factories.tenants import make_tenant
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import Api, Installation

pytestmark = pytest.mark.e2e

NEW_KEY = "another secret key of an installation that only tests use"
MADE = """
mutation($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { secret errors { message } }
}
"""
BOTH = {"HEADGATE_SECRET_KEY": NEW_KEY, "HEADGATE_SECRET_KEY_PREVIOUS": SECRET_KEY}
ONLY_NEW = {"HEADGATE_SECRET_KEY": NEW_KEY}
VIEWER = {"query": "{ viewer { user { id } } }"}


@pytest.fixture
async def installation(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncGenerator[Installation]:
    with Installation(tmp_path / "installation", urls, redis_url) as installation:
        await installation.make_tenant()
        yield installation


def post(api: Api, path: str, body: Any, **headers: str) -> Any:
    """Send what a page or a program sends, and return the answer."""
    page = {"x-headgate": "1", "origin": api.url}
    with Client(base_url=api.url) as client:
        return client.post(path, json=body, headers={**page, **headers})


def sign_in_at(api: Api, person: Person) -> str:
    """Return what a browser sends that signed in: the cookies of the session and of the browser."""
    given = {"email": person.email, "password": person.password}
    answer = post(api, "/auth/sign-in", given)
    assert answer.status_code == 200, answer.text
    told = answer.headers.get_list("set-cookie")
    return "; ".join(one.partition(";")[0] for one in told)


def by_cookie(api: Api, cookie: str) -> int:
    return post(api, "/graphql", VIEWER, cookie=cookie).status_code


def by_key(api: Api, key: str) -> int:
    return post(api, "/graphql", VIEWER, authorization=f"Bearer {key}").status_code


def make_key(api: Api, key: str) -> str:
    bearer = f"Bearer {key}"
    me = post(api, "/graphql", VIEWER, authorization=bearer).json()["data"]["viewer"]["user"]["id"]
    wanted = {"input": {"name": "another", "scopes": ["RUNS_READ"], "ownerId": me}}
    answer = post(api, "/graphql", {"query": MADE, "variables": wanted}, authorization=bearer)
    return answer.json()["data"]["apiKeyCreate"]["secret"]


def stop(api: Api) -> None:
    assert api.process.stop() == 0


async def test_what_is_used_while_two_keys_hold_works_on_and_the_rest_ends(
    installation: Installation, database: Database
) -> None:
    person = await make_person(database, owns=await make_tenant(database))
    port = (old := installation.start_api()).port
    unused = make_key(old, installation.api_key)
    cookie = sign_in_at(old, person)
    idle = sign_in_at(old, person)
    assert [by_key(old, unused), by_cookie(old, cookie), by_cookie(old, idle)] == [200, 200, 200]

    stop(old)
    both = installation.start_api(port=port, **BOTH)
    used = [by_key(both, installation.api_key), by_cookie(both, cookie)]
    fresh = make_key(both, installation.api_key)
    stop(both)
    new = installation.start_api(port=port, **ONLY_NEW)

    assert used == [200, 200]
    going_on = [by_key(new, installation.api_key), by_key(new, fresh), by_cookie(new, cookie)]
    assert going_on == [200, 200, 200]
    assert [by_key(new, unused), by_cookie(new, idle)] == [401, 401]
