"""Prefect's place for the harness of tests."""

from headgate.testing.harness import headgate_test_harness

prefect_test_harness = headgate_test_harness

__all__ = ["headgate_test_harness", "prefect_test_harness"]
