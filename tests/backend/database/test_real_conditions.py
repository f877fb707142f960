"""A Postgres as others run it: over TLS, and with an owner who is no superuser."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls, on_database
from headgate_server.database.work import Database
from headgate_server.domain.errors import ConfigurationError
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.services.bootstrap import bootstrap_dev
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.sql import query
from tests.fixtures.tls import postgres_with_tls

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Place:
    """A Postgres with TLS, as its administrator and as an owner of one database see it."""

    admin_url: str
    owner_url: str
    authority: Path

    def over_tls(self, mode: str, *, authority: Path | None = None) -> str:
        """Return the owner's address with a mode of TLS."""
        return f"{self.owner_url}?sslmode={mode}&sslrootcert={authority or self.authority}"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    services = EmbeddedServices(folder / "services", has_valkey=False)
    async with services:
        admin = services.postgres_url
        await query(admin, "create role landlord login createrole password 'rent'")
        await query(admin, "create database let owner landlord")
        port = urlsplit(admin).port
        assert port is not None
        async with postgres_with_tls(port, authority) as secure:
            owner = f"postgresql://landlord:rent@127.0.0.1:{secure}/let"
            yield Place(admin, owner, folder / "ca.pem")


async def sign_in(urls: DatabaseUrls) -> str:
    """Use the database as the application and the system do; the slug that was made."""
    database = Database(
        app=make_engine(urls.app, application_name="test", pool_size=1),
        system=make_engine(urls.system, application_name="test", pool_size=1),
    )
    try:
        made = await bootstrap_dev(database, pepper=SECRET_KEY)
    finally:
        await database.dispose()
    return made.workspace.slug


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_owner_without_superuser_migrates_over_tls(place: Place, mode: str) -> None:
    urls = await upgrade(place.over_tls(mode), secret_key=SECRET_KEY)

    assert await sign_in(urls) == "default"
    assert f"sslmode={mode}" in urls.app


async def test_server_of_another_authority_is_refused(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.raises(ConfigurationError, match="certificate verify failed"):
        await upgrade(place.over_tls("verify-full", authority=other), secret_key=SECRET_KEY)


async def test_roles_that_an_administrator_made_are_enough(place: Place) -> None:
    await query(place.admin_url, "create role tenant login password 'rent'")
    await query(place.admin_url, "create database sublet owner tenant")
    owner = on_database(place.over_tls("verify-full"), "sublet").replace("landlord", "tenant")

    with pytest.raises(ConfigurationError, match="create role other_app with login"):
        await upgrade(owner, secret_key=SECRET_KEY, role_prefix="other")
    for role in ("other_app", "other_system"):
        await query(place.admin_url, f"create role {role} login password 'given'")
    urls = await upgrade(owner, secret_key=SECRET_KEY, role_prefix="other")

    given = DatabaseUrls(
        urls.owner,
        app=owner.replace("tenant:rent", "other_app:given"),
        system=owner.replace("tenant:rent", "other_system:given"),
    )
    assert await sign_in(given) == "default"


async def test_second_installation_on_a_server_does_not_shut_out_the_first(place: Place) -> None:
    first = await upgrade(place.over_tls("verify-full"), secret_key=SECRET_KEY)
    await query(place.admin_url, "create database second owner landlord")
    owner = on_database(place.over_tls("verify-full"), "second")
    other_key = "another secret key of an installation"

    with pytest.raises(ConfigurationError, match="HEADGATE_ROLE_PREFIX"):
        await upgrade(owner, secret_key=other_key)
    second = await upgrade(owner, secret_key=other_key, role_prefix="second")

    assert await sign_in(first) == "default"
    assert await sign_in(second) == "default"


async def test_key_of_the_only_installation_may_change(place: Place) -> None:
    await upgrade(place.over_tls("verify-full"), secret_key=SECRET_KEY)

    urls = await upgrade(place.over_tls("verify-full"), secret_key="its next secret key, as random")

    assert await sign_in(urls) == "default"
