"""Parameters: validation and coercion, the JSON Schema, what is shown of them."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import BaseModel, Field
from pydantic.errors import PydanticUserError

from headgate import flow, task
from headgate.engine.parameters import as_json, bind_named
from headgate.errors import ParameterError
from headgate.states import StateType


class Order(BaseModel):
    id: int
    tags: list[str] = Field(default_factory=list)


class Opaque:
    """A class that Pydantic knows nothing of."""


def test_values_are_coerced_by_their_annotations() -> None:
    @flow
    def take(a: int, b: list[float], day: datetime.date, order: Order) -> tuple[Any, ...]:
        return a, b, day, order

    given: Any = ("1", ["2", 3], "2026-11-23", {"id": "4"})

    assert take(*given) == (1, [2.0, 3.0], datetime.date(2026, 11, 23), Order(id=4))


def test_a_model_is_passed_as_it_is() -> None:
    order = Order(id=1)

    @flow
    def take(order: Order) -> Order:
        return order

    assert take(order) is order


def test_an_invalid_value_fails_the_run_before_user_code() -> None:
    ran: list[int] = []

    @flow(retries=3)
    def take(count: int) -> None:
        ran.append(count)

    state = take("many", return_state=True)

    assert state.type is StateType.FAILED
    assert ran == []
    with pytest.raises(ParameterError, match="count"):
        state.result()


def test_validation_may_be_turned_off() -> None:
    @flow(validate_parameters=False)
    def take(count: int) -> object:
        return count

    given: Any = "many"

    assert take(given) == "many"


def test_a_default_is_taken_as_it_is() -> None:
    nothing: Any = None

    @flow
    def take(count: int = nothing) -> object:
        return count

    assert take() is None


def test_any_class_may_be_an_annotation() -> None:
    @flow
    def take(thing: Opaque, call: Callable[[], int]) -> tuple[object, int]:
        return thing, call()

    opaque = Opaque()

    assert take(opaque, lambda: 3) == (opaque, 3)


def test_names_that_pydantic_reserves_are_fine() -> None:
    @flow
    def take(schema: int, model_config: int, _private: int, copy: int, json: int) -> int:
        return schema + model_config + _private + copy + json

    assert take(1, 2, 3, 4, 5) == 15


def test_variadic_parameters_are_validated_item_by_item() -> None:
    @flow
    def take(*numbers: int, **named: float) -> tuple[Any, Any]:
        return numbers, named

    given: Any = ["1", "2"]

    assert take(*given, a=3) == ((1, 2), {"a": 3.0})


def test_annotations_whose_names_are_not_at_hand_take_anything() -> None:
    def take(a: Any, b: Any) -> Any:
        return a, b

    take.__annotations__ = {"a": "Nowhere", "b": "int"}

    assert flow(take)("x", "1") == ("x", 1)


def test_an_annotation_that_cannot_be_read_leaves_the_others_as_they_are() -> None:
    class Refused:
        def __get_pydantic_core_schema__(self, *args: object) -> object:
            raise PydanticUserError("not for models", code=None)

    def take(day: datetime.date, count: int, frame: Any, odd: Any, refused: Any) -> list[Any]:
        return [day, count, frame, odd, refused]

    take.__annotations__ |= {"frame": "nowhere.Frame | None", "odd": "3 +", "refused": Refused()}
    taking, given = flow(take), ("2026-01-01", "3", 1, 2, 3)

    assert taking(*cast("Any", given)) == [datetime.date(2026, 1, 1), 3, 1, 2, 3]
    with pytest.raises(ParameterError, match="count"):
        taking(*cast("Any", ("2026-01-01", "abc", 1, 2, 3)))
    properties, causes = taking.parameters.properties, taking.unreadable_parameters()
    assert (properties["count"]["type"], "type" in properties["frame"]) == ("integer", False)
    assert list(causes) == ["frame", "odd", "refused"]
    assert causes["frame"] == "NameError: name 'nowhere' is not defined"
    assert causes["odd"].startswith("SyntaxError: ")
    assert causes["refused"] == "not for models"


def test_the_schema_describes_each_parameter() -> None:
    @flow
    def take(
        name: str, mode: Literal["fast", "slow"] = "fast", order: Order | None = None, *, n: int = 3
    ) -> None:
        """Do nothing."""

    schema = take.parameter_schema()

    assert schema["type"] == "object"
    assert schema["title"] == "Parameters"
    assert schema["required"] == ["name"]
    assert schema["properties"]["name"] == {"title": "name", "type": "string", "position": 0}
    assert schema["properties"]["mode"]["enum"] == ["fast", "slow"]
    assert schema["properties"]["mode"]["default"] == "fast"
    assert schema["properties"]["n"] == {
        "title": "n",
        "type": "integer",
        "default": 3,
        "position": 3,
    }
    assert schema["$defs"]["Order"]["required"] == ["id"]


def test_what_has_no_json_form_takes_anything_in_the_schema() -> None:
    default = Opaque()

    @flow
    def take(thing: Opaque = default, call: Callable[[], int] | None = None) -> None:
        """Do nothing."""

    properties = take.parameter_schema()["properties"]

    assert set(properties) == {"thing", "call"}
    assert "default" not in properties["thing"]


def test_a_flow_without_parameters_has_an_empty_schema() -> None:
    @flow
    def take() -> None:
        """Do nothing."""

    assert take.parameter_schema()["properties"] == {}


def test_named_parameters_are_validated_for_a_deployment() -> None:
    @flow
    def take(a: int, b: int = 2) -> None:
        """Do nothing."""

    assert take.validate_parameters({"a": "1"}) == {"a": 1, "b": 2}
    with pytest.raises(ParameterError, match="'c'"):
        take.validate_parameters({"a": 1, "c": 3})


def test_named_parameters_bind_to_every_kind() -> None:
    def take(a: int, /, b: int, *rest: int, c: int = 0, **more: int) -> None:
        """Do nothing."""

    signature = flow(take).spec.signature

    bound = bind_named(
        signature,
        name="take",
        parameters={"a": 1, "b": 2, "rest": [3, 4], "c": 5, "more": {"d": 6}},
    )

    assert bound == {"a": 1, "b": 2, "rest": (3, 4), "c": 5, "more": {"d": 6}}


@dataclasses.dataclass
class Point:
    x: int


def test_parameters_are_shown_as_json() -> None:
    shown = as_json(
        {
            "point": Point(1),
            "order": Order(id=2),
            "set": {3},
            "day": datetime.date(2026, 11, 23),
            "opaque": Opaque(),
            "keys": {1: "a"},
        }
    )

    assert shown == {
        "point": {"x": 1},
        "order": {"id": 2, "tags": []},
        "set": [3],
        "day": "2026-11-23",
        "opaque": f"<{Opaque.__module__}.Opaque>",
        "keys": {"1": "a"},
    }


def test_parameters_that_are_too_large_are_named_only() -> None:
    shown = as_json({"a": "x" * 600_000, "b": 1})

    assert shown == {
        "a": "<builtins.str> (too large to show)",
        "b": "<builtins.int> (too large to show)",
    }


def test_a_circle_does_not_stop_the_run() -> None:
    circle: list[Any] = []
    circle.append(circle)

    assert as_json({"circle": circle}) == {"circle": "<builtins.list>"}


class Grid:
    """Compares item by item, as arrays and data frames do, so that an equality has no truth."""

    def __eq__(self, other: object) -> Any:
        return Grid()

    __hash__: Any = None

    def __bool__(self) -> bool:
        message = "the truth value of a grid is ambiguous"
        raise ValueError(message)

    def __deepcopy__(self, memo: Any) -> "Grid":
        message = "a grid is not copied"
        raise TypeError(message)


def test_a_default_may_be_mutable_and_is_the_function_s_own() -> None:
    shared: dict[str, int] = {}

    @flow
    def take(a: int, b: dict[str, int] = shared) -> Any:
        return a, b

    given: Any = "1"

    number, default = take(given)

    assert number == 1
    assert default is shared
    assert take(1, {"x": 1}) == (1, {"x": 1})
    assert take.validate_parameters({"a": "2"}) == {"a": 2, "b": {}}
    assert take.parameter_schema()["properties"]["b"]["default"] == {}


def test_annotations_may_carry_what_has_no_hash() -> None:
    @flow
    def take(a: Annotated[int, {"unit": "s"}] = 1) -> int:
        return a

    given: Any = "2"

    assert take(given) == 2


def test_defaults_and_arguments_need_no_truth_value() -> None:
    default, given = Grid(), Grid()

    @flow
    def take(a: int, b: Grid = default, c: Any = default) -> Any:
        return a, b, c

    @task
    def pass_on(grid: Grid = default) -> Grid:
        return grid

    @flow
    def work() -> list[Any]:
        return [pass_on(given), pass_on.submit(given).result(), *pass_on.map([given]).result()]

    assert take(1)[1] is default
    assert take(1, given, given)[1] is given
    assert all(grid is given for grid in work())
    assert "default" not in take.parameter_schema()["properties"]["b"]


def test_copies_of_a_flow_share_what_is_validated() -> None:
    def take(a: int = 1, b: list[int] | None = None) -> Any:
        return a, b

    def other(a: str = "") -> str:
        return a

    given: Any = "3"

    assert flow(take)(given) == (3, None)
    assert flow(take).with_options(name="copy")(given) == (3, None)
    assert flow(other)(given) == "3"
