"""The command line: parse, call one function, print. One module per group of commands."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import typer
from rich.markup import escape

from layerwise.cli import diagnose, fit, papers, report, study
from layerwise.cli._console import Interrupted, accept_any_text, refuse, stderr
from layerwise.errors import UserError

app = typer.Typer(
    help="The theory of feature learning, runnable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(papers.papers)
app.command()(papers.reproduce)
app.command()(papers.verify)
app.add_typer(study.app, name="study")
app.command()(report.report)
app.command()(report.watch)
app.command()(diagnose.diagnose)
app.command(cls=fit.FitCommand)(fit.fit)
app.command()(fit.predict)

# Click's, or that of the copy of Click inside newer versions of Typer.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


@app.callback()
def import_from_current_folder() -> None:
    """Let every command find targets and learners in modules of the current folder, as ``python -m`` would."""
    if sys.path[:1] != [os.getcwd()]:
        sys.path.insert(0, os.getcwd())


@contextmanager
def interruptible(received: list[int]) -> Generator[None]:
    """Treat SIGTERM, by which a batch system announces the end of a job, as Ctrl-C, and append it to the list."""

    def interrupt(number: int, _: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Run the command line.

    The exit status is 0; 1 if nothing succeeded, something was left out or a claim is not met; 2, with one message, for
    a user error; 130 after Ctrl-C, 143 after SIGTERM. Any other exception is a bug and keeps its traceback.
    """
    accept_any_text()
    os.environ["MPLBACKEND"] = "agg"  # figures are written to files; another backend may be a missing one
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
        status = refuse(f"{place}{error.strerror or error}. Check the path, its permissions and the disk's free space.")
    except UserError as error:
        status = refuse(str(error))
    except Interrupted:
        status, stopped = 130, "interrupted; finished trials are kept, the same command goes on from there."
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    if status == 130:
        stderr.print(stopped)
    sys.exit(143 if terminated else status)
