"""`layerwise fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from layerwise.cli._console import check_outputs, console, list_files

LEARNERS_HELP = (
    "two-layer, three-layer, hierarchical, refined (hierarchical, for few rows; 10 to 180 times as long), moments, "
    "quadratic-model, random-features or kernel."
)


def fit(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file of numbers, one row a sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    learner: Annotated[str, typer.Option(help=LEARNERS_HELP)] = "two-layer",
    save: Annotated[Path | None, typer.Option(help="Where to keep the fitted model (skops).")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Where to write the held-out rows' predictions (CSV).")
    ] = None,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the split and of the learner.")] = 0,
) -> None:
    """Fit a learner to a table, 20 % of its rows held out, beside ridge on the raw inputs and the mean."""
    from layerwise.tables import fit_table, read_table

    check_outputs(table, {"--save": save, "--predictions": predictions})
    X, y = read_table(table, target)
    with console.status(f"fitting {learner} ..."):
        fitted = fit_table(X, y, learner, random_state=random_state)
    console.print(
        f"{table.name}: {fitted.n_train} rows to fit, {len(fitted.predictions)} held out, "
        f"{len(fitted.columns)} inputs, target {target}",
        highlight=False,
        markup=False,
    )
    shown = Table("model", "R² on held-out rows", box=None)
    for row in fitted.scores.itertuples():
        shown.add_row(str(row.model), f"{row.r2:.3f}")
    console.print(shown)
    for line in fitted.structure():
        console.print(line, highlight=False, markup=False)
    files = []
    if save is not None:
        from skops.io import dump

        dump(fitted.model, save)
        files.append(save)
    if predictions is not None:
        fitted.predictions.to_csv(predictions, index_label="row")
        files.append(predictions)
    list_files(files)
