"""Parameters of flows: validated and coerced by their annotations, described as JSON Schema."""

import asyncio
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, Optional

import pytest
from pydantic import BaseModel

from headgate import flow, runtime, task
from headgate.exceptions import ParameterBindError, ParameterTypeError


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = 1


class Person(BaseModel):
    name: str
    address: Address | None = None


def test_texts_become_numbers() -> None:
    @flow
    def parent(x: int) -> Any:
        return x

    assert parent("3") == 3  # pyright: ignore[reportArgumentType] - what is tested


def test_what_does_not_fit_is_refused() -> None:
    @flow
    def parent(x: int) -> Any:
        return x

    with pytest.raises(ParameterTypeError, match="'parent' are not valid: x"):
        parent("three")  # pyright: ignore[reportArgumentType] - what is tested


def test_a_run_with_wrong_parameters_fails_before_its_function() -> None:
    called: list[int] = []

    @flow
    def parent(x: int) -> None:
        called.append(x)

    assert parent("three", return_state=True).is_failed()
    assert called == []


def test_mappings_become_models() -> None:
    @flow
    def parent(person: Person) -> str:
        return f"{person.name} {person.address.street if person.address else ''}"

    given: Any = {"name": "Ada", "address": {"street": "Main"}}
    assert parent(given) == "Ada Main"


def test_models_pass_as_they_are() -> None:
    @flow
    def parent(person: Person) -> Person:
        return person

    person = Person(name="Ada")
    assert parent(person) == person


def test_texts_become_dates() -> None:
    @flow
    def parent(day: date, at: datetime) -> tuple[int, int]:
        return day.year, at.hour

    given: Any = "2022-11-23"
    at: Any = "2022-11-23T10:00:00+00:00"
    assert parent(given, at) == (2022, 10)


def test_values_become_members_of_enumerations() -> None:
    @flow
    def parent(color: Color) -> Color:
        return color

    given: Any = "red"
    assert parent(given) is Color.RED


def test_literals_are_checked() -> None:
    @flow
    def parent(mode: Literal["a", "b"]) -> str:
        return mode

    given: Any = "c"
    assert parent(given, return_state=True).is_failed()


def test_unions_take_any_of_their_types() -> None:
    @flow
    def parent(x: int | str) -> str:
        return type(x).__name__

    assert (parent(1), parent("a")) == ("int", "str")


def test_optional_takes_none() -> None:
    @flow
    def parent(x: Optional[int] = None) -> Any:  # noqa: UP045 - what users write
        return x

    assert parent() is None


def test_collections_are_coerced_inside() -> None:
    @flow
    def parent(x: list[int], y: dict[str, float]) -> Any:
        return x, y

    x: Any = ["1", 2]
    y: Any = {"a": "1.5"}
    assert parent(x, y) == ([1, 2], {"a": 1.5})


def test_parameters_without_annotations_take_anything() -> None:
    @flow
    def parent(x) -> Any:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType] - what is tested
        return x  # pyright: ignore[reportUnknownVariableType]

    value = object()
    assert parent(value) is value


def test_classes_of_users_are_checked_by_instance() -> None:
    class Own:
        pass

    @flow
    def parent(x: Own) -> Own:
        return x

    own = Own()
    wrong: Any = 3
    assert parent(own) is own
    assert parent(wrong, return_state=True).is_failed()


def test_defaults_are_not_validated() -> None:
    @flow
    def parent(x: int = None) -> Any:  # pyright: ignore[reportArgumentType]  # noqa: RUF013 - what is tested
        return x

    assert parent() is None


def test_keywords_and_positions_mix() -> None:
    @flow
    def parent(a: int, /, b: int, *rest: int, c: int, **more: int) -> Any:
        return a, b, rest, c, more

    assert parent(1, 2, 3, c=4, d=5) == (1, 2, (3,), 4, {"d": 5})


def test_a_missing_argument_is_refused() -> None:
    @flow
    def parent(x: int) -> int:
        return x

    with pytest.raises(ParameterBindError, match="missing a required argument: 'x'"):
        parent()  # pyright: ignore[reportCallIssue] - what is tested


def test_an_unknown_argument_is_refused() -> None:
    @flow
    def parent(x: int) -> int:
        return x

    with pytest.raises(ParameterBindError, match="unexpected keyword argument 'y'"):
        parent(x=1, y=2)  # pyright: ignore[reportCallIssue] - what is tested


def test_parameters_of_tasks_are_not_coerced() -> None:
    @task
    def same(x: int) -> Any:
        return x

    @flow
    def parent() -> Any:
        return same("1")  # pyright: ignore[reportArgumentType] - what is tested

    assert parent() == "1"


def test_the_runtime_has_the_coerced_parameters() -> None:
    @flow
    def parent(x: int) -> Any:
        return runtime.flow_run.parameters

    given: Any = "3"
    assert parent(given) == {"x": 3}


def test_parameters_of_async_flows_are_coerced() -> None:
    @flow
    async def parent(x: int) -> int:
        return x

    given: Any = "3"
    assert asyncio.run(parent(given)) == 3


def test_validate_parameters_coerces_without_a_run() -> None:
    @flow
    def parent(x: int, y: int = 2) -> None: ...

    assert parent.validate_parameters({"x": "1"}) == {"x": 1, "y": 2}


def test_the_schema_lists_the_required_parameters() -> None:
    @flow
    def parent(x: int, y: str = "a") -> None: ...

    schema = parent.parameter_schema()

    assert schema["required"] == ["x"]
    assert schema["properties"]["y"]["default"] == "a"


def test_the_schema_keeps_the_order_of_the_signature() -> None:
    @flow
    def parent(b: int, a: int) -> None: ...

    properties = parent.parameter_schema()["properties"]

    assert (properties["b"]["position"], properties["a"]["position"]) == (0, 1)


def test_the_schema_knows_models_and_enumerations() -> None:
    @flow
    def parent(person: Person, color: Color = Color.RED) -> None: ...

    schema = str(parent.parameter_schema())

    assert "street" in schema
    assert "blue" in schema


def test_the_schema_takes_what_json_does_not_know() -> None:
    class Own:
        pass

    @flow
    def parent(x: Own, y: Any = None) -> None: ...

    assert set(parent.parameter_schema()["properties"]) == {"x", "y"}
