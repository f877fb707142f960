"""The list of documented behaviours is whole, and as long as it is meant to be."""

from tests.client.conformance.behaviours import FEATURES, FOLDER, LIST, listed

LEAST = 300


def test_every_file_of_cases_is_of_a_feature() -> None:
    files = {path.stem.removeprefix("test_") for path in FOLDER.glob("test_*.py")}

    assert sorted(name for names in FEATURES.values() for name in names) == sorted(
        files - {"behaviours"}
    )


def test_the_list_is_up_to_date() -> None:
    assert listed() == LIST.read_text(), "python -m tests.client.conformance.behaviours writes it"


def test_there_are_many_documented_behaviours() -> None:
    assert int(LIST.read_text().split()[0]) >= LEAST
