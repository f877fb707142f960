"""Prefect's place for the loggers: ``from headgate.logging import get_run_logger``."""

from headgate.logs import disable_run_logger, get_logger, get_run_logger

__all__ = ["disable_run_logger", "get_logger", "get_run_logger"]
