"""The figure of exponents draws every cell of the table and every fit."""

import io
import math

import curves
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from throwaway import Quadratic, Witness, small_study

from layerwise.studies import (
    ExponentDisplay,
    LearnerSpec,
    Outcome,
    PhaseDiagramDisplay,
    StudyResult,
    TargetSpec,
    blank_axes,
    fit_exponent,
    sample_complexity,
    save_figure,
)

LAWS = {"linear": lambda d: 10 * d, "cubic": lambda d: 0.5 * d**3, "never": lambda d: 1e9, "at once": lambda d: 1.0}


def made_up(learners=tuple(LAWS), targets=("t",), seeds=3):
    """Return risks n*(d) / n that vary with the seed; "cubic" does not reach the threshold at d = 32."""
    study = small_study(
        targets=[TargetSpec(label=label, use=Quadratic, params={"slope": float(i)}) for i, label in enumerate(targets)],
        learners=[LearnerSpec(label=label, use=Witness, params={"mark": i}) for i, label in enumerate(learners)],
        dims=[8, 16, 32],
        n=[64, 128, 256, 512, 1024, 2048, 4096],
        seeds=seeds,
    )
    laws = [*LAWS.values()]
    risks = {
        trial.key: 0.5 * laws[i](trial.dim) / trial.n * math.exp(0.1 * (trial.seed - 1))
        for i, label in enumerate(learners)
        for _, learner, trial in study.cells()
        if learner == label
    }
    return StudyResult(study, {key: Outcome(risk, 0.1) for key, risk in risks.items()})


@pytest.fixture(scope="module")
def result():
    return made_up()


def drawn(ax, marker, *, caret=False):
    """Return the points drawn with a marker, as (d, n) pairs; small markers are carets."""
    lines = [line for line in ax.lines if line.get_marker() == marker and (line.get_markersize() < 5) == caret]
    return [point for line in lines for point in zip(*line.get_data(), strict=True)]


def test_lines_are_the_fits(result):
    # catches: lines in another order or of another learner, C and kappa from different logarithms
    ax = Figure().add_subplot()
    display = ExponentDisplay.from_study(result, 0.5, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    fits = fit_exponent(result, 0.5)
    assert len(display.lines_) == len(fits) == 4
    for line, fit in zip(display.lines_, fits, strict=True):
        d, n = line.get_data()
        if math.isfinite(fit.exponent):
            np.testing.assert_allclose(n, fit.constant * np.array([8, 16, 32]) ** fit.exponent)
        else:
            assert len(d) == 0
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_title(loc="left") == "t"
    assert ax.get_ylabel() == "samples n* to reach risk 0.5"


def test_every_cell_is_drawn(result):
    # catches: censored cells dropped, triangles in the wrong direction or at the wrong end, n* of another cell
    ax = Figure().add_subplot()
    ExponentDisplay.from_study(result, 0.5, ax=ax)
    table = sample_complexity(result, 0.5)
    assert (table["censored"] == "right").sum() == 4  # never x 3, cubic at 32
    for side, marker, end in (("right", "^", 4096), ("left", "v", 64)):
        cells = table[table["censored"] == side]
        points = drawn(ax, marker)
        assert {n for _, n in points} == {end}
        assert sorted(d for d, _ in points) == pytest.approx(sorted(cells["dim"]), rel=0.04)  # curves stand apart
    for label, marker in (("linear", "o"), ("cubic", "s")):
        cells = table[(table["learner"] == label) & (table["censored"] == "")]
        points = np.array(drawn(ax, marker))
        np.testing.assert_allclose(points[:, 0], cells["dim"], rtol=0.04)
        np.testing.assert_allclose(points[:, 1], cells["n_star"])


def test_a_dimension_where_all_trials_failed_is_marked():
    # catches: a missing point without a mark; a learner whose trials all failed omitted or rejected
    labels = ("linear", "cubic")
    result, failed = made_up(labels), Outcome(math.nan, math.nan, "Error: no")
    trials = [trial for trial in result.study.trials() if trial.dim == 16 and trial.learner_params["mark"] == 1]
    result = StudyResult(result.study, result.outcomes | {trial.key: failed for trial in trials})
    ax = Figure().add_subplot()
    display = ExponentDisplay.from_study(result, 0.5, ax=ax)
    assert [d for d, _ in drawn(ax, "x")] == pytest.approx([16], rel=0.04)
    assert ax.get_xlim()[0] < 16 < ax.get_xlim()[1]
    assert ax.get_ylim()[0] > 1  # the cross is at the edge of the axes and does not extend them
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "all trials failed" in texts
    assert display.exponents[1].failed == (16,)
    nothing = StudyResult(result.study, dict.fromkeys(result.outcomes, failed))
    with pytest.raises(ValueError, match="the result has no risk for target='t'"):
        ExponentDisplay.from_study(nothing, 0.5, ax=ax)


def test_bars_are_the_intervals_and_open_ends_are_marked(result):
    # catches: bars of half the length, infinite bars that compress the axis
    ax = Figure().add_subplot()
    ExponentDisplay.from_study(result, 0.5, ax=ax)
    bars = {tuple(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) == 2}
    for cell in sample_complexity(result, 0.5).to_dict("records"):
        ends = max(cell["lower"], cell["n_min"]), min(cell["upper"], cell["n_max"])
        assert any(bar == pytest.approx(ends) for bar in bars)
    low, high = ax.get_ylim()
    assert low > 1
    assert high < 1e6
    one_seed = Figure().add_subplot()
    ExponentDisplay.from_study(made_up(("linear",), seeds=1), 0.5, ax=one_seed)
    assert [n for _, n in drawn(one_seed, "^", caret=True)] == [4096] * 3
    assert [n for _, n in drawn(one_seed, "v", caret=True)] == [64] * 3


def test_legend_shows_exponents_or_verdicts(result):
    # catches: exponents under another label, censored learners without an explanation
    ax = Figure().add_subplot()
    ExponentDisplay.from_study(result, 0.5, predicted={"linear": 1, "cubic": 3, "never": 2}, ax=ax)
    linear, cubic, *_ = fit_exponent(result, 0.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"linear: d^{linear.interval}",
        f"cubic: d^{cubic.interval}",
        "never: not reached at d = 8, 16, 32",
        "at once: below the grid at d = 8, 16, 32",
        "predicted: d^1",
        "predicted: d^3",
        "not reached: n* is larger",
        "n* is smaller",
    ]


def test_predicted_slopes(result):
    # catches: a reference line with another slope, or far from the points
    ax = Figure().add_subplot()
    display = ExponentDisplay.from_study(result, 0.5, predicted={"linear": 2}, ax=ax)
    (reference,) = [line for line in ax.lines if line.get_label() == "predicted: d^2"]
    slope, _ = np.polyfit(*np.log(reference.get_data()), 1)
    assert slope == pytest.approx(2)
    middles = [np.mean(np.log(line.get_ydata())) for line in (reference, display.lines_[0])]
    assert middles[0] == pytest.approx(middles[1])


def test_one_learner_on_every_target():
    # catches: curves of learners instead of targets
    result = made_up(("linear", "cubic"), ("t", "u"))
    ax = Figure().add_subplot()
    display = ExponentDisplay.from_study(result, 0.5, curves="target", learner="cubic", ax=ax)
    assert [fit.target for fit in display.exponents] == ["t", "u"]
    assert {fit.learner for fit in display.exponents} == {"cubic"}
    assert ax.get_title(loc="left") == "cubic"


def test_ambiguous_or_unknown_selections_are_rejected():
    # catches: several targets drawn as one curve, an empty figure
    result = made_up(("linear",), ("t", "u"))
    with pytest.raises(ValueError, match=r"target=None must be one of \['t', 'u'\]"):
        ExponentDisplay.from_study(result, 0.5)
    with pytest.raises(ValueError, match="curves='dim' must be one of 'target', 'learner'"):
        ExponentDisplay.from_study(result, 0.5, curves="dim")
    with pytest.raises(ValueError, match="no risk for target='quadratic'; run the study first"):
        ExponentDisplay.from_study(StudyResult(small_study(), {}), 0.5)


def test_the_figure_becomes_a_file(tmp_path):
    # catches: a figure that cannot be rendered, dollar signs parsed as mathematics
    result = made_up((r"$\frac{", "b", "c", "d"), (r"$\frac{ costs $",))
    display = ExponentDisplay.from_study(result, 0.5, predicted={"b": 3}, ax=blank_axes())
    assert all(file.stat().st_size > 1000 for file in save_figure(display.figure_, tmp_path / "figure"))
    display = ExponentDisplay.from_study(result, 0.5)
    assert plt.fignum_exists(display.figure_.number)
    plt.close(display.figure_)


def test_dimensions_with_trials_to_run_have_a_question_mark():
    # catches: an unfinished study drawn with the triangle for a smaller n*
    whole = curves.made_up(curves.power_law, seeds=3)
    late = {t.key for t in whole.study.trials() if t.dim == 8 and t.n < 1024}
    result = StudyResult(whole.study, {key: o for key, o in whole.outcomes.items() if key not in late})
    for display in (ExponentDisplay, PhaseDiagramDisplay):
        ax = Figure().add_subplot()
        display.from_study(result, threshold=0.5, ax=ax)
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert "smaller n not run yet" in texts
        assert not {"n* is smaller", "below the grid"} & set(texts)
        ax.figure.savefig(io.BytesIO())
