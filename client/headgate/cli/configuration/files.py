"""Reads the files of a configuration: whatever YAML or JSON a folder has, taken together."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from headgate.cli.configuration.kinds import KINDS
from headgate.cli.configuration.plans import Fields, Kind
from headgate.cli.configuration.values import check_keys, mapping, refuse
from headgate.cli.failures import CommandError, ExitCode

_ENDINGS = (".yaml", ".yml", ".json")
_OTHERS = frozenset({"headgate.yaml", "prefect.yaml"})
"""Project files, which may lie beside: `headgate deploy` reads them."""

Configuration = dict[str, dict[str, Fields]]
"""Fields by the name of the object, by the noun of its kind; a kind that is named may be empty."""


def read_files(paths: Sequence[Path]) -> Configuration:
    """Return what files say, and the files of folders; each object may be there once.

    Raises:
        CommandError: a file is not there, or not as it should be; the message names the place.
    """
    found: Configuration = {}
    places: dict[tuple[str, str], Path] = {}
    files = [file for path in paths for file in _files(path)]
    if not files:
        message = f"There is no YAML or JSON file in {', '.join(map(str, paths))}"
        raise CommandError(
            message, code=ExitCode.USAGE, hints=["`headgate export DIR` writes some."]
        )
    for file in files:
        document = mapping(_document(file), place=str(file))
        check_keys(document, (kind.noun for kind in KINDS), place=str(file))
        for kind in KINDS:
            if kind.noun not in document:
                continue
            objects = found.setdefault(kind.noun, {})
            for name, fields in _objects(kind, document[kind.noun], file=file):
                if name in objects:
                    other = places[kind.noun, name]
                    raise refuse(str(file), f"{kind.noun}: {name} is in {other}, too")
                objects[name] = fields
                places[kind.noun, name] = file
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inner = sorted(path.iterdir())
        return [one for one in inner if one.suffix in _ENDINGS and one.name not in _OTHERS]
    if not path.is_file():
        raise CommandError(f"There is no {path}", code=ExitCode.USAGE)
    return [path]


def _objects(kind: Kind, section: Any, *, file: Path) -> Iterable[tuple[str, Fields]]:
    for name, value in mapping(section, place=f"{file}: {kind.noun}").items():
        place = f"{file}: {kind.noun}: {name}"
        fields = mapping(value, place=place)
        check_keys(fields, kind.keys, place=place)
        yield name, kind.normal(place, fields)


def _document(file: Path) -> Any:
    import yaml  # noqa: PLC0415 - named lazy-import place: only where files are read

    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, OSError) as error:
        kind = "JSON" if file.suffix == ".json" else "YAML"
        raise refuse(str(file), f"it is not valid {kind}: {error}") from error
