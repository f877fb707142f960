"""``headgate blocks``: list, types, inspect, create, register, delete."""

import importlib
import inspect
import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headgate.api import blocks
from headgate.api.blocks import BlockAnswer, BlockTypeAnswer, NewestSchema
from headgate.blocks import registry
from headgate.cli.block_data import read_data, read_secrets
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.engine.entrypoints import load_file
from headgate.errors import EntrypointError

Reference = Annotated[str, Parameter(help="type-slug/name")]


class BuiltIn(msgspec.Struct, frozen=True):
    """A type that comes with Headgate, and the module to register it by."""

    slug: str
    module: str


def list_blocks(
    *,
    type_: Annotated[str | None, Parameter(name="--type", help="only of this type's slug")] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List blocks by name."""
    with connect() as server:
        lister = partial(blocks.list_blocks, type_slug=type_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[BlockAnswer] = {
        "block": lambda block: block.reference,
        "secrets": lambda block: sum(secret.is_set for secret in block.secrets),
        "missing": lambda block: block.missing,
        "version": lambda block: block.version,
        "changed": lambda block: age(block.updated_at),
    }
    show_list(found, columns=columns, output=output)


def list_block_types(
    *,
    built_in: Annotated[
        bool,
        Parameter(name="--built-in", negative=(), help="those that come with Headgate"),
    ] = False,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List block types by slug."""
    if built_in:
        known = [BuiltIn(slug, module) for slug, module in sorted(registry.BUILT_IN.items())]
        fields: Columns[BuiltIn] = {
            "slug": lambda one: one.slug,
            "module": lambda one: one.module,
        }
        show_list(known, columns=fields, output=output)
        return
    with connect() as server:
        found = server.collect(blocks.list_types, limit=limit, is_told=output == "table")
    columns: Columns[BlockTypeAnswer] = {
        "slug": lambda type_: type_.slug,
        "name": lambda type_: type_.name,
        "description": lambda type_: (type_.description or "").strip().partition("\n")[0],
    }
    show_list(found, columns=columns, output=output)


def inspect_block(reference: Reference, /, *, output: OutputOption = "table") -> None:
    """Show a block; secrets are masked for everybody."""
    with connect() as server:
        block = _get(server, reference)
    fields: Columns[BlockAnswer] = {
        "id": lambda block: block.id,
        "block": lambda block: block.reference,
        "version": lambda block: block.version,
        "changed": lambda block: age(block.updated_at),
        "data": lambda block: json.dumps(block.data, indent=2, ensure_ascii=False),
        "secrets": lambda block: [one.path for one in block.secrets if one.is_set],
        "not set": lambda block: [one.path for one in block.secrets if not one.is_set],
        "missing": lambda block: block.missing,
    }
    show_item(block, fields=fields, output=output)


def create_block(
    type_: Annotated[str, Parameter(name="TYPE", help="a type's slug")],
    name: Annotated[str, Parameter(help="names it among the blocks of its type")],
    /,
    *,
    field: Annotated[
        list[str] | None,
        Parameter(help="a field as key=value; JSON values are read as JSON, others as text"),
    ] = None,
    from_file: Annotated[
        Path | None, Parameter(help="all fields, as JSON or YAML; - is standard input")
    ] = None,
    secret: Annotated[
        list[str] | None,
        Parameter(help="a secret field: asked for, or a line of standard input for each"),
    ] = None,
    overwrite: Annotated[
        bool, Parameter(name="--overwrite", negative="", help="change one that exists")
    ] = False,
) -> None:
    """Fill in a block; one that exists is left as it is, and the command exits 5.

    No secret is an argument: those are in shells' histories and in lists of processes.
    """
    with connect() as server:
        schema = schema_of(server, type_)
        reference = f"{type_}/{name}"
        place = {"organization": server.organization, "workspace": server.workspace}
        if server.call(blocks.find, **place, reference=reference).block and not overwrite:
            raise CommandError(
                f"There is a block {reference!r} already",
                code=ExitCode.CONFLICT,
                hints=["Add --overwrite to change it; secrets that are not given again go."],
            )
        data = read_data(field or (), file=from_file, secret_paths=schema.secret_paths)
        is_free = from_file is None or str(from_file) != "-"
        read_secrets(data, secret or (), secret_paths=schema.secret_paths, is_stdin_free=is_free)
        saved = server.call(
            blocks.save,
            workspace_id=server.workspace_id,
            type_slug=type_,
            name=name,
            data=data,
            checksum=schema.checksum,
            is_new=not overwrite,
        )
    say(f"Filled in the block {saved.reference}.")


def register_blocks(
    *,
    module: Annotated[str | None, Parameter(name=("--module", "-m"), help="a module")] = None,
    file: Annotated[Path | None, Parameter(name=("--file", "-f"), help="a Python file")] = None,
) -> None:
    """Register every class of blocks that a module or a file defines."""
    if (module is None) == (file is None):
        message = "Name either a module or a file"
        raise CommandError(message, code=ExitCode.USAGE, hints=["For example: -f blocks.py"])
    with connect() as server:
        found = _load(module, file)
        classes = _classes_of(found)
        if not classes:
            message = f"{module or file} defines no class of blocks"
            raise CommandError(message, code=ExitCode.NOT_FOUND)
        for cls in classes:
            new = cls.registered_type()
            server.call(blocks.register, workspace_id=server.workspace_id, new=new)
            say(f"Registered {new.slug}.")


def delete_block(reference: Reference, /, *, yes: YesOption = False) -> None:
    """Delete a block with its secrets."""
    with connect() as server:
        found = _get(server, reference)
        confirm(f"Delete the block {found.reference} and its secrets for good", is_sure=yes)
        server.call(blocks.delete, block_id=found.id)
    say(f"Deleted the block {found.reference}.")


def schema_of(server: Server, slug: str) -> NewestSchema:
    """Return what blocks of a type have; one that comes with Headgate is registered first."""
    place = {"organization": server.organization, "workspace": server.workspace}
    found = server.call(blocks.find_schema, **place, type_slug=slug)
    if found is None and slug in registry.BUILT_IN:
        new = registry.get(slug).registered_type()
        server.call(blocks.register, workspace_id=server.workspace_id, new=new)
        found = server.call(blocks.find_schema, **place, type_slug=slug)
    if found is not None:
        return found
    known = server.collect(blocks.list_types, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no block type {slug!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            slug, known=(type_.slug for type_ in known), listing="headgate blocks types"
        ),
    )


def _get(server: Server, reference: str) -> BlockAnswer:
    place = {"organization": server.organization, "workspace": server.workspace}
    found = server.call(blocks.find, **place, reference=reference).block
    if found is not None:
        return found
    known = server.collect(blocks.list_blocks, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no block {reference!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            reference, known=(block.reference for block in known), listing="headgate blocks list"
        ),
    )


def _load(module: str | None, file: Path | None) -> ModuleType:
    if file is not None:
        try:
            return load_file(file)
        except EntrypointError as error:
            raise CommandError(str(error), code=ExitCode.NOT_FOUND) from error
    sys.path.insert(0, "")
    try:
        return importlib.import_module(str(module))
    except ImportError as error:
        message = f"The module {module!r} cannot be imported: {error}"
        raise CommandError(message, code=ExitCode.NOT_FOUND) from error


def _classes_of(module: ModuleType) -> list[Any]:
    """Return the classes of blocks that a module itself defines."""
    from headgate.blocks.core import Block  # noqa: PLC0415 - named lazy-import place: pydantic

    return [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Block) and cls is not Block and cls.__module__ == module.__name__
    ]
