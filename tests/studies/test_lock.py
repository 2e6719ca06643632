"""One writer per store: a second one is refused by name, readers never wait, a lock ends with its process."""

import os
import re
import signal
import socket
import time

import pytest
from children import rows_in, start
from throwaway import bits, small_study

from layerwise.studies import Store, StoreError, StudyResult, merge_stores, run_study


def test_a_second_run_is_refused_and_the_holder_named(slow_study):
    # catches: two runs that each do all the work; readers kept out meanwhile; a lock that outlives a killed process
    study, toml, path = slow_study
    child = start(path, toml)
    try:
        while child.poll() is None and rows_in(path) < 2:
            time.sleep(0.002)
        child.send_signal(signal.SIGSTOP)  # so that it keeps the lock
        with Store(path) as store:
            held = rf"study\.sqlite is being written by process {child.pid} on {re.escape(socket.gethostname())} since "
            with pytest.raises(
                StoreError, match=rf"{held}20\d\d-.* UTC\. Wait until that ends; `layerwise study status .*sqlite`"
            ):
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
    assert path.with_name("study.sqlite-writer").exists()  # left by the killed process, and ignored
    with Store(path) as store:
        assert bits(run_study(study, store, n_jobs=4)) == bits(run_study(study, n_jobs=4))
    assert {p.name for p in path.parent.glob("study.sqlite*")} <= {"study.sqlite", "study.sqlite-lock"}


def test_within_one_process(tmp_path):
    # catches: two threads of a notebook with a store each; a study that locks itself out; a lock kept after an error
    path = tmp_path / "study.sqlite"
    (tmp_path / "link.sqlite").symlink_to(path)
    with Store(path) as store, Store(tmp_path / "link.sqlite") as other:
        with store.writing():
            with pytest.raises(StoreError, match=f"link.sqlite is being written by process {os.getpid()} "):
                run_study(small_study(), other)
            assert other.studies() == []
            run_study(small_study(), store)  # keeps the lock of the block around it
            with pytest.raises(StoreError, match="is being written"):
                run_study(small_study(), other)
        with pytest.raises(ZeroDivisionError):
            run_study(small_study(seeds=4), other, callback=lambda *_: 1 / 0)
        run_study(small_study(seeds=4), store)
        assert list(tmp_path.glob("*-writer")) == []


def test_a_path_that_cannot_be_locked(tmp_path):
    # catches: an OSError that escapes
    (tmp_path / "study.sqlite-lock").mkdir()
    with Store(tmp_path / "study.sqlite") as store, pytest.raises(StoreError, match="-lock cannot be locked"):
        run_study(small_study(), store)
