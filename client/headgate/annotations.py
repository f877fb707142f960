"""Marks on arguments: ``unmapped`` for maps, ``allow_failure`` and others for inputs."""

from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class _Annotation(Generic[T]):
    """A value, and how the engine is to treat it."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """Return the value without its mark."""
        return self.value

    def rewrap(self, value: Any) -> Self:
        """Return the same mark on another value."""
        return type(self)(value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(_Annotation[T]):  # noqa: N801 - Prefect's name
    """An argument of ``map`` that every call receives whole."""

    __slots__ = ()


class allow_failure(_Annotation[T]):  # noqa: N801 - Prefect's name
    """An upstream future or state that may have failed; its exception is passed on as the value."""

    __slots__ = ()


class quote(_Annotation[T]):  # noqa: N801 - Prefect's name
    """An argument that is passed on as it is: nobody looks for futures and states in it.

    Saves the walk through a large collection. Futures inside reach the task as futures.
    """

    __slots__ = ()

    def unquote(self) -> T:
        """Return the value without its mark."""
        return self.value


class opaque(_Annotation[T]):  # noqa: N801 - Prefect's name
    """An argument that is one future or state: the task gets its result, as it is.

    Nobody looks for futures and states in it, nor in anything else that is marked so.
    """

    __slots__ = ()


BaseAnnotation = _Annotation
