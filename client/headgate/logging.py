"""Prefect's place for the loggers: ``from headgate.logging import get_run_logger``."""

from headgate.logs import get_logger, get_run_logger

__all__ = ["get_logger", "get_run_logger"]
