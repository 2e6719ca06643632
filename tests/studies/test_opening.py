"""Opening a store: earlier schemas, readers that change nothing, files that are not ours."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from children import ENVIRONMENT
from throwaway import small_study

from layerwise.studies import Outcome, Store, StoreError
from layerwise.studies.storage.schema import refuse_database

TRIALS = small_study().trials()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "er" / "study.sqlite"


def to_schema_1(connection):
    columns = "key, definition, risk, fit_seconds, error, version, finished"
    connection.execute(f"CREATE TABLE old AS SELECT {columns} FROM trial")
    connection.execute("DROP TABLE trial")
    connection.execute(f"CREATE TABLE trial ({columns.replace('key', 'key TEXT PRIMARY KEY')})")
    connection.execute("INSERT INTO trial SELECT * FROM old")
    connection.execute("DROP TABLE old")
    connection.execute("DROP TABLE study")
    connection.execute("PRAGMA user_version = 1")


def to_schema_3(connection):
    for column in ("source", "libraries"):
        connection.execute(f"ALTER TABLE trial DROP COLUMN {column}")
    connection.execute("PRAGMA user_version = 3")


def to_schema_2(connection):
    to_schema_3(connection)
    connection.execute("ALTER TABLE trial DROP COLUMN peak_bytes")
    connection.execute("DROP TABLE study")
    connection.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("turn", "metrics", "peak"),
    [(to_schema_1, {}, None), (to_schema_2, {"m": 0.5}, None), (to_schema_3, {"m": 0.5}, 7)],
)
def test_an_earlier_schema_is_brought_up_to_date_or_read_as_it_is(path, turn, metrics, peak):
    # catches: an earlier version's results refused, or lost; a reader that migrates what another program still writes
    with Store(path) as store:
        store.add_all([(trial, Outcome(0.5, 0.1, metrics=metrics, peak_bytes=7)) for trial in TRIALS[:2]])
    connection = sqlite3.connect(path, isolation_level=None)
    turn(connection)
    connection.close()
    before = path.read_bytes()
    earlier = {trial.key: Outcome(0.5, 0.1, metrics=metrics, peak_bytes=peak) for trial in TRIALS[:2]}
    with Store(path, read_only=True) as reader:
        assert reader.studies() == []
        assert [row.trial for row in reader.rows()] == TRIALS[:2]
        assert reader.outcomes(earlier) == earlier
        assert reader.made_by()[0][1] == 2
    assert path.read_bytes() == before
    with Store(path) as store:
        assert store.studies() == []
        assert store.other_sources(TRIALS[:1]) == {
            TRIALS[0].key: {f"throwaway.{name}" for name in ("Features", "Inputs", "Quadratic")}
        }
        store.add(TRIALS[2], Outcome(0.25, 0.1, peak_bytes=2**40))
        store.keep_study(small_study())
        found = store.outcomes(trial.key for trial in TRIALS)
    assert found == {**earlier, TRIALS[2].key: Outcome(0.25, 0.1, peak_bytes=2**40)}
    assert path.read_bytes() != before


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


def test_a_reader_beside_a_writer_sees_what_is_done_and_takes_nothing_away(path):
    # catches: a log removed under the writer's hands; rows that a reader sees only after the run
    with Store(path) as writer:
        for i, trial in enumerate(TRIALS):
            with Store(path, read_only=True) as reader:
                writer.add(trial, Outcome(0.5, 0.1))
                assert len(list(reader.rows())) == i + 1
        assert path.with_name("study.sqlite-wal").exists()
    with Store(path, read_only=True) as reader:
        assert len(list(reader.rows())) == len(TRIALS)


def test_a_store_is_one_file_once_it_is_closed(path):
    # catches: rows that stay in the log because somebody looked on, and are lost to who copies the file
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


def test_a_reader_takes_a_killed_writers_log_as_it_is(path):
    # catches: a reader that tidies up what only a writer may
    code = (
        "import os, sys; from layerwise.studies import Store, Outcome; from throwaway import small_study\n"
        "store = Store(sys.argv[1]); store.add(small_study().trials()[0], Outcome(0.5, 0.1)); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path], env=ENVIRONMENT, check=False)
    before = {p.name: p.read_bytes() for p in path.parent.iterdir() if not p.name.endswith("-shm")}
    assert len(before["study.sqlite-wal"]) > 0
    with Store(path, read_only=True) as reader:
        assert len(list(reader.rows())) == 1
    assert {p.name: p.read_bytes() for p in path.parent.iterdir() if not p.name.endswith("-shm")} == before


def test_a_second_store_in_one_process_costs_the_first_no_lock(path):
    # catches: a file opened and closed beside SQLite, which drops this process's locks: another process that closes
    # the store then takes itself for the last one, removes the log, and the rows that follow are lost
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
def test_a_store_in_a_folder_where_nobody_may_write():
    # catches: a store on a disk that is read-only refused, for SQLite wants its log beside it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.sqlite"
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
            with Store(path, read_only=True) as store:
                assert len(list(store.rows())) == 1
        finally:
            os.seteuid(user)
            Path(folder).chmod(0o755)


def test_a_missing_store_may_be_a_mistake(path):
    # catches: an empty store made of a mistyped path
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreError, match=r"study\.sqlite does not exist. Give the path"):
            Store(path, **options)
    assert not path.parent.exists()


def test_an_empty_file_is_laid_out(tmp_path):
    # catches: a run killed before its first write that can never be resumed
    path = tmp_path / "empty.sqlite"
    path.touch()
    with pytest.raises(StoreError, match=r"is empty: nothing was run into it"):
        Store(path, read_only=True)
    assert path.stat().st_size == 0
    with Store(path) as store:
        assert store.outcomes(t.key for t in TRIALS) == {}


def foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE trial (key TEXT)")
    connection.close()


def newer(path):
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def damaged(path):
    with Store(path) as store:
        for trial in TRIALS:
            store.add(trial, Outcome(0.5, 0.1))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


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
        (newer, "newer layerwise .schema 99"),
        (damaged, "is damaged"),
        (without("DROP TABLE trial"), "is damaged .no such table"),
        (without("DROP TABLE study"), "is damaged .no such table"),
        (without("ALTER TABLE trial DROP COLUMN definition"), "is damaged .no such column"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(tmp_path, make, message, read_only):
    # catches: somebody's file overwritten, or touched by opening it
    path = tmp_path / "file"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message) as caught:
        Store(path, read_only=read_only)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_name_that_sqlite_reads_otherwise_is_a_file(tmp_path, monkeypatch):
    # catches: ":memory:", a store that is gone with the process
    monkeypatch.chdir(tmp_path)
    with Store(":memory:") as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
    assert (tmp_path / ":memory:").exists()


def test_places_that_cannot_hold_a_store(tmp_path):
    # catches: an OSError or sqlite3 error that escapes
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "study.sqlite")
