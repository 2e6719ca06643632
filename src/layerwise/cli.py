"""The command line: parse, call one function, print."""

from __future__ import annotations

import math
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from layerwise.errors import UserError

app = typer.Typer(
    help="The theory of feature learning, runnable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
study_app = typer.Typer(help="Run studies of sample complexity.", no_args_is_help=True)
app.add_typer(study_app, name="study")
console = Console()
stderr = Console(stderr=True, highlight=False, soft_wrap=True)

#: Click's, or that of the copy of Click inside newer Typers.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


class Interrupted(Exception):
    """Ctrl-C, with what became of the work."""


def check_jobs(jobs: int) -> int:
    """Refuse 0, which joblib does not take."""
    if jobs == 0:
        raise typer.BadParameter("0 trials at once is none; give 1 or more, or -1 for one a core.")
    return jobs


Jobs = Annotated[int, typer.Option("--jobs", "-j", callback=check_jobs, help="Trials at once; -1 is one a core.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")]


def main() -> None:
    """Run the command line.

    The exit status is 0; 1 where nothing succeeded or a claim is not met; 2 with one message for what a user got
    wrong; 130 after Ctrl-C. Any other exception is a bug, and keeps its traceback.
    """
    warnings.showwarning = lambda message, *_, **__: stderr.print(f"[yellow]warning:[/] {escape(str(message))}")
    stopped = "interrupted."
    try:
        status = app(standalone_mode=False)  # None, or the code of a typer.Exit
    except UsageError as error:
        error.show()
        status = error.exit_code
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        status = refuse(f"{place}{error.strerror or error}. Check the path, its permissions and the disk's space.")
    except UserError as error:
        status = refuse(str(error))
    except Interrupted as error:
        status, stopped = 130, f"interrupted; {error}"
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    if status == 130:
        stderr.print(stopped)
    sys.exit(status)


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
    retry_failed: RetryFailed = False,
) -> None:
    """Run a paper's studies, draw its figures, weigh its claims; a run that was broken off goes on."""
    from layerwise.papers import find_paper
    from layerwise.papers import reproduce as run

    found = find_paper(paper)
    folder = make_folder(out or Path("out") / paper)
    console.print(found.citation, highlight=False)
    with progress_bar() as (start, advance):
        done = run(
            found,
            folder,
            full=full,
            n_jobs=jobs,
            retry_failed=retry_failed,
            started=lambda figure, n_found, total: start(figure.name, n_found, total),
            callback=lambda figure, n_done, *_: advance(figure.name, n_done),
        )
    table = Table("figure", "claim", "theory", "measured", "accepted", "verdict", box=None)
    for row in done.claims.itertuples():
        colour = {"agrees": "green", "differs": "red"}.get(str(row.verdict), "yellow")
        values = (row.figure, row.claim, f"{row.theory:g}", f"{row.measured:.4g}", row.accepted)
        table.add_row(*map(str, values), f"[{colour}]{row.verdict}[/]")
    console.print(table)
    report_failures(done.errors)
    list_files(done.files)
    if not (done.claims["verdict"] == "agrees").all():
        raise typer.Exit(1)


@study_app.command("run")
def run_study_command(
    definition: Annotated[Path, typer.Argument(help="TOML file that declares the study.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default out/STEM for STEM.toml.")] = None,
    store: Annotated[Path | None, typer.Option(help="SQLite file of the trials; OUT/study.sqlite by default.")] = None,
    jobs: Jobs = -1,
    retry_failed: RetryFailed = False,
) -> None:
    """Run what is missing of a study; write its table and a figure for each target and dimension."""
    from layerwise.studies import Store, Study, run_study, save_figures

    sys.path.insert(0, os.getcwd())  # a user's own targets and learners
    study = Study.from_toml(definition)
    folder = make_folder(out or Path("out") / definition.stem)
    store, table = store or folder / "study.sqlite", folder / "results.csv"
    check_outputs(definition, {"--store": store, "the table of results": table})
    with Store(store) as opened, progress_bar() as (start, advance):
        result = run_study(
            study,
            opened,
            n_jobs=jobs,
            retry_failed=retry_failed,
            started=lambda n_found, total: start(study.name, n_found, total),
            callback=lambda n_done, *_: advance(study.name, n_done),
        )
    result.to_csv(table)
    files = [table, *save_figures(result, folder)]
    for (target, dim), cells in result.summary().groupby(["target", "dim"], sort=False):
        risks = cells.pivot(index="learner", columns="n", values="median").reindex(cells["learner"].unique())
        title = escape(f"{target}, d = {dim}: median risk by n")
        shown = Table("learner", *(f"{n:,}" for n in risks), title=title, title_justify="left", box=None)
        for learner, row in risks.iterrows():
            shown.add_row(escape(str(learner)), *("" if math.isnan(risk) else f"{risk:.3f}" for risk in row))
        console.print(shown)
    errors = result.table["error"].dropna().tolist()
    report_failures(errors)
    list_files(files)
    if len(errors) == len(result.table):
        raise typer.Exit(1)


@app.command()
def fit(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file of numbers, one row a sample.")],
    target: Annotated[str, typer.Option(help="The column to be learnt.")],
    learner: Annotated[str, typer.Option(help="two-layer, random-features or kernel.")] = "two-layer",
    save: Annotated[Path | None, typer.Option(help="Where to keep the fitted model (skops).")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Where to write the held-out rows' predictions (CSV).")
    ] = None,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the split and of the learner.")] = 0,
) -> None:
    """Fit a learner to a table, 20 % of its rows held out, beside ridge on the raw inputs and the mean."""
    from layerwise.tables import fit_table, read_table

    check_outputs(table, {"--save": save, "--predictions": predictions})
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

        dump(fitted.model, save)
        files.append(save)
    if predictions is not None:
        fitted.predictions.to_csv(predictions, index_label="row")
        files.append(predictions)
    list_files(files)


@contextmanager
def progress_bar():
    """Announce each task, and draw its bar in a terminal; for work whose trials are kept as they end.

    Yields ``start(name, found, total)`` and ``advance(name, done)``.
    """
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks = {}
    with Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal) as bar:

        def start(name: str, found: int, total: int) -> None:
            count = f"{found} of {total} trials found in the store" if found else f"{total} trials"
            console.print(f"{name}: {count}", highlight=False, markup=False)
            tasks[name] = bar.add_task(escape(name), total=total, completed=found)

        try:
            yield start, lambda name, done: bar.update(tasks[name], completed=done)
        except KeyboardInterrupt:
            raise Interrupted("finished trials are kept, the same command goes on from there.") from None


def refuse(message: str) -> int:
    """Print what the user got wrong; return the exit status."""
    stderr.print(f"[bold red]error:[/] {escape(message)}")
    return 2


def check_outputs(source: Path, outputs: dict[str, Path | None]) -> None:
    """Refuse, before the work, a file that would overwrite the source or another one; make the folders."""
    taken = {source.resolve(): str(source)}
    for name, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise UserError(f"{path} is a folder, and {name} needs a file. Add a file name.")
        if path.resolve() in taken:
            raise UserError(f"{path}: {name} would overwrite {taken[path.resolve()]}. Choose another file.")
        taken[path.resolve()] = name
        make_folder(path.parent)


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a folder ({error.strerror}). Choose another place.") from None
    return folder


def list_files(files: list[Path]) -> None:
    """Print where the results are, one path a line."""
    for path in files:
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)


def report_failures(errors: list[str]) -> None:
    """Say how many trials failed, where any did, and why the first one."""
    if errors:
        count = f"{len(errors)} trial{'s' * (len(errors) > 1)} failed"
        console.print(
            f"[yellow]{count}, the first with {escape(' '.join(errors[0].split()))}[/]\n"
            "All errors stand in the table's column `error`; --retry-failed runs these trials again.",
            highlight=False,
            soft_wrap=True,
        )
