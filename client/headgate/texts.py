"""Texts on their way out: what user code prints or raises may hold what no one else can read."""


def storable(text: str) -> str:
    """Return a text that can be encoded: lone surrogates, as in odd file names, become "?"."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
