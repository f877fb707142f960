"""The parts that filters are made of: what a field must, or must not, be."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from headgate.states import StateType

Made = dict[str, Any]
"""What the API takes as a filter, or as a part of one."""


class Criterion(BaseModel):
    """What a filter is made of; a criterion that the API does not have is refused by name."""

    model_config = ConfigDict(extra="forbid")

    def as_filter(self) -> Made:
        """Return what the API takes for it; empty where nothing is asked for."""
        raise NotImplementedError


class AnyId(Criterion):
    """One of these ids."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None

    def as_filter(self) -> Made:
        """Return the API's ``IdFilter``."""
        return given({"in": self.any_, "notIn": self.not_any_})


class AnyParent(Criterion):
    """One of these ids, or none at all."""

    any_: list[str] | None = None
    is_null_: bool | None = None

    def as_filter(self) -> Made:
        """Return the API's ``IdFilter``."""
        return given({"in": self.any_, "isNull": self.is_null_})


class AnyName(Criterion):
    """One of these names, or a part of it, however it is capitalized."""

    any_: list[str] | None = None
    like_: str | None = None

    def as_filter(self) -> Made:
        """Return the API's ``StringFilter``."""
        return given({"in": self.any_, "contains": self.like_})


class AnyKey(Criterion):
    """One of these keys."""

    any_: list[str] | None = None
    like_: str | None = None

    def as_filter(self) -> Made:
        """Return the API's ``StringFilter``."""
        return given({"in": self.any_, "contains": self.like_})


class Tags(Criterion):
    """All of these tags, or one of them."""

    all_: list[str] | None = None
    any_: list[str] | None = None

    def as_filter(self) -> Made:
        """Return the API's ``TagFilter``."""
        return given({"all": self.all_, "any": self.any_})


class StateTypes(Criterion):
    """One of these types, or none of those."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class StateNames(Criterion):
    """One of these names, or none of those."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class InState(Criterion):
    """What a run is in."""

    type: StateTypes | None = None
    name: StateNames | None = None

    def as_filter(self) -> Made:
        """Return a filter of runs: what is not wanted is a filter of its own."""
        wanted = given({"type": _any(self.type), "name": _any(self.name)})
        made = given({"state": wanted or None})
        for field, criterion in (("type", self.type), ("name", self.name)):
            if criterion is not None and criterion.not_any_:
                unwanted = {"not": {"state": {field: list(criterion.not_any_)}}}
                made = all_of(made, unwanted)
        return made


class Times(Criterion):
    """Between two times, both of them included."""

    before_: datetime | None = None
    after_: datetime | None = None

    def as_filter(self) -> Made:
        """Return the API's ``TimeFilter``."""
        return given({"gte": _text(self.after_), "lt": _next(self.before_)})


class OptionalTimes(Times):
    """Between two times, or not at all."""

    is_null_: bool | None = None

    def as_filter(self) -> Made:
        """Return the API's ``TimeFilter``."""
        return {**super().as_filter(), **given({"isNull": self.is_null_})}


def given(values: Made) -> Made:
    """Return the values that are there."""
    return {name: value for name, value in values.items() if value is not None}


def all_of(*filters: Made) -> Made:
    """Return the filter of what passes all of these."""
    found = [one for one in filters if one]
    return {"and": found} if len(found) > 1 else (found[0] if found else {})


def made_of(criterion: Criterion | None) -> Made | None:
    """Return what the API takes for a criterion that may be missing."""
    return (criterion.as_filter() or None) if criterion is not None else None


def _any(criterion: StateTypes | StateNames | None) -> list[str] | None:
    return list(criterion.any_) if criterion is not None and criterion.any_ else None


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone().isoformat()


def _next(at: datetime | None) -> str | None:
    """Return the first instant that is too late: times are told to the microsecond."""
    return None if at is None else _text(at + datetime.resolution)
