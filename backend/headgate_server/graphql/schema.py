"""How a schema is made: configuration, limits, masking, and the refusal of undeclared fields."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import get_object_definition
from strawberry.types.execution import ExecutionContext

from headgate_server.graphql.directives import Cost, Preview, RequiredScopes
from headgate_server.graphql.errors import ERROR_TYPES
from headgate_server.graphql.limits.extension import OperationLimits, name_rule
from headgate_server.graphql.masking import mask
from headgate_server.graphql.scalars import SCALARS


class UndeclaredField(TypeError):
    """A root field declares no scopes: declare them, so that it is not open to everyone."""


class Schema(strawberry.Schema):
    """A schema whose every error is fit to be shown before it leaves."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replace each error, in place, with what callers may see of it; the log keeps the rest."""
        context = execution_context.context if execution_context else None
        errors[:] = [mask(name_rule(error), context=context) for error in errors]


def make_schema(
    *, query: type, mutation: type, subscription: type, types: Iterable[type] = ()
) -> Schema:
    """Return a schema with the limits and rules of the API.

    Raises:
        UndeclaredField: a root field without scopes.
    """
    for root in (query, mutation, subscription):
        check_declared(root)
    return Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*ERROR_TYPES, *types, Cost, Preview, RequiredScopes],
        extensions=[OperationLimits],
        config=StrawberryConfig(scalar_map=dict(SCALARS), disable_field_suggestions=True),
    )


def check_declared(root: type[Any]) -> None:
    """Refuse a root type with a field that does not say who may use it.

    Raises:
        UndeclaredField: such a field.
    """
    definition = get_object_definition(root, strict=True)
    for field in definition.fields:
        if not any(hasattr(extension, "requires") for extension in field.extensions):
            raise UndeclaredField(f"{definition.name}.{field.python_name} declares no scopes.")
