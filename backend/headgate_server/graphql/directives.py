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
    requires: list[Scope] = strawberry.directive_field(name="requires")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What an object of this field adds to an operation's cost, where it is not 1, and "
    "how many objects the list is assumed, or at most allowed, to hold.",
)
class Cost:
    weight: int | None = strawberry.directive_field(name="weight", default=1)
    list_size: int | None = strawberry.directive_field(name="listSize", default=strawberry.UNSET)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="preview",
    description="May change or go without notice; exempt from the deprecation policy.",
)
class Preview:
    name: str = strawberry.directive_field(name="name")
