"""Every claim can fail: with the mean predictor, and with an error in the program that it names."""

import re

import pytest
from mutations import MUTATIONS

from layerwise.papers import PAPERS, Measurement, PublishedFigure
from layerwise.papers.statistics import Cell
from layerwise.studies import run_study

FIGURES = [(f"{key}/{figure.name}", figure) for key, paper in PAPERS.items() for figure in paper.figures]
STUDIES = [pytest.param(figure, id=name) for name, figure in FIGURES if isinstance(figure, PublishedFigure)]
MEASUREMENTS = [pytest.param(figure, id=name) for name, figure in FIGURES if isinstance(figure, Measurement)]
SIZES = ("small", "default", "full")


def test_there_are_at_least_80_claims_with_distinct_names():
    # catches: a claim that hides another one of its name
    names = [(key, claim.name) for key, paper in PAPERS.items() for f in paper.figures for claim in f.claims]
    assert len(names) == len(set(names)) >= 80
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for _, name in names)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("figure", STUDIES)
def test_predicting_the_mean_supports_no_claim(figure, size):
    # catches: spreads, ratios and counts of failures that a learner of nothing satisfies
    assert figure.study(size).seeds >= 5
    result = figure.trivial(size)
    assert [claim.name for claim in figure.claims if claim.verdict(result) == "supported"] == []


@pytest.mark.slow
@pytest.mark.parametrize("figure", MEASUREMENTS)
def test_an_answer_without_information_supports_no_claim(figure):
    # catches: an identity that zeros satisfy
    table = figure.trivial("small")
    assert [claim.name for claim in figure.claims if claim.verdict(table) == "supported"] == []


@pytest.mark.parametrize("figure", STUDIES)
@pytest.mark.parametrize("size", SIZES)
def test_studies_contain_the_cells_of_the_claims(figure, size):
    # catches: a claim about a learner, target or sample size that its study does not run, which is never measured
    study = figure.study(size)
    missing = []
    original = Cell.__call__

    def noting(self, result, metric="risk"):
        values = original(self, result, metric)
        if len(values) == 0:
            missing.append(self)
        return values

    Cell.__call__ = noting
    try:
        result = figure.trivial(size)
        for claim in figure.claims:
            claim.verdict(result)
    finally:
        Cell.__call__ = original
    assert missing == [], study.name


#: For each mutation one claim that it must turn at size small.
TURNED = {
    "gradient sign": "wang2023/variants/steps-of-stage-1",
    "no centring": "nichani2023/stages/mean-and-linear-part",
    "biases kept": "damian2022/kernel_gap/one-step-learns",
    "sigma_1 of the wrong degree": "nichani2023/stages/rank-one",
    "all dropout signs +1": "lee2020/dropout/signed-dropout",
    "kernel factor": "nichani2023/eigenvalues/eigenvalues-by-degree",
    "step before removing the linear part": "damian2022/necessity/linear-part-first",
    "P_k of the wrong normalisation": "damian2022/gradient/gradient-identity",
    "loop variable closure in teachers": "lee2020/sigma_min/sigma-min",
    "gradient without the indicator": "damian2022/necessity/curvature-is-needed",
    "linear kernel": "lee2020/risk/kernels-keep-degree-4",
    "kernel of degree 2": "damian2022/staircase/kernel-staircase",
    "features without a nonlinearity": "damian2022/kernel_gap/random-features-keep-half",
    "representation of degree 1": "lee2020/risk/representation-learns",
    "moments without the labels": "lee2020/sigma_min/inputs-on-the-sphere",
    "tangent kernel with half of the derivative": "nichani2023/tangent_kernel/tangent-kernel",
    "gradient terms of the next degree": "damian2022/gradient/fourth-order-is-smaller",
    "queries without the adversary": "damian2022/queries/adversary",
    "answers always 0": "lee2020/relu_queries/queries-on-relu-teachers",
    "directions of norm √2": "damian2022/packing/nearly-orthogonal-directions",
    "bound without the tolerance's square": "damian2022/packing/counting",
    "critical tolerance without the root": "damian2022/tolerances/critical-tolerance",
    "weights of monomials without the density": "damian2022/monomials/monomials-from-neurons",
    "half of the inner product": "wang2023/stein/stein-lemma-2",
    "structure of the wrong degree": "wang2023/assumption_4/assumption-4-is-measured",
    "moments 5 % too large": "wang2023/gaussianity/p-is-nearly-gaussian",
    "hypercontractive bound of the wrong exponent": "wang2023/hypercontractivity/hypercontractivity",
    "squared eigenvalues": "damian2022/assumption_2/assumption-2-is-measured",
    "steps instead of ridge regression": "damian2022/heads/ridge-and-norm",
    "norm of the vector of eigenvalues": "nichani2023/quadratic_assumptions/operator-norm-is-measured",
    "every direction is relevant": "lee2020/definitions/low-rank-is-measured",
    "rates without the representation": "lee2020/predictions/predicted-exponents",
    "descent stopped early": "lee2020/balanced_norms/two-four-norm",
    "harmonics counted as monomials of one degree less": "lee2020/relu_norm/f2-norm-of-a-neuron",
}


def of_claim(path):
    """Return the figure and the claim of "paper/figure/claim"."""
    paper, name, claim = path.split("/")
    figure = next(figure for figure in PAPERS[paper].figures if figure.name == name)
    return figure, next(one for one in figure.claims if one.name == claim)


def restricted(figure, claim, monkeypatch):
    """Return the study of the figure at size small with the targets, learners and seeds that the claim needs."""
    cells = []
    with monkeypatch.context() as patch:
        call = Cell.__call__
        patch.setattr(Cell, "__call__", lambda cell, *args: (cells.append(cell), call(cell, *args))[1])
        claim.verdict(figure.trivial("small"))
    study = figure.study("small")
    changes = {}
    for key, named in (("targets", {cell.target for cell in cells}), ("learners", {cell.learner for cell in cells})):
        changes[key] = [spec for spec in getattr(study, key) if None in named or spec.label in named]
    return study.model_copy(update=changes | {"seeds": 5})


def test_every_claim_names_a_mutation():
    # catches: a claim without a negative control
    assert [claim.name for _, figure in FIGURES for claim in figure.claims if claim.mutation not in MUTATIONS] == []
    assert {mutation: of_claim(path)[1].mutation for mutation, path in TURNED.items()} == {
        name: name for name in TURNED
    }
    assert set(TURNED) == set(MUTATIONS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # mutated programs overflow, do not converge, or divide by 0
@pytest.mark.parametrize("mutation", TURNED)
def test_the_mutation_turns_its_claim(mutation, monkeypatch):
    # catches: a claim that the error which it names would leave supported
    figure, claim = of_claim(TURNED[mutation])
    study = restricted(figure, claim, monkeypatch) if isinstance(figure, PublishedFigure) else None
    MUTATIONS[mutation](monkeypatch)
    result = figure.measure("small") if study is None else run_study(study, workers="threads")
    assert claim.verdict(result) == "contradicted"
