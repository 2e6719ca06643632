"""A learner and a kernel of one's own: each takes its file, its test and at most one line elsewhere."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import check_estimator
from typer.testing import CliRunner

from layerwise import learners
from layerwise.cli import app
from layerwise.kernels import DotProductKernel
from layerwise.studies import LearnerSpec, Study, TargetSpec, run_study

#: The file of a new learner.
TOY_LEARNER = '''
import numpy as np

from layerwise._validation import Flag, Memory
from layerwise.learners import Learner


class ToyRegressor(Learner):
    """Least squares with an optional intercept."""

    constraints = {"intercept": Flag(), "max_memory": Memory()}
    presets = {"toy": {}}

    def __init__(self, *, intercept=True, max_memory=2**30, random_state=None):
        self.intercept = intercept
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        X, y = self._check_fit(X, y, "Use fewer rows")
        shift = X.mean(axis=0) if self.intercept else np.zeros(X.shape[1])
        self.mean_ = y.mean() if self.intercept else 0.0
        self.coef_ = np.linalg.lstsq(X - shift, y - self.mean_, rcond=None)[0]
        self.mean_ = self.mean_ - shift @ self.coef_
        return self

    def predict(self, X):
        return self._check_inputs(X) @ self.coef_ + self.mean_

    def memory_bytes(self, n_samples, n_features):
        return 8 * 3 * n_samples * n_features
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The learner in a module of its own, registered as the line in ``layerwise/learners/__init__.py`` does it."""
    (tmp_path / "toy_learner.py").write_text(TOY_LEARNER)
    monkeypatch.syspath_prepend(tmp_path)
    from toy_learner import ToyRegressor

    monkeypatch.setattr(learners, "ToyRegressor", ToyRegressor, raising=False)
    return ToyRegressor


def test_a_toy_learner_takes_its_file_and_one_line(toy, tmp_path):
    """Catches another place that enumerates learners, or requires more of them than the base class."""
    assert toy in learners.all_learners()
    check_estimator(toy())
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    table = pd.DataFrame(X, columns=list("abc")).assign(y=X @ [1.0, 2.0, 0.0] + 0.1 * rng.standard_normal(80))
    table.to_csv(tmp_path / "table.csv", index=False)
    result = CliRunner().invoke(app, ["fit", str(tmp_path / "table.csv"), "--target", "y", "--learner", "toy"])
    assert result.exit_code == 0
    assert "toy" in result.output
    with pytest.raises(ValueError, match=r"intercept='yes' must be True or False"):
        toy(intercept="yes").fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"ToyRegressor\(max_memory=10\) on n_samples=80 .* needs .*Use fewer rows"):
        toy(max_memory=10).fit(X, X[:, 0])
    assert toy().fit(X, X[:, 0]).describe() == []


@pytest.mark.parametrize("use", ["ToyRegressor", "toy_learner.ToyRegressor"])
def test_a_toy_learner_runs_in_a_study(toy, use):
    """Catches a study that accepts only the learners of this package."""
    study = Study(
        name="toy",
        targets=[TargetSpec(label="t", use="SingleIndex", params={"link": [0.0, 1.0]})],
        learners=[LearnerSpec(label="toy", use=use, params={"intercept": True})],
        dims=[4],
        n=[50],
        seeds=1,
        n_test=200,
    )
    assert run_study(study).table["risk"].max() < 1e-12


class ToyKernel(DotProductKernel):
    """``exp(x.z / d)``."""

    bias = 0.0

    def values(self, s, s_xx, s_zz):
        return np.exp(s)


class SquaredExponential:
    """A kernel that is not a function of inner products, by scikit-learn."""

    def __call__(self, X, Z=None):
        return RBF(1.5)(X, Z)

    def dot(self, X, Z, alpha):
        return self(X, Z) @ alpha


@pytest.mark.parametrize("kernel", [ToyKernel(), SquaredExponential()], ids=["dot product", "any"])
def test_a_toy_kernel_takes_its_class_only(kernel):
    """Catches a learner that accepts only the kernels of this package."""
    rng = np.random.default_rng(0)
    X, X_new = rng.standard_normal((60, 3)), rng.standard_normal((20, 3))
    y = np.sin(X[:, 0])
    model = learners.KernelRegressor(kernel, penalty=0.05, standardize=False).fit(X, y)
    reference = KernelRidge(kernel="precomputed", alpha=60 * 0.05 / 2).fit(kernel(X), y - y.mean())
    assert_allclose(model.predict(X_new), reference.predict(kernel(X_new, X)) + y.mean(), rtol=1e-8)
