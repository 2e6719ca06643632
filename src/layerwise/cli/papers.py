"""`layerwise papers`, `layerwise reproduce` and `layerwise verify`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape
from rich.table import Table

from layerwise.cli._console import Jobs, RetryFailed, console, list_files, make_folder, progress_bar, report_failures

if TYPE_CHECKING:
    import pandas as pd

    from layerwise.papers.paper import Size

COLOURS = {"supported": "green", "contradicted": "red"}
PAPER_HELP = "Key of a paper, as listed by `layerwise papers`; or the file or import path of your own."


class Sizes(StrEnum):
    """The sizes of the studies."""

    small = "small"
    default = "default"
    full = "full"


def papers(
    paper: Annotated[str | None, typer.Argument(help="A paper whose claims are listed as well.")] = None,
) -> None:
    """List the papers and figures that can be reproduced, or the claims of one paper."""
    from layerwise.papers import PAPERS, find_paper

    if paper is not None:
        found = find_paper(paper)
        table = Table("figure", "claim", "source", "statement", box=None)
        for figure in found.figures:
            for claim in figure.claims:
                table.add_row(*map(escape, (figure.name, claim.name, claim.source, claim.statement)))
        console.print(table)
        return
    table = Table("paper", "figure", "what it shows", box=None)
    for listed in PAPERS.values():
        for figure in listed.figures:
            table.add_row(listed.key, figure.name, figure.caption)
    console.print(table)
    for listed in PAPERS.values():
        console.print(f"\n{listed.key}: {listed.citation}")


def reproduce(
    paper: Annotated[str, typer.Argument(help=PAPER_HELP)],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default out/KEY.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Run at the size of the paper instead of the smaller default.")
    ] = False,
    jobs: Jobs = -1,
    retry_failed: RetryFailed = False,
) -> None:
    """Run a paper's studies, draw its figures and decide its claims. An interrupted run is continued."""
    from layerwise.papers import find_paper
    from layerwise.papers import reproduce as run

    found = find_paper(paper)
    folder = make_folder(out or Path("out") / found.key)
    console.print(found.citation)
    with progress_bar() as (start, advance):
        done = run(
            found,
            folder,
            size="full" if full else "default",
            n_jobs=jobs,
            retry_failed=retry_failed,
            started=lambda figure, outcomes, total: start(figure.name, len(outcomes), total),
            callback=lambda figure, n_done, *_: advance(figure.name, n_done),
        )
    show_claims(done.claims)
    report_failures(done.errors)
    list_files(done.files)
    exit_with(done.claims)


def verify(
    claim: Annotated[
        str | None,
        typer.Argument(metavar="[PAPER[/CLAIM]]", help=f"{PAPER_HELP} By default, all papers of the library."),
    ] = None,
    size: Annotated[Sizes, typer.Option(help="small takes some minutes for all papers.")] = Sizes.default,
    out: Annotated[Path, typer.Option(help="Folder of the results; stores are in OUT/KEY.")] = Path("out"),
    jobs: Jobs = -1,
    retry_failed: RetryFailed = False,
    random_state: Annotated[
        int, typer.Option(min=0, help="Seed of the studies: other values than 0 draw other samples.")
    ] = 0,
) -> None:
    """Decide the claims of the papers, and write claims.html and claims.json. An interrupted run is continued.

    The exit status is 1 if a claim is contradicted or could not be measured.
    """
    import pandas as pd

    from layerwise.papers import PAPERS, find_paper, write_claims
    from layerwise.papers import verify as run

    paper, name = split_claim(claim)
    found = list(PAPERS.values()) if paper is None else [find_paper(paper)]
    options = {"name": name, "size": cast("Size", size.value), "n_jobs": jobs, "retry_failed": retry_failed}
    options["random_state"] = random_state
    with progress_bar() as (start, advance):
        tables = [
            run(
                one,
                make_folder(out / one.key),
                started=lambda figure, outcomes, total, key=one.key: start(
                    f"{key}/{figure.name}", len(outcomes), total
                ),
                callback=lambda figure, n_done, *_, key=one.key: advance(f"{key}/{figure.name}", n_done),
                **options,
            )
            for one in found
        ]
    claims = pd.concat(tables, ignore_index=True)
    show_claims(claims)
    list_files(write_claims(claims, out, cast("Size", size.value)))
    exit_with(claims)


def split_claim(claim: str | None) -> tuple[str | None, str | None]:
    """Return paper and claim of PAPER[/CLAIM], where PAPER may be a path that ends in .py."""
    if claim is None or claim.endswith(".py"):
        return claim, None
    paper, slash, name = claim.rpartition("/")
    return (paper, name) if slash else (claim, None)


def show_claims(claims: pd.DataFrame) -> None:
    """Print one row per test, and the numbers of verdicts."""
    from layerwise.papers.verification import counts, interval_text

    table = Table("claim", "source", "quantity", "theory", "range", "measured", "verdict", box=None)
    previous = None
    for row in claims.itertuples():
        name = f"{row.paper}/{row.claim}"
        values = ("", "") if name == previous else (name, str(row.source))
        values += (str(row.quantity), f"{row.theory:g}", str(row.expected), interval_text(row))
        table.add_row(*map(escape, values), f"[{COLOURS.get(str(row.test), 'yellow')}]{row.test}[/]")
        previous = name
    console.print(table)
    console.print(counts(claims), markup=False)


def exit_with(claims: pd.DataFrame) -> None:
    """Exit with status 1 if a claim is contradicted or was not measured."""
    if claims["verdict"].isin(["contradicted", "not measured"]).any():
        raise typer.Exit(1)
