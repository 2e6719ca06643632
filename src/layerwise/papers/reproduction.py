"""Reproduce a paper: run what each figure needs, draw it, weigh its claims, and leave everything in one folder."""

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

#: ``started(figure, found, total)`` before a figure, as `run_study` calls it; {} and 1 before a measurement.
Started = Callable[[PublishedFigure | Measurement, Mapping[str, Outcome], int], object]
#: ``callback(figure, done, total, trial, outcome)`` after each trial; None for both after a measurement.
Callback = Callable[[PublishedFigure | Measurement, int, int, Trial | None, Outcome | None], object]


@dataclass(frozen=True)
class Reproduction:
    """What reproducing a paper gave.

    Attributes
    ----------
    claims : DataFrame
        One row a claim: figure, claim, theory, measured, accepted, verdict.
    files : list of Path
        The figures (PNG and SVG) and tables (CSV), then the store.
    errors : list of str
        Those of the trials that failed, as they stand in the tables.
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
    """Run what is missing of a paper's studies, and its measurements, and write figures, tables and verdicts.

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
    retry_failed : bool
        Run trials again whose stored outcome is an error.
    started, callback : callable, optional
        Called before the trials of each figure, and after each trial.

    Returns
    -------
    Reproduction

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
            if isinstance(figure, Measurement) or result.table["error"].isna().any():  # there is something to draw
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
