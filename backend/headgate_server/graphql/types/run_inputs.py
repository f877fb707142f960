"""Inputs that runs are sent while they run."""

from datetime import datetime

import strawberry

from headgate_server.domain.run_inputs import RunInput as RunInputRow
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.actors import Actor, show_actor


@strawberry.type(description="An input that a run was sent.")
class RunInput:
    sequence: int = strawberry.field(description="Its place in the run's mailbox, from 1.")
    keyset: str = strawberry.field(description="What kind of input it is.")
    message_id: str = strawberry.field(description="The sender's name for it.")
    payload: JSON = strawberry.field(description="What was sent.")
    sent_at: datetime = strawberry.field(description="When it was sent.")
    row: strawberry.Private[RunInputRow]

    @strawberry.field(description="Who sent it.")
    def sent_by(self) -> Actor:
        return show_actor(self.row.sent_by)


def show_run_input(row: RunInputRow) -> RunInput:
    """Return an input."""
    return RunInput(
        sequence=row.sequence,
        keyset=row.keyset,
        message_id=row.message_id,
        payload=JSON(row.payload),
        sent_at=row.sent_at,
        row=row,
    )
