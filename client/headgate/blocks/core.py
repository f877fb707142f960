"""``Block``: a Pydantic model that is saved to a workspace, and loaded by a run."""

import inspect
import re
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import msgspec
from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from headgate import elsewhere
from headgate.api import blocks
from headgate.api.background import answer, awaited
from headgate.api.blocks import NewType, ResolvedBlock
from headgate.blocks import registry, values
from headgate.blocks.masking import mask_secrets
from headgate.blocks.origins import (
    REFERENCE,
    Origin,
    below,
    models_in,
    named_elsewhere,
    origins_of,
    restored,
    secrets_below,
)
from headgate.engine.places import Place, current_place
from headgate.errors import (
    BlockDoesNotFitError,
    BlockError,
    ConflictError,
    NotFoundError,
    SecretsOutsideRunError,
    UnknownBlockTypeError,
)
from headgate.secret_references.resolving import resolve

TYPE_KEY = "block_type_slug"
"""Where a block inside of another says of which type it is."""
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


class Block(BaseModel):
    """The base of every kind of blocks: fields, of which ``SecretStr`` and its like are secret.

    Save one from anywhere with a key that may write blocks. A run loads it with its secrets, by its
    own token and only while it lives; where there is no run around, a block without secrets loads.
    Where an event loop runs, ``save``, ``load``, ``delete`` and ``register_type_and_schema`` return
    something to be awaited, as ``asave``, ``aload`` and ``adelete`` do everywhere.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[list[str] | None] = None
    _logo_url: ClassVar[Any] = None
    _documentation_url: ClassVar[Any] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None

    _block_document_id: str | None = PrivateAttr(default=None)
    _block_document_name: str | None = PrivateAttr(default=None)
    _block_secret_paths: tuple[str, ...] = PrivateAttr(default=())
    _block_origins: tuple[Origin, ...] = PrivateAttr(default=())

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Let the class stand for blocks of its type; one that lacks something stands for none."""
        super().__pydantic_init_subclass__(**options)
        if not inspect.isabstract(cls) and cls._declared() is cls:
            registry.add(cls.get_block_type_slug(), cls)

    @classmethod
    def get_block_type_name(cls) -> str:
        """Return what people call the type: the class's name unless it says another."""
        return cls._block_type_name or cls.__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return the type's slug, such as ``aws-credentials``."""
        text = cls._block_type_slug or cls.get_block_type_name()
        return _NOT_IN_SLUG.sub("-", text.lower()).strip("-")

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """Return what blocks of this class can do, its bases' included."""
        found: set[str] = set()
        for base in cls.__mro__:
            found |= set(base.__dict__.get("_block_schema_capabilities") or ())
        return frozenset(found)

    @model_validator(mode="wrap")
    @classmethod
    def _as_its_own_type(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Read a block inside of another as the class of the type that it says it is of."""
        if not isinstance(value, dict) or TYPE_KEY not in value:
            return handler(value)
        entries = cast("dict[str, Any]", value)
        rest = {name: inner for name, inner in entries.items() if name != TYPE_KEY}
        found = cls._class_of(str(entries[TYPE_KEY]))
        if not issubclass(found, cls):
            message = f"a block of the type {entries[TYPE_KEY]} is no {cls.__name__}"
            raise ValueError(message)  # noqa: TRY004  what Pydantic takes for "try another"
        return handler(rest) if found is cls else found.model_validate(rest)

    @classmethod
    def load(cls, name: str) -> Any:
        """Return the block of a name.

        Args:
            name: its name or, on ``Block`` itself, ``type-slug/name``.

        Raises:
            NotFoundError: there is none, or the run may not use it.
            SecretsOutsideRunError: it has secrets, and there is no run around.
            UnknownBlockTypeError: its class is not known here.
            BlockDoesNotFitError: it was filled in for other fields than the class has.
            SecretReferenceError: a secret that lies in another store cannot be had from here.
        """
        return answer(cls._load(current_place(), name))

    @classmethod
    async def aload(cls, name: str) -> Self:
        """Do as ``load`` does, in a coroutine."""
        return cast("Self", await awaited(cls._load(current_place(), name)))

    def save(
        self,
        name: str | None = None,
        overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    ) -> Any:
        """Save the block under a name, and return its id.

        What was loaded is saved as it was kept: a secret of another store stays there, and a block
        inside that is one of its own stays that, as it is; save it by itself to change it.

        Args:
            name: a key; the one it was loaded by if not said.
            overwrite: whether one of this name may be changed.

        Raises:
            ConflictError: there is one of this name, and ``overwrite`` was not said.
            ForbiddenError: this key may not write blocks.
        """
        return answer(self._save(current_place(), name, may_overwrite=overwrite))

    async def asave(
        self,
        name: str | None = None,
        overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    ) -> str:
        """Do as ``save`` does, in a coroutine."""
        return await awaited(self._save(current_place(), name, may_overwrite=overwrite))

    @classmethod
    def delete(cls, name: str) -> Any:
        """Delete the block of a name.

        Raises:
            NotFoundError: there is none.
            ConflictError: other blocks refer to it.
        """
        return answer(cls._delete(current_place(), name))

    @classmethod
    async def adelete(cls, name: str) -> None:
        """Do as ``delete`` does, in a coroutine."""
        await awaited(cls._delete(current_place(), name))

    @classmethod
    def register_type_and_schema(cls) -> Any:
        """Register the type and its fields, so that blocks of it can be filled in elsewhere."""
        return answer(cls._register(current_place()))

    def _filled(self) -> tuple[NewType, dict[str, Any]]:
        """Return its type, and the fields as they are saved: its secrets in their places.

        A block inside that was saved or loaded stands there by its id, any other with its fields.
        Every secret that is in them is one of the type's, also where the class does not say so.
        """

        def kept(model: BaseModel, place: values.Parts) -> Any:
            if not isinstance(model, Block):
                return None
            saved = model._block_document_id  # noqa: SLF001  its own class
            if saved is not None:
                return {REFERENCE: saved}
            return {**exposure.fields(model, place), TYPE_KEY: model.get_block_type_slug()}

        inner = (
            one._block_origins  # noqa: SLF001  its own class
            for _, one in models_in(self)
            if isinstance(one, Block)
        )
        exposure = values.Exposure(kept, named=named_elsewhere(chain.from_iterable(inner)))
        data, new = restored(exposure.fields(self), self._block_origins), self.registered_type()
        loaded = {
            tuple(blocks.split_path(path))
            for path in self._block_secret_paths
            if blocks.at_path(data, path) is not None
        }
        further = values.further_paths(new.secret_paths, exposure.secrets | loaded)
        paths = sorted({*new.secret_paths, *further})
        return msgspec.structs.replace(new, secret_paths=paths), data

    @classmethod
    def registered_type(cls) -> NewType:
        """Return what is registered of the class: its type and its fields."""
        if cls is Block:
            message = "Block itself is no type; register a class of its own"
            raise BlockError(message)
        declared = cls._declared()
        if declared is not cls:
            return declared.registered_type()
        return NewType(
            slug=cls.get_block_type_slug(),
            name=cls.get_block_type_name(),
            fields=cls.model_json_schema(mode="validation", by_alias=True),
            secret_paths=values.secret_paths(cls),
            capabilities=sorted(cls.get_block_capabilities()),
            logo_url=_text(cls._logo_url),
            documentation_url=_text(cls._documentation_url),
            description=cls._description or cls.__doc__,
            code_example=cls._code_example,
        )

    @classmethod
    def _declared(cls) -> "type[Block]":
        """Return the class that says what its type is: ``Secret`` for ``Secret[str]``."""
        origin = cast("type[Block] | None", cls.__pydantic_generic_metadata__["origin"])
        if origin is None or origin.get_block_type_slug() != cls.get_block_type_slug():
            return cls
        return origin

    @classmethod
    def _class_of(cls, slug: str) -> "type[Block]":
        """Return the class of a type: this one of its own, though another came after it."""
        return cls if slug == cls.get_block_type_slug() else registry.get(slug)

    @classmethod
    async def _load(cls, place: Place, name: str) -> "Block":
        reference = cls._reference(name)
        slug, _, own_name = reference.partition("/")
        wanted = cls._class_of(slug)
        if not issubclass(wanted, cls):
            message = f"{reference} is no {cls.__name__}"
            raise BlockError(message)
        if place.lease is None:
            id_, data = await _read_without_secrets(place, reference)
            block = made_of(wanted, data, reference=reference)
        else:
            resolved = await resolve(place.transport, lease=place.lease, references=[reference])
            found, id_ = resolved[reference], resolved[reference].id
            block = made_of(wanted, found.data, reference=reference)
            origins = origins_of(found, values.Exposure().fields(block))
            for at, inner in models_in(block):
                if isinstance(inner, Block):
                    inner._came(found, origins=origins, at=at)  # noqa: SLF001  its own class
        block._came_as(id_, own_name)  # noqa: SLF001  its own class
        return block

    def _came(self, found: ResolvedBlock, *, origins: Sequence[Origin], at: values.Parts) -> None:
        """Keep where what is in the block came from, which is in another, or is that itself."""
        other = found.references.get(values.join_path(at))
        if other is not None:
            self._came_as(other.id, other.name)
        self._block_origins = below(origins, at)
        self._block_secret_paths = secrets_below(found.secret_paths, at)

    def _came_as(self, id_: str, name: str) -> None:
        self._block_document_id, self._block_document_name = id_, name

    async def _save(self, place: Place, name: str | None, *, may_overwrite: bool) -> str:
        chosen = name or self._block_document_name
        if chosen is None:
            message = "Say under which name to save the block"
            raise BlockError(message)
        found = await _find(place, self._reference(chosen))
        if found.block is not None and not may_overwrite:
            message = f"There is a block {found.block.reference!r} already; say overwrite=True"
            raise ConflictError(message)
        mask_secrets(self)
        new, data = self._filled()
        checksum = await blocks.register(place.transport, workspace_id=found.workspace_id, new=new)
        saved = await blocks.save(
            place.transport,
            workspace_id=found.workspace_id,
            type_slug=new.slug,
            name=chosen,
            data=data,
            checksum=checksum,
            is_new=not may_overwrite,
        )
        self._came_as(saved.id, chosen)
        return saved.id

    @classmethod
    async def _register(cls, place: Place) -> str:
        new = cls.registered_type()
        found = await _find(place, f"{new.slug}/registered")
        return await blocks.register(place.transport, workspace_id=found.workspace_id, new=new)

    @classmethod
    async def _delete(cls, place: Place, name: str) -> None:
        reference = cls._reference(name)
        found = (await _find(place, reference)).block
        if found is None:
            raise _no_block(reference)
        await blocks.delete(place.transport, block_id=found.id)

    @classmethod
    def _reference(cls, name: str) -> str:
        """Return ``type-slug/name``; ``Block`` itself has no type, so the name has to say it."""
        if "/" in name:
            return name
        if cls is Block:
            message = f"Say of which type {name!r} is: type-slug/{name}"
            raise BlockError(message)
        return f"{cls.get_block_type_slug()}/{name}"


def made_of(cls: type[Block], data: dict[str, Any], *, reference: str) -> Block:
    """Return the block that some data stands for.

    Raises:
        BlockDoesNotFitError: the class has other fields; no value is told.
    """
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'data'}: {one['type']}"
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        )
        message = f"{reference} does not fit {cls.__name__} ({places}); fill it in again"
        raise BlockDoesNotFitError(message) from None


async def _read_without_secrets(place: Place, reference: str) -> tuple[str, dict[str, Any]]:
    found = (await _find(place, reference)).block
    if found is None:
        raise _no_block(reference)
    if any(secret.is_set for secret in found.secrets) or _refers(found.data):
        message = (
            f"{reference} holds secrets or other blocks, and only a run's own process reads those: "
            "load it inside of a flow, and hand what it holds to tasks that run elsewhere, on a "
            "process pool, Dask, Ray or a task worker"
        )
        raise SecretsOutsideRunError(message)
    return found.id, found.data


async def _find(place: Place, reference: str) -> blocks.FoundBlock:
    return await blocks.find(
        place.transport,
        organization=place.organization,
        workspace=place.workspace,
        reference=reference,
    )


def _no_block(reference: str) -> NotFoundError:
    return NotFoundError(f"There is no block {reference!r}, or this key may not see it")


def _refers(document: Any) -> bool:
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        return entries.keys() == {REFERENCE} or any(map(_refers, entries.values()))
    return isinstance(document, list) and any(map(_refers, cast("list[Any]", document)))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


UnknownBlockType = UnknownBlockTypeError

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
