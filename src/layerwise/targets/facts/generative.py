"""The generative exponent: the lowest degree in which some transform of the label shows a direction.

For ``y = f(z)``, z in R^r standard Gaussian, let ``zeta_alpha(y) = E[h_alpha(z) | y]``. The generative exponent is the
least k >= 1 with ``sum_{|alpha| = k} E zeta_alpha(y)^2 > 0`` (Damian, Pillaud-Vivien, Lee & Bruna 2024, for r = 1).
Transforms T of the label with ``E T(y) h_alpha(z) != 0`` exist from this degree on: it is at most the information
exponent, and of order ``d^{max(1, k/2)}`` samples are needed in d dimensions. Gaussian noise on y does not change it,
as convolution with a Gaussian is injective on the signed measures ``zeta_alpha(y) P(dy)``.

Polynomials in one variable, not constant: the exponent is 2 if f is even, else 1. A large |y| has preimages with large
|z| only, so that ``zeta_2(y) > 0``; and if f is even, ``zeta_1 = 0``. Conversely, let ``zeta_1 = 0``. If the degree
were odd, a large y would have one preimage, positive or negative. So it is even, and y near the infinite end of the
range has one preimage ``z_+ > 0`` and one ``z_- < 0``; ``zeta_1(y) = 0`` says that the derivatives in y of
``phi(z_+)`` and ``phi(z_-)``, ``-z phi(z) dz/dy``, are equal. As both values tend to 0, they are equal, and
``z_- = -z_+``: f is even.

Other functions of one variable: ``F_k(y) = E h_k(z) 1{f(z) <= y}`` vanishes for all y if and only if zeta_k does. As
``(h_{k-1} phi)' = -sqrt(k) h_k phi``, its integral over an interval is exact, and the only error is where the end of an
interval lies in a cell of the grid. For X
of a slice, times the squared mean of each h_alpha in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm, qmc

from layerwise.hermite import design_matrix, hermite_values, n_terms
from layerwise.targets.facts.base import Array, Facts
from layerwise.targets.facts.monte_carlo import MAX_COLUMNS, NET_SIZE, NETS, SEED, between

#: The largest degrees that are considered for one variable, and for several.
MAX_DEGREE, MAX_DEGREE_OF_SEVERAL = 8, 4
#: ``|F_k|`` below this value counts as 0, on a grid of `CELLS` cells of [-RADIUS, RADIUS].
TOLERANCE, CELLS, RADIUS = 1e-3, 2**17, 9.0
#: Number of slices of equal probability.
SLICES = 32


def generative_exponent(function: Callable[[Array], Array], rank: int, facts: Facts) -> int | None:
    """The generative exponent of a function from points (n, rank) to values (n,), of which ``facts`` are known.

    Exact for polynomials of one variable. Otherwise the lowest degree with ``max |F_k| > 0.001`` among the first 8 for
    one variable, or in which the estimate for several exceeds 6 standard errors among the first 4 (fewer if the basis
    has more than 2000 terms). None if there is no such degree, as for a constant.
    """
    if facts.variance <= 0.0:
        return None
    if rank > 1:
        return _of_several(function, rank)
    if facts.exact_degree is None:
        return _of_one(lambda z: function(z[:, None]))
    energies, floor = facts.degree_energies(facts.exact_degree)[0], facts.energy_floor(facts.exact_degree)
    present = energies > floor
    present[0] = False
    return None if not present.any() else 1 if present[1::2].any() else 2


def _of_one(g: Callable[[Array], Array]) -> int | None:
    edges = np.linspace(-RADIUS, RADIUS, CELLS + 1)
    values = g((edges[1:] + edges[:-1]) / 2)
    order = np.argsort(values, kind="stable")
    values = values[order]
    ends = np.append(np.diff(values) > 1e-12 * np.abs(values[1:]), True)  # the last of each group of equal values
    h = hermite_values(edges, MAX_DEGREE) * norm.pdf(edges)
    for k in range(1, MAX_DEGREE + 1):
        F = np.cumsum(-np.diff(h[k - 1])[order] / np.sqrt(k))
        if np.abs(F[ends]).max() > TOLERANCE:
            return k
    return None


def _of_several(function: Callable[[Array], Array], rank: int) -> int | None:
    nets = [
        ndtri(np.clip(qmc.Sobol(rank, seed=np.random.default_rng(seed)).random(NET_SIZE), 2.0**-54, 1 - 2.0**-53))  # pyright: ignore[reportCallIssue]
        for seed in np.random.SeedSequence(SEED).spawn(NETS)
    ]
    labels = [function(Z) for Z in nets]
    cuts = np.unique(np.quantile(np.concatenate(labels), np.linspace(0, 1, SLICES + 1)[1:-1]))
    inside = [np.searchsorted(cuts, y)[:, None] == np.arange(len(cuts) + 1) for y in labels]
    share = np.mean(inside, axis=(0, 1))
    weights = np.divide(1, np.sqrt(share), where=share > 0, out=np.zeros_like(share)) / NET_SIZE
    for k in range(1, MAX_DEGREE_OF_SEVERAL + 1):
        first, last = n_terms(rank, k - 1), n_terms(rank, k)
        if last > MAX_COLUMNS:
            break
        means = [
            ((member * weights).T @ design_matrix(Z, k)[:, first:]).ravel()
            for Z, member in zip(nets, inside, strict=True)
        ]
        estimate, error = between(np.array(means))
        if estimate > 6 * error:
            return k
    return None
