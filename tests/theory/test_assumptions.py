"""Constants of `check_assumptions` against values derived by hand, one instance of each target class."""

import json

import numpy as np
import pytest

from layerwise.hermite import HermitePolynomial
from layerwise.inputs import StudentT
from layerwise.targets import (
    AsianStraddle,
    BalancedSum,
    DeepLowRank,
    ExcessOfLoss,
    Fatigue,
    HermiteSingleIndex,
    Hierarchical,
    LognormalPDE,
    LowRankPolynomial,
    MultiFeature,
    MultiIndex,
    Quadratic,
    QuadraticFeature,
    RandomTensor,
    ReLUOfQuadratic,
    SingleIndex,
    Sparse,
    Target,
    TwoLayerTeacher,
)
from layerwise.theory import check_assumptions

RELU_SD = np.sqrt(0.5 - 0.5 / np.pi)
ROOT_2PI = np.sqrt(2 * np.pi)

# (target, {start of the row: (constant, verdict)}); None stands for a constant that is NaN.
CASES = {
    # H = sqrt(2) c_2 u u' = u u'
    "SingleIndex": (
        SingleIndex(10, [0, 0, 0.5**0.5, 0, 0.5**0.5], rotate=True, random_state=0),
        {
            "r / d": (0.1, True),
            "degree of the polynomial": (4, True),
            "rank of H": (1, True),
            "kappa": (1.0, None),
            "condition number": (1.0, None),
            "information exponent": (2, True),
            "number of directions r": (1, True),
            "number of directions": (1, True),
            "max |a_s|": (1.0, True),
            "sigma_min": (1.0, True),
            "|E g'|": (0.0, False),
        },
    ),
    # E h_3^4: (z^3 - 3z)^4 / 36 = (10395 - 12*945 + 54*105 - 108*15 + 81*3) / 36
    "HermiteSingleIndex": (
        HermiteSingleIndex(8, 3, rotate=True, random_state=1),
        {
            "rank of H": (0, False),
            "kappa": (None, None),
            "information exponent": (3, False),
            "4-norm / 2-norm of f": (((10395 - 12 * 945 + 54 * 105 - 108 * 15 + 81 * 3) / 36) ** 0.25, True),
        },
    ),
    # f = z_1 z_2: eigenvalues ±1, E f^4 = 9
    "MultiIndex": (
        MultiIndex(10, "product", rotate=True, random_state=2),
        {
            "r / d": (0.2, True),
            "degree of the polynomial": (2, True),
            "rank of H": (2, True),
            "kappa": (2**-0.5, None),
            "condition number": (1.0, None),
            "4-norm / 2-norm of f": (3**0.5, True),
        },
    ),
    # f = (z_1^2 + z_2^2) / sqrt(3): H = 2/sqrt(3) I, Var f = 4/3
    "LowRankPolynomial": (
        LowRankPolynomial(8, 2, 2),
        {
            "rank of H": (2, True),
            "kappa": (0.5**0.5, None),
            "max |a_s|": (1.0, True),
            "sigma_min": (1.0, True),
        },
    ),
    # u_1 . u_2 = 0.6: singular values sqrt(1.6) and sqrt(0.4); H = (u_1 u_1' + u_2 u_2') / sqrt(4 pi), its eigenvalues
    # 1.6 and 0.4 times that factor
    "TwoLayerTeacher": (
        TwoLayerTeacher(6, 2, "relu", directions=[[1, 0, 0, 0, 0, 0], [0.6, 0.8, 0, 0, 0, 0]]),
        {
            "degree of the polynomial": (None, False),
            "rank of H": (2, True),
            "condition number": (4.0, None),
            "information exponent": (1, True),
            "max |a_s|": (0.5**0.5, True),
            "sigma_min": (0.5, True),
        },
    ),
    # p = (x_1^2 - x_2^2)/2 = u v, f = p^2 / 3: Var f = 8/9, H = 2/3 I
    "DeepLowRank": (
        DeepLowRank(8, rotate=True, random_state=3),
        {"degree of the polynomial": (4, True), "rank of H": (2, True), "kappa": (1.0, None), "r / d": (0.25, True)},
    ),
    # A = diag(±1) / sqrt(2 d); g = relu: E g' = 1/2
    "QuadraticFeature": (
        QuadraticFeature(16, "relu", rotate=True, random_state=4),
        {
            "|tr A|": (0.0, True),
            "2 |A|_F^2": (1.0, True),
            "|A|_op sqrt(d)": (0.5**0.5, True),
            "|E g'|": (0.5 / RELU_SD, True),
            "L / d": (1.0, True),
            "degree k": (2, True),
        },
    ),
    "ReLUOfQuadratic": (
        ReLUOfQuadratic(8, random_state=5),
        {"|A|_op sqrt(d)": (0.5**0.5, True), "|E g'|": (0.5 / RELU_SD, True), "rank of H": (8, True)},
    ),
    # disjoint products of three inputs: L = d / 3; E p^4 = 3 + (27 - 3) / L
    "Hierarchical": (
        Hierarchical(12, {"name": "balanced_sum", "degree": 3, "kind": "product"}, rotate=True, random_state=6),
        {
            "degree k": (3, True),
            "E p": (0.0, True),
            "Var p": (1.0, True),
            "share of Var p": (1.0, True),
            "orthogonality": (1.0, True),
            "L / d": (1 / 3, True),
            "balance": (1.0, True),
            "4-norm / 2-norm of p": (9**0.25, True),
            "|E g'|": (1 / np.sqrt(1.98), True),
            "information exponent": (2, True),  # of p^2, which contains x_i^2
        },
    ),
    # p_1 p_2, each of 3 of 6 inputs
    "MultiFeature": (
        MultiFeature(6, {"name": "balanced_sum", "degree": 2, "weights": "ones"}),
        {
            "rank of H": (0, False),
            "information exponent": (4, False),
            "L / d, L pieces (feature 1)": (0.5, True),
            "L / d, L pieces (feature 2)": (0.5, True),
            "|tr A| (feature 2)": (1.5**0.5, False),
        },
    ),
    "BalancedSum": (
        BalancedSum(9, 3, weights=[5, 1, 1, 1, 1, 1, 1, 1, 1]),
        {"L / d": (1.0, True), "balance": (5 * np.sqrt(9 / 33), True), "|E g'|": (1.0, True)},
    ),
    "Sparse": (Sparse(12, 3, rotate=True, random_state=7), {"L / d": (2 / 12, False), "orthogonality": (1.0, True)}),
    "RandomTensor": (
        RandomTensor(8, 3, random_state=8),
        {"orthogonality": (0.0, False), "L / d": (1 / 8, False), "share of Var p": (1.0, True)},
    ),
    # A = diag(1, -1, 0, ...) / 2: |A|_op sqrt(d) = sqrt(d) / 2
    "Quadratic": (
        Quadratic(36, np.diag([1.0, -1.0] + [0.0] * 34)),
        {"|A|_op sqrt(d)": (3.0, False), "2 |A|_F^2": (1.0, True), "L / d": (2 / 36, False), "r / d": (2 / 36, True)},
    ),
    "ExcessOfLoss": (ExcessOfLoss(10), {"|tr A|": (0.0, True), "|A|_op sqrt(d)": (0.5**0.5, True)}),
    # A = I / sqrt(2 d): trace sqrt(d / 2)
    "Fatigue": (Fatigue(8), {"|tr A|": (2.0, False), "|A|_op sqrt(d)": (0.5**0.5, True), "rank of H": (8, True)}),
    "LognormalPDE": (
        LognormalPDE(4, amplitude=0.5),
        {"r / d": (1.0, False), "rank of H": (4, True), "information exponent": (1, True)},
    ),
    # Monte Carlo: only the largest eigenvalues of H are resolved
    "AsianStraddle": (AsianStraddle(6), {"r / d": (1.0, False), "information exponent": (1, True)}),
}


@pytest.mark.parametrize("name", CASES)
def test_constants_derived_by_hand(name):
    target, expected = CASES[name]
    report = check_assumptions(target)
    for start, (constant, verdict) in expected.items():
        row = report[start]
        if constant is None:
            assert np.isnan(row.measured), row
        else:
            assert np.isclose(row.measured, constant, rtol=1e-7, atol=1e-7), row
        assert row.holds is verdict, row


def test_every_target_class_has_a_case():
    from layerwise.targets import TARGETS

    assert {kind.__name__ for kind in TARGETS.values()} == set(CASES)


def test_kappa_of_a_relu_teacher():
    # Two orthogonal ReLU neurons: H = I / (sqrt(2) sqrt(2 pi)), Var f = 1/2 - 1/(2 pi).
    row = check_assumptions(TwoLayerTeacher(5, 2, "relu"))["kappa"]
    assert np.isclose(row.measured, RELU_SD / np.sqrt(2) * np.sqrt(2) * ROOT_2PI, rtol=1e-9)


def test_unresolved_rank_is_not_a_failure():
    report = check_assumptions(CASES["AsianStraddle"][0])
    assert report["rank of H"].holds is None
    assert report["rank of H"].measured >= 1
    assert report["4-norm / 2-norm of f"].error > 0


class TestUserFunctions:
    def test_polynomial_function_has_exact_constants(self):
        report = check_assumptions(lambda X: X[:, 0] * X[:, 1], dim=5)
        assert report["number of directions r"].measured == 2
        assert np.isclose(report["kappa"].measured, 0.5**0.5)
        assert report["degree of the polynomial"].measured == 2

    def test_smooth_function_of_one_direction(self):
        # E f'(u.x) = e^(-1/2), Var sin = (1 - e^-2) / 2; the information exponent is 1.
        u = np.array([0.6, 0.0, 0.8, 0.0, 0.0])
        report = check_assumptions(lambda X: np.sin(X @ u), dim=5)
        slope = report["|E g'|"]
        assert report["number of directions r"].measured == 1
        assert abs(slope.measured - np.exp(-0.5) / np.sqrt((1 - np.exp(-2)) / 2)) < 6 * slope.error
        assert slope.holds is True

    def test_user_target_with_feature(self):
        class Own(Target):
            def evaluate(self, Z):
                return self.p(Z) + 0.5 * self.p(Z) ** 3

            @staticmethod
            def p(Z):
                return (Z[:, 0] * Z[:, 1] + Z[:, 2] * Z[:, 3]) / 2**0.5

        report = check_assumptions(Own(4), Own.p)
        assert report["orthogonality"].holds is True
        assert np.isclose(report["L / d"].measured, 1.0)
        assert report["|E g'|"].holds is True

    @pytest.mark.parametrize(
        ("broken", "start"),
        [
            (lambda X: X[:, 0] * X[:, 1] * X[:, 2] + X[:, 2] * X[:, 3] * X[:, 4], "orthogonality"),
            (lambda X: X[:, 0] * X[:, 1] * X[:, 2] + X[:, 3], "share of Var p"),
            (lambda X: X[:, 0] * X[:, 1] * X[:, 2] + 1.0, "E p"),
            (lambda X: 2 * X[:, 0] * X[:, 1] * X[:, 2], "Var p"),
            (lambda X: X[:, 0], "degree k"),
        ],
    )
    def test_each_broken_part_of_assumption_4(self, broken, start):
        assert check_assumptions(broken, broken, dim=5)[start].holds is False

    def test_one_dominant_piece_is_unbalanced(self):
        weights = np.ones(16)
        weights[0] = 16.0
        p = HermitePolynomial(3 * np.eye(16, dtype=int), weights / np.linalg.norm(weights))
        assert check_assumptions(p, p, dim=16)["balance"].holds is False

    def test_errors(self):
        with pytest.raises(ValueError, match="Pass dim=d"):
            check_assumptions(np.sum)
        with pytest.raises(TypeError, match="must be a Target"):
            check_assumptions(3)
        with pytest.raises(ValueError, match="is constant"):
            check_assumptions(lambda X: np.ones(len(X)), dim=3)
        with pytest.raises(ValueError, match="not a polynomial"):
            check_assumptions(SingleIndex(3), lambda X: np.sin(X[:, 0]))
        with pytest.raises(ValueError, match="has 4 inputs"):
            check_assumptions(SingleIndex(3), BalancedSum(4))


class TestInputs:
    def test_gaussian_inputs_hold(self):
        assert all(row.holds for row in check_assumptions(SingleIndex(4)).rows if row.paper == "all")

    def test_kurtosis_of_other_inputs(self):
        # Uniform inputs have E x^4 = 9/5, signs have 1.
        for inputs, excess in (("uniform_cube", 1.2), ("hypercube", 2.0)):
            report = check_assumptions(SingleIndex(4), inputs=inputs)
            row = report["inputs: max |E x_i^4"]
            assert row.holds is False
            assert abs(row.measured - excess) <= 7 * row.error + 1e-12
            assert report["inputs: max |E x_i|"].holds is True

    def test_heavy_tails(self):
        assert check_assumptions(SingleIndex(4), inputs=StudentT(4, df=9))["inputs: max |E x_i^4"].holds is False


class TestReport:
    report = check_assumptions(SingleIndex(10, "h4"))

    def test_table_and_text(self):
        table = self.report.table()
        assert len(table) == len(self.report.rows)
        assert list(table.columns[:3]) == ["paper", "theorem", "assumption"]
        assert "FAILS Assumption 2: rank of H" in str(self.report)

    def test_to_dict_is_json(self):
        stored = json.loads(json.dumps(self.report.to_dict()))
        assert [row["measured"] for row in stored["rows"] if row["assumption"].startswith("kappa")] == [None]
        assert {row["holds"] for row in stored["rows"]} == {True, False, None}

    def test_verdict_of_a_paper(self):
        good = check_assumptions(SingleIndex(10, [0, 0, 1, 0, 1]))
        assert good.holds("damian2022") is True
        assert self.report.holds("damian2022") is False
        assert good.holds("wang2023") is None  # no feature
        with pytest.raises(ValueError, match="must be one of"):
            good.holds("bach2017")
        with pytest.raises(KeyError, match="no row starts"):
            good["beta"]
