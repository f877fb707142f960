"""Deployments: a flow with its code's place, a pool, parameters and schedules; run from code."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.deployments.runs import DeploymentRun, arun_deployment, run_deployment

__all__ = ["DeploymentRun", "arun_deployment", "run_deployment"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module 'headgate.deployments' has no attribute {name!r}"
        raise AttributeError(message)
    from headgate.deployments import runs  # noqa: PLC0415 - named lazy-import place: the engine

    return getattr(runs, name)
