"""The schema's directives: machine-readable rights, costs and previews."""

import strawberry
from strawberry.schema_directive import Location

from headgate_server.domain.permissions import Scope
from headgate_server.graphql import enums as enums  # registers the domain's enums


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="scope",
    description="The scopes a credential needs for this field; an empty list is any valid "
    "credential.",
)
class RequiredScopes:
    requires: list[Scope] = strawberry.directive_field(
        name="requires", description="All of these are needed."
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What a field adds to an operation's cost, where it is not the usual 1.",
)
class Cost:
    weight: int = strawberry.directive_field(
        name="weight", default=1, description="Points for each object of this field."
    )
    list_size: int | None = strawberry.directive_field(
        name="listSize",
        default=None,
        description="How many objects the list is assumed, or allowed, to hold.",
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="preview",
    description="May change or go without notice; exempt from the deprecation policy.",
)
class Preview:
    name: str = strawberry.directive_field(name="name", description="The feature's name.")
