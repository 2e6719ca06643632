"""`layerwise report` and `layerwise watch`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from layerwise.cli._console import check_outputs, console, list_files, stderr, warn_left_out
from layerwise.errors import UserError

StorePath = Annotated[Path, typer.Argument(help="SQLite file of a study.", metavar="STORE")]
Studies = Annotated[
    list[Path] | None,
    typer.Option("--study", help="TOML file of a study to show instead of those in the store; repeatable."),
]
Threshold = Annotated[float, typer.Option(help="Risk to be reached: initial position of the slider.")]
Predicted = Annotated[list[str] | None, typer.Option(help="Predicted exponent, as LEARNER=EXPONENT; repeatable.")]


def report(
    store: StorePath,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path("report.html"),
    study: Studies = None,
    threshold: Threshold = 0.5,
    predicted: Predicted = None,
) -> None:
    """Write one self-contained HTML page: learning curves, exponents with verdicts, definition, failures."""
    from layerwise.report import Source, make_report

    rates = _predictions(predicted or [])
    check_outputs([store, *(study or [])], {"--output": output})
    with closing(Source(store, study or [])) as source, _arguments():
        results, records, errors = source.read(), source.records(), source.unreadable
        make_report(results, output, threshold=threshold, predicted=rates, records=records, unreadable=errors)
    warn_left_out(errors)
    list_files([output])
    if errors:
        raise typer.Exit(1)


def watch(
    store: StorePath,
    study: Studies = None,
    host: Annotated[str, typer.Option(help="Address to listen on; by default, only this machine can reach it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 means any free one.")] = 8737,
    threshold: Threshold = 0.5,
    predicted: Predicted = None,
) -> None:
    """Serve the same page live while a study runs. Reads the store and never writes it. Stop it with Ctrl-C."""
    from layerwise.report import LiveServer, Source

    rates = _predictions(predicted or [])
    with closing(Source(store, study or [])) as source:
        warn_left_out(source.unreadable)
        with _arguments():
            server = LiveServer(source, host, port, threshold=threshold, predicted=rates)
        with server:
            if not server.is_local:
                stderr.print("[yellow]warning:[/] everyone who can reach this machine can read the page.")
            console.print(f"{escape(server.url)}  (stop with Ctrl-C)", soft_wrap=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                console.print("stopped.")


@contextmanager
def _arguments() -> Iterator[None]:
    """Report a threshold or prediction that the analysis refuses as a user error."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from None


def _predictions(texts: list[str]) -> dict[str, float]:
    """Parse LEARNER=EXPONENT into exponents by learner."""
    rates = {}
    for text in texts:
        label, _, value = text.rpartition("=")
        try:
            if not label:
                raise ValueError
            rates[label] = float(value)
        except ValueError:
            raise UserError(
                f'--predicted "{text}" must be LEARNER=EXPONENT with a number, such as --predicted "ridge=2".'
            ) from None
    return rates
