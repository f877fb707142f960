"""What bandit finds is reported, but where a line says why it is right."""

from pathlib import Path

import pytest

from infra.dev.known_faults import find_faults

LOADED = "import pickle\n\nfound = pickle.loads(b'')"


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        (LOADED, ["B301"]),
        (f"{LOADED}  # noqa: S301  ours", []),
        (f"{LOADED}  # noqa: S603, S301  ours", []),
        (f"{LOADED}  # noqa: S602  another", ["B301"]),
        ("import subprocess\n\nsubprocess.run('/bin/ls', shell=True)", ["B602"]),
        (
            "import subprocess\n\nsubprocess.run(  # noqa: S602  ours\n  '/bin/ls', shell=True\n)",
            [],
        ),
        ("def broken(:", ["syntax error"]),
    ],
)
def test_each_finding_is_reported_unless_its_line_excuses_it(
    tmp_path: Path, source: str, ids: list[str]
) -> None:
    (tmp_path / "sample.py").write_text(f"{source}\n")

    found = find_faults([str(tmp_path)])

    assert len(found) == len(ids), found
    assert all(id_ in fault for id_, fault in zip(ids, found, strict=True))
