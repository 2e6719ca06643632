"""Verify the claims of papers: run the studies they need, compare intervals with ranges, write JSON and a web page."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.errors import UserError
from layerwise.papers.claim import LEVEL, Claim, Estimate
from layerwise.papers.paper import Measurement, Paper, PublishedFigure, Size
from layerwise.papers.running import Callback, Started, run_figure
from layerwise.studies import Store

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("paper", "figure", "claim", "answers", "source", "statement", "quantity", "theory", "low", "high", "expected"),
    *("measured", "lower", "upper", "test", "verdict"),
)


def verify(
    paper: Paper,
    folder: Path,
    *,
    name: str | None = None,
    size: Size = "default",
    n_jobs: int = 1,
    retry_failed: bool = False,
    random_state: int = 0,
    started: Started | None = None,
    callback: Callback | None = None,
) -> pd.DataFrame:
    """Decide the claims of a paper.

    Parameters
    ----------
    paper : Paper
    folder : Path
        Folder of the store ``KEY.sqlite`` and of the tables of measurements. It may be that of `reproduce`; results of
        either function are then used by both.
    name : str, optional
        Name of a claim, or of a figure for all of its claims; None verifies all claims.
    size : {"small", "default", "full"}, default="default"
    n_jobs, retry_failed, started, callback
        As for `reproduce`.
    random_state : int
        Seed of the studies: other values than 0 decide the claims on other samples. Measurements have fixed seeds.

    Returns
    -------
    DataFrame
        One row per test of every claim; see `claim_rows`.

    Raises
    ------
    UserError
        If the paper has no claim or figure of that name, or it is not run at this size.
    StoreError
        If the store cannot be used, or another process writes to it.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple] = []
    with Store(folder / f"{paper.key}.sqlite") as store, store.writing():
        for figure, claims in chosen(paper, name, size):
            options: dict[str, Any] = {"n_jobs": n_jobs, "retry_failed": retry_failed, "random_state": random_state}
            result = run_figure(figure, size, store, started=started, callback=callback, **options)
            rows += claim_rows(paper, figure, claims, result)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def chosen(paper: Paper, name: str | None, size: Size) -> list[tuple[PublishedFigure | Measurement, tuple[Claim, ...]]]:
    """Return the figures that are run at a size, with the claims to verify: all, those of one figure, or one claim."""
    pairs = [(figure, figure.claims) for figure in paper.figures if name in (None, figure.name)]
    if name is not None and not pairs:
        pairs = [(f, tuple(claim for claim in f.claims if claim.name == name)) for f in paper.figures]
    pairs = [(figure, claims) for figure, claims in pairs if claims]
    if pairs and name is not None and not pairs[0][0].has(size):
        raise UserError(f"size={size!r} must be at least {pairs[0][0].smallest!r} for {name!r}. Pass that size.")
    pairs = [(figure, claims) for figure, claims in pairs if figure.has(size)]
    if not pairs and name is not None:
        from layerwise._validation import did_you_mean

        known = [*paper.claims, *(figure.name for figure in paper.figures if figure.claims)]
        raise UserError(
            f"claim={name!r} must be a claim or a figure of {paper.key}.{did_you_mean(name, known)} "
            f"`layerwise papers {paper.key}` lists them."
        )
    return pairs


def claim_rows(
    paper: Paper, figure: PublishedFigure | Measurement, claims: Iterable[Claim], result: Any
) -> list[tuple]:
    """Return one row per test of the claims, in the order of `COLUMNS`.

    ``measured``, ``lower`` and ``upper`` are the value and its interval, ``expected`` is the range as text, ``test`` is
    the verdict of this test, and ``verdict`` is that of the claim.
    """
    rows = []
    for claim in claims:
        measured = [test.measure(result) for test in claim.tests]
        verdict = claim.verdict(result)
        for test, value in zip(claim.tests, measured, strict=True):
            about = (paper.key, figure.name, claim.name, claim.answers, claim.source, claim.statement)
            margin = (test.quantity, test.theory, test.low, test.high, test.expected)
            rows.append((*about, *margin, value.value, value.lower, value.upper, test.verdict(value), verdict))
    return rows


def write_claims(claims: pd.DataFrame, folder: Path, size: Size) -> list[Path]:
    """Write ``claims.json`` and ``claims.html``; return their paths."""
    date = datetime.now(UTC).date().isoformat()
    plain = claims.astype(object).where(claims.notna(), None)
    rows = [
        {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        for row in plain.to_dict("records")
    ]
    about = {"date": date, "size": size, "version": version("layerwise"), "level": LEVEL, "claims": rows}
    files = [folder / "claims.json", folder / "claims.html"]
    files[0].write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    files[1].write_text(page(claims, f"size {size}, {date}, layerwise {about['version']}"), encoding="utf-8")
    return files


def interval_text(row: Any) -> str:
    """Return "value [lower, upper]", or the value alone where it is exact."""
    value = Estimate(row.measured, row.lower, row.upper)
    if math.isnan(value.value):
        return "not measured"
    if value.lower == value.upper:
        return f"{value.value:.3g}"
    return f"{value.value:.3g} [{value.lower:.3g}, {value.upper:.3g}]"


def counts(claims: pd.DataFrame) -> str:
    """Return the number of claims with each verdict, as text."""
    verdicts = claims.drop_duplicates(["paper", "claim"])["verdict"].value_counts()
    return f"{verdicts.sum()} claims: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())


STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid #8884; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
.supported { color: #188038; } .contradicted { color: #d93025; font-weight: 600; } .not { color: #b06000; }
"""


def page(claims: pd.DataFrame, subtitle: str) -> str:
    """Return the claims as a web page without scripts or external files."""
    parts = []
    for paper, rows in claims.groupby("paper", sort=False):
        lines = []
        for row in rows.itertuples():
            kind = str(row.test).split()[0]
            first = f"{row.statement} — {row.quantity}" if row.quantity else str(row.statement)
            cells = [f"<td>{html.escape(text)}</td>" for text in (f"{row.claim}", f"{row.source}", first)]
            numbers = (f"{row.theory:g}", str(row.expected), interval_text(row))
            cells += [f'<td class="number">{html.escape(text)}</td>' for text in numbers]
            lines.append(f'<tr>{"".join(cells)}<td class="{kind}">{row.test}</td></tr>')
        head = "".join(
            f"<th>{name}</th>" for name in ("claim", "source", "statement", "theory", "range", "measured", "verdict")
        )
        parts.append(f"<h2>{html.escape(str(paper))}</h2>\n<table><tr>{head}</tr>\n{chr(10).join(lines)}\n</table>")
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Claims of the papers</title>'
        f"<style>{STYLE}</style>\n<h1>Claims of the papers</h1>\n<p>{html.escape(subtitle)}. {counts(claims)}. "
        f"Values are means over seeds (geometric means for risks and ratios) with {LEVEL:.0%} intervals. A claim is "
        "supported if the interval lies in the range, contradicted if it lies outside, otherwise not resolved.</p>\n"
        + "\n".join(parts)
        + "\n"
    )
