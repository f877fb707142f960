"""How lists of flow runs are sorted."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from headgate import elsewhere


class FlowRunSort(StrEnum):
    """The orders that lists of flow runs can be in."""

    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    END_TIME_DESC = "END_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"

    def as_order(self) -> dict[str, Any]:
        """Return the API's ``FlowRunOrder``."""
        field, _, direction = self.value.rpartition("_")
        return {"field": _FIELDS[field], "direction": direction}


_FIELDS = {
    "EXPECTED_START_TIME": "EXPECTED_START",
    "NEXT_SCHEDULED_START_TIME": "EXPECTED_START",
    "START_TIME": "STARTED_AT",
    "END_TIME": "ENDED_AT",
    "NAME": "NAME",
}

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
