"""Prefect's place for what starts runs of deployments."""

from headgate.deployments.runs import DeploymentRun, arun_deployment, run_deployment

__all__ = ["DeploymentRun", "arun_deployment", "run_deployment"]
