"""Prefect's place for the block that calls an address."""

from headgate.blocks.webhooks import Webhook

__all__ = ["Webhook"]
