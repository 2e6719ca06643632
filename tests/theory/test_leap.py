"""The leap of a polynomial, against a search over all orders of its terms."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.hermite import HermitePolynomial
from layerwise.targets import BalancedSum, MultiIndex, SingleIndex, TwoLayerTeacher
from layerwise.theory import leap, target_leap


def leap_by_search(terms):
    best = np.inf
    for order in permutations(terms):
        known, largest = np.zeros(len(terms[0]), dtype=bool), 0
        for alpha in map(np.array, order):
            largest = max(largest, int(alpha[~known].sum()))
            known |= alpha > 0
        best = min(best, largest)
    return best


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4).filter(any), min_size=1, max_size=5, unique=True))
def test_greedy_order_is_optimal(terms):
    assert leap(HermitePolynomial(np.array(terms), np.ones(len(terms)))) == leap_by_search(terms)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (MultiIndex(8, "staircase", 4), 1),
        (MultiIndex(8, "product", 3), 3),
        (SingleIndex(8, "h4", direction="random", random_state=0), 4),
        (SingleIndex(8, "relu"), 1),
        (MultiIndex(8, {"exponents": [[1, 0], [0, 4]], "coefficients": [1.0, 1.0]}), 4),
        (MultiIndex(8, lambda Z: np.sin(Z[:, 0]) + np.sin(Z[:, 0] * Z[:, 1]), 2), 1),
        (MultiIndex(8, lambda Z: np.cos(Z[:, 0] * Z[:, 1]), 2), 2),
        (BalancedSum(6, 3), 3),
        (TwoLayerTeacher(8, 5, "tanh"), None),  # more than three directions
    ],
)
def test_leap_of_targets(target, expected):
    assert target_leap(target) == expected


def test_constant():
    assert leap(HermitePolynomial.constant(3, 2.0)) == 0
