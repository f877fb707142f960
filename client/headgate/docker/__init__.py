"""Prefect's place for the image that a flow is deployed in."""

from headgate.deployments.images import DockerImage

__all__ = ["DockerImage"]
