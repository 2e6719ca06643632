"""`layerwise diagnose`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from layerwise.cli._console import check_outputs, console, list_files
from layerwise.errors import UserError

FORMATS = (".png", ".svg", ".pdf")


def diagnose(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    drop: Annotated[
        list[str] | None, typer.Option(help="A column that is not used as an input; may be repeated.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where to draw the diagnosis (PNG, SVG or PDF).")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Where to write the diagnosis as JSON.")] = None,
    random_state: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, help="Seed of the permutations and of the rows drawn from a large table."),
    ] = 0,
) -> None:
    """Measure the structure of a table before fitting: shares, noise, directions, rows needed, warnings."""
    from layerwise import diagnosis
    from layerwise.tables import read_table
    from layerwise.tables.numbers import as_numbers

    check_outputs(table, {"--plot": plot, "--json": as_json})
    if plot is not None and plot.suffix.lower() not in FORMATS:
        raise UserError(f"--plot={plot} must end in {', '.join(FORMATS)}. Choose another name.")
    read = read_table(table, target, drop=drop or [])
    with console.status("diagnosing ..."):
        found = diagnosis.diagnose(as_numbers(read.inputs), read.target, random_state=random_state)
    console.print("; ".join([f"{table.name}, target {target}", *read.notes]), markup=False)
    console.print(found.summary(), markup=False, soft_wrap=True)
    if plot is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=diagnosis.DiagnosisDisplay.size, layout="constrained")
        found.plot(figure.subplots(1, 3))
        figure.savefig(plot, dpi=200)
    if as_json is not None:
        as_json.write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
    list_files([path for path in (plot, as_json) if path is not None])
