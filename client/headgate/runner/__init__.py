"""Prefect's place for what serves flows."""

from typing import TYPE_CHECKING

from headgate import elsewhere

if TYPE_CHECKING:
    from headgate.serving import Runner

__all__ = ["Runner"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__, {"Runner": "headgate.serving"})
