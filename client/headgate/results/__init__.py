"""Results of tasks, kept for another call or another process; the names are Prefect's."""

from headgate.results.keyed import ResultStore
from headgate.results.records import ResultRecord

__all__ = ["ResultRecord", "ResultStore"]
