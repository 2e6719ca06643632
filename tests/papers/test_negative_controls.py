"""Every claim can fail: with the mean predictor, and with an error in the program that it names."""

import re

import pytest
from mutations import MUTATIONS

from layerwise.papers import PAPERS, Measurement, PublishedFigure
from layerwise.studies import run_study

FIGURES = [(f"{key}/{figure.name}", figure) for key, paper in PAPERS.items() for figure in paper.figures]
STUDIES = [pytest.param(figure, id=name) for name, figure in FIGURES if isinstance(figure, PublishedFigure)]
MEASUREMENTS = [pytest.param(figure, id=name) for name, figure in FIGURES if isinstance(figure, Measurement)]
#: Errors that each turn a claim to "contradicted".
TEN = {
    "gradient sign",
    "no centring",
    "biases kept",
    "sigma_1 of the wrong degree",
    "all dropout signs +1",
    "kernel factor",
    "head on the training feature",
    "step before removing the linear part",
    "P_k of the wrong normalisation",
    "loop variable closure in teachers",
}
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
    from layerwise.papers.statistics import Cell

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


def claims_by_mutation():
    """Return, for each figure and mutation, the claims of the figure that name it."""
    groups = {}
    for name, figure in FIGURES:
        for claim in figure.claims if figure.has("small") else ():
            groups.setdefault((name, claim.mutation), (figure, []))[1].append(claim)
    return [
        pytest.param(figure, mutation, claims, id=f"{name}-{mutation}")
        for (name, mutation), (figure, claims) in groups.items()
    ]


def test_every_claim_names_a_mutation():
    # catches: a claim without a negative control
    assert [claim.name for _, figure in FIGURES for claim in figure.claims if claim.mutation not in MUTATIONS] == []
    assert set(MUTATIONS) >= TEN


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # mutated programs overflow, do not converge, or divide by 0
@pytest.mark.parametrize(("figure", "mutation", "claims"), claims_by_mutation())
def test_the_named_mutation_turns_the_claims(figure, mutation, claims, monkeypatch):
    # catches: a claim that the error which it names would leave supported
    MUTATIONS[mutation](monkeypatch)
    result = (
        run_study(figure.study("small"), workers="threads")
        if isinstance(figure, PublishedFigure)
        else figure.measure("small")
    )
    verdicts = {claim.name: claim.verdict(result) for claim in claims}
    assert [name for name, verdict in verdicts.items() if verdict == "supported"] == []
    if mutation in TEN:
        assert "contradicted" in verdicts.values()
