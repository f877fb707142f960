"""Tools to test flows without a server: records of what runs did, and a clock that jumps."""

from headgate.testing.clocks import VirtualClock
from headgate.testing.harness import Records, headgate_test_harness, record_runs, virtual_time

__all__ = ["Records", "VirtualClock", "headgate_test_harness", "record_runs", "virtual_time"]
