"""Reproduce a paper: run its studies and measurements, draw its figures, and evaluate its claims, into one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.papers.paper import Measurement, Paper, PublishedFigure
from layerwise.studies import Outcome, Store, Trial, run_study, save_figure

if TYPE_CHECKING:
    import pandas as pd

#: ``started(figure, found, total)`` before the trials of a figure, as in `run_study`; {} and 1 for a measurement.
Started = Callable[[PublishedFigure | Measurement, Mapping[str, Outcome], int], object]
#: ``callback(figure, done, total, trial, outcome)`` after each trial; None for both after a measurement.
Callback = Callable[[PublishedFigure | Measurement, int, int, Trial | None, Outcome | None], object]


@dataclass(frozen=True)
class Reproduction:
    """The results of reproducing a paper.

    Attributes
    ----------
    claims : DataFrame
        One row per claim: figure, claim, theory, measured, accepted, verdict.
    files : list of Path
        The figures (PNG and SVG) and tables (CSV), then the store.
    errors : list of str
        The errors of failed trials, as in the tables.
    """

    claims: pd.DataFrame
    files: list[Path]
    errors: list[str]


def reproduce(
    paper: Paper,
    out: Path,
    *,
    full: bool = False,
    n_jobs: int = 1,
    retry_failed: bool = False,
    started: Started | None = None,
    callback: Callback | None = None,
) -> Reproduction:
    """Run the missing trials of a paper's studies and its measurements, and write figures, tables and verdicts.

    Parameters
    ----------
    paper : Paper
        The paper.
    out : Path
        Folder for ``NAME.png``, ``NAME.svg`` and ``NAME.csv`` of each figure, ``claims.csv``, and the store
        ``PAPER.sqlite``, from which an interrupted run is resumed.
    full : bool
        Run the paper's size instead of the default one.
    n_jobs : int
        Number of trials that run at the same time.
    retry_failed : bool
        Run trials again whose stored outcome is an error.
    started, callback : callable, optional
        Called before the trials of each figure, and after each trial.

    Returns
    -------
    Reproduction
        Claims, files and errors.

    Raises
    ------
    StoreError
        Where the store in ``out`` cannot be used, or another process runs trials into it.
    """
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    store_path = out / f"{paper.key}.sqlite"
    files, rows, errors = [], [], []
    with Store(store_path) as store, store.writing():
        for figure in paper.figures:
            table = out / f"{figure.name}.csv"
            result: Any
            if isinstance(figure, Measurement):
                if started is not None:
                    started(figure, {}, 1)
                result = figure.measure(full)
                result.to_csv(table, index=False)
                if callback is not None:
                    callback(figure, 1, 1, None, None)
            else:
                result = run_study(
                    figure.study(full),
                    store,
                    n_jobs=n_jobs,
                    retry_failed=retry_failed,
                    started=partial(started, figure) if started else None,
                    callback=partial(callback, figure) if callback else None,
                )
                errors += result.table["error"].dropna().tolist()
                result.to_csv(table)
            if isinstance(figure, Measurement) or result.table["error"].isna().any():
                files += save_figure(figure.draw(result), out / figure.name)
            files.append(table)
            for claim in figure.claims:
                measured = claim.statistic(result)
                accepted = f"{claim.accepted[0]:g} to {claim.accepted[1]:g}"
                verdict = claim.verdict(measured)
                rows.append((figure.name, claim.statement, claim.theory, measured, accepted, verdict))
    claims = pd.DataFrame(rows, columns=["figure", "claim", "theory", "measured", "accepted", "verdict"])
    claims.to_csv(out / "claims.csv", index=False)
    return Reproduction(claims, [*files, out / "claims.csv", store_path], errors)
