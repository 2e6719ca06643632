"""A trial's randomness is derived from its definition; an exception is its outcome."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import throwaway
from throwaway import Fails, Features, Interrupts, Mean, PredictsNaN, Quadratic, small_study

from layerwise.studies import LearnerSpec, Store, TargetSpec, run, run_study


def trial_of(use=Mean, **changes):
    study = small_study(learners=[LearnerSpec(label="a", use=use)], dims=[3], n=[40], seeds=1)
    return replace(study.trials()[0], **changes)


def seen(*trials):
    """Training data, seed and test data of each trial's learner."""
    views = []
    for trial in trials:
        throwaway.CALLS.clear()
        assert run(replace(trial, learner="throwaway.Witness")).error is None
        (_, (X, y, seed)), (_, X_test) = throwaway.CALLS
        views.append({"train": (X, y), "seed": seed, "test": X_test})
    return views


def test_learners_of_a_cell_share_data_and_not_seeds():
    # catches: learners compared on different samples; learners that share random numbers
    one, other = seen(trial_of(), trial_of(learner_params={"mark": 1}))
    assert one["train"] == other["train"]
    assert one["test"] == other["test"]
    assert one["seed"] != other["seed"]
    assert 0 <= one["seed"] < 2**31


@pytest.mark.parametrize(
    ("change", "same_test"),
    [
        ({"seed": 1}, False),
        ({"random_state": 1}, False),
        ({"target_params": {"slope": 2.0}}, False),
        ({"inputs_params": {"scale": 2.0}}, False),
        ({"noise": 0.25}, True),
        ({"noise_distribution": "rademacher"}, True),
        ({"n": 41}, True),
    ],
)
def test_on_what_the_data_depend(change, same_test):
    # catches: seeds that repeat the data; a test set that changes with n or the noise
    one, other = seen(trial_of(), trial_of(**change))
    assert one["train"] != other["train"]
    assert (one["test"] == other["test"]) == same_test
    assert one["seed"] != other["seed"]


def test_the_target_does_not_change_with_n():
    # catches: another random target for every n, which adds noise to every curve
    small, large = seen(trial_of(noise=0.0, n=40), trial_of(noise=0.0, n=80))
    directions = []
    for view in (small, large):
        X, y = (np.frombuffer(part) for part in view["train"])
        X = X.reshape(-1, 3)
        quadratic = np.stack([X[:, i] * X[:, j] for i in range(3) for j in range(i, 3)], axis=1)
        directions.append(np.linalg.lstsq(np.hstack([X, quadratic]), y, rcond=None)[0][:3])
    np.testing.assert_allclose(directions[0], directions[1], rtol=1e-9)


def test_a_given_random_state_is_kept():
    # catches: a given random_state overwritten by the derived one
    (view,) = seen(trial_of(learner_params={"random_state": 7}))
    assert view["seed"] == 7


def test_keys_are_stable_and_complete():
    # catches: a key that changes between processes or versions, or omits a field
    trial = trial_of()
    assert trial.key == "00fff675005cad7fc3cccd9710f0ca9b859cc778e4227b37b3b5c0fbc4df1622"
    fields = {"n": 41, "dim": 4, "seed": 1, "noise": 1.0, "n_test": 501, "random_state": 1}
    fields |= {"learner": "x", "target": "x", "inputs": "x", "noise_distribution": "rademacher"}
    fields |= {name: {"a": 1} for name in ("learner_params", "target_params", "inputs_params")}
    assert set(fields) == set(trial.__dataclass_fields__)
    keys = {replace(trial, **{name: value}).key for name, value in fields.items()} | {trial.key}
    assert len(keys) == len(fields) + 1


def test_risk_is_excess_error_over_variance():
    # catches: risk against noisy labels, or without the normalisation,
    # or test rows lost between blocks. Best constant: 1. Best linear function of z + z^2: Var(z^2) / 3 = 2/3.
    # The squared errors have standard deviations 10.7 and 7.5, over 3 and sqrt(40,000): six standard errors each.
    trial = trial_of(n=20_000, n_test=40_000, noise=2.0)
    outcome = run(trial)
    assert outcome.risk == pytest.approx(1.0, abs=0.11)
    assert outcome.fit_seconds > 0
    linear = run(replace(trial, learner="sklearn.linear_model.LinearRegression"))
    assert linear.risk == pytest.approx(2 / 3, abs=0.08)


@pytest.mark.parametrize(
    ("trial", "error"),
    [
        (trial_of(Fails), "RuntimeError: cannot learn from 40 rows"),
        (trial_of(PredictsNaN), "FloatingPointError: the predictions give a risk of nan"),
        (trial_of(target_params={"slope": "steep"}), "TypeError: "),
        (trial_of(target_params={"slope": math.nan}), "ValueError: "),
        (trial_of(learner="throwaway.Gone"), 'StudyError: throwaway has no "Gone"'),
    ],
)
def test_failures_are_outcomes(trial, error):
    # catches: one failing trial that ends the study, or a NaN reported as a result
    outcome = run(trial)
    assert math.isnan(outcome.risk)
    assert outcome.error.startswith(error)


class Predicts(Mean):
    def __init__(self, kind="column"):
        self.kind = kind

    def predict(self, X):
        kinds = {
            "scalar": self.mean_,
            "one": [self.mean_],
            "pairs": np.full((len(X), 2), self.mean_),
            "row": np.full((1, len(X)), self.mean_),
            "column": np.full((len(X), 1), self.mean_),
        }
        return kinds[self.kind]


@pytest.mark.parametrize(
    ("kind", "shape"), [("scalar", "()"), ("one", "(1,)"), ("pairs", "(500, 2)"), ("row", "(1, 500)")]
)
def test_predictions_of_a_wrong_shape_are_a_failure(kind, shape):
    # catches: one number broadcast over all test rows, and the risk of the mean reported
    error = run(trial_of(Predicts, learner_params={"kind": kind})).error
    assert error == f"ValueError: predict returned an array of shape {shape} for 500 rows; it must have shape (500,)."
    column = run(trial_of(Predicts, learner_params={"kind": "column"}))
    assert column.risk == run(trial_of(Mean)).risk


class Returns(Quadratic):
    """A target whose sample has a fault."""

    def __init__(self, dim, fault="none", random_state=None):
        super().__init__(dim, random_state=random_state)
        self.fault = fault

    def sample(self, n, **options):
        X, y = super().sample(n, **options)
        faults = {
            "none": (X, y),
            "nan": (X, np.where(np.arange(n) == n - 1, np.nan, y)),
            "column": (X, y[:, None]),
            "short": (X[1:], y[1:]),
            "list": (X, y.tolist()),
            "objects": (X, y.astype(object)),
            "transposed": (X.T, y),
        }
        return faults[self.fault]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("nan", "ValueError: {}y with NaN or infinite entries; they must be finite."),
        ("column", "ValueError: {}y of shape (500, 1); it must have shape (500,)."),
        ("short", "ValueError: {}X of shape (499, 3); it must have shape (500, 3)."),
        ("list", "TypeError: {}y as list; it must be a real NumPy array of shape (500,)."),
        ("objects", "TypeError: {}y as array of object; it must be a real NumPy array of shape (500,)."),
        ("transposed", "ValueError: {}X of shape (3, 500); it must have shape (500, 3)."),
    ],
)
def test_a_faulty_sample_is_blamed_on_its_target(fault, error):
    # catches: an error of the learner, or of broadcasting, for a fault of the target; a risk computed from it
    path = f"{__name__}.Returns"
    trial = trial_of(target=path)
    assert run(replace(trial, target_params={"fault": fault})).error == error.format(f"{path}.sample(500) returned ")
    assert run(trial).error is None


def test_the_seconds_of_a_whole_trial():
    # catches: the time of the target, or of a failed trial, left out of the time that remains
    outcome = run(trial_of(Mean, target=f"{__name__}.Slow"))
    assert outcome.seconds - outcome.fit_seconds > 0.1
    assert run(trial_of(Fails, target=f"{__name__}.Slow")).seconds > 0.1


class Slow(Quadratic):
    def sample(self, n, **options):
        time.sleep(0.06)
        return super().sample(n, **options)


class Exits(Mean):
    def fit(self, X, y):
        raise SystemExit("no licence \udce9")


def test_a_learner_that_exits_is_a_failure_that_can_be_stored(tmp_path):
    # catches: sys.exit in a learner that ends the study; a message with a surrogate, which SQLite refuses
    with Store(tmp_path / "study.sqlite") as store:
        table = run_study(small_study(learners=[LearnerSpec(label="a", use=Exits)], dims=[3]), store).table
    assert set(table["error"]) == {"SystemExit: no licence \\udce9"}


def test_interrupts_propagate():
    # catches: Ctrl-C recorded as a failed trial
    with pytest.raises(KeyboardInterrupt):
        run(trial_of(Interrupts))


def test_values_do_not_depend_on_the_rest_of_the_study():
    # catches: seeds derived from positions, so that a new learner or size or another order changes old values
    def risks(study):
        table = run_study(study).table
        return {tuple(row[:5]): row.risk for row in table.itertuples(index=False)}

    before = risks(small_study())
    more = small_study(
        targets=[TargetSpec(label="steep", use=Quadratic, params={"slope": 3.0}), *small_study().targets],
        learners=[LearnerSpec(label="new", use=Features), *reversed(small_study().learners)],
        n=[160, 80, 40],
        dims=[5, 3],
        seeds=4,
    )
    after = risks(more)
    assert len(before) == 18
    assert {cell: after[cell] for cell in before} == before
