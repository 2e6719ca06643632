"""`layerwise study`: run studies of sample complexity and manage their stores."""

from __future__ import annotations

import logging
import math
from collections import Counter
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from layerwise.cli._console import (
    Jobs,
    RerunChanged,
    RetryFailed,
    check_outputs,
    console,
    list_files,
    make_folder,
    report_failures,
    stderr,
    warn_left_out,
)
from layerwise.cli._progress import study_progress
from layerwise.errors import UserError

if TYPE_CHECKING:
    from layerwise.studies import Store, Study, StudyResult


class Workers(StrEnum):
    """The kinds of workers that run trials on this machine."""

    auto = "auto"
    threads = "threads"
    processes = "processes"


app = typer.Typer(help="Run studies of sample complexity and manage their stores.", no_args_is_help=True)
StorePath = Annotated[Path, typer.Argument(metavar="STORE", help="SQLite file written by `layerwise study run`.")]
Where = Annotated[Workers, typer.Option(help="How trials run on this machine; auto decides by their size.")]
Scheduler = Annotated[str | None, typer.Option(help="Run on the cluster of this Dask scheduler, tcp://HOST:PORT.")]


@app.command("run")
def run(
    definition: Annotated[Path, typer.Argument(help="TOML file that declares the study.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default out/STEM for STEM.toml.")] = None,
    store: Annotated[Path | None, typer.Option(help="SQLite file of the trials; by default OUT/study.sqlite.")] = None,
    jobs: Jobs = -1,
    workers: Where = Workers.auto,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    rerun_changed: RerunChanged = False,
) -> None:
    """Run the missing trials of a study; write its table and a figure for each target and dimension."""
    from layerwise.studies import Store, Study

    study = Study.from_toml(definition)
    folder = make_folder(out or Path("out") / definition.stem)
    store = store or folder / "study.sqlite"
    check_outputs(definition, {"--store": store, "the table of results": folder / "results.csv"})
    check_table(folder / "results.csv")
    options = {"n_jobs": jobs, "workers": workers.value, "retry_failed": retry_failed, "rerun_changed": rerun_changed}
    with Store(store) as opened, opened.writing():
        result = run_missing(study, opened, scheduler, **options)
    if not show_result(result, folder):
        raise typer.Exit(1)


@app.command("resume")
def resume(
    store: StorePath,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default that of the store.")] = None,
    jobs: Jobs = -1,
    workers: Where = Workers.auto,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    rerun_changed: RerunChanged = False,
) -> None:
    """Run the missing trials of the studies in a store; no TOML file is needed."""
    from layerwise.studies import Store, stored_studies
    from layerwise.studies.plots.figures import file_stems

    options = {"n_jobs": jobs, "workers": workers.value, "retry_failed": retry_failed, "rerun_changed": rerun_changed}
    with Store(store, create=False) as opened, opened.writing():
        studies, errors = stored_studies(opened)
        warn_left_out(errors)
        if errors and not studies:
            raise typer.Exit(1)
        if not studies:
            raise UserError(f"{store} holds no study. Run one first: layerwise study run STUDY.toml --store {store}")
        folder = make_folder(out or store.parent)
        names = [f"{study.name} {i}" for i, study in enumerate(studies, 1)]  # merged stores may hold one name twice
        folders = [folder] if len(studies) == 1 else [folder / stem for stem in file_stems(names).values()]
        check_outputs(store, {f"results of {name}": f / "results.csv" for name, f in zip(names, folders, strict=True)})
        results = [run_missing(study, opened, scheduler, **options) for study in studies]
    succeeded = [show_result(result, its) for result, its in zip(results, folders, strict=True)]
    if errors or not any(succeeded):
        raise typer.Exit(1)


@app.command("status")
def status(store: StorePath) -> None:
    """Show how far each study of a store is: trials done, failed and remaining by learner, and who ran them."""
    from layerwise.studies import Store, Study, StudyError, learner_progress, study_titles
    from layerwise.studies.storage.header import log_holds_data

    errors = []
    with Store(store, read_only=True) as opened:
        rows = opened.studies()
        for row, title in zip(rows, study_titles(rows), strict=True):
            try:
                found = learner_progress(Study.from_json(row.definition), opened)
            except StudyError as error:
                errors.append(StudyError(str(error), f'study "{title}"'))
                continue
            table = Table("learner", "done", "failed", "remaining", "layerwise", box=None)
            for one in found:
                counts = (f"{count:,}" for count in (one.done, one.failed, one.remaining))
                table.add_row(escape(one.learner), *counts, ", ".join(sorted(one.versions)))
            console.print(f"{title}, last run {row.started}", markup=False)
            console.print(table)
        held = Counter(row.outcome.error is None for row in opened.rows())
        in_log = log_holds_data(store)
    console.print(f"{held.total():,} trials in all, {held[False]:,} of them failed")
    if in_log:
        console.print(
            f"the last trials are in {store.name}-wal: copy it together with {store.name}", markup=False, soft_wrap=True
        )
    warn_left_out(errors)
    if errors:
        raise typer.Exit(1)


@app.command("merge")
def merge(
    into: Annotated[Path, typer.Argument(metavar="INTO", help="Store to add to; created if missing.")],
    stores: Annotated[list[Path], typer.Argument(metavar="STORE...", help="Stores to add; they are left unchanged.")],
) -> None:
    """Merge the stores of several machines. Each trial is kept once; differing values of one trial are an error."""
    from layerwise.studies import Store, merge_stores

    others = []
    try:
        others = [Store(path, read_only=True) for path in stores]
        with Store(into) as opened:
            merged = merge_stores(opened, others)
    finally:
        for other in others:
            other.close()
    console.print(
        f"{merged.added:,} trials added, {merged.overlapping:,} were there already, {merged.replaced:,} failures were "
        "replaced by successes",
        soft_wrap=True,
    )
    list_files([into])


@app.command("export")
def export(
    store: StorePath,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, ending in .csv or .parquet.")],
) -> None:
    """Write all trials of a store as one table, one row per trial, labelled by the first study that has it."""
    from layerwise.studies import Store, stored_studies, trial_table

    if output.suffix not in (".csv", ".parquet"):
        raise UserError(f"{output} must end in .csv or .parquet. Choose one of them.")
    check_outputs(store, {"--output": output})
    with Store(store, read_only=True) as opened:
        table = trial_table(opened)
        _, errors = stored_studies(opened)
    if output.suffix == ".csv":
        table.to_csv(output, index=False)
    else:
        try:
            table.to_parquet(output, index=False)
        except ImportError:
            raise UserError("Parquet needs pyarrow. Install it: pip install 'layerwise[parquet]'.") from None
    list_files([output])
    for error in errors:
        stderr.print(f"[yellow]warning:[/] rows without labels: {escape(str(error))}")
    if errors:
        raise typer.Exit(1)


def check_table(path: Path) -> None:
    """Refuse, before the work, to overwrite a file that is not a table of a study."""
    from layerwise.studies.analysis.result import COLUMNS

    if path.is_file() and path.stat().st_size:
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline().split(",")[:6] != [*COLUMNS[:6]]:
                raise UserError(
                    f"{path} is not a table of a study, and would be overwritten. Choose another folder: --out."
                )


def run_missing(study: Study, store: Store, scheduler: str | None, **options: Any) -> StudyResult:
    """Run the missing trials of a study with the options of `run_study`, and show its progress."""
    from layerwise.studies import run_study
    from layerwise.studies.execution.dask_workers import connect

    with nullcontext() if scheduler is None else connect(scheduler) as client, study_progress(study) as progress:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # our own message reports a lost scheduler
        return run_study(study, store, client=client, started=progress.started, callback=progress.advance, **options)


def show_result(result: StudyResult, folder: Path) -> bool:
    """Print the median risks, write table and figures, and return whether any trial succeeded."""
    from layerwise.studies import save_figures

    table = make_folder(folder) / "results.csv"
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
    return len(errors) < len(result.table)
