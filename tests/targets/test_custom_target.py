"""Targets of the user's own: `evaluate`, `compute_facts`, `set_frame`, and what is refused."""

import numpy as np
import pytest

from layerwise.targets import SingleIndex, StatedFacts, Target


class Cubic(Target):
    """x_1^3 in many dimensions, with some facts stated."""

    def __init__(self, dim, **stated):
        super().__init__(dim)
        self.stated = stated

    def evaluate(self, Z):
        return Z[:, 0] ** 3

    def compute_facts(self):
        return StatedFacts(super().compute_facts(), **self.stated)


class TestStatedFacts:
    def test_stated_values_replace_estimates(self):
        """Catches a stated value reported with the error of an estimate, or energies shifted by one degree."""
        target = Cubic(5, mean=0.0, variance=15, energies=[0, 9])
        assert (target.mean, target.variance, target.variance_error) == (0.0, 15.0, 0.0)
        energies, errors = target.degree_energies(3, return_std=True)
        assert energies[:2].tolist() == [0, 9]
        assert errors[:2].tolist() == [0, 0]
        assert abs(energies[3] - 6) <= 7 * errors[3]
        assert target.degree_energies(1).tolist() == [0, 9]
        assert target.information_exponent == 1

    def test_what_is_not_stated_is_estimated(self):
        target, hessian = Cubic(5), np.zeros((5, 5))
        assert abs(target.variance - 15) <= 7 * target.variance_error
        assert target.variance_error > 0
        assert np.array_equal(Cubic(5, hessian=hessian).expected_hessian(), hessian)

    @pytest.mark.parametrize(
        ("stated", "message"),
        [
            ({"variance": -1.0}, "variance=-1.0 must be None or a finite number >= 0"),
            ({"variance": np.float64(np.inf)}, "variance=inf must be"),
            ({"energies": [1.0, -2.0]}, "must be >= 0"),
            ({"energies": [np.nan]}, "energies contains NaN"),
        ],
    )
    def test_impossible_values_are_refused(self, stated, message):
        with pytest.raises(ValueError, match=message):
            Cubic(5, **stated).variance  # noqa: B018


class Returns(Target):
    """A target of the user's own whose function is wrong."""

    def __init__(self, dim, function):
        super().__init__(dim)
        self.function = function

    def evaluate(self, Z):
        return self.function(Z)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda Z: Z[:, 0].tolist(), "Returns.evaluate returned an object of type list for 16 rows"),
        (lambda Z: Z[:, :1], r"Returns.evaluate returned an array of shape \(16, 1\) for 16 rows"),
        (lambda Z: np.float64(1.0), "Returns.evaluate returned an object of type float64 for 16 rows"),
        (lambda Z: Z[:, 0].astype(str), "Returns.evaluate returned an object of type ndarray of dtype <U32"),
        (lambda Z: np.where(Z[:, 0] > Z[:, 0].min(), 1, np.nan), "Returns.evaluate returned 1 values that are NaN"),
        (lambda Z: np.where(Z[:, 0] > Z[:, 0].min(), 1, np.inf), "Returns.evaluate returned 1 values that are NaN"),
    ],
    ids=["list", "column", "scalar", "strings", "nan", "infinity"],
)
@pytest.mark.parametrize(
    "call", [lambda t: t.sample(16, random_state=0), lambda t: t.variance], ids=["sample", "facts"]
)
def test_wrong_values_are_refused_by_the_name_of_the_target(function, message, call):
    """Catches a column that is broadcast to (n, n) labels, or NaN that surfaces in a learner."""
    with pytest.raises(ValueError, match=message):
        call(Returns(4, function))


@pytest.mark.parametrize("function", [lambda z: z[:, None], lambda z: 1.0], ids=["column", "scalar"])
def test_links_that_are_not_elementwise_are_refused(function):
    with pytest.raises(ValueError, match=r"SingleIndex.evaluate returned an array of shape .* for 4 rows"):
        SingleIndex(3, function).sample(4, random_state=0)


def test_inputs_that_are_not_finite_are_blamed_on_the_inputs():
    with pytest.raises(ValueError, match="X contains NaN"):
        SingleIndex(3, "he2")([[np.nan, 0.0, 0.0]])


class Projected(Target):
    """|u.x| with a frame of one row."""

    def __init__(self, dim, direction, rotate=False, random_state=None):
        super().__init__(dim)
        self.direction, self.rotate, self.random_state = direction, rotate, random_state
        self.set_frame(np.asarray(direction, dtype=float)[None, :], rotate, random_state)

    def evaluate(self, Z):
        return np.abs(Z[:, 0])


def test_repr_omits_parameters_that_are_not_kept():
    """Catches an AttributeError from repr, and from messages that show the target."""

    class Forgetful(Returns):
        def __init__(self, dim, power):
            super().__init__(dim, lambda Z: Z[:, 0] ** power)

    assert repr(Forgetful(3, 2)) == "Forgetful(dim=3)"


class TestFrame:
    def test_coordinates_are_those_of_the_frame(self):
        target = Projected(3, [0.6, 0.8, 0.0])
        X = np.random.default_rng(0).standard_normal((5, 3))
        np.testing.assert_allclose(target(X), np.abs(X @ [0.6, 0.8, 0.0]))
        assert target.relevant_subspace.shape == (1, 3)
        assert abs(target.variance - (1 - 2 / np.pi)) <= 7 * target.variance_error
        assert repr(target) == "Projected(dim=3, direction=[0.6, 0.8, 0.0])"
        rotated = Projected(3, [0.6, 0.8, 0.0], rotate=True, random_state=np.uint8(1))
        assert np.isclose(np.linalg.norm(rotated.relevant_subspace), 1)
        assert not np.allclose(np.abs(rotated.relevant_subspace), [[0.6, 0.8, 0.0]])

    @pytest.mark.parametrize(
        ("direction", "message"), [([1.0, 1.0, 0.0], "not orthonormal"), ([1.0, 0.0], r"shape \(1, 2\); it must be")]
    )
    def test_bad_frames_are_refused(self, direction, message):
        with pytest.raises(ValueError, match=message):
            Projected(3, direction)


def test_numpy_integers_are_integers():
    """Seeds and counts read from an array, which are not of type int."""
    target = SingleIndex(np.int32(3), "he2", direction="random", random_state=np.uint8(7))
    X, y = target.sample(np.int64(5), random_state=np.int16(2))
    again = SingleIndex(3, "he2", direction="random", random_state=7).sample(5, random_state=2)
    assert np.array_equal(X, again[0])
    assert np.array_equal(y, again[1])
    assert len(target.degree_energies(np.int8(4))) == 5
    with pytest.raises(ValueError, match=r"noise=inf must be"):
        target.sample(5, noise=np.float64(np.inf))
