"""The command line: parse, call one function, print. One file a group of commands."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import typer
from rich.markup import escape

from layerwise.cli import fit, papers, report, study
from layerwise.cli._console import Interrupted, refuse, stderr
from layerwise.errors import UserError

app = typer.Typer(
    help="The theory of feature learning, runnable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(papers.papers)
app.command()(papers.reproduce)
app.add_typer(study.app, name="study")
app.command()(report.report)
app.command()(report.watch)
app.command(cls=fit.FitCommand)(fit.fit)

#: Click's, or that of the copy of Click inside newer Typers.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


@contextmanager
def interruptible(came: list[int]) -> Generator[None]:
    """Take SIGTERM, by which a batch system announces the end, for Ctrl-C, and put it on the list."""

    def interrupt(number: int, _: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Run the command line.

    The exit status is 0; 1 where nothing succeeded or a claim is not met; 2 with one message for what a user got
    wrong; 130 after Ctrl-C, 143 after SIGTERM, which ends the work as cleanly. Any other exception is a bug, and keeps
    its traceback.
    """
    warnings.showwarning = lambda message, *_, **__: stderr.print(f"[yellow]warning:[/] {escape(str(message))}")
    stopped, terminated = "interrupted.", []
    try:
        with interruptible(terminated):
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
    sys.exit(143 if terminated else status)
