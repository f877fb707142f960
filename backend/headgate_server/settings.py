"""One frozen Settings, read from the environment once, by the composition root only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urlsplit

from headgate_server.domain.errors import ConfigurationError
from headgate_server.domain.peppers import Pepper
from headgate_server.domain.quotas import QuotaKind

PREFIX = "HEADGATE_"


@dataclass(frozen=True, slots=True)
class Timers:
    """Every time that dispatch depends on, in seconds."""

    connection_init_seconds: float = 5.0
    ping_seconds: float = 20.0
    pong_seconds: float = 20.0
    offer_ttl_seconds: float = 15.0
    heartbeat_seconds: float = 15.0
    lease_seconds: float = 90.0
    unresponsive_after_seconds: float = 45.0
    stream_max_age_seconds: float = 1800.0
    session_token_seconds: float = 1800.0
    sweep_seconds: float = 10.0
    sweep_without_redis_seconds: float = 2.0
    again_seconds: float = 0.5
    schedule_horizon_seconds: float = 900.0
    pulse_seconds: float = 5.0
    drain_seconds: float = 25.0
    silence_seconds: float = 120.0

    def sweep(self, *, is_woken: bool) -> float:
        """Return after how many seconds who waits looks by himself; sooner where no wake comes."""
        return self.sweep_seconds if is_woken else self.sweep_without_redis_seconds

    @property
    def offer_ttl(self) -> timedelta:
        """Return how long an offer may stay unclaimed."""
        return timedelta(seconds=self.offer_ttl_seconds)

    @property
    def lease(self) -> timedelta:
        """Return how long a claimed lease lives without a renewal."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def heartbeat(self) -> timedelta:
        """Return how often a holder renews its leases."""
        return timedelta(seconds=self.heartbeat_seconds)

    @property
    def schedule_horizon(self) -> timedelta:
        """Return how far ahead runs of schedules are made."""
        return timedelta(seconds=self.schedule_horizon_seconds)

    @property
    def outage_grace(self) -> timedelta:
        """Return how long no API may have served before the silence of agents is our own."""
        return timedelta(seconds=3 * self.pulse_seconds)


@dataclass(frozen=True, slots=True)
class Rates:
    """What callers may spend of the API's cost, in points a second; 0 does not limit.

    Args:
        organization: its people, keys and the runs in processes of theirs together.
        reports: its agents together, and as much again the runs of its deployments.
    """

    user: int = 300
    key: int = 1000
    agent: int = 2000
    run: int = 1000
    organization: int = 5000
    reports: int = 10_000
    burst_seconds: int = 10


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much runs may write to their logs; 0 does not limit.

    Args:
        lines_per_run: what a run's log holds; one in a hundred more for WARNING and above.
        run_lines_per_second: at each replica, as for a workspace; a line of more than a thousand
            characters counts as several.
    """

    lines_per_run: int = 1_000_000
    run_lines_per_second: int = 10_000
    workspace_lines_per_second: int = 40_000


@dataclass(frozen=True, slots=True)
class Quotas:
    """What an organization may use that has no quotas of its own; 0 does not limit.

    How many objects there may be is limited from the start, though far beyond what people need:
    what a script makes in a loop by mistake ends somewhere.
    """

    runs_per_day: int = 0
    runs_per_month: int = 0
    api_points_per_day: int = 0
    api_points_per_month: int = 0
    log_bytes_per_day: int = 0
    log_bytes_per_month: int = 0
    stored_bytes: int = 0
    kept_days: int = 0
    runs_at_once: int = 0
    workspaces: int = 10_000
    members: int = 100_000
    service_accounts: int = 10_000
    api_keys: int = 20_000
    work_pools: int = 10_000
    deployments: int = 100_000
    schedules: int = 200_000
    block_documents: int = 100_000
    variables: int = 100_000

    @property
    def limits(self) -> dict[QuotaKind, int]:
        """Return them by kind."""
        return {kind: getattr(self, kind.value.lower()) for kind in QuotaKind}


_DEFAULTS = Timers()
_FORMATS = ("text", "json")
_MAKERS = ("operators", "people")
_SECURITIES = ("starttls", "tls", "none")
_FLAGS = {"true": True, "on": True, "1": True} | dict.fromkeys(("false", "off", "0", ""), False)
_LEVELS = ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation sets; each field is read from ``HEADGATE_<NAME>``."""

    database_url: str = ""
    owner_database_url: str = ""
    system_database_url: str = ""
    redis_url: str = ""
    redis_prefix: str = "headgate"
    secret_key: str = ""
    secret_key_previous: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8484
    public_url: str = ""
    trusted_proxies: str = ""
    allowed_origins: str = ""
    database_pool_size: int = 20
    role_prefix: str = "headgate"
    log_level: str = "INFO"
    log_format: str = "text"
    slow_operation_ms: int = 1000
    health_host: str = "127.0.0.1"
    health_port: int = 0
    metrics_token: str = ""
    kek: str = ""
    vault_token: str = ""
    audit_checkpoints: str = ""
    organizations_by: str = "operators"
    block_reveal: bool = False
    hsts_subdomains: bool = False
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_username: str = ""
    smtp_password: str = field(default="", repr=False)
    mail_from: str = ""
    oidc_file: str = ""
    proven_addresses: bool = False
    passwords: bool = True
    outgoing_networks: str = ""
    is_traced: bool = False
    timers: Timers = Timers()
    rates: Rates = Rates()
    log_limits: LogLimits = LogLimits()
    quotas: Quotas = Quotas()

    @property
    def pepper(self) -> Pepper:
        """Return what is hashed and sealed with, and the key before it, if one is named."""
        return Pepper(self.secret_key, previous=self.secret_key_previous)

    @property
    def url(self) -> str:
        """Return the address people and agents use."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the origins of other pages that may call the API."""
        return tuple(origin for origin in self.allowed_origins.split(",") if origin)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Return the addresses and networks of trusted proxies."""
        return tuple(one.strip() for one in self.trusted_proxies.split(",") if one.strip())


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment.

    Raises:
        ConfigurationError: a value that is not of its field's type.
    """
    timers = Timers(
        **{
            one.name: _number(environment, one.name, default=getattr(_DEFAULTS, one.name))
            for one in fields(Timers)
        }
    )
    rates = Rates(**_counts(environment, Rates, prefix="rate"))
    log_limits = LogLimits(**_counts(environment, LogLimits, prefix="log"))
    values: dict[str, object] = {
        "quotas": Quotas(**_counts(environment, Quotas, prefix="quota")),
        "timers": timers,
        "rates": rates,
        "log_limits": log_limits,
        "is_traced": asks_for_traces(environment),
    }
    for one in fields(Settings):
        raw = environment.get(PREFIX + one.name.upper())
        if raw is not None and one.name not in values:
            values[one.name] = _read_field(environment, one.name, type_=one.type, raw=raw)
    values["log_level"] = _one_of(values, "log_level", _LEVELS).upper()
    values["log_format"] = _one_of(values, "log_format", _FORMATS)
    values["organizations_by"] = _one_of(values, "organizations_by", _MAKERS)
    values["smtp_security"] = _one_of(values, "smtp_security", _SECURITIES)
    _check_proxies(str(values.get("trusted_proxies", "")))
    return Settings(**values)  # type: ignore[arg-type]  # each value was read for its field


def _one_of(values: Mapping[str, object], field: str, choices: tuple[str, ...]) -> str:
    """Return a setting that is one of a few words, in lower case; the first where none is said."""
    said = str(values.get(field, choices[0]))
    known = {choice.lower() for choice in choices}
    if said.lower() not in known:
        listed = " or ".join(choices) if len(choices) == 2 else "one of " + ", ".join(choices)
        raise ConfigurationError(
            f"{PREFIX}{field.upper()} is {listed}, not {said!r}; correct it and start again."
        )
    return said.lower()


def _check_proxies(listed: str) -> None:
    for one in filter(None, (part.strip() for part in listed.split(","))):
        try:
            ip_network(one)
        except ValueError:
            raise ConfigurationError(
                f"{PREFIX}TRUSTED_PROXIES lists addresses and networks by comma, such as "
                f"10.0.0.0/8, not {one!r}; correct it and start again."
            ) from None


def _read_field(environment: Mapping[str, str], name: str, *, type_: object, raw: str) -> object:
    if type_ is int:
        return int(_number(environment, name))
    return _flag(name, raw) if type_ is bool else raw


def _flag(name: str, raw: str) -> bool:
    if raw.lower() not in _FLAGS:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is true or false, not {raw!r}; correct it and start again."
        )
    return _FLAGS[raw.lower()]


def asks_for_traces(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables of OpenTelemetry ask for spans; itself, it reads the rest."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter != "none" and any(
        (
            exporter,
            environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
            environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        )
    )


def _number(environment: Mapping[str, str], name: str, *, default: float = 0.0) -> float:
    raw = environment.get(PREFIX + name.upper())
    if raw is None:
        return default
    try:
        return float(raw)
    except ValueError:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is a number, not {raw!r}; correct it and start again."
        ) from None


def _counts(
    environment: Mapping[str, str], kind: type[Rates | LogLimits | Quotas], *, prefix: str
) -> dict[str, int]:
    return {
        field.name: _count(
            environment, f"{prefix}_{field.name}", default=getattr(kind(), field.name)
        )
        for field in fields(kind)
    }


def _count(environment: Mapping[str, str], name: str, *, default: int) -> int:
    number = _number(environment, name, default=default)
    if number < 0 or number != int(number):
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} is a whole number of 0 or more; correct it and start again."
        )
    return int(number)


def check_url(url: str, *, name: str, schemes: tuple[str, ...]) -> str:
    """Return an address whose scheme and host are usable.

    Raises:
        ConfigurationError: missing, of another scheme, or without a host.
    """
    if not url:
        raise ConfigurationError(
            f"Set {PREFIX}{name} to an address that starts with {schemes[0]}:// and names a host."
        )
    parts = urlsplit(url)
    if parts.scheme not in schemes or not (parts.hostname or "host=" in parts.query):
        raise ConfigurationError(
            f"{PREFIX}{name} is an address that starts with {schemes[0]}:// and names a host; "
            "correct it and start again."
        )
    return url


def check_port(port: int) -> int:
    """Return a port number.

    Raises:
        ConfigurationError: out of range.
    """
    if not 1 <= port <= 65535:
        raise ConfigurationError("--port is from 1 to 65535.")
    return port
