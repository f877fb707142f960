"""Which Postgres will do."""

import pytest

from headgate_server.database.engine import check_version
from headgate_server.domain.errors import ConfigurationError


@pytest.mark.parametrize("number", [150014, 150020, 160010, 170006, 180000, 190001])
def test_postgres_without_known_holes_will_do(number: int) -> None:
    check_version(number)


@pytest.mark.parametrize(
    ("number", "name"),
    [(140030, "14.30"), (150013, "15.13"), (160009, "16.9"), (170005, "17.5"), (90624, "9.624")],
)
def test_older_postgres_is_refused_with_what_it_takes(number: int, name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_version(number)

    assert f"Postgres {name} is too old: Headgate needs 15.14, 16.10, 17.6" in str(refused.value)
