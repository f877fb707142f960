"""What the composition root hands to the API."""

from dataclasses import dataclass, field

from headgate_server.database.work import Database
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.log_shares import LogShares
from headgate_server.dispatch.tails import Tails
from headgate_server.domain.identities import Provider
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.memories import GenerationMemory, WorkspaceMemory
from headgate_server.services.mails import Mailer
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Timers


@dataclass(frozen=True, slots=True)
class Backend:
    """What the composition root hands to the API.

    Args:
        database: opens units of work.
        dispatcher: opens the work streams of agents.
        tails: follow runs and logs.
        timers: every time that dispatch depends on.
        pepper: the installation's secret: signs the tokens that are issued here.
        workspaces: what operations learned of organizations a moment ago.
        meter: charges operations to their callers.
        generations: what tokens are issued for.
        log_shares: hold back who floods a log.
        may_people_found: whether everybody who is signed in may make organizations.
        keyring: opens secrets; None where no provider of keys is set.
        may_reveal: whether people may be shown secrets at all.
        url: the address that people use.
        mailer: sends mails; None where none can be sent.
        identity_providers: who else signs people in.
        has_passwords: whether passwords do.
    """

    database: Database
    dispatcher: Dispatcher
    tails: Tails
    timers: Timers
    pepper: str
    workspaces: WorkspaceMemory = field(default_factory=WorkspaceMemory)
    meter: Meter = field(default_factory=Meter)
    generations: GenerationMemory = field(default_factory=GenerationMemory)
    log_shares: LogShares = field(default_factory=LogShares)
    may_people_found: bool = False
    keyring: Keyring | None = None
    may_reveal: bool = False
    url: str = ""
    mailer: Mailer | None = None
    identity_providers: tuple[Provider, ...] = ()
    has_passwords: bool = True
