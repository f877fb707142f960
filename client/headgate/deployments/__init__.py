"""Deployments: deploy and headgate.yaml."""
