"""The page of a table that `layerwise fit` has fitted: one self-contained HTML file without scripts."""

from __future__ import annotations

import base64
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from layerwise.learners.automatic import LayerwiseRegressor
from layerwise.learners.automatic.display import StructureDisplay
from layerwise.report.facts import environment
from layerwise.report.page import read_template, render_template

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, FAINT = "#0072b2", "#8c8c8c"
#: Rows drawn as points.
MAX_POINTS = 3000


def make_table_report(
    fit: Any, inputs: Any, path: str | PathLike[str], *, title: str, model: str | None = None
) -> Path:
    """Write what was found in a table, the comparison of models, residuals and warnings.

    Parameters
    ----------
    fit : TableFit
        Of `layerwise.tables.fit_table`.
    inputs : DataFrame of shape (n_samples, n_features)
        The inputs, of which the structure is drawn.
    path : path-like
        The file; its folder is created if missing.
    title : str
    model : str or None, default=None
        Path of the saved model, for the lines that load it.

    Returns
    -------
    Path
        The file.
    """
    path = Path(path)
    facts = {
        "rows": len(inputs),
        "split": fit.split,
        "remarks": fit.remarks,
        "notes": fit.notes,
        "scores": fit.scores.to_dict("records"),
    }
    pictures = {"scores": picture(draw_scores(fit.scores)), "residuals": picture(draw_residuals(fit.predictions))}
    if isinstance(fit.model, LayerwiseRegressor) and len(fit.model.structure_):
        pictures["structure"] = picture(draw_structure(fit, inputs))
    text = render_template(
        "table.html",
        title=title,
        style=Markup(read_template("report.css")),
        fit=facts,
        columns=[str(name) for name in inputs.columns],
        structure=fit.structure(),
        pictures={"structure": None} | pictures,
        model=model,
        environment=environment(),
        records=[],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def picture(figure: Figure) -> str:
    """Return a figure as the address of an image within the page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=140)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def draw_structure(fit: Any, inputs: Any) -> Figure:
    """Draw the four panels of `StructureDisplay`, of the rows that were held out."""
    axes = _panels(2, 2, (10.0, 7.5))
    rows = inputs.loc[fit.predictions.index]
    StructureDisplay.from_estimator(fit.model, rows, fit.predictions["observed"], axes=axes.ravel())
    return axes[0, 0].figure


def draw_scores(scores: Any) -> Figure:
    """Draw R² of each model with its standard deviation over folds; values below 0 are drawn at 0."""
    ax = _panels(1, 1, (7.0, 0.6 + 0.4 * len(scores)))[0, 0]
    r2 = np.clip(scores["r2"], 0, None)
    colours = [BLUE] + [FAINT] * (len(scores) - 1)
    ax.barh(scores["model"], r2, xerr=scores["spread"], color=colours, height=0.6, error_kw={"linewidth": 1})
    ax.set(xlabel="R² on rows held out", xlim=(0, 1.05))
    ax.invert_yaxis()
    return ax.figure


def draw_residuals(predictions: Any) -> Figure:
    """Draw observed values and residuals against predictions, and the distribution of the residuals."""
    left, middle, right = _panels(1, 3, (11.0, 3.6))[0]
    some = predictions.sample(min(len(predictions), MAX_POINTS), random_state=0)
    residuals = predictions["observed"] - predictions["predicted"]
    points = {"s": 6, "color": BLUE, "alpha": 0.4, "linewidths": 0}
    left.scatter(some["predicted"], some["observed"], **points)
    left.axline((float(some["predicted"].iloc[0]),) * 2, slope=1, color=FAINT, linewidth=0.8)
    left.set(xlabel="predicted", ylabel="observed")
    middle.scatter(some["predicted"], some["observed"] - some["predicted"], **points)
    middle.axhline(0, color=FAINT, linewidth=0.8)
    middle.set(xlabel="predicted", ylabel="residual")
    right.hist(residuals, bins=40, color=BLUE)
    right.set(xlabel="residual", ylabel="rows")
    return left.figure


def _panels(n_rows: int, n_columns: int, size: tuple[float, float]) -> np.ndarray:
    from matplotlib.figure import Figure

    axes = Figure(figsize=size, layout="constrained").subplots(n_rows, n_columns, squeeze=False)
    for ax in axes.ravel():
        ax.spines[["top", "right"]].set_visible(False)
    return axes
