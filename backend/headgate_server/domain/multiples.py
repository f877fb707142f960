"""Whether a number is a multiple of another, as Pydantic says it of a parameter."""

TOLERANCE = 1e-9
"""Of the number: so much may it be off a multiple, where either is a fraction."""


def is_multiple(number: float, *, of: float) -> bool:
    """Return whether a number is a multiple of another: 0.07 is one of 0.01.

    Whole numbers are compared exactly.
    """
    rest = abs(number % of)
    allowed = abs(number) * TOLERANCE if isinstance(rest, float) else 0
    return rest <= allowed or abs(rest - abs(of)) <= allowed
