"""The live page of a running study, served on loopback and updated from the store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from layerwise.errors import UserError
from layerwise.report.page import embedded, page_data, render
from layerwise.report.source import Source
from layerwise.studies import StudyResult

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PERIOD_PER_COMPUTATION = 5.0  # at most a fifth of the time is spent on new states: the trials need the processor


class LiveServer(ThreadingHTTPServer):
    """HTTP server of the report of a store. It reads the store and never writes it.

    On loopback, which is the default, it answers only requests whose Host header is a loopback name. So no web page can
    read it through a domain name that resolves to this machine (DNS rebinding).

    Parameters
    ----------
    source : Source
    host : str, default="127.0.0.1"
        Address to listen on. With any other address than loopback, everyone who can reach this machine can read the
        page.
    port : int, default=8737
        Port; 0 means any free one.
    threshold, predicted
        As in `make_report`.

    Raises
    ------
    UserError
        If the address is not available, or plotly or Jinja2 is not installed.

    Examples
    --------
    >>> with LiveServer(Source("study.sqlite")) as server:  # doctest: +SKIP
    ...     print(server.url)
    ...     server.serve_forever()
    """

    daemon_threads = True

    def __init__(
        self,
        source: Source,
        host: str = "127.0.0.1",
        port: int = 8737,
        *,
        threshold: float = 0.5,
        predicted: Mapping[Any, float] | None = None,
    ) -> None:
        self.source = source
        self.options = {"threshold": threshold, "predicted": predicted}
        self._lock = Lock()
        self._name = time.time_ns()  # differs after a restart, so that open pages reload their data
        self._state: tuple[dict[str, Any], list[StudyResult]] | None = None
        self._not_before = 0.0
        self.state()  # raises errors before the first request
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"{host}:{port} is not available ({getattr(error, 'strerror', None) or error}). "
                "Choose another --port (0 means any free one) or --host."
            ) from None

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{self.server_address[0]}:{self.server_address[1]}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.server_address[0] in LOOPBACK

    def state(self) -> tuple[dict[str, Any], list[StudyResult]]:
        """Return the data of the page (`page_data`) and its results, recomputed if the store has changed."""
        with self._lock:
            revision = f"{self._name}-{self.source.revision()}"
            started = time.monotonic()
            old = self._state
            if old is None or (old[0]["revision"] != revision and started >= self._not_before):
                results, records = self.source.read(), self.source.records()
                options = {"records": records, "unreadable": self.source.unreadable, "revision": revision}
                data = page_data(results, **options, **self.options)
                ended = time.monotonic()
                self._not_before = ended + (PERIOD_PER_COMPUTATION - 1) * (ended - started)
                self._state = old = (data, results)
            return old


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version, sys_version = "layerwise", ""

    def do_GET(self) -> None:
        if self.server.is_local and _name(self.headers.get("Host", "")) not in LOOPBACK:
            return self._answer(HTTPStatus.FORBIDDEN, "This page is available as localhost only.")
        address = urlsplit(self.path)
        try:
            if address.path == "/":
                return self._answer(HTTPStatus.OK, render(*self.server.state(), live=True), "text/html")
            if address.path == "/data.json":
                data, _ = self.server.state()
                if parse_qs(address.query).get("since") == [data["revision"]]:
                    return self._answer(HTTPStatus.NO_CONTENT, "")
                return self._answer(HTTPStatus.OK, embedded(data), "application/json")
        except UserError as error:  # the store is locked or missing
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return self._answer(HTTPStatus.NOT_FOUND, "The only page is /.")

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the terminal belongs to the user."""


def _name(host: str) -> str | None:
    """Return the name in a Host header, without the port; None if the header is invalid."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
