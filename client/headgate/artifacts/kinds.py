"""The classes of artifacts, one for each kind, and how they reach the server."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, ClassVar

from headgate.api import artifacts, workspaces
from headgate.api.artifacts import WholeArtifact
from headgate.api.background import answer, awaited
from headgate.api.calls import given
from headgate.artifacts.data import (
    check_key,
    check_kind,
    data_of,
    description_of,
    metadata_of,
    progress_of,
    without_nan,
)
from headgate.engine.context import current_flow_run, current_task_run
from headgate.engine.places import Place, current_place
from headgate.ids import make_id
from headgate.reporting.batches import ArtifactReport

Table = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]]


class ArtifactId(str):
    """The id of an artifact; it may be awaited too, where a coroutine wrote ``await``."""

    __slots__ = ()

    def __await__(self) -> "Generator[Any, None, ArtifactId]":
        """Return the id at once."""
        return self
        yield


class Artifact:
    """An artifact to be created, or as the server has it.

    Args:
        type: markdown, table, link, image, progress or result.
        key: 1 to 100 lower-case letters, digits, dots, hyphens and underscores; artifacts of one
            key are the history of one thing.
        description: in Markdown, for people.
        data: by the type, at most 1 MiB as JSON.
        metadata: what else is known of it.
    """

    default_type: ClassVar[str] = "result"

    def __init__(
        self,
        *,
        type: str | None = None,
        key: str | None = None,
        description: str | None = None,
        data: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.type = type or self.default_type
        self.key = key
        self.description = description
        self.data = data
        self.metadata = metadata
        self.id: str | None = None

    def format(self) -> Any:
        """Return the data as the server takes them."""
        return self.data

    async def aformat(self) -> Any:
        """Do as ``format`` does, in a coroutine."""
        return self.format()

    def create(self) -> Any:
        """Create the artifact and return its id.

        Raises:
            ArtifactError: a bad key, too much data, or data that are no JSON or not of the type.
            SettingsError: no run is around the call, and no server is configured.
            ApiError: no run is around the call, and the server did not take it.
        """
        input_ = self.as_input()
        self.id = input_["id"]
        if has_reported(ArtifactReport(input_)):
            return ArtifactId(self.id)
        return answer(_create(current_place(), input_))

    async def acreate(self) -> str:
        """Do as ``create`` does, in a coroutine."""
        return str(await self.create())

    @classmethod
    def get(cls, key: str) -> Any:
        """Return the latest artifact of a key; None where there is none."""
        return answer(_get(current_place(), key))

    @classmethod
    async def aget(cls, key: str) -> "Artifact | None":
        """Do as ``get`` does, in a coroutine."""
        return await awaited(_get(current_place(), key))

    @classmethod
    def get_or_create(cls, key: str, **fields: Any) -> Any:
        """Return the latest artifact of a key, or a new one of it; and whether it is new."""
        return answer(_get_or_create(current_place(), cls(key=key, **fields)))

    @classmethod
    async def aget_or_create(cls, key: str, **fields: Any) -> "tuple[Artifact, bool]":
        """Do as ``get_or_create`` does, in a coroutine."""
        return await awaited(_get_or_create(current_place(), cls(key=key, **fields)))

    def as_input(self) -> dict[str, Any]:
        """Return what the server is told, checked and with its secrets masked."""
        check_key(self.key)
        data = data_of(self.format())
        check_kind(data, type=self.type)
        flow_run = current_flow_run.get()
        # Without a flow run it is none that the server knows as one: a background task, or a call.
        task_run = None if flow_run is None else current_task_run.get()
        return given(
            id=make_id("art"),
            type=self.type,
            key=self.key,
            data=data,
            description=description_of(self.description),
            metadata=metadata_of(self.metadata),
            flowRunId=None if flow_run is None else flow_run.recorder.flow_run_id,
            taskRunId=None if task_run is None else task_run.run.id,
        )


class MarkdownArtifact(Artifact):
    """A text in Markdown."""

    default_type = "markdown"

    def __init__(self, markdown: str, **fields: Any) -> None:
        super().__init__(**fields)
        self.markdown = markdown

    def format(self) -> str:
        """Return the text."""
        return self.markdown


class TableArtifact(Artifact):
    """Rows, as objects or lists, or an object of columns."""

    default_type = "table"

    def __init__(self, table: Table, **fields: Any) -> None:
        super().__init__(**fields)
        self.table = table

    def format(self) -> Any:
        """Return the rows or columns; what is no number, as NaN, is null."""
        return without_nan(self.table)


class LinkArtifact(Artifact):
    """An address with a text."""

    default_type = "link"

    def __init__(self, link: str, link_text: str | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        self.link = link
        self.link_text = link_text

    def format(self) -> dict[str, Any]:
        """Return the address and, where there is one, the text."""
        return given(url=self.link, text=self.link_text)


class ImageArtifact(Artifact):
    """The address of an image."""

    default_type = "image"

    def __init__(self, image_url: str, **fields: Any) -> None:
        super().__init__(**fields)
        self.image_url = image_url

    def format(self) -> dict[str, Any]:
        """Return the address."""
        return {"url": self.image_url}


class ProgressArtifact(Artifact):
    """How far something has come, from 0 to 100."""

    default_type = "progress"

    def __init__(self, progress: float, **fields: Any) -> None:
        super().__init__(**fields)
        self.progress = progress

    def format(self) -> float:
        """Return the number."""
        return progress_of(self.progress)


def has_reported(report: ArtifactReport) -> bool:
    """Hand a report to the run around this call; false where there is none."""
    context = current_flow_run.get()
    if context is None:
        return False
    context.recorder.report(report)
    return True


async def _create(place: Place, input_: dict[str, Any]) -> ArtifactId:
    if place.lease is None:
        input_ = {
            **input_,
            "workspaceId": await workspaces.get_id(
                place.transport, organization=place.organization, workspace=place.workspace
            ),
        }
    await artifacts.create(place.transport, input=input_)
    return ArtifactId(input_["id"])


async def update(place: Place, input_: dict[str, Any]) -> ArtifactId:
    """Change an artifact over a place's own transport, and return its id."""
    await artifacts.update(place.transport, input=input_)
    return ArtifactId(input_["id"])


async def _get(place: Place, key: str) -> Artifact | None:
    found = await artifacts.find_latest(
        place.transport, organization=place.organization, workspace=place.workspace, key=key
    )
    return None if found is None else _shown(found)


async def _get_or_create(place: Place, wanted: Artifact) -> tuple[Artifact, bool]:
    found = await _get(place, wanted.key or "")
    if found is not None:
        return found, False
    input_ = wanted.as_input()
    wanted.id = input_["id"]
    await _create(place, input_)
    return wanted, True


def _shown(found: WholeArtifact) -> Artifact:
    shown = Artifact(
        type=found.type,
        key=found.key,
        description=found.description,
        data=found.data,
        metadata=found.metadata,
    )
    shown.id = found.id
    return shown
