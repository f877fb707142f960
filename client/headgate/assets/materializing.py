"""Tasks that produce assets, and what is reported of them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, Unpack

from headgate.api.calls import given
from headgate.assets.core import Asset, asset_of, sayings
from headgate.engine.context import TaskRunContext, current_task_run
from headgate.errors import AssetError
from headgate.ids import make_id
from headgate.reporting.batches import AssetReport
from headgate.reporting.records import TaskRun
from headgate.states import State
from headgate.task_options import TaskOptions
from headgate.tasks import Task
from headgate.texts import storable_json

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

MAX_REMEMBERED = 10_000
"""The assets of so many task runs are remembered for the lineage of those that come after."""

_made: OrderedDict[str, tuple[str, ...]] = OrderedDict()


class MaterializeOptions(TaskOptions, total=False):
    """What ``with_options`` of such a task takes."""

    assets: Iterable[str | Asset]
    by: str | None


class MaterializingTask(Task[P, R]):
    """A task each of whose runs produces assets.

    Args:
        fn: the function.
        assets: what it produces, at least one.
        by: the tool that does it, as dbt.
        options: as ``@task`` takes them.
    """

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        assets: Iterable[str | Asset],
        by: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        self.assets = tuple(asset_of(asset) for asset in assets)
        self.by = by
        if not self.assets:
            message = "@materialize needs the key of an asset, as s3://bucket/orders.parquet"
            raise AssetError(message)
        super().__init__(fn, **options)
        self.on_completion(_report_success)
        self.on_failure(_report_failure)

    def with_options(  # pyright: ignore[reportIncompatibleMethodOverride] - takes two more
        self, **options: Unpack[MaterializeOptions]
    ) -> "MaterializingTask[P, R]":
        """Return a task of the same function with some options, or its assets, changed."""
        wanted: dict[str, Any] = {"assets": self.assets, "by": self.by, **self.options, **options}
        changed: MaterializingTask[P, R] = MaterializingTask(self.fn, **wanted)
        self._keep_hooks(changed, options=options)
        return changed


def materialize(
    *assets: str | Asset, by: str | None = None, **options: Unpack[TaskOptions]
) -> Callable[[Callable[P, R]], MaterializingTask[P, R]]:
    """Make a task of a function that produces assets.

    Args:
        assets: what it produces: keys as ``s3://bucket/orders.parquet``, or ``Asset``.
        by: the tool that does it, as dbt.
        options: as ``@task`` takes them.

    Raises:
        AssetError: no asset, or a key that is no address.
    """

    def decorate(fn: Callable[P, R]) -> MaterializingTask[P, R]:
        return MaterializingTask(fn, assets=assets, by=by, **options)

    return decorate


def _report_success(task: MaterializingTask[Any, Any], run: TaskRun, state: State[Any]) -> None:
    del state
    _report(task, run, is_success=True)


def _report_failure(task: MaterializingTask[Any, Any], run: TaskRun, state: State[Any]) -> None:
    del state
    _report(task, run, is_success=False)


def _report(task: MaterializingTask[Any, Any], run: TaskRun, *, is_success: bool) -> None:
    said = sayings.take(run.id)
    context = current_task_run.get()
    if context is None or context.flow_run is None:
        return
    upstream = _upstream(task, context)
    if is_success:
        _remember(run.id, tuple(asset.shown_key for asset in task.assets))
    recorder = context.flow_run.recorder
    recorder.report(
        AssetReport(
            given(
                flowRunId=recorder.flow_run_id,
                taskRunId=run.id,
                assets=[_input(asset, said.get(asset.key)) for asset in task.assets],
                upstream=upstream,
                succeeded=is_success,
                by=storable_json(task.by),
            )
        )
    )


def _input(asset: Asset, metadata: dict[str, Any] | None) -> dict[str, Any]:
    properties = None if asset.properties is None else asset.properties.as_input()
    return given(id=make_id("mat"), key=asset.shown_key, properties=properties, metadata=metadata)


def _upstream(task: MaterializingTask[Any, Any], context: TaskRunContext) -> list[str]:
    """Return what the task declares, and what tasks materialized whose results it was given."""
    declared = [asset_of(asset).shown_key for asset in task.options.get("asset_deps") or ()]
    given_ = [key for id_ in context.run.parents for key in _made.get(id_, ())]
    own = {asset.shown_key for asset in task.assets}
    return [key for key in dict.fromkeys([*declared, *given_]) if key not in own]


def _remember(task_run_id: str, keys: tuple[str, ...]) -> None:
    _made[task_run_id] = keys
    while len(_made) > MAX_REMEMBERED:
        _made.popitem(last=False)
