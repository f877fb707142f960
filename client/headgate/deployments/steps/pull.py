"""Prefect's place for the steps that bring code to a run."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.deployments.steps import (
    git_clone,
    pull_from_remote_storage,
    pull_with_block,
    set_working_directory,
)

__all__ = ["git_clone", "pull_from_remote_storage", "pull_with_block", "set_working_directory"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
