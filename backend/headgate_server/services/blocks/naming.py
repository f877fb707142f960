"""The blocks that a deployment names: nobody lets code read what they may not use themselves."""

from collections.abc import Sequence
from typing import Any, cast

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks import access
from headgate_server.domain.blocks.access import ALL_OF_A_TYPE, Allowance, split_reference
from headgate_server.domain.blocks.blocks import BlockDocument
from headgate_server.domain.changes import changed
from headgate_server.domain.deployments import CODE, Deployment
from headgate_server.domain.errors import Conflict, Forbidden
from headgate_server.domain.permissions import Scope
from headgate_server.repositories import deployments
from headgate_server.repositories.blocks import documents

COLUMN = "block_references"


async def name_blocks(
    work: UnitOfWork,
    current: Deployment | None,
    columns: dict[str, Any],
    *,
    allowance: Allowance,
) -> dict[str, Any]:
    """Return the columns of a deployment that is made or changed, with the blocks that it names.

    A new deployment of a caller who may use every block names all of them, unless it says which;
    that of any other caller names none.

    Args:
        work: the unit of work.
        current: the deployment as it is; None for a new one.
        columns: what is to be set.
        allowance: what the caller may use.

    Raises:
        InvalidInput: what is no ``type-slug/name``.
        Forbidden: it names a block that the caller may not use, or changes the code of a deployment
            that names such a block.
    """
    is_said, named = COLUMN in columns, cast("Sequence[str] | None", columns.get(COLUMN))
    if named is not None:
        named = list(access.check_references(named))
        columns = {**columns, COLUMN: named}
    if allowance.is_all:
        return columns
    if current is None and not is_said:
        return {**columns, COLUMN: []}
    if is_said:
        await _check(work, named, allowance)
    elif current is not None and changed(
        current, {name: value for name, value in columns.items() if name in CODE}
    ):
        await _check(work, current.block_references, allowance)
    return columns


async def check_code(work: UnitOfWork, deployment: Deployment, *, allowance: Allowance) -> None:
    """Go on only if a caller may use what the runs of a deployment read.

    Raises:
        Forbidden: it names a block that the caller may not use.
    """
    if not allowance.is_all:
        await _check(work, deployment.block_references, allowance)


async def check_unnamed(work: UnitOfWork, document: BlockDocument) -> None:
    """Go on only if no deployment names a locked block, so that it may be deleted.

    The next block of its name would be read by their runs, though nobody let them who may use it:
    a right to a block alone ends with the block.

    Raises:
        Conflict: deployments name it.
    """
    naming = (await deployments.get_many_naming(work, [document.reference])).get(document.reference)
    if naming:
        count = len(naming.items) + naming.more
        raise Conflict(
            f"{count} deployments name {document.reference} among what their runs may read, "
            "and would read the next block of this name. Take it out of their blocks first: the "
            "block's page lists them. To give it another value, change it."
        )


async def _check(work: UnitOfWork, named: Sequence[str] | None, allowance: Allowance) -> None:
    if named is None:
        raise _refusal("all blocks of the workspace")
    names = {reference: reference.partition("/")[::2] for reference in named}
    for reference, (_, name) in names.items():
        if name == ALL_OF_A_TYPE:
            raise _refusal(reference)
    # Who may use one block lets its runs read that one: none deletes it before the name is told.
    found = await documents.get_many_named(
        work, [split_reference(one) for one in named], is_kept=True
    )
    for reference, (slug, name) in names.items():
        document = found.get(reference)
        if document is None or not allowance.covers(document.id, type_slug=slug, name=name):
            raise _refusal(reference)


def _refusal(what: str) -> Forbidden:
    return Forbidden(
        f"The runs of this deployment would read {what}, for which you need BLOCKS_USE; name "
        "other blocks, or none with blocks: [].",
        missing_scopes=[Scope.BLOCKS_USE.value],
    )
