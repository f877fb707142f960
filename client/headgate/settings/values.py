"""Reads values of settings: what a variable says, as what it means."""

from collections.abc import Mapping
from pathlib import Path

from headgate.errors import SettingsError

SECRET_STORES = ("vault", "aws-secrets-manager", "gcp-secret-manager", "azure-key-vault")
"""Those whose secrets are allowed one by one; ``env`` and ``file`` have settings of their own."""


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def folders(text: str) -> tuple[Path, ...]:
    """Return the folders in a list with commas.

    Raises:
        SettingsError: one is not absolute.
    """
    found = tuple(map(Path, names(text)))
    for folder in found:
        if not folder.is_absolute():
            message = (
                "HEADGATE_SECRET_FOLDERS lists absolute folders, such as /run/secrets/headgate, "
                f"not {str(folder)!r}"
            )
            raise SettingsError(message)
    return found


def paths(text: str) -> tuple[str, ...]:
    """Return the secrets of stores in a list with commas.

    Raises:
        SettingsError: one has no such form.
    """
    found = names(text)
    for path in found:
        store, separator, pattern = path.partition(":")
        if store not in SECRET_STORES or not separator or not pattern:
            message = (
                "HEADGATE_SECRET_PATHS lists secrets as store:pattern, such as "
                f"vault:secret/team/*, not {path!r}; the stores are {', '.join(SECRET_STORES)}"
            )
            raise SettingsError(message)
    return found


def flag_or_none(variables: Mapping[str, str], *, name: str) -> bool | None:
    """Return whether a variable says yes or no; None where nobody set it."""
    return flag(variables, name=name) if variables.get(name) else None


def flag(variables: Mapping[str, str], *, name: str) -> bool:
    """Return whether a variable says yes; False where nobody set it.

    Raises:
        SettingsError: it says neither yes nor no.
    """
    text = variables.get(name, "").strip().lower()
    if text in {"", "0", "false", "no", "off"}:
        return False
    if text in {"1", "true", "yes", "on"}:
        return True
    message = f"{name} must be true or false, not {text!r}"
    raise SettingsError(message)


def number(variables: Mapping[str, str], *, name: str, default: float) -> float:
    """Return the number that a variable says; the default where nobody set it.

    Raises:
        SettingsError: it is none, or below zero.
    """
    text = variables.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0:
        message = f"{name} must be a number of zero or more, not {text!r}"
        raise SettingsError(message)
    return number
