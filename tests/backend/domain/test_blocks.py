"""Blocks without a database: paths, secret fields of schemas, secrets taken out and put back."""

from typing import Any

import orjson
import pytest

from headgate_server.domain.blocks import access, documents, marks, paths, schemas
from headgate_server.domain.blocks.blocks import checksum_of
from headgate_server.domain.blocks.paths import MASK
from headgate_server.domain.errors import InvalidInput

FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "host": {"type": "string"},
        "port": {"type": "integer"},
        "password": {"anyOf": [{"type": "string", "format": "password"}, {"type": "null"}]},
        "headers": {"type": "object", "additionalProperties": {"writeOnly": True}},
        "logins": {"type": "array", "items": {"$ref": "#/$defs/Login"}},
        "tree": {"$ref": "#/$defs/Tree"},
    },
    "required": ["host", "password"],
    "$defs": {
        "Login": {
            "type": "object",
            "properties": {"user": {"type": "string"}, "token": {"writeOnly": True}},
        },
        "Tree": {"properties": {"child": {"$ref": "#/$defs/Tree"}, "key": {"writeOnly": True}}},
    },
}
SECRET_PATHS = ("headers.*", "logins.*.token", "password", "tree.key")


@pytest.mark.parametrize("parts", [("a",), ("a.b", "c"), ("a\\", "b"), ("\\.", "*"), ("é", "0")])
def test_path_says_its_parts(parts: tuple[str, ...]) -> None:
    assert paths.split(paths.join(parts)) == parts


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a..b", "a\\", "a" * 501, ".".join("a" * 21)]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        paths.split(path)


def test_schema_marks_its_secrets_at_any_depth() -> None:
    data = {"tree": {"key": "s", "child": {"key": "s", "child": {"child": {"key": "s"}}}}}
    found = marks.find_places(data, fields=FIELDS, named=["tree.child.child.key.x", "host"])

    assert schemas.list_secret_paths(FIELDS, []) == SECRET_PATHS
    assert list(map(paths.join, found)) == [
        *("tree.key", "tree.child.key", "tree.child.child.child.key"),
        "tree.child.child.key",
    ]
    assert "host" in schemas.list_secret_paths(FIELDS, ["host"])


def test_schema_that_doubles_with_each_level_is_given_up_on() -> None:
    chain = {
        f"a{level}": {"properties": {side: {"$ref": f"#/$defs/a{level + 1}"} for side in "xy"}}
        for level in range(30)
    }
    with pytest.raises(InvalidInput, match="too often"):
        schemas.list_secret_paths({"$ref": "#/$defs/a0", "$defs": chain}, [])


def fill(data: dict[str, Any], *secrets: tuple[str, str | None]) -> documents.Filled:
    return documents.read_filled(data, secrets=secrets, secret_paths=SECRET_PATHS)


def test_secrets_are_taken_out_of_the_data_and_go_back_in_their_places() -> None:
    data = {
        "host": "h",
        "password": "p",
        "headers": {"a.b": "1", "c": {"d": 2}},
        "logins": [{"user": "u", "token": "t"}, {"user": "v"}],
    }

    filled = fill(data)

    assert filled.data == {"host": "h", "headers": {}, "logins": [{"user": "u"}, {"user": "v"}]}
    assert filled.secrets == {
        "password": b'"p"',
        "headers.a\\.b": b'"1"',
        "headers.c": b'{"d":2}',
        "logins.0.token": b'"t"',
    }
    assert documents.opened(filled.data, filled.secrets) == data
    shown = documents.masked(filled.data, list(filled.secrets))
    assert shown["headers"] == {"a.b": MASK, "c": MASK}
    assert not any(secret in orjson.dumps(shown) for secret in (b'"p"', b'"t"', b"2"))


def test_secret_that_is_set_already_is_taken_once() -> None:
    known = sorted({*SECRET_PATHS, "headers.a\\.b", "headers"})

    filled = documents.read_filled(
        {"headers": {"a.b": "1"}}, secrets=[], secret_paths=[p for p in known if p != "headers"]
    )
    outer = documents.read_filled({"headers": {"a.b": "1"}}, secrets=[], secret_paths=known)

    assert (filled.secrets, filled.removed) == ({"headers.a\\.b": b'"1"'}, frozenset())
    assert outer.secrets == {"headers": b'{"a.b":"1"}'}


def test_mask_keeps_a_secret_and_null_takes_it_away() -> None:
    filled = fill({"host": "h", "password": MASK}, ("headers.a", None), ("logins.0.token", "new"))

    assert (filled.kept, filled.removed) == ({"password"}, {"headers.a"})
    assert filled.secrets == {"logins.0.token": b'"new"'}
    assert filled.data == {"host": "h"}


def test_path_that_is_no_secrets_is_refused_and_its_value_not_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        fill({}, ("host", "hunter2"))

    assert "hunter2" not in str(refused.value)
    assert "password" in refused.value.message


def test_secret_of_another_store_stays_where_it_is() -> None:
    named = {"$secret": {"provider": "vault", "path": "kv/db"}}

    filled = fill({"password": named})

    assert (filled.data, filled.secrets) == ({"password": named}, {})
    assert filled.external == {("password",)}


def test_data_is_checked_without_looking_at_secrets() -> None:
    schemas.check_data({"host": "h"}, fields=FIELDS, unknown=[("password",)])

    with pytest.raises(InvalidInput, match="'password' is a required property"):
        schemas.check_data({"host": "h"}, fields=FIELDS, unknown=[])
    with pytest.raises(InvalidInput, match=r"data\.port") as refused:
        schemas.check_data({"host": "h", "port": "x"}, fields=FIELDS, unknown=[("password",)])
    assert list(refused.value.path) == ["data", "port"]


def test_what_a_newer_schema_requires_is_missing() -> None:
    newer = {**FIELDS, "required": ["host", "password", "region"]}

    missing = schemas.list_missing({"host": "h"}, fields=newer, unknown=[("password",)])

    assert missing == ["region"]


def test_what_a_newer_schema_requires_is_missing_at_any_depth() -> None:
    login = {"type": "object", "required": ["user", "password"]}
    fields = {
        "required": ["auth", "region"],
        "properties": {
            "auth": {"$ref": "#/$defs/Login"},
            "other": {"anyOf": [{"$ref": "#/$defs/Login"}, {"type": "null"}]},
            "hosts": {"items": {"allOf": [{"required": ["name"]}, {"$ref": "#/$defs/Login"}]}},
            "self": {"$ref": "#/$defs/Self"},
            "block": {"$ref": "#/$defs/Login"},
        },
        "additionalProperties": login,
        "$defs": {"Login": login, "Self": {"anyOf": [{"$ref": "#/$defs/Self"}, login]}},
    }
    data = {
        "auth": {"user": "u"},
        "other": {"password": "p"},
        "hosts": [{"name": "a"}, {"user": "u", "password": "p"}],
        "self": {"user": "u", "password": "p"},
        "more": {},
        "block": {"$ref": "login/x"},
    }

    missing = schemas.list_missing(
        data, fields=fields, unknown=[("hosts", "0", "password"), ("block",)]
    )
    optional = schemas.list_missing({"auth": None, "region": "r"}, fields=fields, unknown=[])

    assert missing == [
        "region",
        "auth.password",
        "other.user",
        "more.user",
        "more.password",
        "hosts.0.user",
        "hosts.1.name",
    ]
    assert optional == []


def test_schema_that_is_too_intricate_tells_what_is_missing_outermost() -> None:
    fork: dict[str, Any] = {"anyOf": [{"$ref": f"#/$defs/{n}"} for n in range(12)]}
    fields = {
        "required": ["region"],
        "properties": {"deep": fork},
        "$defs": {str(n): {"required": [str(n)], **fork} for n in range(12)},
    }

    assert schemas.list_missing({"deep": {}}, fields=fields, unknown=[]) == ["region"]


PLAIN: dict[str, Any] = {"properties": {"token": {"type": "string"}, "x": {}}}
CLOSED: dict[str, Any] = {"properties": {"x": {}}, "additionalProperties": False}
KEPT: dict[str, dict[str, Any]] = {
    "told": PLAIN,
    "told elsewhere": {"$ref": "#/$defs/N", "$defs": {"N": PLAIN}},
    "told by several": {"allOf": [CLOSED["properties"]["x"], PLAIN]},
    "told by one of some": {"anyOf": [CLOSED, PLAIN]},
    "told under a condition": {"if": CLOSED, "then": PLAIN},
    "not told": {"properties": {"x": {}}},
    "not told by what leads back": {"$ref": "#/$defs/N", "$defs": {"N": {"$ref": "#"}}},
    "told by a pattern": {**CLOSED, "patternProperties": {"^t": {}}},
    "forbidden by what is left to the run": {"unevaluatedProperties": False},
}
FORBIDDEN: dict[str, dict[str, Any]] = {
    "by its name": {"properties": {"token": False}},
    "with all others": CLOSED,
    "with all others, elsewhere": {"$ref": "#/$defs/N", "$defs": {"N": CLOSED}},
    "by one of several": {"allOf": [PLAIN, CLOSED]},
}


@pytest.mark.parametrize("case", KEPT)
def test_what_was_secret_stays_it_wherever_it_may_stand(case: str) -> None:
    found = schemas.with_former(["key"], ["token", "token.deep"], fields=KEPT[case])

    assert found == ("key", "token", "token.deep")


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_was_secret_is_forgotten_where_it_cannot_stand(case: str) -> None:
    found = schemas.with_former(["key"], ["token", "token.deep"], fields=FORBIDDEN[case])

    assert found == ("key",)


def test_any_entry_that_was_secret_stays_it_but_where_none_can_stand() -> None:
    assert schemas.with_former([], ["*"], fields=CLOSED) == ("*",)
    assert schemas.with_former([], ["*"], fields={"additionalProperties": False}) == ()


def test_checksum_does_not_depend_on_the_order_of_keys() -> None:
    turned = dict(reversed(FIELDS.items()))

    first, second, third = (
        checksum_of(fields, capabilities=["a"], secret_paths=["b"])
        for fields in (FIELDS, turned, {**FIELDS, "title": "x"})
    )
    assert first == second
    assert first != third


def test_references_are_found_at_any_depth() -> None:
    data = {"a": {"$ref": "login/x"}, "b": [{"c": {"$ref": "blk_1"}}], "d": {"$ref": "y", "e": 1}}

    assert documents.list_references(data) == {("a",): "login/x", ("b", "0", "c"): "blk_1"}
    with pytest.raises(InvalidInput):
        documents.list_references({"a": {"$ref": 1}})


@pytest.mark.parametrize("bad", ["x", "a/b/c", "a/*b", "A/b", "a/", "/b", "a/" + "b" * 101])
def test_what_is_no_block_is_not_named(bad: str) -> None:
    assert access.check_references(["b/*", "a/x.y", "b/*"]) == ("a/x.y", "b/*")
    with pytest.raises(InvalidInput):
        access.check_references([bad])
