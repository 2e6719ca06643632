"""The command line: parse, call one function, print."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from layerwise.studies import StoreError

app = typer.Typer(
    help="The theory of feature learning, runnable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
study_app = typer.Typer(help="Run studies of sample complexity.", no_args_is_help=True)
app.add_typer(study_app, name="study")
console = Console()

Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Trials at once; -1 is one a core.")]


def main() -> None:
    """Run the command line; what a user got wrong is one message and exit status 2."""
    try:
        app()
    except (ValueError, StoreError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; finished trials are kept, the same command goes on from there.")
        sys.exit(130)


@app.command()
def papers() -> None:
    """List the papers and figures that can be reproduced."""
    from layerwise.papers import PAPERS

    table = Table("paper", "figure", "what it shows", box=None)
    for paper in PAPERS.values():
        for figure in paper.figures:
            table.add_row(paper.key, figure.name, figure.caption)
    console.print(table)
    for paper in PAPERS.values():
        console.print(f"\n{paper.key}: {paper.citation}", highlight=False)


@app.command()
def reproduce(
    paper: Annotated[str, typer.Argument(help="Key of a paper; `layerwise papers` lists them.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; out/PAPER by default.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The paper's size instead of the default one.")] = False,
    jobs: Jobs = -1,
) -> None:
    """Run a paper's studies, draw its figures, weigh its claims; a run that was broken off goes on."""
    from layerwise.papers import find_paper
    from layerwise.papers import reproduce as run

    found = find_paper(paper)
    folder = make_folder(out or Path("out") / paper)
    console.print(found.citation, highlight=False)
    with progress_bar() as advance:
        done = run(
            found,
            folder,
            full=full,
            n_jobs=jobs,
            callback=lambda figure, *counts: advance(figure.name, *counts[:2]),
        )
    table = Table("figure", "claim", "theory", "measured", "accepted", "verdict", box=None)
    for row in done.claims.itertuples():
        colour = {"agrees": "green", "differs": "red"}.get(str(row.verdict), "yellow")
        values = (row.figure, row.claim, f"{row.theory:g}", f"{row.measured:.3f}", row.accepted)
        table.add_row(*map(str, values), f"[{colour}]{row.verdict}[/]")
    console.print(table)
    report_failures(done.failed)
    list_files(done.files)


@study_app.command("run")
def run_study_command(
    definition: Annotated[Path, typer.Argument(help="TOML file that declares the study.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; out/NAME by default.")] = None,
    store: Annotated[Path | None, typer.Option(help="SQLite file of the trials; OUT/study.sqlite by default.")] = None,
    jobs: Jobs = -1,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
) -> None:
    """Run what is missing of a study; write its table and a figure for each target and dimension."""
    from layerwise.studies import SampleComplexityDisplay, Store, Study, run_study

    sys.path.insert(0, os.getcwd())  # a user's own targets and learners
    study = Study.from_toml(definition)
    folder = make_folder(out or Path("out") / slug(definition.stem))
    with Store(store or folder / "study.sqlite") as opened, progress_bar() as advance:
        result = run_study(
            study,
            opened,
            n_jobs=jobs,
            retry_failed=retry_failed,
            callback=lambda done, total, *_: advance(study.name, done, total),
        )
    result.to_csv(folder / "results.csv")
    files = [folder / "results.csv"]
    succeeded = result.table[result.table["error"].isna()]
    for target, dim in succeeded[["target", "dim"]].drop_duplicates().itertuples(index=False):
        display = SampleComplexityDisplay.from_study(result, target=target, dim=int(dim))
        for suffix in (".png", ".svg"):
            files.append(folder / f"risk-{slug(target)}-d{dim}{suffix}")
            display.figure_.savefig(files[-1], dpi=200, bbox_inches="tight")
    table = Table("target", "learner", "d", "n", "median risk", "failed", box=None)
    for row in result.summary().itertuples():
        values = (row.target, row.learner, row.dim, row.n, f"{row.median:.4f}", row.failed)
        table.add_row(*(escape(str(value)) for value in values))
    console.print(table)
    report_failures(len(result.table) - len(succeeded))
    list_files(files)


@app.command()
def fit(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file of numbers, one row a sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    learner: Annotated[str, typer.Option(help="two-layer, random-features or kernel.")] = "two-layer",
    save: Annotated[Path | None, typer.Option(help="Where to keep the fitted model (skops).")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Where to write the held-out rows' predictions (CSV).")
    ] = None,
    random_state: Annotated[int, typer.Option(help="Seed of the split and of the learner.")] = 0,
) -> None:
    """Fit a learner to a table, 20 % of its rows held out, beside ridge on the raw inputs and the mean."""
    from layerwise.tables import fit_table, read_table

    fitted = fit_table(*read_table(table, target), learner, random_state=random_state)
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
    for share, terms in fitted.directions():
        console.print(f"direction with {share:.0%} of the first layer: {terms}", highlight=False, markup=False)
    files = []
    if save is not None:
        from skops.io import dump

        make_folder(save.parent)
        dump(fitted.model, save)
        files.append(save)
    if predictions is not None:
        make_folder(predictions.parent)
        fitted.predictions.to_csv(predictions, index_label="row")
        files.append(predictions)
    list_files(files)


@contextmanager
def progress_bar():
    """A bar for each task, in a terminal; elsewhere one line when a task begins."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks = {}
    with Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal) as bar:

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(escape(name), total=total)
                if not console.is_terminal:
                    console.print(f"{name}: {total} trials", highlight=False, markup=False)
            bar.update(tasks[name], completed=done)

        yield advance


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder}: cannot be made a folder ({error.strerror}). Choose another place.") from None
    return folder


def list_files(files: list[Path]) -> None:
    """Print where the results are, one path a line."""
    for path in files:
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)


def report_failures(failed: int) -> None:
    """Say how many trials failed, where any did."""
    if failed:
        console.print(f"[yellow]{failed} trials failed; their errors stand in the table's column `error`.[/]")


def slug(name: str) -> str:
    """A file name made of a label."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "target"
