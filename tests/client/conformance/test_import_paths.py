"""Names are where they are in Prefect, so that an import changes by one word, or say where else."""

import importlib
import re
from typing import Any

import pytest

from headgate import elsewhere
from tests.client.conformance.anchor_names import PAGE, anchor_names, page

NAMES = anchor_names()
_NONE: Any = object()


def own(module: str) -> str:
    """Return what a module of Prefect's is called here."""
    return module.replace("prefect", "headgate", 1)


def imported(module: str, name: str) -> Any:
    """Return what ``from module import name`` brings."""
    scope: dict[str, Any] = {}
    exec(f"from {module} import {name}", scope)  # noqa: S102 - names of the list alone
    return scope[name]


@pytest.mark.parametrize("module", NAMES)
def test_a_documented_name_is_here_or_says_what_to_use(module: str) -> None:
    whole = elsewhere.instead_of(module)
    if whole is not None:
        with pytest.raises(ModuleNotFoundError) as missing:
            importlib.import_module(own(module))
        assert str(missing.value).endswith(whole)
        return
    for name in NAMES[module]:
        instead = elsewhere.instead_of(module, name)
        if instead is None:
            assert imported(own(module), name) is not _NONE
            continue
        with pytest.raises(ImportError) as missing_name:
            imported(own(module), name)
        assert str(missing_name.value) == f"There is no {name!r} in {own(module)}: {instead}"


def test_what_is_elsewhere_is_documented_there() -> None:
    for entry in elsewhere.entries():
        known = NAMES.get(entry.module, [])
        assert set(entry.names) <= set(known), entry
        assert (
            entry.names
            or any(f"{name}.".startswith(f"{entry.module}.") for name in NAMES)
            or entry.module.startswith("prefect_")
            or entry.module in {"prefect.server", "prefect.settings.models"}
        ), entry


def test_how_many_names_are_here_is_known() -> None:
    total = sum(map(len, NAMES.values()))
    here = sum(
        elsewhere.instead_of(module, name) is None
        for module, names in NAMES.items()
        for name in names
    )

    assert (len(NAMES), total, here) == (153, 1320, 416)


def test_a_setting_that_is_not_here_is_named_too() -> None:
    with pytest.raises(ImportError, match="variables begin with HEADGATE_"):
        imported("headgate.settings", "PREFECT_CLIENT_MAX_RETRIES")
    assert imported("headgate.settings", "PREFECT_TASKS_REFRESH_CACHE").value() is None


def test_a_name_that_nobody_documents_is_an_ordinary_error() -> None:
    expected = "cannot import name 'Nonsense' from 'headgate.futures'"
    with pytest.raises(ImportError, match=re.escape(expected)):
        imported("headgate.futures", "Nonsense")
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        importlib.import_module("headgate.nonsense")
    assert not hasattr(importlib.import_module("headgate.flows"), "Nonsense")


def test_the_page_lists_all_that_is_elsewhere() -> None:
    assert page() == PAGE.read_text(), "python -m tests.client.conformance.anchor_names writes it"
