"""Values that refer to themselves, to one another, or very deep: looked through once, and whole."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from headgate import flow, task
from headgate.states import State


@dataclass
class Node:
    name: str
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list["Node"])
    given: Any = None


def tree(given: Any = None) -> Node:
    root = Node("root", given=given)
    root.children.append(Node("leaf", parent=root, given=given))
    return root


@task
def hand_back(value: Any) -> Any:
    return value


@task
def seven() -> int:
    return 7


def test_a_tree_with_parents_goes_through_tasks_and_flows_as_it_is() -> None:
    @flow(validate_parameters=False)
    def work(root: Node) -> tuple[Any, ...]:
        first = hand_back(root)
        return (
            first,
            hand_back.submit(hand_back.submit(root)).result(),
            hand_back.map([root]).result(),
        )

    root = tree()
    first, second, (third,) = work(root)

    assert first is root
    assert second is root
    assert third is root


def test_a_future_in_a_tree_with_parents_is_replaced_once() -> None:
    @flow
    def work() -> Node:
        return hand_back(tree(seven.submit()))

    root = work()

    assert root.given == 7
    assert root.children[0].given == 7


def test_futures_of_a_returned_tree_come_as_states() -> None:
    @flow
    def work() -> Any:
        return [tree(seven.submit())]

    (root,) = work()

    given: Any = root.given
    assert isinstance(given, State)
    assert cast("State[int]", given).result() == 7


def test_what_many_share_is_looked_through_once_and_stays_shared() -> None:
    @flow
    def work() -> Any:
        value: Any = [seven.submit()]
        for _ in range(60):
            value = [value, value]
        return hand_back(value)

    value = work()

    for _ in range(60):
        assert value[0] is value[1]
        value = value[0]
    assert value == [7]


def test_a_chain_deeper_than_the_stack_is_handed_over() -> None:
    chain = Node("end")
    for _ in range(5_000):
        chain = Node("link", parent=chain)

    @flow
    def work() -> bool:
        return hand_back(chain) is chain

    assert work()


def test_a_future_deeper_than_the_stack_fails_with_what_helps() -> None:
    @flow
    def work() -> Any:
        chain = Node("end", given=seven.submit())
        for _ in range(5_000):
            chain = replace(chain, parent=chain)
        return hand_back(chain)

    with pytest.raises(RecursionError, match=r"headgate\.opaque"):
        work()


def ordered(items: dict[str, Any]) -> OrderedDict[str, Any]:
    return OrderedDict(items)


def counted(items: dict[str, Any]) -> Counter[str]:
    return Counter(items)


def defaulted(items: dict[str, Any]) -> defaultdict[str, Any]:
    return defaultdict(list, items)


@pytest.mark.parametrize("make", [ordered, counted, defaulted])
def test_a_dictionary_of_its_own_kind_keeps_it(make: Callable[[Any], dict[Any, Any]]) -> None:
    @task
    def one() -> int:
        return 1

    @task
    def look(given: Any) -> Any:
        return given

    @flow
    def parent() -> Any:
        return look(make({"a": one.submit(), "b": 2}))

    found = parent()

    assert found == make({"a": 1, "b": 2})
    assert type(found) is type(make({}))
    assert getattr(found, "default_factory", list) is list


class Attributes(dict[str, Any]):
    """A dictionary whose entries are its attributes, as many write one."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.__dict__ = self


class Fixed(dict[str, Any]):
    """A dictionary that takes no entries once it is made: it cannot be copied either."""

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError(key)


class Itself(dict[str, Any]):
    """A dictionary that takes itself for its copy."""

    def __copy__(self) -> "Itself":
        return self


@pytest.mark.parametrize(
    ("make", "kind"), [(Attributes, Attributes), (Fixed, dict), (Itself, dict)]
)
def test_a_dictionary_of_an_odd_kind_holds_no_future(
    make: Callable[[Any], dict[Any, Any]], kind: type[Any]
) -> None:
    @task
    def one() -> int:
        return 1

    @task
    def look(given: Any) -> Any:
        return given, getattr(given, "a", None)

    @flow
    def parent() -> Any:
        given = make({"a": one.submit(), "b": 2})
        return look(given), isinstance(given["a"], int)

    (found, attribute), is_changed = parent()

    assert found == {"a": 1, "b": 2}
    assert type(found) is kind
    assert attribute == (1 if kind is Attributes else None)
    assert not is_changed
