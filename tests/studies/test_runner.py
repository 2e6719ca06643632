"""Running: what is missing, with any number of workers, through failures and kills, to the same values."""

import math
import random
import signal
import threading
import time
from queue import SimpleQueue

import pytest
from children import rows_in, start
from throwaway import Fails, Features, Interrupts, Mean, bits, small_study

from layerwise.studies import LearnerSpec, Outcome, Store, StudyResult, run_study
from layerwise.studies.execution import cost, runner
from layerwise.studies.execution.workers import Workers, WorkersDied

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
    # catches: progress ahead of the store; a resumed bar that starts at zero; small trials first
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
    """Run, and return the trials that were really run."""
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
    assert run_study(study, store).outcomes == before  # fit_seconds too: nothing was measured again


def test_failed_trials_are_rows_and_run_again_only_if_asked(store, monkeypatch):
    # catches: one failure that ends the study; failures retried for ever, or never
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
    assert [(len(outcomes), total) for outcomes, total in found] == [(24, 30)]  # what is run again was not found
    assert run_study(study, store).table["error"].isna().all()
    assert ran(study, store, retry_failed=True) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_keeps_what_was_reported(store, n_jobs):
    # catches: an interrupt that is swallowed, or that takes rows back
    study = small_study(learners=[*small_study().learners, LearnerSpec(label="stop", use=Interrupts, n=[20])])
    reported = set()
    with pytest.raises(KeyboardInterrupt):  # by the smallest trials, which run last
        run_study(study, store, n_jobs=n_jobs, callback=lambda done, total, trial, outcome: reported.add(trial.key))
    assert set(store.outcomes(trial.key for trial in study.trials())) == reported
    assert len(reported) > 0
    assert bits(run_study(small_study(), store)) == bits(run_study(small_study()))


def test_an_error_in_the_callback_comes_out(store):
    # catches: a callback whose failure is hidden, or that leaves workers behind
    def callback(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_study(small_study(), store, n_jobs=2, callback=callback)
    assert len(store.outcomes(trial.key for trial in small_study().trials())) >= 1


def test_n_jobs_as_joblib_has_it():
    # catches: our own idea of n_jobs
    assert bits(run_study(small_study(), n_jobs=-1)) == bits(run_study(small_study(), n_jobs=None))
    with pytest.raises(ValueError, match="n_jobs"):
        run_study(small_study(), n_jobs=0)


def signal_when(child, number, ready):
    """Send a signal soon after `ready()`."""
    while child.poll() is None and not ready():
        time.sleep(0.002)
    time.sleep(WAIT.uniform(0, 0.06))
    child.send_signal(number)


def test_killed_and_resumed_is_uninterrupted(slow_study):
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
    # catches: Ctrl-C that waits for all trials, is taken for a failed trial, or prints a library's warnings
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


class OneWorker(Workers):
    """A worker of two threads that dies under some sizes n, each time with all that it holds."""

    def __init__(self, killers):
        self.arrivals, self.killers = SimpleQueue(), killers
        self.together = []  # sizes that were out at once
        self.held = []

    def window(self):
        return 2

    def submit(self, trial):
        self.held.append(trial)
        threading.Timer(0.02, self.work, [list(self.held)]).start()

    def work(self, held):
        if held != self.held:  # another one has come meanwhile
            return
        self.together.append({trial.n for trial in held})
        died = WorkersDied("KilledWorker: x") if self.killers & self.together[-1] else None
        self.held = []
        for trial in held:
            self.arrivals.put((trial, died or Outcome(0.5, 0.1)))


def test_a_trial_is_blamed_for_a_death_only_when_it_was_alone():
    # catches: a neighbour's death taken for its own; a suspect run beside another one, or never again
    study = small_study(learners=[LearnerSpec(label="mean", use=Mean)], dims=[3], n=[10, 20, 30, 40, 50], seeds=1)
    crew = OneWorker({30})
    found = [pair for some in runner._arriving(crew, study.trials(), math.inf, cost.Memory()) for pair in some]
    assert sorted(trial.n for trial, _ in found) == [10, 20, 30, 40, 50]
    assert {trial.n: outcome.error for trial, outcome in found if outcome.error} == {30: "KilledWorker: x"}
    assert crew.together == [{10, 20}, {30, 40}, {50}, {30}, {40}]


class Grows(Workers):
    """Four workers whose trials take twenty times their estimate, and say so."""

    def __init__(self):
        self.arrivals, self.held, self.at_once = SimpleQueue(), [], []

    def window(self):
        return 4

    def submit(self, trial):
        self.held.append(trial)

    def next_arrival(self):
        self.at_once.append(len(self.held))
        trial = self.held.pop(0)
        return trial, Outcome(0.5, 0.1, peak_bytes=int(20 * cost.peak_bytes(trial)) + cost.NOISE)


def test_what_trials_were_seen_to_hold_counts():
    # catches: estimates that are too low believed all night, until the system kills what runs
    study = small_study(learners=[LearnerSpec(label="mean", use=Mean)], dims=[3], n=[40], seeds=12)
    crew, budget = Grows(), 45 * cost.peak_bytes(study.trials()[0])
    assert len(list(runner._arriving(crew, study.trials(), budget, cost.Memory()))) == 12
    assert crew.at_once == [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]
