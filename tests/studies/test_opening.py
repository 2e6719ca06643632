"""Opening a store: readers change nothing, writers leave one complete file, other files are refused and kept."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from children import ENVIRONMENT
from throwaway import small_study

from layerwise.studies import Outcome, Store, StoreError
from layerwise.studies.storage.header import refuse_database
from layerwise.studies.storage.schema import SCHEMA_VERSION

TRIALS = small_study().trials()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "er" / "study.sqlite"


def killed_with(path, n_trials):
    """A store whose writer was killed, its last trials in the log."""
    code = (
        "import os, sys; from layerwise.studies import Store, Outcome; from throwaway import small_study\n"
        "store = Store(sys.argv[1])\n"
        "for trial in small_study().trials()[:int(sys.argv[2])]: store.add(trial, Outcome(0.5, 0.1))\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path, str(n_trials)], env=ENVIRONMENT, check=False)


def test_a_reader_leaves_everything_as_it_is(path):
    # catches: a reader that writes, or leaves SQLite's log beside the file
    with Store(path) as store:
        store.keep_study(small_study())
        store.add(TRIALS[0], Outcome(0.5, 0.1))
    before = path.read_bytes(), path.stat().st_mtime_ns
    with Store(path, read_only=True) as reader:
        assert len(list(reader.rows())) == len(reader.studies()) == 1
        for write in (lambda: reader.add(TRIALS[1], Outcome(0.5, 0.1)), lambda: reader.keep_study(small_study())):
            with pytest.raises(StoreError, match="readonly"):
                write()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in path.parent.iterdir()] == ["study.sqlite"]


def test_a_writer_that_writes_nothing_leaves_the_file_as_it_is(path):
    # catches: a damaged store that `resume` opened, refused, and changed
    with Store(path) as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
    before = path.read_bytes()
    with Store(path) as store:
        assert len(list(store.rows())) == 1
    assert path.read_bytes() == before


def test_a_reader_sees_committed_trials_while_a_writer_is_open(path):
    # catches: a log removed while the writer uses it; trials that a reader sees only after the run
    with Store(path) as writer:
        for i, trial in enumerate(TRIALS):
            with Store(path, read_only=True) as reader:
                writer.add(trial, Outcome(0.5, 0.1))
                assert len(list(reader.rows())) == i + 1
        assert path.with_name("study.sqlite-wal").exists()
    with Store(path, read_only=True) as reader:
        assert len(list(reader.rows())) == len(TRIALS)


def test_trials_can_be_added_while_rows_are_read(path):
    # catches: the log switched on in the middle of a query, which SQLite refuses
    with Store(path) as store:
        store.add_all([(trial, Outcome(0.5, 0.1)) for trial in TRIALS[:3]])
    with Store(path) as store:
        for row, trial in zip(store.rows(), TRIALS[3:6], strict=False):
            assert row.outcome.risk == 0.5
            store.add(trial, Outcome(0.25, 0.1))
        assert len(store.outcomes(trial.key for trial in TRIALS)) == 6


@pytest.mark.filterwarnings("ignore:.*is not beside it")  # the reader keeps the file marked as in use
def test_a_store_is_one_file_once_it_is_closed(path):
    # catches: trials that stay in the log because of a reader, and are lost to those who copy the file
    with Store(path) as writer:
        writer.add(TRIALS[0], Outcome(0.5, 0.1))
        reader = Store(path, read_only=True)
        writer.add(TRIALS[1], Outcome(0.5, 0.1))
        assert len(list(reader.rows())) == 2
    copy = path.with_name("copy.sqlite")
    copy.write_bytes(path.read_bytes())
    with Store(copy, read_only=True) as copied:
        assert len(list(copied.rows())) == 2
    reader.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["copy.sqlite", "study.sqlite"]
    with pytest.warns(UserWarning, match="is not beside it"), Store(copy, read_only=True):
        pass
    with Store(path, read_only=True) as store:  # without a warning: the last to close marked it as complete
        assert len(list(store.rows())) == 2


def test_the_file_is_complete_after_each_run(path):
    # catches: trials of a finished run that are in the log as long as a notebook keeps the store open
    with Store(path) as store:
        with store.writing():
            store.add_all([(trial, Outcome(0.5, 0.1)) for trial in TRIALS])
        assert path.with_name("study.sqlite-wal").stat().st_size == 0
        connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)  # sees the file alone
        assert connection.execute("SELECT count(*) FROM trial").fetchone() == (len(TRIALS),)
        connection.close()


def test_a_reader_leaves_the_log_of_a_killed_writer_as_it_is(path):
    # catches: a reader that changes what only a writer may
    killed_with(path, 1)
    before = {p.name: p.read_bytes() for p in path.parent.iterdir() if not p.name.endswith("-shm")}
    assert len(before["study.sqlite-wal"]) > 0
    with Store(path, read_only=True) as reader:
        assert len(list(reader.rows())) == 1
    assert {p.name: p.read_bytes() for p in path.parent.iterdir() if not p.name.endswith("-shm")} == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_copy_without_its_log_is_reported(path, read_only):
    # catches: a copy of study.sqlite alone after a kill that silently lacks the trials in the log
    killed_with(path, 3)
    copy = path.with_name("copy.sqlite")
    shutil.copy(path, copy)
    for _ in range(2):  # a reader does not hide it from the next one
        with (
            pytest.warns(
                UserWarning, match=r"copy\.sqlite was in use.* and copy\.sqlite-wal is not beside it: the last"
            ),
            Store(copy, read_only=read_only) as store,
        ):
            assert len(list(store.rows())) < 3
        if not read_only:
            break
    assert sorted(p.name for p in path.parent.glob("copy*")) == ["copy.sqlite"]
    shutil.copy(path.with_name("study.sqlite-wal"), path.with_name("both.sqlite-wal"))
    shutil.copy(path, path.with_name("both.sqlite"))
    with Store(path.with_name("both.sqlite"), read_only=read_only) as store:
        assert len(list(store.rows())) == 3
    with Store(path) as store:  # a resumed run moves the log into the file at once
        assert path.with_name("study.sqlite-wal").stat().st_size == 0
        assert len(list(store.rows())) == 3


def test_a_second_store_in_one_process_keeps_the_locks_of_the_first(path):
    # catches: a file opened and closed by Python, which drops this process's locks: another process that closes the
    # store then takes itself for the last one, removes the log, and the trials that follow are lost
    with Store(path) as writer:
        writer.add(TRIALS[0], Outcome(0.5, 0.1))
        Store(path).close()
        with pytest.raises(StoreError):
            refuse_database(path)
        code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM trial'); c.close()"
        subprocess.run([sys.executable, "-c", code, path], check=True)
        assert path.with_name("study.sqlite-wal").exists()
        writer.add(TRIALS[1], Outcome(0.5, 0.1))
    with Store(path) as store:
        assert len(list(store.rows())) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="changes the user")
@pytest.mark.parametrize("killed", [False, True])
def test_a_store_in_a_write_protected_folder(killed):
    # catches: a store on a read-only disk refused, because SQLite wants its log beside it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.sqlite"
        if killed:
            killed_with(path, 1)
            path.with_name("study.sqlite-wal").unlink()
            path.with_name("study.sqlite-shm").unlink()
        else:
            with Store(path) as store:
                store.add(TRIALS[0], Outcome(0.5, 0.1))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # root may write anywhere
            with pytest.raises(PermissionError):
                Path(folder, "file").touch()
            if killed:
                with pytest.warns(UserWarning, match="the last trials may be missing"):
                    store = Store(path, read_only=True)
            else:
                store = Store(path, read_only=True)
            with store:
                assert len(list(store.rows())) == (0 if killed else 1)
        finally:
            os.seteuid(user)
            Path(folder).chmod(0o755)


def test_a_missing_store_may_be_a_mistake(path):
    # catches: an empty store created at a mistyped path
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreError, match=r"study\.sqlite does not exist. Give the path"):
            Store(path, **options)
    assert not path.parent.exists()


def test_an_empty_file_is_laid_out(tmp_path):
    # catches: a run killed before its first write that can never be resumed
    path = tmp_path / "empty.sqlite"
    path.touch()
    with pytest.raises(StoreError, match=r"is empty\. Fill it with `layerwise study run`"):
        Store(path, read_only=True)
    assert path.stat().st_size == 0
    with Store(path) as store:
        assert store.outcomes(t.key for t in TRIALS) == {}


def foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE trial (key TEXT)")
    connection.close()


def of_schema(version):
    def make(path):
        Store(path).close()
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

    return make


def damaged(path):
    with Store(path) as store:
        for trial in TRIALS:
            store.add(trial, Outcome(0.5, 0.1))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


def cut_off(path):
    with Store(path) as store:
        store.add_all([(trial, Outcome(0.5, 0.1)) for trial in TRIALS])
    path.write_bytes(path.read_bytes()[:4096])


def without(change):
    def make(path):
        Store(path).close()
        connection = sqlite3.connect(path)
        connection.execute(change)
        connection.close()

    return make


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("n,risk\n1,2\n"), "is not an SQLite file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(20)), "is not an SQLite file"),
        (foreign, "is an SQLite file of another program"),
        (of_schema(99), rf"another version of layerwise .schema 99; this version reads schema {SCHEMA_VERSION}\)"),
        (of_schema(3), rf"another version of layerwise .schema 3; this version reads schema {SCHEMA_VERSION}\)"),
        (damaged, "is damaged"),
        (cut_off, "is damaged .database disk image is malformed.*together with file-wal if that exists there"),
        (without("DROP TABLE trial"), "is damaged .no such table"),
        (without("DROP TABLE study"), "is damaged .no such table"),
        (without("ALTER TABLE trial DROP COLUMN definition"), "is damaged .no such column"),
    ],
)
def test_other_files_are_refused_and_left_unchanged(tmp_path, make, message, read_only):
    # catches: somebody's file overwritten, or changed by opening it; values of another schema misread
    path = tmp_path / "file"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message) as caught:
        Store(path, read_only=read_only)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_name_with_a_meaning_to_sqlite_is_a_file(tmp_path, monkeypatch):
    # catches: ":memory:", a store that is gone with the process
    monkeypatch.chdir(tmp_path)
    with Store(":memory:") as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
    assert (tmp_path / ":memory:").exists()


def test_paths_that_cannot_hold_a_store(tmp_path):
    # catches: an OSError or sqlite3 error that escapes
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "study.sqlite")
