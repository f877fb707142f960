"""Blocks in what somebody sends: naming one takes the right to use it."""

from uuid import UUID

from headgate_server.domain import templates
from headgate_server.domain.blocks.access import EVERYTHING, Allowance
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.context import OperationContext, needing


def demand_use(context: OperationContext, workspace_id: UUID, *documents: object) -> None:
    """Go on only if no block is named in some documents, or the caller may use blocks there.

    A run fills in the blocks that its parameters name: who chooses those chooses where secrets go.

    Raises:
        Forbidden: with the scope that is missing.
    """
    if any(templates.names_blocks(document) for document in documents):
        with needing(frozenset({Scope.BLOCKS_USE})):
            context.demand(workspace_id)


def allowance_of(context: OperationContext, workspace_id: UUID) -> Allowance:
    """Return which blocks of a workspace the caller may use, now."""
    rights = context.principal.all_rights()
    if Scope.BLOCKS_USE in context.principal.scopes_in(workspace_id):
        return EVERYTHING
    return Allowance(
        ids=frozenset(id_ for id_, held in rights.objects.items() if Scope.BLOCKS_USE in held)
    )
