"""Reproduce a paper: run each figure's study, draw it, weigh its claims, and leave everything in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.papers.paper import Paper, PublishedFigure
from layerwise.studies import Outcome, Store, Trial, run_study

if TYPE_CHECKING:
    import pandas as pd

#: ``callback(figure, done, total, trial, outcome)`` after each trial.
Callback = Callable[[PublishedFigure, int, int, Trial, Outcome], object]


@dataclass(frozen=True)
class Reproduction:
    """What reproducing a paper gave.

    Attributes
    ----------
    claims : DataFrame
        One row a claim: figure, claim, theory, measured, accepted, verdict.
    files : list of Path
        The figures (PNG and SVG) and tables (CSV), then the store.
    failed : int
        Trials that failed; their errors stand in the tables.
    """

    claims: pd.DataFrame
    files: list[Path]
    failed: int


def reproduce(
    paper: Paper, out: Path, *, full: bool = False, n_jobs: int = 1, callback: Callback | None = None
) -> Reproduction:
    """Run what is missing of a paper's studies and write figures, tables and verdicts.

    Parameters
    ----------
    paper : Paper
    out : Path
        Folder for ``NAME.png``, ``NAME.svg`` and ``NAME.csv`` of each figure, ``claims.csv``, and the store
        ``PAPER.sqlite``, from which a run that was broken off goes on.
    full : bool
        The paper's size instead of the default one.
    n_jobs : int
        Trials at once.
    callback : callable, optional
        Called after each trial.

    Returns
    -------
    Reproduction

    Raises
    ------
    StoreError
        Where the store in ``out`` cannot be used.
    """
    import pandas as pd
    from matplotlib import rc_context

    out.mkdir(parents=True, exist_ok=True)
    store_path = out / f"{paper.key}.sqlite"
    files, rows, failed = [], [], 0
    with Store(store_path) as store:
        for figure in paper.figures:

            def report(*progress, figure=figure):
                if callback is not None:
                    callback(figure, *progress)

            result = run_study(figure.study(full), store, n_jobs=n_jobs, callback=report)
            failed += int(result.table["error"].notna().sum())
            drawing = figure.draw(result)
            table = out / f"{figure.name}.csv"
            result.to_csv(table)
            with rc_context({"svg.hashsalt": figure.name}):
                for suffix, metadata in ((".png", None), (".svg", {"Date": None})):
                    files.append(out / f"{figure.name}{suffix}")
                    drawing.savefig(files[-1], dpi=200, metadata=metadata, bbox_inches="tight")
            files.append(table)
            for claim in figure.claims:
                measured = claim.statistic(result)
                accepted = f"{claim.accepted[0]:g} to {claim.accepted[1]:g}"
                verdict = claim.verdict(measured)
                rows.append((figure.name, claim.statement, claim.theory, measured, accepted, verdict))
    claims = pd.DataFrame(rows, columns=["figure", "claim", "theory", "measured", "accepted", "verdict"])
    claims.to_csv(out / "claims.csv", index=False)
    return Reproduction(claims, [*files, out / "claims.csv", store_path], failed)
