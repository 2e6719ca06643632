import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerwise.hermite import design_matrix
from layerwise.representations import HermiteFeatures, RandomFeatures
from layerwise.solvers import gram

REPRESENTATIONS = [
    HermiteFeatures(2),
    RandomFeatures(30, random_state=0),
    RandomFeatures(30, activation="indicator", random_state=1),
]
ids = [f"{type(r).__name__}-{getattr(r, 'activation', '')}" for r in REPRESENTATIONS]


def inputs(n=200, d=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("representation", REPRESENTATIONS, ids=ids)
def test_second_moment_is_one_above_the_floor(representation):
    """Catches a covariance in place of the second moment, the root of Sigma in place of its inverse, or a factor n."""
    X = inputs(2000)
    plain = representation.set_params(whiten=False).fit(X).transform(X)
    white = representation.set_params(whiten=True).fit(X)
    H = white.transform(X)
    s = np.linalg.eigvalsh(plain.T @ plain / len(X)) / np.linalg.norm(plain.T @ plain / len(X), 2)
    floor = (plain.shape[1] / len(X)) ** 2 * s.mean()
    floor = floor if isinstance(representation, HermiteFeatures) else max(floor, 1e-3)
    expected = np.where(s > 1e-6, np.minimum(1, s / floor), 0)
    assert isinstance(representation, HermiteFeatures) == bool(np.all(expected == 1))
    assert_allclose(np.linalg.eigvalsh(H.T @ H / len(X)), expected, atol=1e-8)
    assert_allclose(H, plain @ white.whitening_, rtol=1e-10, atol=1e-10)
    assert_allclose(white.whitening_, white.whitening_.T, atol=1e-10)


@pytest.mark.parametrize("whiten", [False, True])
def test_the_constant_can_be_left_out(whiten):
    """Another column than the constant left out, or a width that counts it."""
    X = inputs()
    without = HermiteFeatures(2, whiten=whiten, constant=False).fit(X)
    g = HermiteFeatures(2).fit(X).transform(X)[:, 1:]
    assert_allclose(without.transform(X), g @ without.whitening_ if whiten else g)
    assert len(without.get_feature_names_out()) == 14
    with pytest.raises(ValueError, match="degree=0 must be an integer >= 1"):
        HermiteFeatures(0, constant=False).fit(X)


def test_streaming_is_the_whole_array(monkeypatch):
    """Catches rows lost or counted twice between blocks, by whitening in blocks of 7 rows."""
    X = inputs()
    whole = HermiteFeatures(2, whiten=True).fit(X).whitening_
    init = gram.FeatureBlocks.__init__

    def small(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self.block_rows = 7

    monkeypatch.setattr(gram.FeatureBlocks, "__init__", small)
    assert_allclose(HermiteFeatures(2, whiten=True).fit(X).whitening_, whole, rtol=1e-9, atol=1e-12)


def test_directions_without_information_are_dropped():
    """Catches amplified null directions, which exist for fewer rows than features or a duplicated column."""
    X = inputs(20)
    H = HermiteFeatures(3, whiten=True).fit_transform(X)  # 35 features
    values = np.linalg.eigvalsh(H.T @ H / 20)
    assert_allclose(values[:15], 0, atol=1e-8)
    assert np.all(values[15:] > 1e-3)
    X = inputs()
    H = HermiteFeatures(1, whiten=True).fit_transform(np.hstack([X, X[:, :1]]))
    assert_allclose(np.linalg.eigvalsh(H.T @ H / 200), [0, 1, 1, 1, 1, 1], atol=1e-8)


def test_the_threshold_below_which_directions_are_dropped():
    """Catches a threshold other than 1e-6: columns that differ by 1e-4 or 4e-3 have eigenvalues of 2.5e-9 or 4e-6."""
    x, e = inputs(4000, 2).T
    for size, rank in ((1e-4, 1), (4e-3, 2)):
        H = HermiteFeatures(1, whiten=True).fit_transform(np.column_stack([x, x + size * e]))
        assert_allclose(np.linalg.eigvalsh(H.T @ H / 4000), np.repeat([0.0, 1.0], [2 - rank, 1 + rank]), atol=1e-6)


@pytest.mark.parametrize("n", [15, 17, 20])
def test_features_of_new_rows_are_bounded_if_n_is_close_to_the_width(n):
    """Catches a missing floor: inverting eigenvalues near 0 gives ``E |h|^2 = D n / (n - D - 1)``, here with D = 15."""
    sizes = []
    for seed in range(10):
        white = HermiteFeatures(2, whiten=True).fit(inputs(n, seed=seed))
        H = white.transform(inputs(2000, seed=100 + seed))
        sizes.append(np.mean(np.sum(H**2, axis=1)) / 15)
    assert max(sizes) < 4


def test_isotropic_features_are_above_the_floor_from_three_rows_per_feature_on():
    """Catches a floor that changes well-estimated directions (here n = 3 D), or one without the factor (D / n)^2."""
    for seed in range(5):
        X = np.random.default_rng(seed).standard_normal((120, 39))
        H = HermiteFeatures(1, whiten=True).fit_transform(X)
        assert_allclose(H.T @ H / 120, np.eye(40), atol=1e-8)


def test_hermite_features_are_the_design_matrix():
    X = inputs()
    features = HermiteFeatures(3).fit(X)
    assert_array_equal(features.transform(X), design_matrix(X, 3))
    assert features.get_feature_names_out().size == 35


def test_too_much_memory_is_refused_with_advice():
    X = inputs(10, 100)
    with pytest.raises(ValueError, match=r"degree=3 with 100 inputs has .* GiB, more than max_memory.*Lower degree"):
        HermiteFeatures(3, whiten=True).fit(X)
    with pytest.raises(ValueError, match=r"bytes for 10 rows.*Lower degree"):
        HermiteFeatures(3, max_memory=1000).fit_transform(X)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (HermiteFeatures(-1), "degree=-1 must be"),
        (HermiteFeatures(2.0), "degree=2.0 must be"),
        (HermiteFeatures(whiten="yes"), "whiten='yes' must be"),
        (RandomFeatures(3, activation="tahn"), "activation='tahn' must be .*Did you mean 'tanh'"),
        (HermiteFeatures(max_memory="a"), "max_memory='a' must be a number of bytes > 0"),
        (HermiteFeatures(max_memory=-5, whiten=True), "max_memory=-5 must be a number of bytes > 0"),
        (RandomFeatures(30, activation=np.log, whiten=True), "activation=<ufunc 'log'> is not finite.*Pass e.g."),
        (RandomFeatures(30, activation=np.log), "activation=<ufunc 'log'> is not finite.*Pass e.g."),
        (RandomFeatures(30, activation=np.sum), r"activation=.* to one of shape \(\); it must be elementwise"),
        (RandomFeatures(30, activation=lambda z: z[:, :1]), r"an array of shape \(2, 30\) to one of shape \(2, 1\)"),
    ],
)
def test_bad_parameters(features, message):
    with pytest.raises(ValueError, match=message):
        features.fit(inputs())


def test_named_activations():
    """Catches a name that changes the random layer, or stands for another function."""
    X = inputs()
    layer = RandomFeatures(10, random_state=0).fit(X)
    Z = X @ layer.weights_.T + layer.biases_
    values = {"relu": np.maximum(Z, 0), "indicator": (Z >= 0).astype(float), (0, 0, 1): (Z**2 - 1) / np.sqrt(2)}
    values |= {"tanh": np.tanh(Z), np.exp: np.exp(Z)}
    for activation, expected in values.items():
        assert_allclose(
            RandomFeatures(10, activation=activation, random_state=0).fit_transform(X), expected, atol=1e-12
        )


def test_float32_stays():
    X = inputs().astype(np.float32)
    for representation in (HermiteFeatures(2, whiten=True), RandomFeatures(9, activation=(0, 0, 1), whiten=True)):
        assert representation.fit_transform(X).dtype == np.float32
