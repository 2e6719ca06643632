"""The packing and counting lemmas behind the lower bound for correlational queries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.theory import (
    critical_tolerance,
    excluded_by_query,
    max_excluded,
    min_queries,
    n_near_orthogonal,
    near_orthogonal_directions,
)


@pytest.mark.parametrize(("dim", "overlap"), [(30, 0.4), (64, 0.3), (100, 0.3)])
def test_more_directions_than_the_bound(dim, overlap):
    U = near_orthogonal_directions(dim, overlap, random_state=0)
    G = U @ U.T
    assert np.allclose(np.diag(G), 1.0)
    assert np.abs(G - np.diag(np.diag(G))).max() <= overlap
    assert len(U) >= n_near_orthogonal(dim, overlap)


FAMILY = near_orthogonal_directions(40, 0.45, 300, random_state=1)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**31), st.sampled_from([0.3, 0.45, 0.6]))
def test_no_query_excludes_more_than_the_counting_lemma_allows(m, seed, tolerance):
    # Queries concentrated on m members of the family, with random signs: the worst ones are among them.
    rng = np.random.default_rng(seed)
    weights = np.zeros(len(FAMILY))
    weights[rng.choice(len(FAMILY), min(m, len(FAMILY)), replace=False)] = rng.choice([-1.0, 1.0])
    assert excluded_by_query(FAMILY, 4, weights, tolerance) <= max_excluded(tolerance, 0.45**4)


def test_counting_lemma_is_nearly_attained():
    # With orthogonal functions, 1/tau^2 members of equal weight are excluded by one query.
    weights = np.zeros(20)
    weights[:8] = 1.0
    assert excluded_by_query(np.eye(20), 4, weights, 0.35) == 8
    assert 8 <= max_excluded(0.35, 0.0) < 9


def test_query_bound():
    assert np.isclose(min_queries(100, 0.5, 0.05), 100 * 0.2 / 2)
    assert min_queries(100, 0.1, 0.05) == 0.0  # tau^2 <= eps: the lemma says nothing


def test_critical_tolerance_falls_as_d_to_minus_p_over_4():
    d = np.array([10**3, 10**5, 10**7])
    for p in (3, 4, 6):
        tau = np.array([critical_tolerance(int(each), p, 1) for each in d])
        assert np.allclose(tau, (np.log(d) / d) ** (p / 4))
