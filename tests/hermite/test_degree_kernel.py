"""degree_kernel against the explicit basis; degree_spectrum against double loops and repetition."""

import sys

import numpy as np
import pytest

from layerwise.hermite import (
    HermitePolynomial,
    degree_kernel,
    degree_spectrum,
    design_matrix,
    multi_indices,
    n_terms,
)


def by_the_basis(X, Z, degree):
    degrees = multi_indices(X.shape[1], degree).sum(axis=1)
    A, B = design_matrix(X, degree), design_matrix(Z, degree)
    return np.stack([A[:, degrees == k] @ B[:, degrees == k].T for k in range(degree + 1)])


def double_loop(X, y, degree):
    """The U-statistic by double loops."""
    kernels, n = degree_kernel(X, degree=degree), len(y)
    total = np.zeros(degree + 1)
    for i in range(n):
        for j in range(n):
            if i != j:
                total += y[i] * y[j] * kernels[:, i, j]
    return total / (n * (n - 1))


@pytest.mark.parametrize(("dim", "degree"), [(1, 12), (2, 8), (3, 6), (7, 4), (20, 3)])
def test_kernels_are_sums_over_the_basis(dim, degree):
    """Catches a wrong term in the recurrence from Mehler's kernel."""
    rng = np.random.default_rng(dim)
    X, Z = rng.standard_normal((30, dim)), rng.standard_normal((20, dim))
    expected = by_the_basis(X, Z, degree)
    found = degree_kernel(X, Z, degree)
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found - expected) <= 1e-12 * scale).all()
    np.testing.assert_allclose(degree_kernel(X, degree=degree), by_the_basis(X, X, degree), atol=1e-11 * scale.max())


def test_kernels_keep_float32():
    """Catches promotion by Python constants in the recurrence."""
    X = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)
    found = degree_kernel(X, X, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, degree_kernel(X.astype(float), None, 4), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("n", [23, 300, 520])
def test_spectrum_is_the_literal_u_statistic(n):
    """Catches the diagonal included, a tile counted twice, or the last tile omitted."""
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 3)), rng.standard_normal(n) + 1
    spectrum = degree_spectrum(X, y, 3)
    expected = double_loop(X[:40], y[:40], 3) if n > 40 else double_loop(X, y, 3)
    if n > 40:
        np.testing.assert_allclose(degree_spectrum(X[:40], y[:40], 3).energies, expected, atol=1e-12)
        kernels = degree_kernel(X, degree=3) * np.multiply.outer(y, y)
        expected = (kernels.sum(axis=(1, 2)) - np.trace(kernels, axis1=1, axis2=2)) / (n * (n - 1))
    np.testing.assert_allclose(spectrum.energies, expected, atol=1e-11)


@pytest.mark.parametrize("n", [30, 300])
def test_standard_errors_with_single_rows_are_the_literal_jackknife(n):
    """Catches a group's own pairs subtracted twice, or the wrong factor (n - 1) / n."""
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 2)), rng.standard_normal(n)
    without = np.array([degree_spectrum(np.delete(X, i, 0), np.delete(y, i), 2).energies for i in range(n)])
    expected = np.sqrt((n - 1) * without.var(axis=0))
    np.testing.assert_allclose(degree_spectrum(X, y, 2, n_groups=n).standard_errors, expected, rtol=1e-8)


@pytest.mark.parametrize("block", [7, 256])
def test_grouped_standard_errors_are_the_literal_jackknife(block, monkeypatch):
    """Catches groups that miss rows or end at a tile: each is left out explicitly, in the documented shuffle."""
    monkeypatch.setattr(sys.modules["layerwise.hermite.degree_kernel"], "BLOCK", block)
    n, n_groups = 47, 5
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((n, 2)), rng.standard_normal(n)
    spectrum = degree_spectrum(X, y, 2, n_groups=n_groups)
    shuffle = np.random.default_rng(20220630).permutation(n)
    group = np.empty(n, dtype=int)
    group[shuffle] = np.arange(n) * n_groups // n
    assert np.bincount(group).min() == 9
    without = np.array([double_loop(X[group != g], y[group != g], 2) for g in range(n_groups)])
    np.testing.assert_allclose(spectrum.standard_errors, np.sqrt((n_groups - 1) * without.var(axis=0)), rtol=1e-8)


def test_spectrum_is_unbiased_and_its_standard_errors_are_correct():
    """Catches bias (from noise or the diagonal) and standard errors wrong by a factor.

    Mean of 600 independent spectra against the exact energies: within 5.5 of its standard errors for each of
    four degrees, chance of failure of a right program 4 * 4e-8. The root mean square of the reported standard
    errors must lie within [0.8, 1.7] of the observed spread: 1 to sqrt(2) in theory, spread known to 3 to 10 %.
    """
    rng = np.random.default_rng(11)
    f = HermitePolynomial.from_dense(3, 2, rng.standard_normal(n_terms(3, 2)) / 3)
    repeats, n = 600, 80
    energies, errors = np.empty((repeats, 4)), np.empty((repeats, 4))
    for r in range(repeats):
        X = rng.standard_normal((n, 3))
        spectrum = degree_spectrum(X, f(X) + 0.5 * rng.standard_normal(n), 3)
        energies[r], errors[r] = spectrum.energies, spectrum.standard_errors
    exact = np.append(f.degree_energies(), 0.0)
    spread = energies.std(axis=0, ddof=1)
    assert (np.abs(energies.mean(axis=0) - exact) <= 5.5 * spread / np.sqrt(repeats)).all()
    ratio = np.sqrt((errors**2).mean(axis=0)) / spread
    assert (ratio > 0.8).all()
    assert (ratio < 1.7).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda X, y: degree_kernel(X, X[:, :1], 2), ValueError, "Z has 1 columns; 2 are needed"),
        (lambda X, y: degree_kernel(X[0], X, 2), ValueError, r"X has shape \(2,\)"),
        (lambda X, y: degree_kernel(X, X, -1), ValueError, "degree=-1 is too small"),
        (lambda X, y: degree_spectrum(X, y[:5], 2), ValueError, "y has 5 entries; 30 are needed"),
        (lambda X, y: degree_spectrum(X, y * np.nan, 2), ValueError, "y contains NaN"),
        (lambda X, y: degree_spectrum(X, y, 2, n_groups=1), ValueError, "n_groups=1 is too small"),
        (
            lambda X, y: degree_spectrum(X[:7], y[:7], 2),
            ValueError,
            "n_groups=10 with 7 rows leaves groups of",
        ),
    ],
)
def test_invalid_input_is_named(call, error, message):
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=message):
        call(rng.standard_normal((30, 2)), rng.standard_normal(30))
