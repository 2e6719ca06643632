"""Learning curves as plotly traces, and the style of the charts.

plotly interprets a subset of HTML in every text, so labels are escaped. They enter hover texts as ``%{fullData.name}``
and never as part of a template, in which ``%{x}`` would be interpreted too.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from layerwise.errors import UserError
from layerwise.studies import StudyResult
from layerwise.studies.plots.frame import AXES, COLOURS, FAINT, GRID, INK
from layerwise.studies.trials.metrics import METRICS

# No triangles: those mark censored points.
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "star")
GLYPHS = "●■◆✚✖★"
DASHES = ("solid", "dash", "dot")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

HOVER = (
    "<b>%{fullData.name}</b><br>n = %{x:,}<br>median %{y:.3g}<br>"
    "quartiles %{customdata[0]:.3g} – %{customdata[1]:.3g}<br>%{customdata[2]}<extra></extra>"
)


def extra(name: str) -> Any:
    """Import a module that the extra [report] installs; raise UserError if it is missing."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        package = name.split(".")[0]
        raise UserError(
            f"A report needs {package}, which is not installed. Install the extra: pip install 'layerwise[report]'"
        ) from None


def style(i: int) -> dict[str, str]:
    """Return colour, symbol, glyph and dash of the i-th learner of a study; the first 18 learners all differ."""
    k = i % len(COLOURS)
    return {
        "colour": COLOURS[k],
        "symbol": SYMBOLS[k],
        "glyph": GLYPHS[k],
        "dash": DASHES[i // len(COLOURS) % len(DASHES)],
    }


def measured(result: StudyResult) -> dict[str, str]:
    """Return the metrics that have a value, always with "risk", and the titles of their axes."""
    names = [name for name in (*METRICS, "fit_seconds") if result.table[name].notna().any()]
    return {name: " ".join(AXES.get(name, name).split()) for name in ["risk", *names]}


def curve_traces(result: StudyResult) -> list[dict[str, Any]]:
    """Return each metric of each cell against n, as one trace of quartiles and one of medians, validated by plotly.

    ``meta`` holds the metric, the dimension and the positions of target and learner in the study.
    """
    figure = extra("plotly.graph_objects").Figure(list(_curves(result)))
    return json.loads(figure.to_json())["data"]


def _curves(result: StudyResult) -> Iterator[dict[str, Any]]:
    targets = [spec.label for spec in result.study.targets]
    learners = [spec.label for spec in result.study.learners]
    for metric in measured(result):
        summary = result.summary(metric=metric)
        summary = summary[summary["median"].notna()].sort_values("n")
        names: Any
        for names, cell in summary.groupby(["target", "learner", "dim"], sort=False):
            target, learner, dim = names
            i = learners.index(learner)
            drawn = style(i)
            meta = {"metric": metric, "target": targets.index(target), "learner": i, "dim": int(dim)}
            n, median, lower, upper = (cell[name].tolist() for name in ("n", "median", "lower", "upper"))
            seeds = [
                f"{done} seed{'s' * (done != 1)}" + f", {failed} failed" * (failed > 0)
                for done, failed in zip(cell["succeeded"].tolist(), cell["failed"].tolist(), strict=True)
            ]
            shared = {"type": "scatter", "name": html.escape(learner, quote=False), "showlegend": False}
            yield shared | {
                "x": n + n[::-1],
                "y": upper + lower[::-1],
                "mode": "lines",
                "line": {"width": 0},
                "fill": "toself",
                "fillcolor": f"rgba({', '.join(str(int(drawn['colour'][k : k + 2], 16)) for k in (1, 3, 5))}, 0.14)",
                "hoverinfo": "skip",
                "meta": meta | {"band": True},
            }
            yield shared | {
                "x": n,
                "y": median,
                "customdata": list(zip(lower, upper, seeds, strict=True)),
                "mode": "lines+markers",
                "line": {"color": drawn["colour"], "width": 2, "dash": drawn["dash"]},
                "marker": {"symbol": drawn["symbol"], "size": 7, "line": {"color": "white", "width": 1}},
                "hovertemplate": HOVER,
                "meta": meta,
            }


def base_layout() -> dict[str, Any]:
    """Return the ``layout`` and ``axis`` style shared by both charts, validated by plotly."""
    go = extra("plotly.graph_objects")
    layout = go.Layout(
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        hovermode="closest",
        hoverlabel={"bgcolor": "white", "bordercolor": "#bbbbbb", "font": {"color": INK, "size": 13}},
        showlegend=False,
        dragmode="zoom",
        modebar={"bgcolor": "rgba(0, 0, 0, 0)", "color": FAINT, "activecolor": INK},
    )
    axis = go.layout.XAxis(
        showline=True,
        linecolor=INK,
        linewidth=0.6,
        ticks="outside",
        ticklen=4,
        tickwidth=0.6,
        tickcolor=INK,
        gridcolor=GRID,
        gridwidth=0.5,
        zeroline=False,
        separatethousands=True,
        exponentformat="none",
    )
    return json.loads(extra("plotly.io").to_json({"layout": layout, "axis": axis}, validate=False))
