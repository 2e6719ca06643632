"""What the commands share: the console, the progress of trials, checks of paths, the way a refusal looks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from layerwise.errors import UserError

console = Console()
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class Interrupted(Exception):
    """Ctrl-C, with what became of the work."""


def check_jobs(jobs: int) -> int:
    """Refuse 0, which joblib does not take."""
    if jobs == 0:
        raise typer.BadParameter("0 trials at once is none; give 1 or more, or -1 for one a core.")
    return jobs


Jobs = Annotated[int, typer.Option("--jobs", "-j", callback=check_jobs, help="Trials at once; -1 is one a core.")]
RerunChanged = Annotated[
    bool, typer.Option("--rerun-changed", help="Run trials again that were made from other source of your own classes.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")]


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


def check_outputs(sources: Path | list[Path], outputs: dict[str, Path | None]) -> None:
    """Refuse, before the work, a file that would overwrite a source, another output or a store; make the folders."""
    from layerwise.studies.storage.header import refuse_database

    sources = [sources] if isinstance(sources, Path) else sources
    taken = {source.resolve(): str(source) for source in sources}
    for name, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise UserError(f"{path} is a folder, and {name} needs a file. Add a file name.")
        if path.resolve() in taken:
            raise UserError(f"{path}: {name} would overwrite {taken[path.resolve()]}. Choose another file.")
        if name != "--store":
            refuse_database(path)
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


def left_out(errors: Sequence[UserError]) -> None:
    """Say which studies of a store are left out, and why; the others go on."""
    for error in errors:
        stderr.print(f"[yellow]warning:[/] left out: {escape(str(error))}")


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
