"""Secrets that a schema marks: wherever it may apply to a document, they are found there."""

from typing import Any

import pytest

from headgate_server.domain.blocks import documents, marks, paths, schemas
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget

SECRET: dict[str, Any] = {"type": "string", "writeOnly": True}
OPEN = {"type": "string"}
LOGIN = {"type": "object", "properties": {"token": SECRET, "user": OPEN}}


def nested(depth: int) -> dict[str, Any]:
    return {"password": "s", "inner": nested(depth - 1)} if depth else {"inner": None}


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


NODE = an_object(password=SECRET, inner={"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]})
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "a definition that refers to itself": (
        {"$defs": {"N": NODE}, "$ref": "#/$defs/N", "type": "object"},
        nested(4),
        {"password", "inner.password", "inner.inner.password", "inner.inner.inner.password"},
    ),
    "the whole that refers to itself": (
        an_object(password=SECRET, child={"$ref": "#"}),
        {"password": "s", "child": {"password": "s", "child": {"password": "s"}}},
        {"password", "child.password", "child.child.password"},
    ),
    "the whole by its name": (
        {"$id": "https://x.test/a", **an_object(p=SECRET, child={"$ref": "https://x.test/a#"})},
        {"child": {"child": {"p": "s"}}},
        {"child.child.p"},
    ),
    "then": (
        {
            "type": "object",
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"properties": {"token": SECRET}},
            "else": {"properties": {"other": SECRET}},
        },
        {"kind": "a", "token": "s", "other": "s"},
        {"token", "other"},
    ),
    "not": ({"type": "object", "not": an_object(token=SECRET)}, {"token": "s"}, {"token"}),
    "schemas that depend on a key": (
        {**an_object(a=OPEN), "dependentSchemas": {"a": {"properties": {"token": SECRET}}}},
        {"a": "x", "token": "s"},
        {"token"},
    ),
    "an anchor": (
        {**an_object(l={"$ref": "#login"}), "$defs": {"L": {"$anchor": "login", **LOGIN}}},
        {"l": {"token": "s", "user": "u"}},
        {"l.token"},
    ),
    "a dynamic anchor": (
        {
            **an_object(l={"$dynamicRef": "#login"}),
            "$defs": {"A": {"$dynamicAnchor": "login"}, "B": {"$dynamicAnchor": "login", **LOGIN}},
        },
        {"l": {"token": "s"}},
        {"l.token"},
    ),
    "a reference with an escape": (
        {**an_object(l={"$ref": "#/$defs/My%20Log~1in"}), "$defs": {"My Log/in": LOGIN}},
        {"l": {"token": "s"}},
        {"l.token"},
    ),
    "a reference into a list": (
        {**an_object(l={"$ref": "#/allOf/0"}), "allOf": [LOGIN]},
        {"l": {"token": "s"}},
        {"l.token"},
    ),
    "a reference to a place of one's own": (
        {**an_object(l={"$ref": "#/components/L"}), "components": {"L": LOGIN}},
        {"l": {"token": "s"}},
        {"l.token"},
    ),
    "unevaluated properties": (
        {"type": "object", "unevaluatedProperties": SECRET},
        {"token": "s"},
        {"token"},
    ),
    "unevaluated items": (
        an_object(x={"type": "array", "unevaluatedItems": SECRET}),
        {"x": ["s", "s"]},
        {"x.0", "x.1"},
    ),
    "contains": (an_object(x={"contains": SECRET}), {"x": ["s"]}, {"x.0"}),
    "patterns": (
        {"type": "object", "patternProperties": {"^t": SECRET}},
        {"token": "s"},
        {"token"},
    ),
    "a place of a list": (an_object(x={"prefixItems": [OPEN, SECRET]}), {"x": ["u", "s"]}, {"x.1"}),
    "an alternative below a list below a key": (
        an_object(x={"additionalProperties": {"items": {"oneOf": [OPEN, LOGIN]}}}),
        {"x": {"a.b": [{"token": {"deep": "s"}}]}},
        {"x.a\\.b.0.token"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_secret_is_found_wherever_the_schema_marks_it(case: str) -> None:
    fields, data, wanted = CASES[case]
    schemas.check_fields(fields)

    found = {paths.join(parts) for parts in marks.find_places(data, fields=fields, named=[])}
    named = marks.find_places({}, fields=fields, named=sorted(wanted))
    listed = schemas.list_secret_paths(fields, [])
    filled = documents.read_filled(data, secrets=[], secret_paths=[*listed, *found])

    assert found == wanted
    assert set(map(paths.join, named)) == wanted
    assert filled.secrets.keys() == wanted
    assert "'s'" not in str(filled.data)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the whole": ({"type": "object", "writeOnly": True}, "the whole block"),
    "the whole elsewhere": ({"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": SECRET}}, "whole"),
    "a keyword of another draft": (
        {"type": "object", "dependencies": {"a": an_object(token=SECRET)}},
        "below dependencies",
    ),
    "one's own keyword": ({"type": "object", "x-form": [{"a": SECRET}]}, "below x-form"),
    "keys": (
        an_object(x={"propertyNames": {"$ref": "#/$defs/A"}}) | {"$defs": {"A": SECRET}},
        "pr",
    ),
    "texts in texts": (
        {**an_object(x={"contentSchema": {"$ref": "#/$defs/L"}, "$ref": "#/$defs/L"})}
        | {"$defs": {"L": LOGIN}},
        "below contentSchema",
    ),
    "another document": (an_object(x={"$ref": "https://x.test/a.json#/L"}), "does not hold"),
    "no place": (an_object(x={"$ref": "#/$defs/None"}), "does not hold"),
    "no anchor": (an_object(x={"$ref": "#none"}), "does not hold"),
    "a document inside": (an_object(x={"$id": "https://x.test/b", **LOGIN}), r"an \$id below"),
    "an older recursion": (an_object(x={"$recursiveRef": "#"}), "recursiveRef"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_schema_whose_secrets_would_not_be_found_is_refused(case: str) -> None:
    fields, why = REFUSED[case]

    with pytest.raises(InvalidInput, match=why) as refused:
        schemas.check_fields(fields)

    assert list(refused.value.path) == ["fields"]


def test_what_is_no_schema_marks_nothing() -> None:
    shown = {"format": "password", "writeOnly": True}
    fields = an_object(x={"default": shown, "examples": [shown], "enum": [shown]}, writeOnly=OPEN)

    schemas.check_fields(fields)

    assert schemas.list_secret_paths(fields, []) == ()
    assert marks.find_places({"x": shown, "writeOnly": "y"}, fields=fields, named=["x"]) == []


def test_document_that_takes_too_long_to_look_through_is_refused() -> None:
    fields = an_object(x={"items": OPEN})

    assert marks.find_places({"y": [0] * 200}, fields=fields, named=[], budget=Budget(100)) == []
    with pytest.raises(InvalidInput, match="too long"):
        marks.find_places({"x": [0] * 200}, fields=fields, named=[], budget=Budget(100))
