"""Chooses the one of a list that a person named, by its id or by what it is called."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from headgate.cli.failures import CommandError, ExitCode, near_names

T = TypeVar("T")


def choose(
    name: str,
    found: Sequence[T],
    *,
    texts: Callable[[T], Sequence[str | None]],
    what: str,
    listing: str,
) -> T:
    """Return the one that has this id or name; capitals do not matter.

    Args:
        texts: its id first, then what it is called; the second is what is offered.
        what: what it is, as in "no team …".
        listing: the command that lists them.

    Raises:
        CommandError: none has it, or several do.
    """
    wanted = name.casefold()
    fitting = [
        one
        for one in found
        if wanted in {text.casefold() for text in texts(one) if text is not None}
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(str(texts(one)[0]) for one in fitting)
        message = f"{len(fitting)} are the {what} {name!r}"
        raise CommandError(message, code=ExitCode.USAGE, hints=[f"Give the id of one: {ids}."])
    known = [text for one in found for text in texts(one)[1:] if text is not None]
    raise CommandError(
        f"There is no {what} {name!r}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(name, known=known, listing=listing),
    )
