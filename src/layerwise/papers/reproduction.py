"""Reproduce a paper: run its studies and measurements, draw its figures, and decide its claims, into one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.papers.paper import Measurement, Paper, Size
from layerwise.papers.running import Callback, Started, run_figure
from layerwise.papers.verification import COLUMNS, claim_rows
from layerwise.studies import Store, save_figure

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reproduction:
    """The results of reproducing a paper.

    Attributes
    ----------
    claims : DataFrame
        The claims, as returned by `verify`.
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
    size: Size = "default",
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
    size : {"small", "default", "full"}
        Size of the studies; "full" is that of the paper.
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
        for figure in (figure for figure in paper.figures if figure.has(size)):
            result = run_figure(
                figure, size, store, n_jobs=n_jobs, retry_failed=retry_failed, started=started, callback=callback
            )
            table = result if isinstance(figure, Measurement) else result.table
            failed = [] if isinstance(figure, Measurement) else table["error"].dropna().tolist()
            errors += failed
            table.to_csv(out / f"{figure.name}.csv", index=False)
            if figure.draw is not None and len(failed) < len(table):
                files += save_figure(figure.draw(result), out / figure.name)
            files.append(out / f"{figure.name}.csv")
            rows += claim_rows(paper, figure, figure.claims, result)
    claims = pd.DataFrame(rows, columns=list(COLUMNS))
    claims.to_csv(out / "claims.csv", index=False)
    return Reproduction(claims, [*files, out / "claims.csv", store_path], errors)
