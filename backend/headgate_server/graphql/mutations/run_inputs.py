"""Mutations on the inputs of runs: send."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.run_inputs import NewRunInput
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.fields import work_on_run
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types.run_inputs import RunInput, show_run_input
from headgate_server.services import run_inputs


@strawberry.input(description="An input for a run.")
class RunInputSendInput:
    flow_run_id: strawberry.ID = strawberry.field(description="Who receives it.")
    keyset: str = strawberry.field(
        description="What kind of input it is: readers ask for one kind; 1 to 200 characters."
    )
    message_id: str = strawberry.field(
        description="Made by the sender, 1 to 100 characters: sent again, it is there once."
    )
    payload: JSON = strawberry.field(description="What is sent; at most 64 KiB.")

    def to_new(self) -> NewRunInput:
        """Return the input."""
        return NewRunInput(keyset=self.keyset, message_id=self.message_id, payload=self.payload)


@strawberry.type(description="An input that was sent.")
class RunInputPayload:
    run_input: RunInput | None = payload_field("The input, at its place in the mailbox.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class RunInputMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="Send an input to a run that has not ended: with RUNS_WRITE, or as a run, "
        "with its own token, to any run of its workspace. Safe to repeat.",
        is_storing=True,
    )
    async def run_input_send(
        self,
        info: Info,
        input: Annotated[RunInputSendInput, strawberry.argument(description="The input.")],
    ) -> RunInputPayload:
        context = info.context
        sender = context.principal.run
        needed = frozenset({Scope.RUNS_WRITE if sender is None else Scope.RUNS_EXECUTE})
        missing = context.principal.missing_scopes(needed)
        if missing:
            raise lacking(missing)
        run_id = ids.parse(input.flow_run_id, kind=ids.Kind.FLOW_RUN)
        with needing(needed):
            async with work_on_run(context, run_id) as work:
                sent = await run_inputs.send_input(
                    work, flow_run_id=run_id, new=input.to_new(), sender=sender
                )
        return RunInputPayload(run_input=show_run_input(sent))
