"""Threads and processes: the same values, as much at once as memory allows, deaths that cost one trial at most."""

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
from layerwise.studies.execution import cost, runner, workers

pytestmark = pytest.mark.slow  # starts processes


def learner(use, **params):
    return LearnerSpec(label=use.__name__.lower(), use=use, params=params)


def test_processes_give_the_bits_of_threads(tmp_path):
    # catches: BLAS threads in a worker process; a risk that passes through text; a target that cannot be pickled
    study = small_study(n=[1500, 100], learners=[learner(Features, width=300)])
    with Store(tmp_path / "study.sqlite") as store:
        result = run_study(study, store, n_jobs=2, workers="processes")
        assert bits(result) == bits(run_study(study, n_jobs=2, workers="threads")) == bits(run_study(study))
        assert bits(run_study(study, store)) == bits(result)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a peak that can be reset")
def test_a_process_tells_the_memory_of_its_trial(tmp_path):
    # catches: the peak of an earlier trial told for a later one; a peak told where trials share a process
    study = small_study(learners=[learner(Mean), learner(Holds, width=200)], n=[20], dims=[3], seeds=2)
    with Store(tmp_path / "study.sqlite") as store:
        run_study(study, store, workers="processes")
        table = run_study(study, store).table
    peaks = table.groupby("learner")["peak_bytes"].max()
    assert peaks["holds"] - peaks["mean"] > 190 * 2**20
    assert run_study(study).table["peak_bytes"].isna().all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_trial_that_ends_its_process_is_tried_again(tmp_path, n_jobs):
    # catches: one killed worker that ends the study, or fails the trial beside it
    study = small_study(learners=[learner(Dies, mark=str(tmp_path / "mark")), learner(Mean)])
    result = run_study(study, n_jobs=n_jobs, workers="processes")
    assert (tmp_path / "mark").exists()
    assert result.table["error"].isna().all()
    assert len(result.table) == 24


def test_a_trial_that_always_ends_its_process_is_a_failed_row(tmp_path):
    # catches: a trial retried for ever; a failure blamed on its neighbours
    study = small_study(learners=[learner(Dies), learner(Features)], dims=[3], n=[40], seeds=2)
    with Store(tmp_path / "study.sqlite") as store:
        table = run_study(study, store, n_jobs=2, workers="processes").table
        assert run_study(study, store).table["error"].notna().sum() == 2
    assert list(table["error"].notna()) == [True, True, False, False]
    assert table["error"][0].startswith("WorkerDied: 3 times. A worker process")
    assert "SIGKILL" in table["error"][0]


def test_a_process_that_dies_while_idle_is_replaced():
    # catches: a trial that is blamed for, or lost to, a process the system ended between two trials
    crew = workers.Processes(1)
    try:
        first, second = small_study(learners=[learner(Mean)], dims=[3], n=[40], seeds=2).trials()
        crew.submit(first)
        crew.arrivals.get(timeout=180)
        psutil.wait_procs([p for p in processes_of(crew) if not p.kill()], timeout=180)
        while not crew._idle[0]._flags.broken:  # until it has been noticed
            time.sleep(0.02)
        crew.submit(second)
        trial, outcome = crew.arrivals.get(timeout=180)
    finally:
        crew.close()
    assert (trial, outcome.error) == (second, None)


def processes_of(crew):
    return [psutil.Process(pid) for executor in crew._idle for pid in executor._processes]


def test_an_interrupt_in_a_process_comes_out():
    # catches: Ctrl-C in a worker recorded as a failed trial, or waited for without end
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[learner(Interrupts)]), n_jobs=2, workers="processes")


def test_ctrl_c_while_a_process_is_started(monkeypatch):
    # catches: joblib broken off midway, perhaps with its lock held, and a process nobody ends: nor does the program
    begin, pids = workers.ProcessPoolExecutor._start_executor_manager_thread, []

    def begin_and_interrupt(executor):
        begin(executor)
        pids.extend(executor._processes)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)

    monkeypatch.setattr(workers.ProcessPoolExecutor, "_start_executor_manager_thread", begin_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(learners=[learner(Features, pause=600)], dims=[3], n=[40]), workers="processes")
    assert len(pids) == 1
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=180)
    assert alive == []


def test_killed_with_processes_leaves_nobody_behind(slow_study):
    # catches: workers that outlive the study and compete with the next run
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
    # catches: large trials started together although the estimate says they do not fit; one too large never started
    study = small_study(learners=[learner(Holds, width=8)], dims=[3], n=[40], seeds=8)
    peak = cost.peak_bytes(study.trials()[0])
    for budget, most in ((0.0, 1), (1.5 * peak, 1), (2.5 * peak, 2), (100 * peak, 3)):
        monkeypatch.setattr(runner, "memory_budget", lambda budget=budget: budget)
        Holds.most = 0
        assert run_study(study, n_jobs=3, workers="threads").table["error"].isna().all()
        assert Holds.most <= most
    assert Holds.most > 1


def test_processes_are_charged_for_themselves(monkeypatch):
    # catches: eight interpreters started where eight trials of a megabyte fit; a process started only to be measured
    study = small_study(learners=[learner(Mean)], dims=[3], n=[40], seeds=4)
    crew = workers.Processes(2)
    try:
        size = crew.resident(study.trials()[0])
        (process,) = processes_of(crew)
        assert size == pytest.approx(process.memory_info().rss, rel=0.2)
    finally:
        crew.close()
    out, busy = set(), []
    submit = workers.Processes.submit

    def counted(crew, trial):
        out.add(trial.key)
        busy.append(len(out))
        submit(crew, trial)

    monkeypatch.setattr(workers.Processes, "submit", counted)
    back = {"callback": lambda done, total, trial, outcome: out.remove(trial.key)}
    for budget, most in ((1.5 * size, 1), (3 * size, 2)):
        monkeypatch.setattr(runner, "memory_budget", lambda budget=budget: budget)
        busy.clear()
        assert run_study(study, n_jobs=2, workers="processes", **back).table["error"].isna().all()
        assert max(busy) == most


def test_large_trials_get_processes():
    # catches: a crash-prone night of large fits in threads; tiny trials that pay for a process; a script's own classes
    small, large = small_study().trials(), small_study(learners=[learner(Features, width=30_000)]).trials()
    script = small_study(learners=[learner(Features, width=30_000)], targets=small_study().targets).trials()
    object.__setattr__(script[0], "learner", "__main__.Mine")
    for trials, kind in ((small, workers.Threads), (large, workers.Processes), (script, workers.Threads)):
        crew = workers.local_workers("auto", 1, trials)
        crew.close()
        assert type(crew) is kind
    with pytest.raises(StudyError, match=r'"__main__\.Mine" is defined in the script.*module of its own'):
        workers.local_workers("processes", 1, script)
    with pytest.raises(ValueError, match="workers='fibres' should be"):
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


def test_scripts_need_no_guard(tmp_path):
    # catches: processes that run the whole script again; a script's own learner that fails in every trial
    processes = SCRIPT.replace('LearnerSpec(label="mine", use=Mine), ', "").format('workers="processes"')
    for script, rows in ((SCRIPT.format(""), "24"), (processes, "12")):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run([sys.executable, path], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == (rows, "")


def test_blas_threads_come_back():
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
    # catches: an extra, or what only tables, figures and fits need, imported before it is used
    heavy = ("dask", "distributed", "matplotlib", "pandas", "sklearn", "rich")
    code = f"import layerwise.studies, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
