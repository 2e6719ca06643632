"""Threads and processes: equal values, as many trials at once as memory allows, and crashes that fail one trial."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from children import ENVIRONMENT, rows_in, start
from throwaway import Dies, Features, Holds, Interrupts, Mean, bits, small_study

from layerwise.studies import LearnerSpec, Store, StudyError, run_study
from layerwise.studies.execution import cost, executors, runner

pytestmark = pytest.mark.slow  # starts processes


def learner(use, **params):
    return LearnerSpec(label=use.__name__.lower(), use=use, params=params)


def test_processes_give_the_bits_of_threads(tmp_path):
    # catches: several BLAS threads in a process; a risk that is rounded in transfer; a target that cannot be pickled
    study = small_study(n=[1500, 100], learners=[learner(Features, width=300)])
    with Store(tmp_path / "study.sqlite") as store:
        result = run_study(study, store, n_jobs=2, workers="processes")
        assert bits(result) == bits(run_study(study, n_jobs=2, workers="threads")) == bits(run_study(study))
        assert bits(run_study(study, store)) == bits(result)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a resettable peak")
def test_a_process_reports_the_memory_of_its_trial(tmp_path):
    # catches: the peak of an earlier trial reported for a later one; a peak reported where trials share a process
    study = small_study(learners=[learner(Mean), learner(Holds, width=200)], n=[20], dims=[3], seeds=2)
    with Store(tmp_path / "study.sqlite") as store:
        run_study(study, store, workers="processes")
        table = run_study(study, store).table
    peaks = table.groupby("learner")["peak_bytes"].max()
    assert peaks["holds"] - peaks["mean"] > 190 * 2**20
    assert run_study(study).table["peak_bytes"].isna().all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_trial_whose_process_dies_is_tried_again(tmp_path, n_jobs):
    # catches: one killed worker that ends the study, or fails another trial
    study = small_study(learners=[learner(Dies, mark=str(tmp_path / "mark")), learner(Mean)])
    result = run_study(study, n_jobs=n_jobs, workers="processes")
    assert (tmp_path / "mark").exists()
    assert result.table["error"].isna().all()
    assert len(result.table) == 24


def test_a_trial_whose_process_always_dies_is_a_failed_row(tmp_path):
    # catches: a trial retried forever; a failure blamed on other trials
    study = small_study(learners=[learner(Dies), learner(Features)], dims=[3], n=[40], seeds=2)
    with Store(tmp_path / "study.sqlite") as store:
        table = run_study(study, store, n_jobs=2, workers="processes").table
        assert run_study(study, store).table["error"].notna().sum() == 2
    assert list(table["error"].notna()) == [True, True, False, False]
    assert table["error"][0].startswith("WorkerDied: 3 times. A worker process")
    assert "SIGKILL" in table["error"][0]


def test_a_process_that_dies_while_idle_is_replaced():
    # catches: a trial failed, or lost, because the system killed a process between two trials
    executor = executors.ProcessExecutor(1)
    try:
        first, second = small_study(learners=[learner(Mean)], dims=[3], n=[40], seeds=2).trials()
        executor.submit(first)
        executor.completed.get(timeout=180)
        psutil.wait_procs([p for p in processes_of(executor) if not p.kill()], timeout=180)
        while not executor._idle[0]._flags.broken:  # until loky has noticed it
            time.sleep(0.02)
        executor.submit(second)
        trial, outcome = executor.completed.get(timeout=180)
    finally:
        executor.close()
    assert (trial, outcome.error) == (second, None)


def processes_of(executor):
    return [psutil.Process(pid) for one in executor._idle for pid in one._processes]


def test_an_interrupt_in_a_process_is_raised():
    # catches: Ctrl-C in a process recorded as a failed trial, or a wait without end
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[learner(Interrupts)]), n_jobs=2, workers="processes")


def test_ctrl_c_while_a_process_is_started(monkeypatch):
    # catches: loky interrupted while it holds a lock, and a process that is never ended, so that the program hangs
    begin, pids = executors.ProcessPoolExecutor._start_executor_manager_thread, []

    def begin_and_interrupt(executor):
        begin(executor)
        pids.extend(executor._processes)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)

    monkeypatch.setattr(executors.ProcessPoolExecutor, "_start_executor_manager_thread", begin_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[learner(Features, pause=600)], dims=[3], n=[40]), workers="processes")
    assert len(pids) == 1
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=180)
    assert alive == []


def test_processes_end_with_a_killed_study(slow_study):
    # catches: processes that outlive the study and compete with the next run
    _, toml, path = slow_study
    child = start(path, toml, "processes")
    while child.poll() is None and rows_in(path) < 2:
        time.sleep(0.02)
    orphans = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    child.wait()
    child.stderr.close()
    assert orphans
    _, alive = psutil.wait_procs(orphans, timeout=180)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_memory_is_respected(monkeypatch):
    # catches: trials started together that are not expected to fit; a trial that needs more than is free never started
    study = small_study(learners=[learner(Holds, width=8)], dims=[3], n=[40], seeds=8)
    peak = cost.peak_bytes(study.trials()[0])
    for budget, most in ((0.0, 1), (1.5 * peak, 1), (2.5 * peak, 2), (100 * peak, 3)):
        monkeypatch.setattr(runner, "memory_budget", lambda budget=budget: budget)
        Holds.most = 0
        assert run_study(study, n_jobs=3, workers="threads").table["error"].isna().all()
        assert Holds.most <= most
    assert Holds.most > 1


def test_the_memory_of_processes_counts(monkeypatch):
    # catches: the memory of interpreters ignored; a process started only to be measured
    study = small_study(learners=[learner(Mean)], dims=[3], n=[40], seeds=4)
    executor = executors.ProcessExecutor(2)
    try:
        size = executor.resident(study.trials()[0])
        (process,) = processes_of(executor)
        assert size == pytest.approx(process.memory_info().rss, rel=0.2)
    finally:
        executor.close()
    out, busy = set(), []
    submit = executors.ProcessExecutor.submit

    def counted(executor, trial):
        out.add(trial.key)
        busy.append(len(out))
        submit(executor, trial)

    monkeypatch.setattr(executors.ProcessExecutor, "submit", counted)
    back = {"callback": lambda done, total, trial, outcome: out.remove(trial.key)}
    for budget, most in ((1.5 * size, 1), (3 * size, 2)):
        monkeypatch.setattr(runner, "memory_budget", lambda budget=budget: budget)
        busy.clear()
        assert run_study(study, n_jobs=2, workers="processes", **back).table["error"].isna().all()
        assert max(busy) == most


def test_large_trials_get_processes():
    # catches: large fits in threads; the start of a process for tiny trials; processes for classes of a script
    small, large = small_study().trials(), small_study(learners=[learner(Features, width=30_000)]).trials()
    script = small_study(learners=[learner(Features, width=30_000)], targets=small_study().targets).trials()
    object.__setattr__(script[0], "learner", "__main__.Mine")
    for trials, kind in (
        (small, executors.ThreadExecutor),
        (large, executors.ProcessExecutor),
        (script, executors.ThreadExecutor),
    ):
        executor = executors.local_executor("auto", 1, trials)
        executor.close()
        assert type(executor) is kind
    with pytest.raises(
        StudyError, match=r'"__main__\.Mine" is defined in the script that is running.*module of its own'
    ):
        executors.local_executor("processes", 1, script)
    with pytest.raises(ValueError, match="workers='fibres' must be"):
        run_study(small_study(), workers="fibres")


SCRIPT = """
from throwaway import Mean, small_study
from layerwise.studies import LearnerSpec, run_study
class Mine(Mean):
    pass
learners = [LearnerSpec(label="mine", use=Mine), LearnerSpec(label="mean", use=Mean)]
table = run_study(small_study(learners=learners), n_jobs=2, {}).table
print(table["error"].isna().sum())
"""


def test_scripts_need_no_main_guard(tmp_path):
    # catches: processes that run the whole script again; a learner of the script that fails in every trial
    processes = SCRIPT.replace('LearnerSpec(label="mine", use=Mine), ', "").format('workers="processes"')
    for script, rows in ((SCRIPT.format(""), "24"), (processes, "12")):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run([sys.executable, path], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == (rows, "")


def test_blas_threads_are_restored():
    # catches: a user's BLAS left with one thread after a study
    from threadpoolctl import ThreadpoolController

    import layerwise.studies.execution.one_thread as one_thread

    controller = ThreadpoolController()
    with controller.limit(limits=2, user_api="blas"):
        before = [lib["num_threads"] for lib in controller.info() if lib["user_api"] == "blas"]
        seen = []
        trial = small_study().trials()[0]
        with one_thread.one_thread(trial):
            with one_thread.one_thread(trial):
                pass
            seen += [lib["num_threads"] for lib in controller.info() if lib["user_api"] == "blas"]
        after = [lib["num_threads"] for lib in controller.info() if lib["user_api"] == "blas"]
    assert set(seen) == {1}
    assert before == after


def test_importing_studies_is_light():
    # catches: an optional dependency, or one of tables, figures and fits only, imported before it is used
    heavy = ("dask", "distributed", "matplotlib", "pandas", "sklearn", "rich")
    code = f"import layerwise.studies, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WAITING = """
import signal, threading, time
from layerwise.studies.execution.executors import ThreadExecutor

def interrupt(*_):
    raise KeyboardInterrupt

def signal_to_this_thread():
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(600)

signal.signal(signal.SIGTERM, interrupt)
executor = ThreadExecutor(1)
threading.Thread(target=signal_to_this_thread, daemon=True).start()
try:
    executor.next_completed()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals to a thread exist on POSIX only")
def test_a_signal_that_reaches_another_thread_interrupts_the_wait():
    # catches: SIGTERM handled only after the running trial has ended, because it did not end the wait
    done = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, timeout=180)
    assert done.stdout == "interrupted\n"
