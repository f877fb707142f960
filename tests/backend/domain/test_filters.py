"""The limits of filters."""

from dataclasses import replace
from uuid import UUID

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    IdFilter,
    StateFilter,
    StringFilter,
    check_filter,
)
from headgate_server.domain.states import StateType

NAMED = FlowRunFilter(name=StringFilter(eq="a"))


def test_three_levels_pass_and_the_fourth_is_refused() -> None:
    third = FlowRunFilter(and_=(FlowRunFilter(or_=(NAMED,)),))

    assert check_filter(third) is third
    with pytest.raises(InvalidInput, match="3 levels"):
        check_filter(FlowRunFilter(not_=third))


def test_relations_count_as_levels() -> None:
    flow = FlowFilter(name=StringFilter(eq="a"))
    third = FlowRunFilter(deployment=DeploymentFilter(flow=flow))

    assert check_filter(third) is third
    with pytest.raises(InvalidInput, match="3 levels"):
        check_filter(FlowRunFilter(deployment=DeploymentFilter(flow=FlowFilter(not_=flow))))


def test_fifty_conditions_pass_and_the_next_is_refused() -> None:
    both = FlowRunFilter(
        name=StringFilter(starts_with="a", contains="b"),
    )
    fifty = FlowRunFilter(or_=(both,) * 25)

    assert check_filter(fifty) is fifty
    with pytest.raises(InvalidInput, match="50 conditions"):
        check_filter(replace(fifty, state=StateFilter(types=(StateType.FAILED,))))


def test_boolean_conditions_count() -> None:
    paused = DeploymentFilter(is_paused=False)

    with pytest.raises(InvalidInput, match="50 conditions"):
        check_filter(DeploymentFilter(or_=(paused,) * 51))


def test_lists_hold_250_values() -> None:
    ids = tuple(UUID(int=number) for number in range(251))

    check_filter(FlowFilter(id=IdFilter(in_=ids[:250])))
    with pytest.raises(InvalidInput, match="250 values"):
        check_filter(FlowFilter(id=IdFilter(in_=ids)))


@pytest.mark.parametrize("text", ["x" * 1001, "a\0b"])
def test_texts_that_cannot_be_stored_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="1000 characters"):
        check_filter(FlowFilter(name=StringFilter(in_=("ok", text))))
