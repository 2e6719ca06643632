"""`layerwise papers` and `layerwise reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from layerwise.cli._console import Jobs, RetryFailed, console, list_files, make_folder, progress_bar, report_failures


def papers() -> None:
    """List the papers and figures that can be reproduced."""
    from layerwise.papers import PAPERS

    table = Table("paper", "figure", "what it shows", box=None)
    for paper in PAPERS.values():
        for figure in paper.figures:
            table.add_row(paper.key, figure.name, figure.caption)
    console.print(table)
    for paper in PAPERS.values():
        console.print(f"\n{paper.key}: {paper.citation}")


def reproduce(
    paper: Annotated[str, typer.Argument(help="Key of a paper, as listed by `layerwise papers`.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default out/PAPER.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Run at the size of the paper instead of the smaller default.")
    ] = False,
    jobs: Jobs = -1,
    retry_failed: RetryFailed = False,
) -> None:
    """Run a paper's studies, draw its figures and check its claims. An interrupted run is continued."""
    from layerwise.papers import find_paper
    from layerwise.papers import reproduce as run

    found = find_paper(paper)
    folder = make_folder(out or Path("out") / paper)
    console.print(found.citation)
    with progress_bar() as (start, advance):
        done = run(
            found,
            folder,
            full=full,
            n_jobs=jobs,
            retry_failed=retry_failed,
            started=lambda figure, outcomes, total: start(figure.name, len(outcomes), total),
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
