"""The same functions of the weights as in the layerwise learners; training in muP, reproducible, with warnings."""

import importlib.util
import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from skops.io import dump, get_untrusted_types, load

from layerwise import learners
from layerwise.activations import as_activation
from layerwise.hermite import HermiteSeries
from layerwise.learners import HierarchicalRegressor, ThreeLayerRegressor, TwoLayerRegressor
from layerwise.learners._head import some_rows
from layerwise.learners.joint.networks import Hierarchical, ThreeLayer, TwoLayer, evaluate

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="joint training needs PyTorch: pip install 'layerwise[torch]'"
)

#: The literal algorithm, as inputs are from N(0, I).
JointRegressor = partial(learners.JointRegressor, standardize=False)
CUBE = HermiteSeries.from_monomials([0, 0, 0, 1])
SMALL = [
    JointRegressor(width=40, max_epochs=30, random_state=0),
    JointRegressor("three-layer", width=40, middle_width=30, max_epochs=30, random_state=0),
    JointRegressor("three-layer", width=40, middle_width=30, activation="relu", max_epochs=30, random_state=0),
    JointRegressor("hierarchical", width=30, link_width=40, max_epochs=30, random_state=0),
]
every_architecture = pytest.mark.parametrize("learner", SMALL, ids=repr)
unsettled = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def table(n=60, d=5, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X[:, 0] ** 2 + X[:, 1] + noise * rng.standard_normal(n)


def two_layer_twin(X, y):
    model = TwoLayerRegressor(40, standardize=False, random_state=0).fit(X, y)
    first = model.first_step_
    weights = {"alpha": np.array(model.intercept_), "beta": model.linear_coef_}
    return model, TwoLayer(40), weights | {"W": first.weights_, "b": first.biases_, "a": model.head_coef_}


def three_layer_twin(X, y, activation):
    model = ThreeLayerRegressor(40, middle_width=30, activation=activation, standardize=False, random_state=0).fit(X, y)
    middle = model.middle_step_
    slopes = np.where(model.biases_ >= 0, model.step_size_ * model.signs_, 0)
    weights = {"alpha": np.array(model.intercept_), "beta": model.linear_coef_, "V": middle.weights_}
    weights |= {"W": np.outer(slopes, middle.moment_ / 30), "b": model.biases_, "a": model.head_coef_}
    return model, ThreeLayer(40, 30, as_activation(activation)), weights


def hierarchical_twin(X, y):
    """z = (g - mean) / scale goes into the link: relu(a z + b) = relu((a / scale) g + b - a mean / scale)."""
    y = np.maximum(y, 1)  # a kink, so that the link is kept
    model = HierarchicalRegressor(3, width=20, activation=CUBE + 0.3, link_width=40, standardize=False, random_state=0)
    model.fit(X, y)
    assert model.feature_coef_.shape == (20,)  # neurons rather than the Hermite basis
    assert model.link_coef_.any()
    layer, a = model.features_, model.link_signs_ / model.feature_scale_
    weights = {"alpha": np.array(model.intercept_), "V": layer.weights_, "s": layer.biases_, "u": model.feature_coef_}
    weights |= {"a": a, "b": model.link_biases_ - a * model.feature_mean_, "c": model.link_coef_}
    return model, Hierarchical(20, 40, as_activation(CUBE + 0.3)), weights


@pytest.mark.parametrize(
    "twin",
    [
        two_layer_twin,
        lambda X, y: three_layer_twin(X, y, "relu"),
        lambda X, y: three_layer_twin(X, y, (0.1, 0.2, 1, 0.5)),
        hierarchical_twin,
    ],
    ids=["two-layer", "three-layer relu", "three-layer polynomial", "hierarchical"],
)
@pytest.mark.parametrize("library", ["numpy", pytest.param("torch", marks=needs_torch)])
def test_the_weights_of_a_layerwise_learner_give_its_predictions(twin, library):
    """Catches a different network under the same name: a factor, a bias or the residual connection missing."""
    X, y = table(400)
    y = y + 0.3 * (X[:, 0] ** 2 + X[:, 1]) ** 2
    model, network, weights = twin(X, y)
    Z = table(50, seed=1)[0]
    if library == "torch":
        torch = pytest.importorskip("torch")
        output = network({k: torch.tensor(v) for k, v in weights.items()}, torch.tensor(Z)).numpy()
    else:
        output = network(weights, Z)
    assert_allclose(output, model.predict(Z), rtol=1e-9, atol=1e-9)
    if isinstance(network, Hierarchical):
        g = network.feature(weights, Z)
        assert_allclose((g - model.feature_mean_) / model.feature_scale_, model.feature(Z), rtol=1e-9, atol=1e-9)


H2 = as_activation((0, 0, 1))


@needs_torch
@pytest.mark.parametrize(
    ("network", "hidden"),
    [
        (TwoLayer, lambda p, X: X @ p["W"].T + p["b"]),
        (lambda m: ThreeLayer(m, m, H2), lambda p, X: evaluate(H2, X @ p["V"].T) @ p["W"].T + p["b"]),
        (lambda m: Hierarchical(m, m, H2), lambda p, X: X @ p["V"].T + p["s"]),
        (lambda m: Hierarchical(m, m, H2), Hierarchical(1, 1, H2).feature),
    ],
    ids=["two-layer", "three-layer", "hierarchical V", "hierarchical g"],
)
def test_features_and_outputs_change_equally_at_all_widths(network, hidden):
    """Catches a learning rate without its factor 1/width: over these widths the change would vary 4- to 16-fold."""
    import torch

    from layerwise.learners.joint.adam import Adam

    X, y = (torch.tensor(a, dtype=torch.float32) for a in table(320, 8, noise=0))
    moved = []
    for width in (128, 512, 2048):
        model = Adam(network(width), network(width).parameters(8, np.random.RandomState(0)))
        with torch.no_grad():
            before = [layer(model.weights, X) for layer in (hidden, model.network)]
        model.one_epoch(X, (y - y.mean()) / y.std(), 0.2, 64, torch.Generator().manual_seed(0))
        with torch.no_grad():
            after = [layer(model.weights, X) for layer in (hidden, model.network)]
        moved.append([(a - b).square().mean().sqrt().item() for a, b in zip(after, before, strict=True)])
    smallest, largest = np.min(moved, axis=0), np.max(moved, axis=0)
    assert np.all(smallest > 0.2), moved
    assert np.all(largest < 1.5 * smallest), moved


@needs_torch
def test_the_best_epoch_is_kept():
    """Catches the last weights instead of the best, or the validation loss of other rows or other units."""
    X, y = table(200, noise=2)
    model = JointRegressor(width=200, patience=5, random_state=0).fit(X, 100 * y)
    rng = np.random.RandomState(0)
    model.network_.parameters(5, rng)
    held_out = some_rows(model.validation, 200, rng)
    losses = [line["validation_loss"] for line in model.history_]
    assert np.argmin(losses) == model.n_iter_ - 1 - 5
    assert held_out.sum() == 20
    assert_allclose(np.mean((model.predict(X[held_out]) - 100 * y[held_out]) ** 2), min(losses), rtol=1e-4)
    rates = [line["learning_rate"] for line in model.history_]
    assert_allclose(rates, 0.2 * np.cos(np.pi * np.arange(len(rates)) / (2 * 100)) ** 2)


@needs_torch
@unsettled
def test_only_random_state_determines_the_weights():
    """Catches the global generators used or advanced."""
    import torch

    X, y = table(300)
    torch.manual_seed(3)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one = clone(SMALL[0]).fit(X, y).predict(X)
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002
    torch.manual_seed(4)
    assert np.array_equal(one, clone(SMALL[0]).fit(X, y).predict(X))
    assert not np.array_equal(one, clone(SMALL[0]).set_params(random_state=1).fit(X, y).predict(X))


@needs_torch
@unsettled
@every_architecture
def test_concurrent_fits_are_the_same_bit_for_bit(learner):
    """Catches state shared between fits."""
    X, y = table(500)
    seeds = range(4)

    def fit(seed):
        return clone(learner).set_params(random_state=seed, max_epochs=8).fit(X, y).predict(X)

    alone = [fit(seed) for seed in seeds]
    with ThreadPoolExecutor(2) as pool:
        assert all(np.array_equal(a, b) for a, b in zip(alone, pool.map(fit, seeds), strict=True))


@needs_torch
def test_training_uses_one_thread(monkeypatch):
    """Catches a limit that PyTorch ignores, or that a new thread does not inherit."""
    import torch

    from layerwise.learners.joint.adam import Adam

    seen, one_epoch = [], Adam.one_epoch

    def spy(*args):
        seen.append(torch.get_num_threads())
        return one_epoch(*args)

    monkeypatch.setattr(Adam, "one_epoch", spy)
    X, y = table()
    learner = JointRegressor(width=10, max_epochs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        before = torch.get_num_threads()
        learner.fit(X, y)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(clone(learner).fit, X, y).result()
    assert seen == [1, 1]
    assert torch.get_num_threads() == before


@needs_torch
@unsettled
@every_architecture
def test_learns_what_no_linear_model_can(learner):
    X, y = table(2000, noise=0)
    Z, target = table(2000, seed=1, noise=0)
    y, target = (y - X[:, 1]) ** 2 / 3, (target - Z[:, 1]) ** 2 / 3
    assert clone(learner).set_params(max_epochs=60).fit(X, y).score(Z, target) > 0.95


@needs_torch
def test_a_batch_with_very_large_labels_changes_the_weights_like_any_other():
    """Plain Adam, whose averages such a batch dominates: features of heavy-tailed targets are then not learnt."""
    import torch

    from layerwise.learners.joint.adam import Adam

    moved = []
    for factors in ([1, 1, 1], [1, 1e9, 1e-9]):
        network = TwoLayer(20)
        model = Adam(network, network.parameters(3, np.random.RandomState(0)))
        for factor in factors:
            model.step(factor * torch.linspace(-1, 2, len(model.vector)), 0.1)
        moved.append(model.vector.numpy())
    assert_allclose(moved[0], moved[1], rtol=1e-5, atol=1e-6)


@needs_torch
@unsettled
def test_the_feature_is_the_hidden_polynomial():
    rng = np.random.default_rng(0)
    X, Z = rng.standard_normal((4000, 8)), rng.standard_normal((4000, 8))

    def p(X):
        return (X**2 - 1) @ np.resize([1, -1], 8) / 4

    model = JointRegressor("hierarchical", width=64, link_width=100, max_epochs=30, random_state=0)
    model.fit(X, p(X) + 0.5 * (p(X) ** 3 - 3 * p(X)))
    assert abs(np.corrcoef(model.feature(Z), p(Z))[0, 1]) > 0.98


@needs_torch
@unsettled
@parametrize_with_checks([clone(learner).set_params(max_epochs=20) for learner in SMALL])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@needs_torch
@unsettled
@every_architecture
def test_tables_of_all_kinds(learner):
    """Few rows, duplicated or constant columns, constant and integer labels, other units."""
    for n, d in [(2, 1), (4, 2), (12, 30)]:
        X, y = table(n, d + 1)
        assert np.all(np.isfinite(clone(learner).fit(X, y).predict(X)))
    X, y = table()
    wide = np.hstack([X, X[:, :2], np.ones((60, 1)), np.zeros((60, 1))])
    assert np.all(np.isfinite(clone(learner).fit(wide, y).predict(wide)))
    for value in (3.5, 0.0, -1e6):
        assert_allclose(clone(learner).fit(X, np.full(60, value)).predict(X), value, rtol=1e-9)
    base = clone(learner).fit(X, y).predict(X)
    assert np.array_equal(clone(learner).fit(X, 2.0**30 * y).predict(X), 2.0**30 * base)
    integers = np.round(5 * y).astype(int)
    assert_allclose(clone(learner).fit(X, integers).predict(X), clone(learner).fit(X, integers * 1.0).predict(X))
    X32, y32 = X.astype(np.float32), y.astype(np.float32)
    single = clone(learner).fit(X32, y32).predict(X32)
    assert single.dtype == np.float32
    assert np.corrcoef(single, base)[0, 1] > 0.99
    scaled = clone(learner).fit(X32, 1e25 * y32).predict(X32)
    assert_allclose(scaled / 1e25, single, rtol=0.05, atol=0.05)


@needs_torch
def test_warns_if_training_ended_early():
    X, y = table(2000, noise=0)
    with pytest.warns(ConvergenceWarning, match="max_epochs=2 epochs ended while"):
        JointRegressor(width=10, max_epochs=2, random_state=0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="learning_rate=1e\\+30; the weights of epoch 0 are kept"):
        model = JointRegressor(width=10, learning_rate=1e30, random_state=0).fit(X, y)
    assert np.all(np.isfinite(model.predict(X)))
    assert model.history_ == []
    learner = JointRegressor("hierarchical", width=10, link_width=10, max_epochs=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="far above that of the mean of y, .*Pass standardize=True"):
        learner.fit(X[:200] + 1000, y[:200])


@needs_torch
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_labels_whose_squares_overflow_or_underflow_are_refused(scale):
    """Catches infinite predictions, or a constant, without an error."""
    X, y = table()
    with pytest.raises(ValueError, match=r"squares overflow or underflow float64; .* Divide y"):
        JointRegressor(width=10).fit(X, scale * y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"architecture": "four-layer"}, "architecture='four-layer' must be one of 'two-layer'"),
        ({"width": 0}, "width=0 must be an integer >= 1"),
        ({"batch_size": 0}, "batch_size=0 must be an integer >= 1"),
        ({"max_epochs": 0}, "max_epochs=0 must be an integer >= 1"),
        ({"patience": 0}, "patience=0 must be None or an integer >= 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be a finite number > 0. Pass e.g. learning_rate"),
        ({"learning_rate": np.nan}, "learning_rate=nan must be"),
        ({"learning_rate": np.inf}, "learning_rate=inf must be"),
        ({"validation": np.nan}, "validation=nan must be"),
        ({"activation": "relu"}, "activation='relu' must be None for architecture='two-layer'.* Leave it out"),
        ({"validation": "loo"}, "validation='loo' must be a fraction strictly between 0 and 1"),
        ({"validation": 1.0}, "strictly between 0 and 1"),
        ({"architecture": "hierarchical", "activation": "relu"}, "must be a polynomial. Pass"),
        ({"architecture": "three-layer", "activation": "tanh"}, "must be a polynomial, or ReLU. Pass"),
        ({"architecture": "three-layer", "activation": (1.0, 0.0)}, "is constant"),
        ({"max_memory": 0}, "max_memory=0 must be a number of bytes > 0"),
        (
            {"width": 10**9},
            r"width=1000000000.* n_features=5 needs .* GiB, .* Lower the widths or batch_size",
        ),
        ({"architecture": "three-layer", "middle_width": 10**9}, "middle_width=1000000000.* needs 5e.04 GiB"),
        ({"architecture": "hierarchical", "link_width": 10**9}, "link_width=1000000000.* needs 1.* GiB"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    with pytest.raises(ValueError, match=message):
        JointRegressor(**params).fit(*table())


@pytest.mark.parametrize(
    "network",
    [TwoLayer(7), ThreeLayer(7, 3, as_activation(CUBE)), Hierarchical(7, 4, as_activation(CUBE))],
    ids=lambda network: type(network).__name__,
)
def test_weights_are_counted_before_they_are_drawn(network):
    """Catches a parameter missing in the memory budget."""
    parameters = network.parameters(5, np.random.RandomState(0)).values()
    assert network.n_parameters(5) == sum(parameter.start.size for parameter in parameters)


def test_batches_count_in_the_memory():
    """Catches a budget that counts only weights: 4.5e4 rows at once, 1000 neurons each."""
    X, y = table(n=50_000, d=2)
    with pytest.raises(ValueError, match=r"batch_size=45000.* needs"):
        JointRegressor(batch_size=45_000, max_memory=2**28).fit(X, y)


def test_memory_bytes_is_the_documented_sum():
    """A term of the formula missing: 52 bytes per weight, 4 per entry of X, 16 per neuron and row of a batch."""
    learner = JointRegressor(width=30, batch_size=50, validation=0.5)
    assert learner.memory_bytes(60, 4) == 52 * (30 * 6 + 5) + 4 * 50 * 4 * 30 + 4 * 60 * 4


def test_the_feature_belongs_to_hierarchical_only():
    assert hasattr(JointRegressor("hierarchical"), "feature")
    assert not hasattr(JointRegressor("two-layer"), "feature")


def test_importing_the_learners_does_not_import_torch():
    code = "import sys, layerwise.learners; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "layerwise.learners.joint.adam", raising=False)


def test_without_torch_fit_names_the_extra(monkeypatch):
    without_torch(monkeypatch)
    with pytest.raises(ImportError, match=r"pip install 'layerwise\[torch\]'"):
        JointRegressor().fit(*table())


@needs_torch
@unsettled
@every_architecture
def test_a_fitted_network_predicts_without_torch(learner, monkeypatch, tmp_path):
    """Catches tensors or modules kept in the estimator; attributes that skops cannot keep."""
    X, y = table()
    model = clone(learner).fit(X, y)
    stored, expected = pickle.dumps(model), model.predict(X)
    dump(model, tmp_path / "model.skops")
    without_torch(monkeypatch)
    assert np.array_equal(pickle.loads(stored).predict(X), expected)
    saved = load(tmp_path / "model.skops", trusted=get_untrusted_types(file=tmp_path / "model.skops"))
    assert np.array_equal(saved.predict(X), expected)
