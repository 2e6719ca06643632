"""A real Dask cluster: the same bits, though a worker is killed midway; what a cluster cannot do is said."""

import logging
import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import dask
import pytest
from distributed import Client, LocalCluster, Status
from throwaway import Dies, Features, Mean, bits, small_study

from layerwise.studies import LearnerSpec, Store, StudyError, StudyResult, run_study
from layerwise.studies.execution import dask_workers

pytestmark = pytest.mark.slow  # starts clusters

LIMIT = 400  # seconds; each test takes a few


@contextmanager
def limited():
    """An error where Dask, or a study, waits for ever: the other tests go on."""

    def stop(*_):
        raise TimeoutError(f"more than {LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def limit():
    with limited():
        yield


def cluster_of(**options):
    """A cluster that gives a trial up with its first lost worker, instead of the fourth."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        return LocalCluster(dashboard_address=":0", silence_logs=logging.CRITICAL, **options)


@contextmanager
def ready(cluster, path):
    """A file that is fresh while all workers are up: Dask never replaces one that dies while it is being started."""
    path.touch()
    ended = threading.Event()

    def look():
        while not ended.wait(0.1):
            if all(nanny.status == Status.running for nanny in cluster.workers.values()):
                path.touch()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield str(path)
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def client():
    with ExitStack() as stack:
        with limited():
            cluster = stack.enter_context(cluster_of(n_workers=2, threads_per_worker=1))
            client = stack.enter_context(Client(cluster))
        yield client
        with limited():
            stack.close()


def test_one_worker_two_threads_two_processes_and_a_cluster_that_loses_a_worker(client, tmp_path):
    # catches: BLAS threads of a cluster's worker; a trial lost, doubled or failed because its worker was killed
    study = small_study(
        learners=[LearnerSpec(label=str(w), use=Features, params={"width": w, "pause": 0.02}) for w in (7, 300)],
        n=[1500, 100],
    )
    killed = []

    def kill_one_midway(done, total, trial, outcome):
        if done == total // 3:
            address, pid = next(iter(client.run(os.getpid).items()))
            os.kill(pid, signal.SIGKILL)
            killed.append(address)

    with Store(tmp_path / "study.sqlite") as store:
        run_study(study, store, client=client, callback=kill_one_midway)
        cluster = StudyResult.from_store(study, store)
    assert killed
    assert len(cluster.table) == 24
    assert cluster.table["error"].isna().all()
    one = bits(run_study(study))
    assert bits(cluster) == one
    assert bits(run_study(study, n_jobs=2, workers="threads")) == one
    assert bits(run_study(study, n_jobs=2, workers="processes")) == one


def test_a_trial_that_kills_every_worker_is_a_failed_row(client, tmp_path):
    # catches: a cluster brought down by one trial, or a study that ends with its first victim
    with ready(client.cluster, tmp_path / "ready") as path:
        dies = LearnerSpec(label="dies", use=Dies, params={"ready": path})
        study = small_study(learners=[dies, LearnerSpec(label="mean", use=Mean)], dims=[3], n=[40], seeds=1)
        table = run_study(study, client=client).table
    assert table["error"][0].startswith("KilledWorker: ")
    assert table["error"][1] is None


@pytest.mark.slow  # Dask takes seconds to replace a worker
def test_only_the_trial_that_kills_workers_is_blamed(tmp_path):
    # catches: failed rows of the trials that shared a worker with one that killed it; one of them lost
    slow = LearnerSpec(label="slow", use=Features, params={"width": 400, "pause": 2.5})
    calls = []
    with (
        cluster_of(n_workers=1, threads_per_worker=4) as cluster,
        Client(cluster) as client,
        Store(tmp_path / "study.sqlite") as store,
        ready(cluster, tmp_path / "ready") as path,
    ):
        dies = LearnerSpec(label="dies", use=Dies, params={"ready": path}, n=[40])
        study = small_study(learners=[slow, dies], dims=[3], n=[40, 41], seeds=1)
        run_study(study, store, client=client, callback=lambda *call: calls.append(call))
        table = StudyResult.from_store(study, store).table
    assert len(calls) == len(table) == 3
    assert list(table["error"].notna()) == [False, False, True]
    assert table["error"][2].startswith("KilledWorker: ")


def test_an_interrupt_withdraws_the_trials(client):
    # catches: a cluster that goes on with a study nobody waits for; a client that is closed for its owner
    def interrupt(*_):
        raise KeyboardInterrupt

    spec = LearnerSpec(label="slow", use=Features, params={"pause": 0.3})
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[spec]), client=client, callback=interrupt)
    assert client.status == "running"
    assert all(bits(run_study(small_study(learners=[spec], n=[20], seeds=1), client=client)))


def test_workers_of_another_version_are_refused(client, monkeypatch):
    # catches: values of two programs in one study
    monkeypatch.setattr(dask_workers, "version", lambda name: "9.9")
    with pytest.raises(StudyError, match=rf"worker has layerwise {version('layerwise')}, this is 9\.9"):
        run_study(small_study(), client=client)


def test_modules_that_workers_lack_are_not_failed_rows(client, tmp_path, monkeypatch):
    # catches: a night of failed rows because a file was not copied to the workers
    (tmp_path / "only_here.py").write_text("from throwaway import Mean\n\n\nclass Mine(Mean):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = LearnerSpec(label="mine", use="only_here.Mine")
    with Store(tmp_path / "study.sqlite") as store:
        with pytest.raises(StudyError, match=r'a Dask worker cannot run the study: cannot import "only_here\.Mine"'):
            run_study(small_study(learners=[spec]), store, client=client)
        assert list(store.rows()) == []


@pytest.mark.parametrize("ends", ["cluster", "client"])
def test_a_scheduler_that_is_gone_ends_the_study_in_words(tmp_path, ends):
    # catches: a study that waits for ever, or failed rows for what the cluster did
    spec = LearnerSpec(label="slow", use=Features, params={"pause": 0.05})
    study = small_study(learners=[spec])
    with (
        cluster_of(n_workers=1, threads_per_worker=1) as cluster,
        Client(cluster) as client,
        Store(tmp_path / "study.sqlite") as store,
    ):

        def close(done, *_):
            if done == 2:
                {"cluster": cluster, "client": client}[ends].close()

        with pytest.raises(StudyError, match=r"scheduler is gone.*Finished trials are kept"):
            run_study(study, store, client=client, callback=close)
        kept = StudyResult.from_store(study, store).table
    assert len(kept) >= 2
    assert kept["error"].isna().all()


def test_a_cluster_left_without_workers_ends_the_study_in_words(tmp_path, monkeypatch):
    # catches: a study that waits for ever, without a word, for workers that nobody starts
    for name, seconds in (("COUNT_EVERY", 0.1), ("WARN_AFTER", 0.5), ("STOP_AFTER", 1.5)):
        monkeypatch.setattr(dask_workers, name, seconds)
    study = small_study(learners=[LearnerSpec(label="slow", use=Features, params={"pause": 0.5})])
    with (
        cluster_of(n_workers=1, threads_per_worker=1) as cluster,
        Client(cluster) as client,
        Store(tmp_path / "study.sqlite") as store,
    ):

        def leave(done, *_):
            if done == 2:
                cluster.scale(0)

        with (
            pytest.warns(UserWarning, match=r"no workers for 0\.5 s.*start workers.*After 1\.5 s") as told,
            pytest.raises(StudyError, match=r"no workers for 1\.5 s\. Finished trials are kept: start workers"),
        ):
            run_study(study, store, client=client, callback=leave)
        assert client.status == "running"
        kept = StudyResult.from_store(study, store).table
    assert [warning.filename for warning in told] == [__file__]
    assert 2 <= len(kept) < len(study.trials())
    assert kept["error"].isna().all()


def test_workers_that_come_late_are_waited_for(monkeypatch):
    # catches: a study ended while its workers queue; a time without workers that goes on counting beside them
    for name, seconds in (("COUNT_EVERY", 0.1), ("WARN_AFTER", 0.3)):
        monkeypatch.setattr(dask_workers, name, seconds)
    study = small_study(learners=[LearnerSpec(label="slow", use=Features, params={"pause": 0.5})], n=[40], seeds=1)
    with cluster_of(n_workers=0, threads_per_worker=1) as cluster, Client(cluster) as client:

        def scale_once_warned():
            end = time.monotonic() + 180
            while not told and time.monotonic() < end:
                time.sleep(0.05)
            cluster.scale(1)

        late = threading.Thread(target=scale_once_warned)
        with pytest.warns(UserWarning, match="no workers") as told:  # noqa: PT031
            late.start()
            found = run_study(
                study, client=client, callback=lambda *_: monkeypatch.setattr(dask_workers, "STOP_AFTER", 0.3)
            )
        late.join()
    assert len(told) == 1
    assert bits(found) == bits(run_study(study))


def test_nobody_at_the_address(monkeypatch):
    # catches: a traceback of Dask's for a mistyped address
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense://"):
        with pytest.raises(StudyError, match=rf'scheduler: "{address}" does not answer .*dask scheduler'):
            dask_workers.connect(address)
