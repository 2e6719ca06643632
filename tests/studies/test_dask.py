"""A real Dask cluster: equal bits although a worker is killed midway; one message for what a cluster cannot do."""

import logging
import os
import signal
import threading
import time
import warnings
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
    """Raise TimeoutError where Dask, or a study, waits forever, so that the other tests run."""

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
    """A cluster that gives up on a trial with its first lost worker, instead of the fourth."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        return LocalCluster(dashboard_address=":0", silence_logs=logging.CRITICAL, **options)


@contextmanager
def ready(cluster, path):
    """A file that is touched while all workers run, because Dask never replaces one that dies during its start."""
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
    # catches: several BLAS threads on a worker; a trial lost, doubled or failed because its worker was killed
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
    # catches: a trial that kills one worker after another, or ends the study
    with ready(client.cluster, tmp_path / "ready") as path:
        dies = LearnerSpec(label="dies", use=Dies, params={"ready": path})
        study = small_study(learners=[dies, LearnerSpec(label="mean", use=Mean)], dims=[3], n=[40], seeds=1)
        table = run_study(study, client=client).table
    assert table["error"][0].startswith("KilledWorker: ")
    assert table["error"][1] is None


@pytest.mark.slow  # Dask takes seconds to replace a worker
def test_only_the_trial_that_kills_workers_is_blamed(tmp_path):
    # catches: failed or lost rows of trials that shared a worker with one that killed it
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


def test_an_interrupt_cancels_the_trials(client):
    # catches: a cluster that continues an interrupted study; a client that is closed although its owner uses it
    def interrupt(*_):
        raise KeyboardInterrupt

    spec = LearnerSpec(label="slow", use=Features, params={"pause": 0.3})
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[spec]), client=client, callback=interrupt)
    assert client.status == "running"
    assert all(bits(run_study(small_study(learners=[spec], n=[20], seeds=1), client=client)))


def test_workers_of_another_version_are_refused(client, monkeypatch):
    # catches: values of two versions in one study
    monkeypatch.setattr(dask_workers, "version", lambda name: "9.9")
    with pytest.raises(StudyError, match=rf"worker has layerwise {version('layerwise')}, this is 9\.9"):
        run_study(small_study(), client=client)


def test_modules_that_workers_lack_are_not_failed_rows(client, tmp_path, monkeypatch):
    # catches: failed rows because a file was not copied to the workers
    (tmp_path / "only_here.py").write_text("from throwaway import Mean\n\n\nclass Mine(Mean):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = LearnerSpec(label="mine", use="only_here.Mine")
    with Store(tmp_path / "study.sqlite") as store:
        with pytest.raises(StudyError, match=r'a Dask worker cannot run the study: cannot import "only_here\.Mine"'):
            run_study(small_study(learners=[spec]), store, client=client)
        assert list(store.rows()) == []


@pytest.mark.parametrize("ends", ["cluster", "client"])
def test_a_lost_scheduler_ends_the_study_with_one_message(tmp_path, ends):
    # catches: a study that waits forever, or failed rows where the cluster failed
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


def test_a_cluster_without_workers_ends_the_study_with_one_message(tmp_path, monkeypatch):
    # catches: a study that waits forever, and without a message, for workers that nobody starts
    for name, seconds in (("COUNT_SECONDS", 0.1), ("WARN_SECONDS", 0.5), ("STOP_SECONDS", 1.5)):
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
            pytest.warns(UserWarning, match=r"no workers for 0\.5 s.*start workers.*After 1\.5 s") as warned,
            pytest.raises(StudyError, match=r"no workers for 1\.5 s\. Finished trials are kept: start workers"),
        ):
            run_study(study, store, client=client, callback=leave)
        assert client.status == "running"
        kept = StudyResult.from_store(study, store).table
    assert [warning.filename for warning in warned] == [__file__]
    assert 2 <= len(kept) < len(study.trials())
    assert kept["error"].isna().all()


def test_workers_that_come_late_are_waited_for(monkeypatch):
    # catches: a study ended while its workers are queued; the time without workers not reset when one arrives
    for name, seconds in (("COUNT_SECONDS", 0.1), ("WARN_SECONDS", 0.3)):
        monkeypatch.setattr(dask_workers, name, seconds)
    study = small_study(learners=[LearnerSpec(label="slow", use=Features, params={"pause": 0.5})], n=[40], seeds=1)
    warned = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: warned.append(str(message)))

    def add_a_worker_once_warned():
        end = time.monotonic() + 180
        while not warned and time.monotonic() < end:
            time.sleep(0.05)
        cluster.scale(1)

    with cluster_of(n_workers=0, threads_per_worker=1) as cluster, Client(cluster) as client, warnings.catch_warnings():
        warnings.filterwarnings("always", message=".*no workers", category=UserWarning)
        late = threading.Thread(target=add_a_worker_once_warned)
        late.start()
        found = run_study(
            study, client=client, callback=lambda *_: monkeypatch.setattr(dask_workers, "STOP_SECONDS", 0.3)
        )
        late.join()
    assert len(warned) == 1
    assert bits(found) == bits(run_study(study))


def test_no_scheduler_at_the_address(monkeypatch):
    # catches: a traceback of Dask for a mistyped address
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense://"):
        with pytest.raises(StudyError, match=rf'scheduler: "{address}" does not answer .*dask scheduler'):
            dask_workers.connect(address)
