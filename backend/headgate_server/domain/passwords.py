"""Passwords: which are good enough."""

from headgate_server.domain.errors import InvalidInput

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5


def check_password(password: str, *, email: str | None = None) -> str:
    """Return a password that is hard enough to guess.

    Length counts, and no kinds of characters: rules about those make passwords worse.

    Raises:
        InvalidInput: too short, too long, of few characters, or the address itself.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; a few words are a good one.",
            path=["password"],
        )
    if len(set(password)) < MIN_DIFFERENT:
        raise InvalidInput(
            "This password repeats few characters; choose another.", path=["password"]
        )
    if email is not None and password.strip().lower() == email:
        raise InvalidInput("A password is not the address; choose another.", path=["password"])
    return password


def is_possible(password: str) -> bool:
    """Whether anybody could have this password: longer ones are not hashed."""
    return 0 < len(password) <= MAX_LENGTH
