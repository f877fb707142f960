"""Prefect's place for fields whose values are all secret."""

from headgate.blocks.values import SecretDict

__all__ = ["SecretDict"]
