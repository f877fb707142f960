"""Prefect's place for the loggers: ``from headgate.logging import get_run_logger``."""

from headgate.logging.loggers import LogEavesdropper
from headgate.logs import disable_run_logger, get_logger, get_run_logger

__all__ = ["LogEavesdropper", "disable_run_logger", "get_logger", "get_run_logger"]
