"""Keys in files of this machine: one folder, one file of 32 bytes for each version."""

import os
import re
import stat
from pathlib import Path

from headgate_server.crypto.asking import Asker
from headgate_server.crypto.envelope import KEY_BYTES, SealingKey, make_secret, seal, unseal
from headgate_server.crypto.errors import KeyProviderAway
from headgate_server.crypto.providers import KekVersion, WrapContext, Wrapped
from headgate_server.domain.errors import ConfigurationError

NAME = "keyfile"
LABEL = "hg/1/keyfile"

_FILE_NAME = re.compile(r"([1-9][0-9]{0,8})\.key")


class KeyFiles:
    """A folder with files ``1.key``, ``2.key``, …; the highest number wraps.

    The files are read anew each time: a version that was added is known at once.
    """

    name = NAME
    key_id = NAME

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asker = Asker(f"The key files' folder {folder}")

    async def renew(self) -> float | None:
        """Sign in with nothing that ends here."""
        return None

    async def newest(self) -> KekVersion:
        """Return the version of the highest number."""
        versions = await self._asker.ask(self._versions)
        return KekVersion(self.name, self.key_id, str(versions[-1]))

    async def wrap(self, secret: bytes, *, context: WrapContext) -> Wrapped:
        """Return a secret sealed with the newest version."""
        kek = await self.newest()
        key = await self._asker.ask(self._read, kek.version)
        return Wrapped(kek, seal(key, secret, context=_parts(context)))

    async def unwrap(self, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        """Return the secret of a wrapped key."""
        key = await self._asker.ask(self._read, wrapped.kek.version)
        return unseal(key, wrapped.data, context=_parts(context))

    def _versions(self) -> list[int]:
        try:
            names = [_FILE_NAME.fullmatch(entry.name) for entry in self._folder.iterdir()]
        except OSError as error:
            raise KeyProviderAway(
                f"The key files' folder {self._folder} cannot be read: {error.strerror}."
            ) from None
        versions = sorted(int(match[1]) for match in names if match)
        if not versions:
            raise KeyProviderAway(f"There is no key file such as 1.key in {self._folder}.")
        return versions

    def _read(self, version: str) -> SealingKey:
        secret = read_key(self._folder / f"{version}.key")
        return SealingKey(id=f"{self.key_id}:{version}".encode(), secret=secret, label=LABEL)


def read_key(path: Path) -> bytes:
    """Return the key in a file that nobody but its owner can read.

    Raises:
        KeyProviderAway: there is no such file, or it may not be read.
        ConfigurationError: others may read it, or it is not a key.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise KeyProviderAway(f"The key file {path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(mode) or mode & 0o177:
        raise ConfigurationError(
            f"The key file {path} is open to others than its owner; chmod 0400 it."
        )
    if len(secret) != KEY_BYTES:
        raise ConfigurationError(
            f"The key file {path} does not hold {KEY_BYTES} bytes; `openssl rand {KEY_BYTES}` "
            "makes them."
        )
    return secret


def make_first_key(folder: Path) -> None:
    """Make ``1.key`` in a folder of its own, unless there is one; two at once make one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "1.key"
    if path.exists():
        return
    temporary = folder / f"{os.getpid()}.new"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make_secret())
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _parts(context: WrapContext) -> tuple[bytes, ...]:
    return (context.purpose.encode(), context.workspace_id.bytes, context.key_id.bytes)
