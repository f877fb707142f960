"""Keys that logging in brought: revoked on the server as they are forgotten here."""

from pathlib import Path

from headgate import credentials
from headgate.api import api_keys
from headgate.api.transport import SyncTransport
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.output import say
from headgate.credentials import Credential
from headgate.errors import ApiError

PATIENCE_SECONDS = 10.0


def forget(home: Path, *, profile: str, credential: Credential) -> None:
    """Forget the key of a profile, and revoke it; one that was handed in stays good.

    Raises:
        CommandError: it is forgotten, but could not be revoked.
    """
    credentials.delete_credential(home, profile=profile)
    if credential.key_id is None or revoke(credential):
        return
    ends = f" It ends by itself at {credential.expires_at}." if credential.expires_at else ""
    raise CommandError(
        f"The key is forgotten here, but could not be revoked.{ends}",
        code=ExitCode.NETWORK,
        hints=[f"Revoke it on {credential.api_url}: it stands with your other keys."],
    )


def revoke(credential: Credential) -> bool:
    """Revoke a key by itself; whether it is good no more."""
    transport = SyncTransport(
        credential.api_url, credential.api_key, deadline_seconds=PATIENCE_SECONDS
    )
    try:
        transport.call(api_keys.revoke, id=str(credential.key_id))
    except ApiError as error:
        if error.code in {"UNAUTHENTICATED", "NOT_FOUND"}:
            return True
        say(f"The key could not be revoked: {error}")
        return False
    finally:
        transport.close()
    return True
