"""Running what is missing gives the same values for any number of workers, after failures, interrupts and kills."""

import math
import random
import signal
import time

import pytest
from children import rows_in, start
from throwaway import Fails, Features, Interrupts, Mean, bits, small_study

from layerwise.studies import LearnerSpec, Outcome, Store, StudyResult, run_study
from layerwise.studies.execution import cost, runner
from layerwise.studies.execution.executors import Executor, WorkersDied

WAIT = random.Random(0)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.sqlite") as store:
        yield store


def test_one_and_two_workers_give_the_same_bits(store):
    # catches: BLAS threads that split sums differently; results matched to the wrong trial; order of completion
    study = small_study(
        n=[1500, 100], learners=[LearnerSpec(label=str(w), use=Features, params={"width": w}) for w in (7, 300)]
    )
    one = run_study(study)
    two = run_study(study, store, n_jobs=2)
    assert bits(one) == bits(two) == bits(StudyResult.from_store(study, store))
    assert len(set(bits(one))) == len(study.trials()) == 24


def test_progress_is_reported_after_the_row_is_stored(store):
    # catches: progress ahead of the store; a resumed count that starts at zero; small trials first
    study = small_study()
    first = study.trials()[0]
    store.add(first, Outcome(0.5, 0.1))
    calls = []
    starts = []

    def callback(done, total, trial, outcome):
        with Store(store.path) as reader:
            assert reader.outcomes([trial.key]) == {trial.key: outcome}
        calls.append((done, total, trial.n))

    run_study(study, store, started=lambda *found: starts.append((*found, len(calls))), callback=callback)
    assert starts == [({first.key: Outcome(0.5, 0.1)}, 18, 0)]  # found, total, before any call
    assert [done for done, _, _ in calls] == list(range(2, 19))
    assert {total for _, total, _ in calls} == {18}
    sizes = [n for _, _, n in calls]
    assert sizes == sorted(sizes, reverse=True)


def ran(study, store, **options):
    """Run a study, and return the trials that were run."""
    trials = []
    run_study(study, store, callback=lambda done, total, trial, outcome: trials.append(trial), **options)
    return trials


def test_again_runs_only_what_is_missing(store):
    # catches: a finished study that starts over; old trials rerun for a new seed or learner
    study = small_study()
    assert len(ran(study, store)) == 18
    before = run_study(study, store).outcomes
    assert ran(study, store, n_jobs=2) == []
    assert {trial.seed for trial in ran(small_study(seeds=4), store)} == {3}
    added = LearnerSpec(label="mean", use=Mean)
    assert {t.learner for t in ran(small_study(learners=[added, *study.learners]), store)} == {"throwaway.Mean"}
    assert run_study(study, store).outcomes == before  # fit_seconds too: no trial was run again


def test_failed_trials_are_rows_and_run_again_only_if_asked(store, monkeypatch):
    # catches: one failure that ends the study; failures retried forever, or never
    study = small_study(
        learners=[LearnerSpec(label="fails", use=Fails, params={"above": 100}), *small_study().learners]
    )
    table = run_study(study, store, n_jobs=2).table
    failed = table[table["error"].notna()]
    assert set(failed["error"]) == {"RuntimeError: cannot learn from 160 rows"}
    assert (failed["learner"] == "fails").all()
    assert len(failed) == 6
    assert failed["risk"].isna().all()
    assert len(table) == 30
    assert ran(study, store) == []
    monkeypatch.setattr(Fails, "broken", False)
    found = []
    assert len(ran(study, store, retry_failed=True, started=lambda *its: found.append(its))) == 6
    assert [(len(outcomes), total) for outcomes, total in found] == [
        (24, 30)
    ]  # the failed trials do not count as found
    assert run_study(study, store).table["error"].isna().all()
    assert ran(study, store, retry_failed=True) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_keeps_what_was_reported(store, n_jobs):
    # catches: an interrupt that is swallowed, or that removes rows
    study = small_study(learners=[*small_study().learners, LearnerSpec(label="stop", use=Interrupts, n=[20])])
    reported = set()
    with pytest.raises(KeyboardInterrupt):  # raised by the smallest trials, which run last
        run_study(study, store, n_jobs=n_jobs, callback=lambda done, total, trial, outcome: reported.add(trial.key))
    assert set(store.outcomes(trial.key for trial in study.trials())) == reported
    assert len(reported) > 0
    assert bits(run_study(small_study(), store)) == bits(run_study(small_study()))


def test_an_error_in_the_callback_is_raised(store):
    # catches: a callback whose exception is swallowed, or that leaves workers running
    def callback(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_study(small_study(), store, n_jobs=2, callback=callback)
    assert len(store.outcomes(trial.key for trial in small_study().trials())) >= 1


def test_n_jobs_as_in_joblib():
    # catches: another meaning of n_jobs
    assert bits(run_study(small_study(), n_jobs=-1)) == bits(run_study(small_study(), n_jobs=None))
    with pytest.raises(ValueError, match="n_jobs"):
        run_study(small_study(), n_jobs=0)


def signal_when(child, number, ready):
    """Send a signal up to 60 ms after `ready()`."""
    while child.poll() is None and not ready():
        time.sleep(0.002)
    time.sleep(WAIT.uniform(0, 0.06))
    child.send_signal(number)


def test_killed_and_resumed_equals_uninterrupted(slow_study):
    # catches: rows lost, doubled or half-written by SIGKILL; a store that cannot be opened after it
    study, toml, path = slow_study
    kills = 0
    for ready in (path.exists, *(lambda goal=goal: rows_in(path) >= goal for goal in (1, 6, 12, 18))):
        child = start(path, toml)
        signal_when(child, signal.SIGKILL, ready)
        kills += child.wait() == -signal.SIGKILL
        child.stderr.close()
    assert kills == 5
    path.with_name("gate").touch()
    child = start(path, toml)
    assert (child.communicate(timeout=180)[1], child.returncode) == ("", 0)
    with Store(path) as store:
        resumed = StudyResult.from_store(study, store)
    assert rows_in(path) == 48
    assert bits(resumed) == bits(run_study(study, n_jobs=4))


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_ctrl_c_stops_at_once_and_quietly(slow_study, workers):
    # catches: Ctrl-C that waits for all trials, is recorded as a failed trial, or prints a library's warnings
    study, toml, path = slow_study
    child = start(path, toml, workers)
    signal_when(child, signal.SIGINT, lambda: rows_in(path) >= 5)
    try:
        errors = child.communicate(timeout=180)[1]
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1
    assert "Warning" not in errors
    assert 5 <= rows_in(path) < 48
    with Store(path) as store:
        assert StudyResult.from_store(study, store).table["error"].isna().all()


class OneWorker(Executor):
    """One worker of two threads, which some sizes n kill, each time with both trials that it holds."""

    def __init__(self, killers):
        super().__init__()
        self.killers = killers
        self.together = []  # sizes that were submitted at the same time
        self.held = []

    def capacity(self):
        return 2

    def submit(self, trial):
        self.held.append(trial)

    def next_completed(self):
        self.together.append({trial.n for trial in self.held})
        died = WorkersDied("KilledWorker: x") if self.killers & self.together[-1] else None
        for trial in self.held:
            self.completed.put((trial, died or Outcome(0.5, 0.1)))
        self.held = []
        return super().next_completed()

    def close(self):
        pass


def test_a_trial_is_blamed_for_a_death_only_if_it_ran_alone():
    # catches: another trial's death blamed on it; a quarantined trial run beside another one, or never again
    study = small_study(learners=[LearnerSpec(label="mean", use=Mean)], dims=[3], n=[10, 20, 30, 40, 50], seeds=1)
    executor = OneWorker({30})
    lists = runner.run_trials(executor, study.trials(), math.inf, cost.Memory())
    found = [pair for pairs in lists for pair in pairs]
    assert sorted(trial.n for trial, _ in found) == [10, 20, 30, 40, 50]
    assert {trial.n: outcome.error for trial, outcome in found if outcome.error} == {30: "KilledWorker: x"}
    assert executor.together == [{10, 20}, {30, 40}, {50}, {30}, {40}]


class Grows(Executor):
    """Four workers whose trials are measured to need twenty times their estimate."""

    def __init__(self):
        super().__init__()
        self.held, self.at_once = [], []

    def capacity(self):
        return 4

    def submit(self, trial):
        self.held.append(trial)

    def next_completed(self):
        self.at_once.append(len(self.held))
        trial = self.held.pop(0)
        return trial, Outcome(0.5, 0.1, peak_bytes=int(20 * cost.peak_bytes(trial)) + cost.PROCESS_GROWTH)

    def close(self):
        pass


def test_measured_memory_corrects_the_estimates():
    # catches: estimates that are too low and never corrected, until the system kills the study
    study = small_study(learners=[LearnerSpec(label="mean", use=Mean)], dims=[3], n=[40], seeds=12)
    executor, budget = Grows(), 45 * cost.peak_bytes(study.trials()[0])
    assert len(list(runner.run_trials(executor, study.trials(), budget, cost.Memory()))) == 12
    assert executor.at_once == [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]
