"""One writer a store: the second is told who holds it, readers never wait, and a lock dies with its process."""

import os
import re
import signal
import socket
import sys
import time

import pytest
from children import rows_in, start
from throwaway import bits, small_study

from layerwise.studies import Store, StoreError, StudyResult, merge_stores, run_study


def test_a_second_run_is_told_who_holds_the_store(slow_study):
    # catches: two runs that each do all the work; readers kept out meanwhile; a lock that outlives its killed process
    study, toml, path = slow_study
    child = start(path, toml)
    try:
        while child.poll() is None and rows_in(path) < 2:
            time.sleep(0.002)
        child.send_signal(signal.SIGSTOP)  # so that it is still there
        with Store(path) as store:
            held = rf"study\.sqlite is being written by process {child.pid} on {re.escape(socket.gethostname())} since "
            with pytest.raises(StoreError, match=rf"{held}20\d\d-.* UTC\. Wait .*`layerwise study status .*sqlite`"):
                run_study(study, store, callback=lambda *_: pytest.fail("a trial was run twice"))
            with Store(path.with_name("other.sqlite")) as other, pytest.raises(StoreError, match=held):
                merge_stores(store, [other])
        with Store(path, read_only=True) as reader:
            assert len(StudyResult.from_store(study, reader).table) >= 2
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
    path.with_name("gate").touch()
    assert path.with_name("study.sqlite-lock").exists()  # left by the killed process, and in nobody's way
    with Store(path) as store:
        assert bits(run_study(study, store, n_jobs=4)) == bits(run_study(study, n_jobs=4))
    assert sorted(p.name for p in path.parent.glob("study.sqlite*")) == ["study.sqlite"]


def test_within_one_process(tmp_path):
    # catches: two threads of a notebook with a store each; a study that locks out itself; a lock kept after an error
    path = tmp_path / "study.sqlite"
    (tmp_path / "link.sqlite").symlink_to(path)
    with Store(path) as store, Store(tmp_path / "link.sqlite") as other:
        with store.writing():
            with pytest.raises(StoreError, match=f"link.sqlite is being written by process {os.getpid()} "):
                run_study(small_study(), other)
            assert other.studies() == []
            run_study(small_study(), store)  # the place is kept around it
            with pytest.raises(StoreError, match="is being written"):
                run_study(small_study(), other)
        with pytest.raises(ZeroDivisionError):
            run_study(small_study(seeds=4), other, callback=lambda *_: 1 / 0)
        run_study(small_study(seeds=4), store)
        assert list(tmp_path.glob("*-lock")) == []


def test_a_lock_removed_by_its_last_holder_is_taken_anew(tmp_path, monkeypatch):
    # catches: two holders, one of them of a file that is no longer there
    from layerwise.studies.storage import lock

    taken = []

    def late(file, take=lock._take):
        take(file)
        taken.append(file)
        if len(taken) == 1:  # the last holder removes the file just before
            (tmp_path / "study.sqlite-lock").unlink()

    monkeypatch.setattr(lock, "_take", late)
    with Store(tmp_path / "study.sqlite") as store:
        monkeypatch.setattr(lock.Path, "exists", lambda path: True)  # it was, a moment ago
        with store.writing():
            monkeypatch.undo()
            with Store(store.path) as other, pytest.raises(StoreError, match="is being written"), other.writing():
                pass
    assert len(taken) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_place_that_cannot_be_locked(tmp_path):
    # catches: an OSError that escapes
    (tmp_path / "study.sqlite-lock").mkdir()
    with Store(tmp_path / "study.sqlite") as store, pytest.raises(StoreError, match="-lock cannot be opened"):
        run_study(small_study(), store)
