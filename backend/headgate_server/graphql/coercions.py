"""What is said of a value that does not fit: its field and what is allowed there, never the value.

What was sent may be a secret that somebody typed into the wrong field.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    ValidationContext,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VisitorAction,
    validate_input_literal,  # pyright: ignore[reportUnknownVariableType]  # untyped upstream
)
from graphql.pyutils import print_path_list

_NO_ENUM = (
    re.compile(r"Value '.*' does not exist in '(\w+)' enum\..*", re.DOTALL),
    re.compile(r"Enum '(\w+)' cannot represent non-(?:enum|string) value: .*", re.DOTALL),
)
_VALUES = (
    re.compile(r"(cannot represent [\w -]*value): .*", re.DOTALL),
    re.compile(r"()(?:, but encountered error .*)?[,.;]? [Ff]ound: .*", re.DOTALL),
    re.compile(r"(, found (?:Block)?String) .*", re.DOTALL),
)
"""Where graphql-core says what it has found: from there on everything is the caller's."""

EnumValues = Mapping[str, Sequence[str]]
"""What each enum of a schema allows, by its name."""


class NamedValues(ValuesOfCorrectTypeRule):
    """The rule that literals fit their types, which names the argument and the field in it."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._holder = ""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._holder = f"Argument '{node.name.value}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._holder = f"Variable '${node.variable.name.value}'"

    def is_valid_value_node(self, node: ValueNode, input_type: Any) -> VisitorAction:
        """Report what of a literal does not fit; its parts are not visited again."""
        if input_type:
            validate_input_literal(node, input_type, self._report, hide_suggestions=True)
        return SKIP

    def _report(self, error: GraphQLError, path: Sequence[str | int]) -> None:
        where = f"{self._holder} has invalid value{print_path_list(path)}"
        self.report_error(GraphQLError(f"{where}: {error.message}", error.nodes))


def enum_values(schema: GraphQLSchema) -> EnumValues:
    """Return what each enum of a schema allows, in the schema's order."""
    return {
        name: tuple(type_.values)
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLEnumType)
    }


def without_values(message: str, *, enums: EnumValues) -> str:
    """Return what graphql-core says is wrong with input, without the input."""
    for pattern in _NO_ENUM:
        message = pattern.sub(lambda found: _allowed(found[1], enums), message)
    for pattern in _VALUES:
        message = pattern.sub(r"\1.", message)
    return message


def _allowed(name: str, enums: EnumValues) -> str:
    return f"{name} is one of {', '.join(enums[name])}." if name in enums else f"no {name}."
