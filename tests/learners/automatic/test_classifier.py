"""What `LayerwiseClassifier` predicts and refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks
from skops.io import dump, get_untrusted_types, load

from layerwise import LayerwiseClassifier
from layerwise.learners.automatic.classifier import mixture_weights


@pytest.mark.slow
@parametrize_with_checks([LayerwiseClassifier(20, random_state=0)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def rings(n, seed):
    """Two classes, by the length of the first two inputs."""
    X = np.random.default_rng(seed).standard_normal((n, 5))
    return X, np.where(X[:, 0] ** 2 + X[:, 1] ** 2 > 1.4, "out", "in")


def test_two_classes_beat_logistic_regression(tmp_path):
    """Catches probabilities of other classes, or a model without the features of the regression."""
    (X, y), (X_new, y_new) = rings(300, 0), rings(1000, 1)
    model = LayerwiseClassifier(20, random_state=0).fit(X, y)
    P = model.predict_proba(X_new)
    assert_allclose(P.sum(axis=1), 1)
    assert model.score(X_new, y_new) > 0.93
    linear = LogisticRegression().fit(X, y)
    assert log_loss(y_new, P) < 0.5 * log_loss(y_new, linear.predict_proba(X_new))
    assert len(model.structures_) == 1
    assert model.describe()
    dump(model, tmp_path / "model.skops")
    kept = load(tmp_path / "model.skops", trusted=get_untrusted_types(file=tmp_path / "model.skops"))
    assert np.array_equal(kept.predict_proba(X_new), P)


def test_three_classes_in_a_table_with_text():
    """Catches columns of probabilities in another order than `classes_`."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.standard_normal(240), "b": rng.choice(["u", "v"], 240)})
    y = np.where(table["a"] > 0.5, 7, np.where(table["b"] == "u", 3, 5))
    model = LayerwiseClassifier(20, random_state=0).fit(table, y)
    assert list(model.classes_) == [3, 5, 7]
    assert model.score(table, y) > 0.95
    assert set(model.scores_["model"]) == {"frequencies", "logistic regression", "boosting", "layerwise"}


def test_mixture_weights_equal_a_general_optimiser():
    """Catches EM steps that do not increase the likelihood, or stop early."""
    P = np.random.default_rng(0).uniform(0.05, 1, (3, 500))
    w = mixture_weights(P)

    def loss(t):
        v = np.exp(t) / np.exp(t).sum()
        return -np.mean(np.log(v @ P))

    best = minimize(loss, np.zeros(3))
    assert -np.mean(np.log(w @ P)) < best.fun + 1e-4


def test_refused_targets():
    """Catches one class, or missing classes, accepted."""
    X, _ = rings(20, 0)
    with pytest.raises(ValueError, match="y holds 1 class, 0"):
        LayerwiseClassifier().fit(X, np.zeros(20, dtype=int))
    with pytest.raises(ValueError, match="y contains NaN"):
        LayerwiseClassifier().fit(X, np.array(["a", None] * 10, dtype=object))
