"""Input distributions: moments against their definition, and error messages."""

import numpy as np
import pytest

from layerwise.inputs import (
    Elliptical,
    Gaussian,
    Hypercube,
    Laplace,
    Sphere,
    StudentT,
    UniformCube,
    as_generator,
    make_inputs,
)

COVARIANCE = [[2.0, 0.6, 0.0], [0.6, 1.0, 0.2], [0.0, 0.2, 0.5]]
ALL = [
    Gaussian(3),
    Gaussian(3, COVARIANCE),
    Elliptical(3, 12.0),
    Elliptical(3, 12.0, COVARIANCE),
    Sphere(3),
    Hypercube(3),
    UniformCube(3),
    StudentT(3, 12.0),
    Laplace(3),
]


@pytest.mark.parametrize("inputs", ALL, ids=repr)
def test_mean_and_covariance(inputs):
    # Catches a missing scale factor (Student-t, Laplace, sphere). 6.5 standard errors each: failure probability < 3e-9.
    n = 200_000
    X = inputs.sample(n, random_state=0)
    assert X.shape == (n, 3)
    assert np.all(np.abs(X.mean(axis=0)) <= 6.5 * X.std(axis=0) / np.sqrt(n))
    products = X[:, :, None] * X[:, None, :]
    error = np.abs(products.mean(axis=0) - inputs.covariance)
    assert np.all(error <= 6.5 * products.std(axis=0) / np.sqrt(n) + 1e-12)


def test_supports():
    assert np.allclose(np.linalg.norm(Sphere(7).sample(50, 1), axis=1), np.sqrt(7))
    assert set(np.unique(Hypercube(4).sample(100, 1))) == {-1.0, 1.0}
    assert np.abs(UniformCube(4).sample(10_000, 1)).max() <= np.sqrt(3)


def test_elliptical_has_one_radius_per_row_and_student_t_does_not():
    # Catches one distribution in place of the other: only the elliptical one has correlated squares.
    n = 100_000
    for inputs, correlated in ((Elliptical(2, 12.0), True), (StudentT(2, 12.0), False)):
        squares = inputs.sample(n, 3) ** 2
        correlation = np.corrcoef(squares.T)[0, 1]
        assert (correlation > 0.05) == correlated


def test_singular_covariance_has_its_null_space():
    X = Gaussian(2, [[1.0, 1.0], [1.0, 1.0]]).sample(100, 0)
    assert np.allclose(X[:, 0], X[:, 1])


def test_rows_depend_on_the_seed_and_not_on_its_type():
    first = Gaussian(3).sample(5, 0)
    assert np.array_equal(first, Gaussian(3).sample(5, np.random.default_rng(0)))
    assert np.array_equal(first, Gaussian(np.int8(3)).sample(np.int64(5), np.uint32(0)))
    state = np.random.RandomState(0)
    one, two = Gaussian(3).sample(5, state), Gaussian(3).sample(5, state)
    assert not np.array_equal(one, two)
    rng = as_generator(4)
    assert as_generator(rng) is rng


@pytest.mark.parametrize("name", ["student_t", "StudentT", "studentt"])
def test_names_in_any_spelling(name):
    made = make_inputs(name, 4)
    assert isinstance(made, StudentT)
    assert made.dim == 4
    assert make_inputs(made, 4) is made
    assert isinstance(make_inputs(None, 4), Gaussian)


def test_repr_shows_parameters_that_differ_from_defaults():
    assert repr(Gaussian(3)) == "Gaussian(dim=3)"
    assert repr(Elliptical(2, 7.0, [[1, 0], [0, 2]])) == "Elliptical(dim=2, df=7.0, covariance=[[1, 0], [0, 2]])"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Gaussian(0), ValueError, "dim=0"),
        (lambda: Gaussian(2.5), TypeError, "dim=2.5"),
        (lambda: Gaussian(True), TypeError, "dim=True"),
        (lambda: Gaussian(2, np.eye(3)), ValueError, r"shape \(3, 3\)"),
        (lambda: Gaussian(2, [[1, 2], [0, 1]]), ValueError, "symmetric"),
        (lambda: Gaussian(2, [[1, 0], [0, -1]]), ValueError, "eigenvalue -1"),
        (lambda: Gaussian(2, [[np.nan, 0], [0, 1]]), ValueError, "finite"),
        (lambda: StudentT(3, 2.0), ValueError, "df=2.0"),
        (lambda: Elliptical(3, "a"), ValueError, "df='a'"),
        (lambda: Elliptical(3, np.float64(1.0)), ValueError, "df=1.0 must be a number > 2"),
        (lambda: Gaussian(3).sample(0), ValueError, "n=0"),
        (lambda: Gaussian(3).sample(5, -1), ValueError, "random_state=-1"),
        (lambda: Gaussian(3).sample(5, "seed"), TypeError, "random_state='seed'"),
        (lambda: make_inputs("gausian", 3), ValueError, "Did you mean 'Gaussian'"),
        (lambda: make_inputs(Gaussian(2), 3), ValueError, "2 columns; it must have 3"),
        (lambda: make_inputs(3, 3), TypeError, "must be a name"),
    ],
)
def test_messages_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
