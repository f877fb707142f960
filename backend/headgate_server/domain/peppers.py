"""The installation's secret key, and the one before it while an installation changes from that."""


class Pepper(str):
    """What is hashed and sealed with; ``previous`` opens what was before it, and makes nothing."""

    __slots__ = ("previous",)

    previous: str

    def __new__(cls, key: str, *, previous: str = "") -> "Pepper":
        """Return a key with the one before it; an empty one is none."""
        made = super().__new__(cls, key)
        made.previous = previous
        return made


def peppers_of(pepper: str) -> tuple[str, ...]:
    """Return the keys under which something may be found: the one that holds now first."""
    previous = pepper.previous if isinstance(pepper, Pepper) else ""
    return (pepper, previous) if previous else (pepper,)
