"""`layerwise fit` and `layerwise predict`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table
from typer.core import TyperCommand

from layerwise.cli._console import check_outputs, console, list_files
from layerwise.errors import UserError

LEARNER_HELP = "The learner: {}. auto compares several; refined is hierarchical for few rows."
BUDGETS = ("quick", "default", "thorough")


class FitCommand(TyperCommand):
    """The command ``fit``; its help lists the learners, which are imported only when the help is shown."""

    def format_help(self, ctx, formatter) -> None:
        """Write the help with the names of the learners."""
        from layerwise.tables import table_learners

        for parameter in self.params:
            if parameter.name == "learner":
                cast("Any", parameter).help = LEARNER_HELP.format(", ".join(table_learners()))
        super().format_help(ctx, formatter)


def check_budget(budget: str) -> str:
    """Return the budget; raises BadParameter unless it is a name or a positive number of seconds."""
    if budget not in BUDGETS:
        try:
            if not 0 < float(budget) < float("inf"):
                raise ValueError
        except ValueError:
            names = ", ".join(BUDGETS)
            raise typer.BadParameter(f"{budget!r} must be {names}, or a number of seconds > 0.") from None
    return budget


def fit(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    learner: Annotated[str, typer.Option(help=LEARNER_HELP)] = "auto",
    drop: Annotated[
        list[str] | None, typer.Option(help="A column that is not used as an input; may be repeated.")
    ] = None,
    identifier: Annotated[
        list[str] | None,
        typer.Option("--id", help="A column of row names: not an input, copied to predictions; may be repeated."),
    ] = None,
    group: Annotated[str | None, typer.Option(help="A column of groups, each held out as a whole.")] = None,
    time: Annotated[
        str | None, typer.Option(help="A column of times: later rows are predicted from earlier ones.")
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            callback=check_budget,
            help="Time of each of 6 or 11 fits of auto: quick (10 s), default (60 s), thorough (600 s) or seconds.",
        ),
    ] = "quick",
    report: Annotated[Path | None, typer.Option(help="Where to write a report (HTML).")] = None,
    save: Annotated[Path | None, typer.Option(help="Where to save the fitted model (skops).")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Where to write the out-of-fold predictions (CSV).")] = None,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the folds and of the learner.")] = 0,
) -> None:
    """Fit a learner to a table; compare it out of fold with ridge, kernel ridge, boosting and the mean."""
    from layerwise.tables import fit_table, read_table, save_model

    check_outputs(table, {"--save": save, "--predictions": predictions, "--report": report})
    if group is not None and time is not None:
        raise UserError("--group and --time must not be combined. Pass only one of them.")
    identifiers = identifier or []
    read = read_table(table, target, drop=drop or [], identifiers=identifiers, group=group, time=time)
    with console.status(f"fitting {learner} ..."):
        options = {"budget": budget if budget in BUDGETS else float(budget), "random_state": random_state}
        fitted = fit_table(read, learner, **options)
    console.print(
        f"{table.name}: {len(read.target)} rows, {read.inputs.shape[1]} inputs, target {target.strip()}", markup=False
    )
    for line in fitted.notes:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    shown = Table("model", f"R² on rows held out ({fitted.split})", box=None)
    for row in fitted.scores.itertuples():
        shown.add_row(str(row.model), f"{row.r2:.3f} ± {row.spread:.3f}")
    console.print(shown)
    for line in fitted.structure():
        console.print(line, markup=False, soft_wrap=True)
    for line in fitted.remarks:
        warnings.warn(line, UserWarning, stacklevel=2)
    files = []
    if save is not None:
        save_model(
            save, fitted.model, list(read.inputs.columns), target.strip(), [name.strip() for name in identifiers]
        )
        files.append(save)
    if predictions is not None:
        fitted.predictions.to_csv(predictions, index_label="row")
        files.append(predictions)
    if report is not None:
        from layerwise.report import make_table_report

        saved = None if save is None else str(save)
        files.append(
            make_table_report(fitted, read.inputs, report, title=f"{table.name}: {target.strip()}", model=saved)
        )
    list_files(files)


def predict(
    model: Annotated[Path, typer.Argument(help="A model that layerwise fit --save has written.")],
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file with the columns of the model, in any order.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the predictions (CSV).")],
) -> None:
    """Predict the rows of a table with a saved model."""
    from layerwise.tables import load_model, predict_table

    check_outputs([model, table], {"--output": output})
    saved = load_model(model)
    result, unused = predict_table(saved, table)
    if unused:
        console.print(f"{table.name}: columns that the model does not use: {', '.join(unused)}", markup=False)
    result.to_csv(output, index_label="row")
    console.print(f"{len(result)} predictions", markup=False)
    list_files([output])
