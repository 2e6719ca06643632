"""What the commands share: consoles, options, checks of paths, and the form of messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from layerwise.errors import UserError


class PipeConsole(Console):
    """A console that discards its output once the reader of its pipe has gone (``| head``); the work goes on."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, also with versions of rich (before 13.8) that leave a broken pipe to the caller."""
        try:
            super().print(*objects, **options)
        except BrokenPipeError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Discard all further output, including what Python flushes at exit."""
        self.quiet = True
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())


console = PipeConsole(highlight=False)
stderr = PipeConsole(stderr=True, highlight=False, soft_wrap=True)


class Interrupted(Exception):
    """Ctrl-C during work whose finished trials are kept, so that the same command continues it."""


def check_jobs(jobs: int) -> int:
    """Refuse 0, which joblib does not accept."""
    if jobs == 0:
        raise typer.BadParameter("--jobs=0 must not be 0. Pass 1 or more, or -1 for one per core.")
    return jobs


Jobs = Annotated[
    int, typer.Option("--jobs", "-j", callback=check_jobs, help="Number of trials at once; -1 means one per core.")
]
RerunChanged = Annotated[
    bool, typer.Option("--rerun-changed", help="Run trials again whose source, if it is your own, has changed.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")]


def accept_any_text() -> None:
    """Write characters that the standard streams cannot encode (ASCII terminals, odd file names) as escapes."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # no stream, or one that is not a file
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def progress_bar():
    """Announce each task and, in a terminal, draw its bar; for work whose finished trials are kept.

    Yields ``start(name, found, total)`` and ``advance(name, done)``.
    """
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks = {}
    with Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal) as bar:

        def start(name: str, found: int, total: int) -> None:
            count = f"{found} of {total} trials found in the store" if found else f"{total} trials"
            console.print(f"{name}: {count}", markup=False)
            tasks[name] = bar.add_task(escape(name), total=total, completed=found)

        try:
            yield start, lambda name, done: bar.update(tasks[name], completed=done)
        except KeyboardInterrupt:
            raise Interrupted from None


def refuse(message: str) -> int:
    """Print the message of a user error and return the exit status."""
    stderr.print(f"[bold red]error:[/] {escape(message)}")
    return 2


def check_outputs(sources: Path | list[Path], outputs: dict[str, Path | None]) -> None:
    """Refuse, before the work, to overwrite a source, another output or a store; create the folders."""
    from layerwise.studies.storage.header import refuse_database

    sources = [sources] if isinstance(sources, Path) else sources
    taken = {source.resolve(): str(source) for source in sources}
    for name, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise UserError(f"{path} is a folder, but {name} must be a file. Add a file name.")
        if path.resolve() in taken:
            raise UserError(f"{path}: {name} would overwrite {taken[path.resolve()]}. Choose another file.")
        if name != "--store":
            refuse_database(path)
        taken[path.resolve()] = name
        make_folder(path.parent)


def make_folder(folder: Path) -> Path:
    """Return the folder, created if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be created ({error.strerror}). Choose another folder.") from None
    return folder


def list_files(files: list[Path]) -> None:
    """Print the paths of the results, one per line."""
    for path in files:
        console.print(str(path), markup=False, soft_wrap=True)


def warn_left_out(errors: Sequence[UserError]) -> None:
    """Print a warning for each study of a store that is left out."""
    for error in errors:
        stderr.print(f"[yellow]warning:[/] left out: {escape(str(error))}")


def report_failures(errors: list[str]) -> None:
    """Print how many trials failed, if any, and the first error."""
    if errors:
        count = f"{len(errors)} trial{'s' * (len(errors) > 1)} failed"
        console.print(
            f"[yellow]{count}, the first with {escape(' '.join(errors[0].split()))}[/]\n"
            "All errors are in the column `error` of the table; --retry-failed runs these trials again.",
            soft_wrap=True,
        )
