"""What nests too deeply, or is wrong too often: refused by a rule that is named, with its limit."""

import json
from typing import Any

import pytest

from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.nesting import nesting_of_document
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.backend.graphql.test_limits import FIND, assert_refused, nested
from tests.fixtures.api import ApiClient, open_socket, serve

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="owner")


def list_in_list(levels: int) -> Any:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def echoing(levels: int) -> str:
    """Return a document of so many brackets inside each other."""
    return "{ echo(what: " + "[" * (levels - 2) + "]" * (levels - 2) + ") }"


async def test_brackets_up_to_the_limit_are_read_and_further_ones_name_the_rule(
    api: ApiClient,
) -> None:
    read = await api.execute(echoing(64))
    fields = await api.execute(nested(64))
    deep = await api.execute("{" * 9_000)

    assert {one["extensions"]["code"] for one in read.json["errors"]} == {"BAD_REQUEST"}
    assert_refused(fields, "depth", limit=12, actual=64)
    assert_refused(await api.execute(echoing(65)), "nesting", limit=64, actual=65)
    assert_refused(deep, "nesting", limit=64, actual=9_000)
    assert "pass values as variables" in deep.error["message"]


@pytest.mark.parametrize(
    ("document", "nesting"),
    [
        ('{ echo(what: "' + "[" * 90 + '") }', 2),
        ('{ echo(what: "\\"' + "[" * 90 + '") }', 2),
        ('{ echo(what: """' + "[" * 90 + '\\"""' + "(" * 90 + '""") { a } }', 2),
        ("{ a # " + "{" * 90 + "\n { b } }", 2),
        ('{ a(b: "{{{\n', 2),
        ('{ a(b: """{{{', 2),
        ("{ a } # {{{", 1),
        ("}}} { a }", 0),
    ],
)
def test_strings_and_comments_hold_no_brackets(document: str, nesting: int) -> None:
    assert nesting_of_document(document) == nesting


async def test_mistakes_beyond_those_that_are_told_name_the_rule(api: ApiClient) -> None:
    def wrong(count: int) -> str:
        return "{" + " ".join(f"no{number}" for number in range(count)) + "}"

    ten = (await api.execute(wrong(10))).json["errors"]
    *told, last = (await api.execute(wrong(11))).json["errors"]

    assert [error["extensions"] for error in ten] == [{"code": "BAD_REQUEST"}] * 10
    assert told == ten
    assert last["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "rule": "validation errors",
        "limit": rules.MAX_VALIDATION_ERRORS,
    }
    assert "correct these 10 first. The limit is 10 (rule: validation errors)." in last["message"]


async def test_variables_nest_up_to_a_limit_on_every_way_in(api: ApiClient) -> None:
    taken = await api.execute(FIND, f={"like": list_in_list(252)})
    refused = await api.execute(FIND, f={"like": list_in_list(253)})
    text = "[" * 5_000 + "]" * 5_000
    unread = await api.post(
        f'{{"query": {json.dumps(FIND)}, "variables": {{"f": {text}}}}}'.encode()
    )

    assert taken.data == {"find": 0}
    assert_refused(refused, "variables nesting", limit=254, actual=255)
    assert_refused(unread, "variables nesting", limit=254)
    assert (refused.status, unread.status) == (400, 400)
    app = local_app(doorkeeper())
    async with serve(app) as address, open_socket(address, token="owner") as socket:
        (message,) = await socket.run(FIND, f={"like": list_in_list(253)})
    assert message["payload"][0]["extensions"]["rule"] == "variables nesting"


async def test_body_that_is_too_large_names_the_rule(api: ApiClient) -> None:
    answer = await api.post({"query": FIND, "variables": {"f": {"like": "x" * 1_048_576}}})

    assert_refused(answer, "body", limit=1_048_576)
    assert answer.status == 413
