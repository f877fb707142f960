"""Prefect's place for the steps that run programs."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.deployments.steps import pip_install_requirements, run_shell_script

__all__ = ["pip_install_requirements", "run_shell_script"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
