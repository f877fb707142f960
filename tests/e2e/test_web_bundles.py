"""How much of the web application a browser has to fetch before a page is there."""

import re
from functools import cache
from pathlib import Path

import pytest

BUILT = Path(__file__).parents[2] / "backend/headgate_server/http/app_files"
ASSETS = BUILT / "assets"
KILOBYTE = 1000
SHELL_KILOBYTES = 180
ROUTE_KILOBYTES = 90
PART_KILOBYTES = 190
"""What a page asks for once it is there: an editor, or what renders Markdown."""

_STATIC = re.compile(r"""(?:\bfrom|\bimport)\s*["']\./([\w.-]+\.js)["']""")
_LAZY = re.compile(r"""\bimport\(\s*["'`]\./([\w.-]+\.js)["'`]\s*\)""")


@cache
def _text(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _kilobytes(name: str) -> float:
    """What is sent to a browser that takes gzip: small files have no compressed copy."""
    packed = ASSETS / f"{name}.gz"
    return (packed if packed.is_file() else ASSETS / name).stat().st_size / KILOBYTE


def _closure(name: str) -> frozenset[str]:
    """Return a file and all that have to be there before it runs."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(_STATIC.findall(_text(one)))
    return frozenset(seen)


def _entry() -> str:
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    (name,) = re.findall(r'<script type="module"[^>]* src="/assets/([\w.-]+\.js)"', page)
    return name


def _size(names: frozenset[str]) -> int:
    return round(sum(map(_kilobytes, names)))


@pytest.fixture(autouse=True)
def built() -> None:
    """See to it that there is something to measure."""
    assert BUILT.joinpath("index.html").is_file(), "Not built: infra/dev/web.sh"


def test_shell_is_small() -> None:
    shell = _closure(_entry())

    assert _size(shell) <= SHELL_KILOBYTES, {name: _kilobytes(name) for name in shell}


def test_every_route_is_small() -> None:
    shell = _closure(_entry())
    routes = {name: _size(_closure(name) - shell) for name in _LAZY.findall(_text(_entry()))}

    assert len(routes) > 30
    assert {name: size for name, size in routes.items() if size > ROUTE_KILOBYTES} == {}


def test_what_comes_after_a_page_is_bounded() -> None:
    shell = _closure(_entry())
    routes = set(_LAZY.findall(_text(_entry())))
    parts = {
        f"{part} of {route}": _size(_closure(part) - _closure(route) - shell)
        for route in routes
        for name in _closure(route) - shell
        for part in _LAZY.findall(_text(name))
    }

    assert parts
    assert {name: size for name, size in parts.items() if size > PART_KILOBYTES} == {}
