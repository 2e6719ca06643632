"""Run a figure of a paper: the missing trials of its study, or its measurement, once per size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.papers.paper import Measurement, PublishedFigure, Size
from layerwise.studies import Outcome, Store, Trial, run_study

if TYPE_CHECKING:
    import pandas as pd

#: Called as ``started(figure, found, total)`` before the trials of a figure, as in `run_study`; ``found`` is {} and
#: ``total`` is 1 for a measurement.
Started = Callable[[PublishedFigure | Measurement, Mapping[str, Outcome], int], object]
#: Called as ``callback(figure, done, total, trial, outcome)`` after each trial, and once after a measurement, with None
#: for ``trial`` and ``outcome``.
Callback = Callable[[PublishedFigure | Measurement, int, int, Trial | None, Outcome | None], object]


def run_figure(
    figure: PublishedFigure | Measurement,
    size: Size,
    store: Store,
    *,
    n_jobs: int = 1,
    retry_failed: bool = False,
    random_state: int = 0,
    started: Started | None = None,
    callback: Callback | None = None,
) -> Any:
    """Return the `StudyResult` of a study, or the table of a measurement.

    Trials found in the store are not run again. The table of a measurement is kept beside the store as
    ``NAME.SIZE.csv`` and read from there if it exists. ``random_state`` is that of the study; the seeds of measurements
    are fixed.
    """
    if isinstance(figure, PublishedFigure):
        return run_study(
            figure.study(size).model_copy(update={"random_state": random_state}),
            store,
            n_jobs=n_jobs,
            retry_failed=retry_failed,
            started=partial(started, figure) if started else None,
            callback=partial(callback, figure) if callback else None,
        )
    if started is not None:
        started(figure, {}, 1)
    table = _measure(figure, size, Path(store.path).parent / f"{figure.name}.{size}.csv")
    if callback is not None:
        callback(figure, 1, 1, None, None)
    return table


def _measure(figure: Measurement, size: Size, path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.exists():
        partial_file = path.with_suffix(".partial")
        figure.measure(size).to_csv(partial_file, index=False)
        partial_file.replace(path)  # an interrupted run leaves no incomplete table
    return pd.read_csv(path)
