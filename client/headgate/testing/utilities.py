"""Prefect's place for the harness of tests."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.testing.harness import headgate_test_harness

prefect_test_harness = headgate_test_harness

__all__ = ["headgate_test_harness", "prefect_test_harness"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
