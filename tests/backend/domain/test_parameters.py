"""Parameters against a deployment's schema: what is refused, and what must not hold the process."""

from time import perf_counter
from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget, check_parameters, check_schema, find_problems


def test_a_parameter_that_does_not_fit_is_named() -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}

    check_parameters({"size": 3}, schema=schema)
    with pytest.raises(InvalidInput, match=r"parameters\.size: 'three' is not of type 'integer'"):
        check_parameters({"size": "three"}, schema=schema)


@pytest.mark.parametrize(
    ("step", "fitting", "others"),
    [
        (0.01, [0.07, 0.29, 0.57, 0.58, -0.07, 1234567.89, 3, 0, 0.0], [0.075, 0.0705, -0.001]),
        (0.1, [0.3, 0.7, 1e15], [0.35]),
        (3, [9, -3, 9.0, 10**15 * 3], [10, 9.5, 10**15]),
    ],
)
def test_a_multiple_of_a_fraction_is_told_with_a_tolerance(
    step: float, fitting: list[float], others: list[float]
) -> None:
    schema = {"properties": {"price": {"type": "number", "multipleOf": step}}}

    for value in fitting:
        check_parameters({"price": value}, schema=schema)
    for value in others:
        with pytest.raises(InvalidInput, match=f"is not a multiple of {step}"):
            check_parameters({"price": value}, schema=schema)


def test_a_text_is_held_against_its_format() -> None:
    schema = {"properties": {"day": {"type": "string", "format": "date"}}}

    check_parameters({"day": "2026-12-31"}, schema=schema)
    check_parameters({"day": "{{ variables.day }}"}, schema=schema)
    with pytest.raises(InvalidInput, match=r"parameters\.day: '31\.12\.2026' is not a date"):
        check_parameters({"day": "31.12.2026"}, schema=schema)


def test_a_pattern_that_backtracks_is_left_to_the_run_itself() -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}

    names: dict[str, Any] = {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}

    check_parameters({"a": "a" * 60 + "b"}, schema=schema)
    check_parameters({"a" * 60 + "b": 1}, schema=names)


def test_a_property_that_the_schema_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'b' was unexpected"):
        check_parameters({"b": 1}, schema={"properties": {"a": {}}, "additionalProperties": False})


def test_a_schema_that_refers_to_itself_without_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="refers to itself"):
        check_parameters({"a": 1}, schema={"$ref": "#"})


def test_a_schema_that_doubles_with_each_reference_is_given_up_on() -> None:
    chain: dict[str, Any] = {f"a{level}": double(level + 1) for level in range(40)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**chain, "a40": {"type": "object"}}}

    with pytest.raises(InvalidInput, match="take too long to check"):
        check_parameters({"a": 1}, schema=schema)


def double(level: int) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/$defs/a{level}"}] * 2}


def test_runs_of_one_request_share_a_budget() -> None:
    schema = {"properties": {"a": {"items": {"type": "integer"}}}}
    budget = Budget(steps=1500)

    check_parameters({"a": [1] * 1000}, schema=schema, budget=budget)
    with pytest.raises(InvalidInput, match="take too long to check"):
        check_parameters({"a": [1] * 1000}, schema=schema, budget=budget)


def test_long_lists_of_choices_are_counted() -> None:
    schema = {"properties": {"a": {"items": {"enum": list(range(5000))}}}}

    check_parameters({"a": [1, 2, 3]}, schema=schema)
    with pytest.raises(InvalidInput, match="take too long to check"):
        check_parameters({"a": ["x"] * 2000}, schema=schema)


def test_unique_items_are_found_in_one_pass() -> None:
    schema = {"properties": {"a": {"uniqueItems": True}}}
    different = [{"b": number, "c": [number]} for number in range(20_000)]

    check_parameters({"a": different}, schema=schema)
    with pytest.raises(InvalidInput, match=r"parameters\.a: the items are not all different"):
        check_parameters({"a": [*different, {"c": [7], "b": 7}]}, schema=schema)


def test_a_schema_elsewhere_is_not_fetched() -> None:
    with pytest.raises(InvalidInput, match=r"refers to http://127\.0\.0\.1:1/"):
        check_parameters({"a": 1}, schema={"$ref": "http://127.0.0.1:1/"})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thing"},
        {"minProperties": "one"},
        {"properties": ["a"]},
        {"properties": {"a": {"multipleOf": 0}}},
        {"properties": {"a": {"minimum": "one"}}},
        {"$ref": "#/components/other", "type": 7},
        "no schema",
    ],
)
def test_a_schema_that_refers_to_what_is_none_is_refused_and_harms_nobody(part: Any) -> None:
    others = {"other": {"$ref": "#/components/part", "required": 3}}
    schema = {"$ref": "#/components/part", "components": {"part": part, **others}}

    with pytest.raises(InvalidInput, match="is not a JSON Schema"):
        check_schema(schema)
    with pytest.raises(InvalidInput, match="parameterSchema"):
        check_parameters({"a": 1}, schema=schema)
    with pytest.raises(InvalidInput, match="cannot be checked"):
        find_problems({"a": 1}, schema=schema, field="input", most=10)


def test_a_schema_may_refer_to_itself_and_to_parts_of_any_name() -> None:
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#/parts/1"}}}

    check_schema({**tree, "parts": [{}, {"$ref": "#/$defs/leaf"}], "$defs": {"leaf": True}})
    check_schema({"properties": {"$ref": {"default": {"$ref": "#/nowhere"}}}})
    check_schema({"$ref": "#leaf", "$defs": {"leaf": {"$anchor": "leaf", "type": "object"}}})


@pytest.mark.parametrize(
    "reference", ["#/nowhere", "#/type/0", "#/required/x", "#none", "http://a/"]
)
def test_a_schema_that_refers_to_what_it_does_not_hold_is_refused(reference: str) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": reference}}}

    with pytest.raises(InvalidInput):
        check_schema(schema)


def test_a_part_in_another_dialect_is_counted_and_matches_no_pattern_either() -> None:
    draft = "http://json-schema.org/draft-07/schema#"
    part = {"$schema": draft, "type": "string", "pattern": "^(a+)+$"}
    schema = {"properties": {"a": part}}

    check_parameters({"a": "a" * 40 + "b"}, schema=schema)
    with pytest.raises(InvalidInput, match="is not of type 'string'"):
        check_parameters({"a": 1}, schema=schema)


def test_many_references_by_name_are_followed_in_one_walk() -> None:
    names = [f"p{number}" for number in range(1_000)]
    properties = {name: {"$ref": "#leaf"} for name in names} | {"last": {"$ref": "#leaf"}}
    schema = {"properties": properties, "$defs": {"leaf": {"$anchor": "leaf", "type": "integer"}}}
    started_at = perf_counter()

    check_schema(schema)
    check_parameters(dict.fromkeys(names, 1), schema=schema)
    with pytest.raises(InvalidInput, match=r"parameters\.last: 'x' is not of type 'integer'"):
        check_parameters({"last": "x"}, schema=schema)

    assert perf_counter() - started_at < 5


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
        {
            "properties": {"a": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}},
        },
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"$dynamicRef": "#me", "$dynamicAnchor": "me"},
        {"if": {"dependentSchemas": {"a": {"$ref": "#/if"}}}},
    ],
)
def test_a_schema_that_nothing_could_be_checked_against_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="refers to itself without end"):
        check_schema(schema, field="schema")


def test_a_schema_that_doubles_with_each_reference_is_refused() -> None:
    few: dict[str, Any] = {f"a{level}": double(level + 1) for level in range(8)}
    many: dict[str, Any] = {f"a{level}": double(level + 1) for level in range(40)}

    check_schema({"$ref": "#/$defs/a0", "$defs": {**few, "a8": {"type": "object"}}})
    with pytest.raises(InvalidInput, match="too complex"):
        check_schema({"$ref": "#/$defs/a0", "$defs": {**many, "a40": {"type": "object"}}})


def test_a_schema_that_refers_to_itself_by_what_a_value_holds_is_one() -> None:
    json = {
        "$ref": "#/$defs/json",
        "$defs": {
            "json": {
                "anyOf": [
                    {"type": "object", "additionalProperties": {"$ref": "#/$defs/json"}},
                    {"type": "array", "items": {"$ref": "#/$defs/json"}},
                    {"type": ["string", "number", "boolean", "null"]},
                ]
            }
        },
    }

    check_schema(json)
    check_schema({"$ref": "https://json-schema.org/draft/2020-12/schema"})
    assert find_problems({"a": [{"b": 1}]}, schema=json, field="input", most=1) == []
