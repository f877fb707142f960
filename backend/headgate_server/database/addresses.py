"""What an address of the database asks for beside host and role: TLS, and a pooler on the way."""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from headgate_server.domain.errors import ConfigurationError

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERIFIED = ("verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey")
_PASSED_ON = ("host", "port")


@dataclass(frozen=True, slots=True)
class Address:
    """An address for the driver, and what it is to be connected with.

    Args:
        url: without the parameters that are read here.
        ssl: as the driver takes it; None leaves it to the driver's default.
        is_pooled: a pooler in transaction mode, such as PgBouncer, answers.
    """

    url: str
    ssl: ssl.SSLContext | str | None
    is_pooled: bool


def read_address(url: str) -> Address:
    """Read an address as libpq writes it, and ``pooler=transaction``, which is ours.

    Raises:
        ConfigurationError: a parameter that is not known, or a file that cannot be read.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    pooler = given.pop("pooler", "")
    if pooler not in {"", "transaction"}:
        raise ConfigurationError(f"pooler is transaction or not given, not {pooler!r}.")
    tls = {name: given.pop(name) for name in ("sslmode", *_FILES) if name in given}
    unknown = sorted(set(given) - set(_PASSED_ON))
    if unknown:
        raise ConfigurationError(
            f"The address of the database has the parameter {unknown[0]}, which Headgate does not "
            f"know; it takes sslmode, {', '.join(_FILES)}, host, port and pooler."
        )
    return Address(
        url=urlunsplit(parts._replace(query=urlencode(given))),
        ssl=_tls(tls),
        is_pooled=bool(pooler),
    )


def _tls(given: dict[str, str]) -> ssl.SSLContext | str | None:
    mode = given.get("sslmode", "verify-full" if "sslrootcert" in given else "")
    if not mode:
        return None
    if mode not in SSL_MODES:
        raise ConfigurationError(f"sslmode is one of {', '.join(SSL_MODES)}, not {mode!r}.")
    if mode not in _VERIFIED and "sslcert" not in given:
        return mode
    return _context(mode, given)


def _context(mode: str, given: dict[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=given.get("sslrootcert"))
        if "sslcert" in given:
            context.load_cert_chain(given["sslcert"], given.get("sslkey"))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificates of the database's address cannot be read: {error}. Check "
            f"{', '.join(name for name in _FILES if name in given) or 'the system certificates'}."
        ) from error
    context.check_hostname = mode == "verify-full"
    if mode not in _VERIFIED:
        # nosemgrep: certificates-are-verified - the address says sslmode=require
        context.verify_mode = ssl.CERT_NONE
    return context


def session_settings(*, statement_timeout_ms: int, idle_timeout_ms: int) -> dict[str, Any]:
    """Return what every session is set to, by the connection or by its role's defaults."""
    return {
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_timeout_ms),
        "jit": "off",
        "timezone": "UTC",
    }
