"""Values of the runtime that the environment puts in the place of the real ones, for tests."""

import os
from typing import Any


def override(place: str, attribute: str, *, like: Any) -> Any:
    """Return what ``HEADGATE__RUNTIME__<PLACE>__<ATTRIBUTE>`` says; None where it is not set.

    Args:
        like: the real value: numbers and truths are read as what it is.

    Raises:
        ValueError: the text is no such value.
    """
    text = os.environ.get(f"HEADGATE__RUNTIME__{place}__{attribute.upper()}")
    if text is None:
        return None
    if isinstance(like, bool):
        return text.lower() == "true"
    if isinstance(like, int | float):
        return type(like)(text)
    return text
