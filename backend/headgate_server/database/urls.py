"""The three addresses of one database, one per role."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

APP, SYSTEM = "app", "system"
_SALT_BYTES, _ITERATIONS = 16, 4096
"""As Postgres itself: the password is of 256 random bits, which nobody guesses."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """Where to connect as the owner, the application and the background system."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    system: str = field(repr=False)

    def on(self, database: str) -> "DatabaseUrls":
        """Return the same roles on another database of the same server."""
        return DatabaseUrls(
            owner=on_database(self.owner, database),
            app=on_database(self.app, database),
            system=on_database(self.system, database),
        )


def role_name(prefix: str, role: str) -> str:
    """Return the name of the app or the system role in the database server."""
    return f"{prefix}_{role}"


def role_password(secret_key: str, role: str) -> str:
    """Return a role's password, derived from the installation's secret key.

    Derived rather than stored: every process that knows the owner's address and the secret key
    can connect, and migrating again changes nothing.
    """
    digest = hmac.new(secret_key.encode(), f"database-role:{role}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def verifier_of(password: str) -> str:
    """Return what Postgres stores of a password, made anew each time: RFC 5803, SCRAM-SHA-256.

    A statement with it in the place of the password tells nobody the password who reads statements:
    in the server's log, or in pg_stat_statements.

    Args:
        password: of ASCII, which needs no preparation.
    """
    salt = os.urandom(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client, server = (
        hmac.digest(salted, name, hashlib.sha256) for name in (b"Client Key", b"Server Key")
    )
    kept = (salt, hashlib.sha256(client).digest(), server)
    shown = [base64.b64encode(one).decode() for one in kept]
    return f"SCRAM-SHA-256${_ITERATIONS}:{shown[0]}${shown[1]}:{shown[2]}"


def derive(owner_url: str, *, secret_key: str, role_prefix: str) -> DatabaseUrls:
    """Return all three addresses from the owner's one."""

    def as_role(role: str) -> str:
        return _with_user(
            owner_url, user=role_name(role_prefix, role), password=role_password(secret_key, role)
        )

    return DatabaseUrls(owner=owner_url, app=as_role(APP), system=as_role(SYSTEM))


def on_database(url: str, database: str) -> str:
    """Return the address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database)}"))


def for_asyncpg(url: str) -> str:
    """Return the address in the form that selects the asyncpg driver."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


def without_password(url: str) -> str:
    """Return an address that is safe to show."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return _with_user(url, user=parts.username or "", password="***")  # noqa: S106  a mask


def _with_user(url: str, *, user: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password, safe='*')}@{host}"))
