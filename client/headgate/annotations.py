"""Marks on arguments: ``unmapped`` for maps, ``allow_failure`` for inputs that may have failed."""

from typing import Generic, TypeVar

T = TypeVar("T")


class unmapped(Generic[T]):  # noqa: N801 - Prefect's name
    """An argument of ``map`` that every call receives whole."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"unmapped({self.value!r})"


class allow_failure(Generic[T]):  # noqa: N801 - Prefect's name
    """An upstream future or state that may have failed; its exception is passed on as the value."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"allow_failure({self.value!r})"
