"""What goes wrong with sealed values and with keys that wrap keys; none of it tells a secret."""

from headgate_server.domain.errors import HeadgateError, Unavailable


class SecretUnreadable(HeadgateError):
    """A sealed value does not open: it, its place or its key is not the one it was sealed with."""


class KeyProviderAway(Unavailable):
    """The provider of this installation's keys does not serve it now; ask its operator."""

    def __init__(self, detail: str) -> None:
        """Keep what only operators are told: it may name files, addresses and accounts.

        Args:
            detail: what is wrong, and where.
        """
        super().__init__()
        self.detail = detail


class KeyMismatch(KeyProviderAway):
    """This installation has another key than the one secrets were sealed with; ask its operator."""
