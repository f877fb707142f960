"""Mutations on variables."""

from functools import partial
from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON, Key
from headgate_server.graphql.types.variables import Variable, show_variable
from headgate_server.services import variables
from headgate_server.services.idempotency_keys import made_once


@strawberry.input(description="What a variable is set to.")
class VariableSetInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    name: Key = strawberry.field(description="Names the variable.")
    value: JSON = strawberry.field(
        description="Any JSON but null, at most 64 KiB. No secret: blocks hold those."
    )
    tags: list[str] | None = strawberry.field(
        default=None,
        description="All its tags, at most 50 of 1 to 100 characters; kept if not said.",
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the variable has another version by now; 0: if there is one.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Sent again with the same key within 24 hours it is answered as before, also "
        "where there is one by then; 1 to 255 characters.",
    )


@strawberry.type(description="A variable that was set.")
class VariablePayload:
    variable: Variable | None = payload_field("The variable.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class VariableMutations:
    @mutation(
        requires=[Scope.VARIABLES_WRITE],
        description="Make or change the variable of a name. Setting what is set already changes "
        "nothing.",
        is_storing=True,
    )
    async def variable_set(
        self,
        info: Info,
        input: Annotated[VariableSetInput, strawberry.argument(description="What to set.")],
    ) -> VariablePayload:
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row, is_new = await made_once(
                work,
                operation="variableSet",
                key=input.idempotency_key,
                body=strawberry.asdict(input),
                make=lambda: variables.set_variable(
                    work,
                    name=input.name,
                    value=input.value,
                    tags=input.tags,
                    expected_version=input.expected_version,
                ),
                find=partial(variables.get_many_variables, work),
            )
        return VariablePayload(variable=show_variable(row), created=is_new)
