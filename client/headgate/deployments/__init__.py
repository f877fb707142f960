"""Deployments: a flow with its code's place, a pool, parameters and schedules; run from code."""

from typing import TYPE_CHECKING

from headgate import elsewhere

if TYPE_CHECKING:
    from headgate.deployments.deployment_run import DeploymentRun
    from headgate.deployments.runner import RunnerDeployment, adeploy, deploy
    from headgate.deployments.runs import arun_deployment, run_deployment

_RUNNER = "headgate.deployments.runner"
_RUNS = "headgate.deployments.runs"
_PLACES = {
    "DeploymentRun": "headgate.deployments.deployment_run",
    "RunnerDeployment": _RUNNER,
    "adeploy": _RUNNER,
    "arun_deployment": _RUNS,
    "deploy": _RUNNER,
    "run_deployment": _RUNS,
}

__all__ = [
    "DeploymentRun",
    "RunnerDeployment",
    "adeploy",
    "arun_deployment",
    "deploy",
    "run_deployment",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__, _PLACES)
