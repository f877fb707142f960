"""Kept results: serializers, records and storages, and what happens to broken ones."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from headgate.blocks.file_systems import LocalFileSystem
from headgate.errors import (
    OutsideFolderError,
    ResultError,
    ResultTooLargeError,
    SerializationError,
    SettingsError,
)
from headgate.locking.memory import MemoryLockManager
from headgate.redaction import MASK, Redactor
from headgate.results import ResultStore, stores
from headgate.results.kept import KeptResults, sweep
from headgate.results.records import decode_record
from headgate.results.storages import Folder, make_storage
from headgate.results.stores import Origin, Results
from headgate.serializers import (
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    make_serializer,
)
from headgate.specs import JobReuse

ORIGIN = Origin(task="t", task_run_id="trun_1", flow_run_id="run_1")


class City(BaseModel):
    """Something that JSON has no form for."""

    name: str
    size: int


def store_in(folder: Path, serializer: str = "pickle") -> Results:
    return Results(Folder(folder), make_serializer(serializer))


@pytest.mark.parametrize(
    "name", ["pickle", "json", "compressed/pickle", "compressed/json", "compressed/pickle@zlib"]
)
def test_serializer_gives_back_what_it_was_given(name: str) -> None:
    serializer = make_serializer(name)
    value = {"a": [1, 2.5, None, "ü"], "b": City(name="Rome", size=3)}

    assert serializer.type == name
    assert serializer.loads(serializer.dumps(value)) == value


def test_pickles_hold_what_only_their_process_knows() -> None:
    serializer = PickleSerializer()

    assert serializer.loads(serializer.dumps(lambda x: x + 1))(1) == 2  # pyright: ignore[reportUnknownLambdaType]


@pytest.mark.parametrize(
    ("serializer", "value", "said"),
    [
        (PickleSerializer(), threading.Lock(), "cannot pickle '_thread.lock' object"),
        (JSONSerializer(), {1, 2}, "JSON has no set"),
    ],
)
def test_what_cannot_be_stored_says_why(serializer: Any, value: Any, said: str) -> None:
    with pytest.raises(SerializationError, match=said):
        serializer.dumps(value)


def test_bytes_beyond_the_limit_are_not_made() -> None:
    with pytest.raises(ResultTooLargeError, match="more than 1,000 bytes"):
        PickleSerializer().dumps(b"x" * 2_000, limit_bytes=1_000)


@pytest.mark.parametrize("name", ["yaml", "compressed/yaml", "compressed/json@rar"])
def test_unknown_serializer_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"yaml|rar"):
        make_serializer(name)


def test_one_compresses_what_the_other_writes() -> None:
    value = "a" * 10_000

    assert len(CompressedSerializer("pickle").dumps(value)) < 1_000


def test_result_is_read_back_with_where_it_came_from(tmp_path: Path) -> None:
    store = store_in(tmp_path)

    written = store.write("a/b", {1, 2}, key="k", origin=ORIGIN)
    found = store.find("a/b", key="k")

    assert found is not None
    assert (found.value, found.record) == ({1, 2}, written)
    assert (written.task, written.task_run_id, written.serializer) == ("t", "trun_1", "pickle")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o600


def test_another_serializer_reads_what_one_wrote(tmp_path: Path) -> None:
    store_in(tmp_path, "json").write("a", [1], key="k", origin=ORIGIN)

    found = store_in(tmp_path, "compressed/pickle").find("a", key="k")

    assert found is not None
    assert found.value == [1]


def test_nothing_is_found_where_nothing_is_kept(tmp_path: Path) -> None:
    assert store_in(tmp_path).find("a", key="k") is None


@pytest.mark.parametrize(
    ("before", "left", "after", "said"),
    [
        (b"", slice(0, -1), b"", "checksum is another"),
        (b"", slice(None), b"x", "checksum is another"),
        (b"x", slice(None), b"", "no kept result"),
        (b"", slice(0, 0), b"", "no kept result"),
        (b"headgate-result/1 {}\n", slice(0, 0), b"", "cannot be read"),
    ],
    ids=["cut", "longer", "other", "empty", "bare"],
)
def test_spoilt_result_is_never_a_value(
    tmp_path: Path, before: bytes, left: slice, after: bytes, said: str
) -> None:
    store = store_in(tmp_path)
    store.write("a", [1], key="k", origin=ORIGIN)
    path = tmp_path / "a"
    path.write_bytes(before + path.read_bytes()[left] + after)

    with pytest.raises(ResultError, match=said):
        store.find("a", key="k")


def test_result_of_another_key_is_not_taken(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write("a", [1], key="k", origin=ORIGIN)

    with pytest.raises(ResultError, match="another key, 'k'"):
        store.find("a", key="other")


def test_failed_write_leaves_the_old_result(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write("a/b", 1, key="k", origin=ORIGIN)
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(OSError, match="file"):
        store.write("file/b", 2, key="k", origin=ORIGIN)
    with pytest.raises(SerializationError):
        store.write("a/b", threading.Lock(), key="k", origin=ORIGIN)

    found = store.find("a/b", key="k")
    assert found is not None
    assert found.value == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_readers_find_whole_results_while_they_are_overwritten(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write("a", "0" * 100_000, key="k", origin=ORIGIN)
    is_over = threading.Event()

    def overwrite() -> None:
        for number in range(100):
            store.write("a", str(number % 10) * 100_000, key="k", origin=ORIGIN)
        is_over.set()

    writers = [threading.Thread(target=overwrite) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen = 0
    while not is_over.is_set() or seen == 0:
        found = store.find("a", key="k")
        assert found is not None
        assert len(set(found.value)) == 1
        seen += 1
    for writer in writers:
        writer.join()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", ""])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutsideFolderError):
        Folder(tmp_path / "results").write(path, b"")


def test_block_keeps_results(tmp_path: Path) -> None:
    class Bucket(LocalFileSystem):
        """A block that is no folder to the store."""

    store = Results(make_storage(Bucket(basepath=str(tmp_path))), PickleSerializer())

    store.write("a/b", 1, key="k", origin=ORIGIN)
    found = store.find("a/b", key="k")

    assert found is not None
    assert found.value == 1
    assert store.find("a/c", key="k") is None
    assert decode_record((tmp_path / "a/b").read_bytes())[0].key == "k"


class Reversing(PickleSerializer):
    """One of a user's own, in whose bytes nothing is found."""

    type = "reversing"

    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        return super().dumps(value, limit_bytes=limit_bytes)[::-1]

    def loads(self, data: bytes) -> Any:
        return super().loads(data[::-1])


class Texts(JSONSerializer):
    """One that takes texts alone."""

    type = "texts"

    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        return str.encode(value)


@pytest.mark.parametrize(
    "serializer", ["pickle", "json", "compressed/pickle", "compressed/json@zlib", Reversing()]
)
def test_who_reads_a_result_masks_the_secrets_in_it(
    tmp_path: Path, serializer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Results(Folder(tmp_path), make_serializer(serializer))
    writer, reader = Redactor(), Redactor()
    writer.add(["merlin-of-results", "never handed on"])
    monkeypatch.setattr(stores, "redactor", writer)

    store.write("a", {"dsn": "x://u:merlin-of-results@h"}, key="k", origin=ORIGIN)
    found = store.find("a", key="k", mask=reader.add)

    assert found is not None
    assert reader.redact(found.value["dsn"]) == f"x://u:{MASK}@h"
    assert reader.redact("never handed on") == "never handed on"
    # What is said beside the value is written by the same serializer.
    if isinstance(serializer, Reversing):
        assert b"merlin" not in (tmp_path / "a").read_bytes()


def test_serializer_that_cannot_say_what_is_secret_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, writer = Results(Folder(tmp_path), Texts()), Redactor()
    writer.add("merlin-of-results")
    monkeypatch.setattr(stores, "redactor", writer)

    store.write("a", "is merlin-of-results", key="k", origin=ORIGIN)

    (said,) = caplog.messages
    assert said.startswith("Whoever reads a does not learn that secrets are in it")


@pytest.mark.parametrize("declared", ["results", "a/b/c", 5, object()])
def test_what_keeps_no_files_is_refused(declared: Any) -> None:
    with pytest.raises(SettingsError):
        make_storage(declared)


def test_same_calls_have_keys_of_their_own() -> None:
    kept = KeptResults("run_1", reuse=None)

    keys = [kept.next_key("t", 1), kept.next_key("t", 1), kept.next_key("t", 2)]
    kept.begin_attempt()

    assert len(set(keys)) == 3
    assert kept.next_key("t", 1) == keys[0]
    assert kept.path_of(keys[0]).startswith("kept/run_1/")


def test_only_a_run_that_goes_on_wants_what_was_kept() -> None:
    first, anew = KeptResults("r", reuse=None), KeptResults("r", reuse=JobReuse(kept=False))
    first, anew = KeptResults("r", reuse=None), KeptResults("r", reuse=JobReuse(kept=False))
    on = KeptResults("r", reuse=JobReuse(kept=True, again=["a"]))

    assert [kept.is_wanted("b") for kept in (first, anew, on)] == [False, False, True]
    assert [on.is_wanted("a"), on.is_wanted("a")] == [False, True]


def test_what_old_runs_kept_is_swept_once_a_day(tmp_path: Path) -> None:
    for name, age in (("old", 8), ("new", 6)):
        folder = tmp_path / "kept" / name
        folder.mkdir(parents=True)
        (folder / "a").write_text("x")
        at = folder.stat().st_mtime - age * 86_400
        os.utime(folder, (at, at))

    sweeping = sweep(tmp_path, keep_days=7)
    assert sweeping is not None
    sweeping.join()

    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [".swept", "new"]
    assert sweep(tmp_path, keep_days=0) is None


def test_store_keeps_values_by_key(tmp_path: Path) -> None:
    locked = ResultStore(result_storage=tmp_path, lock_manager=MemoryLockManager())
    plain = ResultStore(result_storage=tmp_path, serializer="json")

    assert not plain.exists("k")
    locked.write({"a": 1}, key="k")

    assert (plain.exists("k"), plain.read("k")) == (True, {"a": 1})
    assert locked.supports_isolation_level("SERIALIZABLE")
    assert not plain.supports_isolation_level("SERIALIZABLE")
    assert locked.acquire_lock("k", "a")
    assert not locked.acquire_lock("k", "b", 0.01)
    locked.release_lock("k", "a")
    with pytest.raises(SettingsError, match="no lock manager"):
        plain.acquire_lock("k", "a")
    with pytest.raises(ResultError, match="nothing is kept under 'other'"):
        plain.read("other")
