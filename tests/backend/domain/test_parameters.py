"""Parameters against a deployment's schema: what is refused, and what must not hold the process."""

from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget, check_parameters


def test_a_parameter_that_does_not_fit_is_named() -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}

    check_parameters({"size": 3}, schema=schema)
    with pytest.raises(InvalidInput, match=r"parameters\.size: 'three' is not of type 'integer'"):
        check_parameters({"size": "three"}, schema=schema)


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
