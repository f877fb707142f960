"""Prefect's place for what starts runs of deployments."""

from headgate.deployments.deployment_run import DeploymentRun
from headgate.deployments.runs import arun_deployment, run_deployment

__all__ = ["DeploymentRun", "arun_deployment", "run_deployment"]
