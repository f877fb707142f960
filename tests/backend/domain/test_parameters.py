"""Parameters against a deployment's schema: what is refused, and what must not hold the process."""

from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import check_parameters


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


def test_a_schema_elsewhere_is_not_fetched() -> None:
    with pytest.raises(InvalidInput, match=r"refers to http://127\.0\.0\.1:1/"):
        check_parameters({"a": 1}, schema={"$ref": "http://127.0.0.1:1/"})
