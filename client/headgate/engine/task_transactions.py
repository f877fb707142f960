"""Every attempt of a task is a transaction: what tasks inside of it did is undone if it fails."""

from typing import Any

from headgate.engine.caching import Keeping, keep
from headgate.engine.context import TaskRunContext
from headgate.engine.effects import Steps
from headgate.engine.transactions import (
    Transaction,
    TransactionState,
    current_transaction,
)
from headgate.reporting.failures import state_message
from headgate.states import RolledBack, State, state_exception


def begin_transaction(context: TaskRunContext) -> Transaction:
    """Begin the transaction of an attempt, inside of the one around the call."""
    transaction = Transaction(parent=current_transaction.get())
    transaction.begin()
    context.transaction = transaction
    return transaction


def is_undoable(context: TaskRunContext) -> bool:
    """Whether what a task did may be undone after it ended: then its result is kept later."""
    transaction = context.transaction
    if transaction is None or transaction.parent is None:
        return False
    return transaction.is_in_block or bool(context.spec.hooks.on_rollback)


def end_transaction(
    context: TaskRunContext, state: State[Any], *, keeping: Keeping | None = None
) -> Steps[None]:
    """Stage what the task did, with its hooks, and commit it unless another one decides.

    Args:
        keeping: where its result is kept once the transaction commits.
    """
    transaction = context.transaction
    if transaction is None:
        return
    if not state.is_completed():
        # Over already after a failed attempt, but not after a result that could not be kept.
        yield from transaction.roll_back_steps()
        return
    hooks = context.spec.hooks
    if keeping is None and transaction.is_alone and not (hooks.on_rollback or hooks.on_commit):
        # Nobody can ask for it any more: most tasks end here.
        transaction.state = TransactionState.COMMITTED
        return

    def undo(_: Transaction) -> None:
        _enter_rolled_back(context)

    if keeping is not None:
        transaction.keep = lambda: _kept(context, keeping, state)
    # Called last first: the run is shown as undone once everything is.
    transaction.stage(state.data, (undo, *hooks.on_rollback), hooks.on_commit)
    yield from transaction.end_steps()


def _kept(context: TaskRunContext, keeping: Keeping, state: State[Any]) -> Steps[None]:
    """Keep the result of a task that is committed; where it must be and cannot, undo it.

    Raises:
        ResultError: it cannot be kept.
    """
    ended = yield from keep(context, keeping, state)
    if not ended.is_completed():
        raise state_exception(ended)


def _enter_rolled_back(context: TaskRunContext) -> None:
    state = RolledBack(message="Undone with the transaction around it")
    context.run.enter(state, message=state_message(state))
    if context.flow_run is not None:
        context.flow_run.recorder.record_task(context.run)
