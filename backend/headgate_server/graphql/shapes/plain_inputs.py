"""Inputs that come by the hundred: made as they are, without a look at the type of each field."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from strawberry.schema.name_converter import NameConverter
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

T = TypeVar("T")


def plain(input_type: type[T]) -> type[T]:
    """Have an input made in one go; for those whose fields are scalars, or lists of scalars, only.

    Strawberry looks up and walks the type of every field of every item, a quarter of a millisecond
    for each: a batch of 1,000 would hold up all others for as long as that takes.
    """
    get_object_definition(input_type, strict=True).from_input = _make
    return input_type


def _make(input_type: Any, value: Mapping[str, Any], context: InputContext) -> Any:
    names = _python_names(input_type, context.config.name_converter)
    return input_type(**{names[name]: given for name, given in value.items()})


@cache
def _python_names(input_type: type[Any], converter: NameConverter) -> dict[str, str]:
    fields = get_object_definition(input_type, strict=True).fields
    return {converter.from_field(field): field.python_name for field in fields}
