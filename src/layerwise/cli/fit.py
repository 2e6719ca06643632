"""`layerwise fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table
from typer.core import TyperCommand

from layerwise.cli._console import check_outputs, console, list_files

LEARNER_HELP = "The learner: {}. refined is hierarchical for few rows; it takes 10 to 180 times as long."


class FitCommand(TyperCommand):
    """The command, whose help lists the learners; they are imported only when it is shown."""

    def format_help(self, ctx, formatter) -> None:
        """Write the help with the names of the learners."""
        from layerwise.tables import table_learners

        for parameter in self.params:
            if parameter.name == "learner":
                cast("Any", parameter).help = LEARNER_HELP.format(", ".join(table_learners()))
        super().format_help(ctx, formatter)


def fit(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file of numbers, one row per sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    learner: Annotated[str, typer.Option(help=LEARNER_HELP)] = "two-layer",
    save: Annotated[Path | None, typer.Option(help="Where to save the fitted model (skops).")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Where to write the predictions for the held-out rows (CSV).")
    ] = None,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the split and of the learner.")] = 0,
) -> None:
    """Fit a learner to 80 % of the rows of a table; score it, ridge and the mean on the others."""
    from layerwise.tables import fit_table, read_table

    check_outputs(table, {"--save": save, "--predictions": predictions})
    X, y = read_table(table, target)
    with console.status(f"fitting {learner} ..."):
        fitted = fit_table(X, y, learner, random_state=random_state)
    console.print(
        f"{table.name}: {fitted.n_train} rows to fit, {len(fitted.predictions)} held out, "
        f"{len(fitted.columns)} inputs, target {target}",
        markup=False,
    )
    shown = Table("model", "R² on held-out rows", box=None)
    for row in fitted.scores.itertuples():
        shown.add_row(str(row.model), f"{row.r2:.3f}")
    console.print(shown)
    for line in fitted.structure():
        console.print(line, markup=False)
    files = []
    if save is not None:
        from skops.io import dump

        dump(fitted.model, save)
        files.append(save)
    if predictions is not None:
        fitted.predictions.to_csv(predictions, index_label="row")
        files.append(predictions)
    list_files(files)
