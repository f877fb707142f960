"""Addresses of the database: what they may ask for."""

import ssl
from pathlib import Path

import pytest
import trustme

from headgate_server.database.addresses import read_address
from headgate_server.domain.errors import ConfigurationError

PLACE = "postgresql://u:p@db.example:5432/headgate"


def test_address_without_parameters_is_passed_on() -> None:
    address = read_address(PLACE)

    assert (address.url, address.ssl, address.is_pooled) == (PLACE, None, False)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_modes_that_verify_nothing_are_the_drivers_own(mode: str) -> None:
    address = read_address(f"{PLACE}?sslmode={mode}&host=/run/postgres")

    assert (address.url, address.ssl) == (f"{PLACE}?host=%2Frun%2Fpostgres", mode)


@pytest.mark.parametrize(
    ("parameters", "check"),
    [("sslmode=verify-full&", True), ("sslmode=verify-ca&", False), ("", True)],
)
def test_named_authority_is_trusted_alone(tmp_path: Path, *, parameters: str, check: bool) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))

    found = read_address(f"{PLACE}?{parameters}sslrootcert={authority}").ssl

    assert isinstance(found, ssl.SSLContext)
    assert (found.check_hostname, found.verify_mode) == (check, ssl.CERT_REQUIRED)
    assert len(found.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("sslmode=very", "sslmode is one of disable, allow"),
        ("sslrootcert=/nowhere/ca.pem", "cannot be read"),
        ("target_session_attrs=any", "has the parameter target_session_attrs"),
        ("pooler=session", "pooler is transaction or not given"),
    ],
)
def test_other_parameters_are_refused_by_name(parameters: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_address(f"{PLACE}?{parameters}")
