"""Results of tasks, kept for another call or another process; the names are Prefect's."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.results.keyed import ResultStore
from headgate.results.records import ResultRecord


def get_result_store() -> ResultStore:
    """Return a store of the place that is configured, with what writes there."""
    return ResultStore()


__all__ = ["ResultRecord", "ResultStore", "get_result_store"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
