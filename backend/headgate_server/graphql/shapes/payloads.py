"""Inputs and payloads that several nouns share."""

import strawberry

from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, payload_field


@strawberry.input(description="An object, by its id.")
class IdInput:
    id: strawberry.ID = strawberry.field(description="Which one.")


@strawberry.input(description="An object to be paused or resumed.")
class PauseInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    paused: bool = strawberry.field(description="Whether it is to be paused from now on.")


@strawberry.input(description="An object to be deleted.")
class DeleteInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the object has another version by now."
    )


@strawberry.type(description="What is gone.")
class DeletePayload:
    deleted_id: strawberry.ID | None = payload_field("The id of what is gone.")
    errors: list[MutationError] = errors_field()
