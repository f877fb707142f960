"""Blocks in what somebody sends: naming one takes the right to use it."""

from collections.abc import Iterable
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import templates
from headgate_server.domain.blocks.access import EVERYTHING, Allowance
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.services import deployments
from headgate_server.services.blocks import naming
from headgate_server.services.flow_runs.create import RunRequest


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


async def demand_variables(
    context: OperationContext, work: UnitOfWork, requests: Iterable[RunRequest]
) -> None:
    """Go on only if the caller may choose the job variables of some runs, where any are given.

    They are laid over the agent's environment, so they decide which code runs and whom it talks
    to. So they need what a change of the deployment needs: FLOWS_WRITE, and BLOCKS_USE of
    whatever its runs read.

    Raises:
        Forbidden: with the scope that is missing.
    """
    asked = {request.deployment_id for request in requests if request.job_variables}
    with needing(frozenset({Scope.FLOWS_WRITE})):
        for id_ in asked:
            context.demand(work.workspace_id, on=id_)
    allowance = allowance_of(context, work.workspace_id)
    if not asked or allowance.is_all:
        return
    found = await deployments.get_many_deployments(work, list(asked))
    for deployment in found.values():
        await naming.check_code(work, deployment, allowance=allowance)
