"""How an installation begins: its first owner, and a new generation after a restore."""

from headgate_server.domain.errors import ConfigurationError
from headgate_server.installation import check_secret
from headgate_server.operating.opening import opened
from headgate_server.services import bootstrap, generations, passwords
from headgate_server.services.generations import Started
from headgate_server.services.schedules.missed import return_missed
from headgate_server.settings import Settings


async def bootstrap_owner(
    settings: Settings, *, email: str, slug: str, is_operator: bool = False
) -> str:
    """Return the link by which the first owner of an organization chooses a password.

    Raises:
        ConfigurationError: this installation has no passwords.
    """
    if not settings.passwords:
        raise ConfigurationError(
            "HEADGATE_PASSWORDS is false, and the first owner needs one: leave it true until they "
            "have linked a provider on /auth/account, or let a provider's group make owners."
        )
    pepper = check_secret(settings)
    async with opened(settings, application_name="headgate-bootstrap") as database:
        token = await bootstrap.bootstrap_owner(
            database, email=email, slug=slug, pepper=pepper, is_operator=is_operator
        )
    return passwords.link_of(settings.url, token)


async def start_generation(settings: Settings) -> Started:
    """Start a new generation of a database that was restored; see ``services.generations``.

    What schedules had made ahead and what came due since the backup is left to their catch-up.
    """
    async with opened(settings, application_name="headgate-migrate") as database:
        await return_missed(database)
        async with database.system() as work:
            return await generations.start_generation(work, lease=settings.timers.lease)
