"""The approximate Stein lemma, against expansions of h and exact facts about the target of Figure 2 of Wang et al."""

import numpy as np
import pytest

from layerwise.hermite import HermiteSeries
from layerwise.targets import Hierarchical, SingleIndex
from layerwise.theory import stein_alignment, stein_exponent

LINK = [0.2, 1.0, 0.7, 0.7]


@pytest.mark.parametrize(
    "feature",
    [
        {"name": "balanced_sum", "degree": 2},
        {"name": "balanced_sum", "degree": 2, "weights": "ones"},
        {"name": "balanced_sum", "degree": 3},
        {"name": "balanced_sum", "degree": 3, "kind": "product"},
        {"name": "random_tensor", "degree": 2, "random_state": 0},
    ],
    ids=str,
)
def test_against_the_expansion_of_h(feature):
    target = Hierarchical(6, feature, LINK)
    h, p = target.polynomial(), target.feature.polynomial()
    k, found = p.degree, stein_alignment(target)
    top = h.project(k)
    assert np.isclose(found.slope, 1.0)
    assert np.isclose(found.lower_norm, ((h - 0.2).truncate(k - 1)).norm(), rtol=1e-8, atol=1e-6)
    assert np.isclose(found.residual_norm, (top - p * found.slope).norm(), rtol=1e-8, atol=1e-6)
    assert np.isclose(found.cosine, top.inner(p) / top.norm(), rtol=1e-10)
    assert found.lower_error == found.residual_error == found.cosine_error == 0.0


@pytest.mark.parametrize(("d", "C"), [(16, 0.057355), (24, 0.078522), (32, 0.096074), (40, 0.110778)])
def test_figure_2_of_wang_et_al(d, C):
    # P_3 h = C (3 + 90/d) p exactly; P_{<3} h has degree 1 only, of norm C E[h_3^3 h_1] / d.
    h = Hierarchical(d, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
    found = stein_alignment(h)
    h3 = HermiteSeries.basis(3)
    assert np.isclose(h.scale, C, atol=5e-7)
    assert np.isclose(found.slope, 3 * h.scale)
    assert np.isclose(found.cosine, 1.0, atol=1e-12)
    assert np.isclose(found.residual_norm, 90 * h.scale / d, rtol=1e-8)
    assert np.isclose(found.lower_norm, h.scale * (h3 * h3 * h3).coefficients[1] / d, rtol=1e-8)
    energies = h.degree_energies(2)
    assert energies[0] < 1e-15
    assert energies[2] < 1e-15


@pytest.mark.parametrize("link", [[0, 1, 0.7, 0.7], [0, 1, 0.5, 0.3, 0.2]], ids=str)
@pytest.mark.parametrize(
    "feature",
    [
        {"name": "balanced_sum", "degree": 2, "weights": "ones"},
        {"name": "balanced_sum", "degree": 2},
        {"name": "balanced_sum", "degree": 3},
    ],
    ids=str,
)
def test_both_errors_fall_at_least_as_the_inverse_root_of_d(feature, link):
    def family(d):
        return Hierarchical(d, feature, link)

    assert stein_exponent(family, [4, 6, 8, 12]) <= -0.5
    assert stein_exponent(family, [4, 6, 8, 12], "lower_norm") <= -0.5 + 1e-9


def test_errors_do_not_fall_for_a_sparse_feature():
    # Assumption 4 broken, L = 2 fixed: the slope is 0.
    def family(d):
        return Hierarchical(d, {"name": "sparse", "degree": 3}, LINK)

    assert abs(stein_exponent(family, [6, 8, 12])) < 1e-9


def test_even_link_has_no_slope():
    found = stein_alignment(Hierarchical(12, {"name": "balanced_sum", "degree": 3}, [0, 0, 1]))
    assert found.slope == 0.0
    assert np.isnan(found.cosine) or abs(found.cosine) < 1e-6


@pytest.mark.slow
def test_monte_carlo_errors_cover_the_exact_values():
    # Hiding the structure of the feature forces Monte Carlo; 7 errors.
    exact = Hierarchical(6, "quadratic", "relu")
    sampled = Hierarchical(6, "quadratic", "relu")
    sampled.feature.__dict__["components"] = None
    want, found = stein_alignment(exact), stein_alignment(sampled)
    assert found.cosine_error > 0.0
    for name in ("lower", "residual"):
        error = getattr(found, f"{name}_error")
        assert error > 0.0
        assert abs(getattr(found, f"{name}_norm") - getattr(want, f"{name}_norm")) <= 7 * error
    assert abs(found.cosine - want.cosine) <= 7 * found.cosine_error


def test_errors():
    with pytest.raises(TypeError, match="must be a Hierarchical"):
        stein_alignment(SingleIndex(4))
    with pytest.raises(ValueError, match="at least two dimensions"):
        stein_exponent(lambda d: Hierarchical(d), [4])
