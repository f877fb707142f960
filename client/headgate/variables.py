"""Variables: small JSON values that a workspace keeps by name. For secrets there are blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headgate.api import variables
from headgate.api.background import answer, awaited
from headgate.engine.context import current_flow_run
from headgate.engine.places import Place, current_place
from headgate.engine.stored_secrets import as_text, check_stored
from headgate.errors import ConflictError
from headgate.redaction import redactor
from headgate.settings import load_settings


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it is set now.

    Inside a run its own token reads and writes them; elsewhere the configured key does. Where an
    event loop runs, ``get``, ``set`` and ``unset`` return something to be awaited, as ``aget``,
    ``aset`` and ``aunset`` do everywhere.
    """

    name: str
    value: Any
    tags: tuple[str, ...] = ()

    @classmethod
    def get(cls, name: str, default: Any = None) -> Any:
        """Return the value of a variable; ``default`` where there is none, or no server.

        Raises:
            SettingsError: no server is configured, and there is no default, or it is a worker's
                process, which does not know the server of the run that it works for.
            ApiError: the server could not be asked, or the name is no key.
        """
        return answer(_get(_place(default), name, default))

    @classmethod
    async def aget(cls, name: str, default: Any = None) -> Any:
        """Do as ``get`` does, in a coroutine."""
        return await awaited(_get(_place(default), name, default))

    @classmethod
    def set(
        cls,
        name: str,
        value: Any,
        tags: Sequence[str] | None = None,
        overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    ) -> Any:
        """Set a variable and return it.

        Args:
            name: 1 to 100 lower-case letters, digits, dots, hyphens and underscores.
            value: any JSON but null, at most 64 KiB.
            tags: all its tags; those it has stay where none are given.
            overwrite: whether one that exists may be changed.

        Raises:
            ConflictError: it exists, and ``overwrite`` was not said.
            InvalidInputError: a bad name, value or tag.
            ParameterError: a secret that this process has read is in it.
        """
        return answer(_set(current_place(), Variable(name, value, tuple(tags or ())), overwrite))

    @classmethod
    async def aset(
        cls,
        name: str,
        value: Any,
        tags: Sequence[str] | None = None,
        overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    ) -> "Variable":
        """Do as ``set`` does, in a coroutine."""
        wanted = Variable(name, value, tuple(tags or ()))
        return await awaited(_set(current_place(), wanted, overwrite))

    @classmethod
    def unset(cls, name: str) -> Any:
        """Delete a variable, and return whether there was one."""
        return answer(_unset(current_place(), name))

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """Do as ``unset`` does, in a coroutine."""
        return await awaited(_unset(current_place(), name))


async def _find(place: Place, name: str) -> variables.FoundVariable:
    return await variables.find(
        place.transport, organization=place.organization, workspace=place.workspace, name=name
    )


def _place(default: Any) -> Place | None:
    """Return where variables are; None without a server, where a default stands for all.

    A worker that does not know the server of the run around the call has none to ask, and no
    reason to take the default either.
    """
    context = current_flow_run.get()
    is_reported = context is not None and context.recorder.is_reporting
    settings = context.settings if context is not None else load_settings()
    if default is not None and settings.is_local and not is_reported:
        return None
    return current_place()


async def _get(place: Place | None, name: str, default: Any) -> Any:
    if place is None:
        return default
    found = (await _find(place, name)).variable
    return default if found is None else found.value


async def _set(place: Place, wanted: Variable, may_overwrite: bool) -> Variable:  # noqa: FBT001 - as given
    check_stored(
        as_text([wanted.name, wanted.value, *wanted.tags]),
        what=f"The variable {redactor.redact(wanted.name)!r}",
        where="the workspace",
        instead="keep it in a block, which shows it to runs only",
    )
    found = await _find(place, wanted.name)
    if found.variable is not None and not may_overwrite:
        message = f"There is a variable {wanted.name!r} already; say overwrite=True to change it"
        raise ConflictError(message)
    stored = await variables.set_variable(
        place.transport,
        workspace_id=found.workspace_id,
        name=wanted.name,
        value=wanted.value,
        tags=list(wanted.tags) or None,
        is_new=not may_overwrite,
    )
    shown = stored.variable
    return Variable(shown.name, shown.value, tuple(shown.tags))


async def _unset(place: Place, name: str) -> bool:
    found = (await _find(place, name)).variable
    if found is None:
        return False
    await variables.delete(place.transport, variable_id=found.id)
    return True


__all__ = ["Variable"]
