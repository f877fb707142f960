"""Names: what keys look like, and names for runs that nobody named."""

import random
import re

from headgate_server.domain.errors import InvalidInput

KEY = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,98}[a-z0-9])?")
KEY_RULE = (
    "has 1 to 100 lower-case letters, digits, dots, hyphens and underscores, "
    "and starts and ends with a letter or digit."
)

_ADJECTIVES = [
    "amber",
    "ample",
    "astute",
    "brave",
    "brisk",
    "calm",
    "candid",
    "clever",
    "copper",
    "crimson",
    "daring",
    "deft",
    "eager",
    "early",
    "fair",
    "fleet",
    "frank",
    "gentle",
    "gilded",
    "golden",
    "green",
    "hardy",
    "humble",
    "ivory",
    "jolly",
    "keen",
    "kind",
    "lively",
    "loyal",
    "lucid",
    "mellow",
    "merry",
    "mild",
    "misty",
    "modest",
    "nimble",
    "noble",
    "olive",
    "patient",
    "placid",
    "plucky",
    "polite",
    "prompt",
    "proud",
    "quick",
    "quiet",
    "rapid",
    "ready",
    "russet",
    "sable",
    "scarlet",
    "serene",
    "sharp",
    "silent",
    "silver",
    "sleek",
    "smooth",
    "sober",
    "solar",
    "spry",
    "stable",
    "steady",
    "stout",
    "sturdy",
    "subtle",
    "sunny",
    "swift",
    "tidy",
    "tranquil",
    "trusty",
    "upbeat",
    "vivid",
    "warm",
    "wise",
    "witty",
    "zesty",
]
_NOUNS = [
    "anchor",
    "arch",
    "aspen",
    "badger",
    "beacon",
    "birch",
    "bison",
    "bittern",
    "boulder",
    "bridge",
    "brook",
    "canyon",
    "cedar",
    "cliff",
    "comet",
    "condor",
    "coral",
    "crane",
    "creek",
    "curlew",
    "delta",
    "dune",
    "eagle",
    "egret",
    "ember",
    "falcon",
    "fern",
    "finch",
    "fjord",
    "fox",
    "gannet",
    "glacier",
    "grove",
    "gull",
    "harbor",
    "hare",
    "hawk",
    "heron",
    "hill",
    "ibis",
    "island",
    "jay",
    "junction",
    "kestrel",
    "lake",
    "lantern",
    "larch",
    "lark",
    "ledge",
    "lighthouse",
    "linnet",
    "lynx",
    "maple",
    "marmot",
    "marten",
    "meadow",
    "merlin",
    "mesa",
    "moor",
    "oak",
    "osprey",
    "otter",
    "owl",
    "petrel",
    "pine",
    "plover",
    "prairie",
    "puffin",
    "quay",
    "raven",
    "reef",
    "ridge",
    "river",
    "robin",
    "rook",
    "seal",
    "signal",
    "siskin",
    "sluice",
    "sparrow",
    "spruce",
    "stork",
    "stream",
    "swan",
    "swift",
    "tern",
    "thicket",
    "thrush",
    "tide",
    "trail",
    "trestle",
    "tundra",
    "valley",
    "viaduct",
    "vole",
    "wharf",
    "willow",
    "wren",
]


_MADE_OF = frozenset(_ADJECTIVES), frozenset(_NOUNS)
_RANDOM = random.Random()  # noqa: S311  # names are no secrets


def run_name() -> str:
    """Return a friendly random name, such as ``steady-heron``; not unique, ids are."""
    return f"{_RANDOM.choice(_ADJECTIVES)}-{_RANDOM.choice(_NOUNS)}"


def is_made_up(name: str) -> bool:
    """Whether a name is of the form that ``run_name`` makes up, so that nobody misses it."""
    adjective, _, noun = name.partition("-")
    return adjective in _MADE_OF[0] and noun in _MADE_OF[1]


def check_key(name: str, *, field: str = "name") -> str:
    """Return a name that is safe in a URL, on a command line and in a template.

    Raises:
        InvalidInput: any other text.
    """
    if not KEY.fullmatch(name):
        raise InvalidInput(f"{field} {KEY_RULE}", path=[field])
    return name
