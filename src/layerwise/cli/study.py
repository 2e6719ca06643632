"""`layerwise study`: run studies of sample complexity, and look after their stores."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from layerwise.cli._console import (
    Jobs,
    RerunChanged,
    RetryFailed,
    check_outputs,
    console,
    left_out,
    list_files,
    make_folder,
    report_failures,
)
from layerwise.cli._progress import study_progress
from layerwise.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

    from layerwise.studies import Store, Study, StudyResult


class Workers(StrEnum):
    """Where trials run on this machine."""

    auto = "auto"
    threads = "threads"
    processes = "processes"


app = typer.Typer(help="Run studies of sample complexity, and look after their stores.", no_args_is_help=True)
StorePath = Annotated[Path, typer.Argument(metavar="STORE", help="SQLite file that `layerwise study run` wrote.")]
Where = Annotated[Workers, typer.Option(help="Where trials run on this machine; auto goes by their size.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler, tcp://HOST:PORT, whose cluster is to run the trials.")
]


@app.command("run")
def run(
    definition: Annotated[Path, typer.Argument(help="TOML file that declares the study.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default out/STEM for STEM.toml.")] = None,
    store: Annotated[Path | None, typer.Option(help="SQLite file of the trials; OUT/study.sqlite by default.")] = None,
    jobs: Jobs = -1,
    workers: Where = Workers.auto,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    rerun_changed: RerunChanged = False,
) -> None:
    """Run what is missing of a study; write its table and a figure for each target and dimension."""
    from layerwise.studies import Store, Study

    see_own_modules()
    study = Study.from_toml(definition)
    folder = make_folder(out or Path("out") / definition.stem)
    store = store or folder / "study.sqlite"
    check_outputs(definition, {"--store": store, "the table of results": folder / "results.csv"})
    check_table(folder / "results.csv")
    with Store(store) as opened, opened.writing():
        result = run_missing(study, opened, jobs, workers, scheduler, retry_failed, rerun_changed)
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
    """Run what is missing of the studies that a store was made for; no TOML file is needed."""
    from layerwise.studies import Store, stored_studies
    from layerwise.studies.plots.figures import file_stems

    see_own_modules()
    with Store(store, create=False) as opened, opened.writing():
        studies, errors = stored_studies(opened)
        left_out(errors)
        if errors and not studies:
            raise typer.Exit(1)
        if not studies:
            raise UserError(f"{store} holds no study, for it is of an earlier layerwise or new. Use `study run` once.")
        folder = make_folder(out or store.parent)
        names = [f"{study.name} {i}" for i, study in enumerate(studies, 1)]  # merged stores may hold one name twice
        folders = [folder] if len(studies) == 1 else [folder / stem for stem in file_stems(names).values()]
        check_outputs(store, {f"results of {name}": f / "results.csv" for name, f in zip(names, folders, strict=True)})
        results = [
            run_missing(study, opened, jobs, workers, scheduler, retry_failed, rerun_changed) for study in studies
        ]
    succeeded = [show_result(result, its) for result, its in zip(results, folders, strict=True)]
    if errors or not any(succeeded):
        raise typer.Exit(1)


@app.command("status")
def status(store: StorePath) -> None:
    """Say what a store holds of each of its studies: trials done, failed and remaining by learner, and who ran them."""
    from layerwise.studies import Store, Study, StudyError, learner_progress

    see_own_modules()
    unreadable = False
    with Store(store, read_only=True) as opened:
        for row in opened.studies():
            try:
                found = learner_progress(Study.from_json(row.definition), opened)
            except StudyError as error:
                words = f"[yellow]{escape(row.name)}: cannot be counted, for {escape(str(error))}[/]"
                console.print(words, highlight=False, soft_wrap=True)
                unreadable = True
                continue
            table = Table("learner", "done", "failed", "remaining", "layerwise", box=None)
            for one in found:
                counts = (f"{count:,}" for count in (one.done, one.failed, one.remaining))
                table.add_row(escape(one.learner), *counts, ", ".join(sorted(one.versions)))
            console.print(f"{row.name}, last run {row.started}", highlight=False, markup=False)
            console.print(table)
        held = Counter(row.outcome.error is None for row in opened.rows())
    console.print(f"{held.total():,} trials in all, {held[False]:,} of them failed", highlight=False)
    if unreadable:
        raise typer.Exit(1)


@app.command("merge")
def merge(
    into: Annotated[Path, typer.Argument(metavar="INTO", help="Store to add to; made when missing.")],
    stores: Annotated[list[Path], typer.Argument(metavar="STORE...", help="Stores to add; left as they are.")],
) -> None:
    """Join stores of several machines; of trials that several hold, one is kept, and differing values are refused."""
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
        f"{merged.added:,} trials added, {merged.overlapping:,} were there already, {merged.mended:,} that had failed "
        "were replaced by successes",
        highlight=False,
        soft_wrap=True,
    )
    list_files([into])


@app.command("export")
def export(
    store: StorePath,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, ending in .csv or .parquet.")],
) -> None:
    """Write all trials of a store as one table, a row a trial, labelled by the first of its studies that has it."""
    from layerwise.studies import Store, trial_table

    if output.suffix not in (".csv", ".parquet"):
        raise UserError(f"{output} should end in .csv or .parquet. Choose one.")
    check_outputs(store, {"--output": output})
    with Store(store, read_only=True) as opened:
        table = trial_table(opened)
    if output.suffix == ".csv":
        table.to_csv(output, index=False)
    else:
        try:
            table.to_parquet(output, index=False)
        except ImportError:
            raise UserError("Parquet needs pyarrow. Install it: pip install 'layerwise[parquet]'.") from None
    list_files([output])


def check_table(path: Path) -> None:
    """Refuse, before the work, to replace what is no table of a study."""
    from layerwise.studies.analysis.result import COLUMNS

    if path.is_file() and path.stat().st_size:
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline().split(",")[:6] != [*COLUMNS[:6]]:
                raise UserError(
                    f"{path} is no table of a study, and would be overwritten. Choose another folder: --out."
                )


def see_own_modules() -> None:
    """Let studies name targets and learners in modules of the current folder."""
    sys.path.insert(0, os.getcwd())


@contextmanager
def cluster(scheduler: str | None) -> Generator[Client | None]:
    """Connect to a Dask scheduler for as long as it is needed; None where there is none."""
    from layerwise.studies.execution.dask_workers import connect

    if scheduler is None:
        yield None
        return
    with connect(scheduler) as client:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost scheduler is told in our words
        yield client


def run_missing(
    study: Study,
    store: Store,
    jobs: int,
    workers: Workers,
    scheduler: str | None,
    retry_failed: bool,
    rerun_changed: bool,
) -> StudyResult:
    """Run what is missing of a study under the eyes of the user."""
    from layerwise.studies import run_study

    with cluster(scheduler) as client, study_progress(study) as progress:
        return run_study(
            study,
            store,
            n_jobs=jobs,
            workers=workers.value,
            client=client,
            retry_failed=retry_failed,
            rerun_changed=rerun_changed,
            started=progress.started,
            callback=progress.advance,
        )


def show_result(result: StudyResult, folder: Path) -> bool:
    """Print the median risks, write table and figures; say whether any trial succeeded."""
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
