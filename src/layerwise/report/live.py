"""The page of a study that still runs: served on loopback, fresh whenever the store is."""

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
SHARE = 5.0  # a new state is computed at most this part of the time: the trials need the processor


class LiveServer(ThreadingHTTPServer):
    """Serves the report of a store; reads, never writes.

    On loopback, which is the default, it answers only requests that name it by a loopback name, so that no web page can
    read it through a name of its own.

    Parameters
    ----------
    source : Source
        The store and its studies.
    host : str, default="127.0.0.1"
        Address to listen at. Any other than loopback lets everyone who reaches this machine read the page.
    port : int, default=8737
        Port; 0 takes any free one.
    threshold, predicted
        As `make_report` takes them.

    Raises
    ------
    UserError
        When the address cannot be had, or plotly or Jinja2 is not installed.

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
        self._name = time.time_ns()  # a page that was open before a restart knows another
        self._state: tuple[dict[str, Any], list[StudyResult]] | None = None
        self._not_before = 0.0
        self.state()  # what is wrong is said before anyone looks
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"{host}:{port} cannot be listened at ({getattr(error, 'strerror', None) or error}). "
                "Choose another --port (0 takes any free one) or --host."
            ) from None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self.server_address[0]}:{self.server_address[1]}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.server_address[0] in LOOPBACK

    def state(self) -> tuple[dict[str, Any], list[StudyResult]]:
        """Return the data of the page and its results; computed anew where the store has changed.

        Returns
        -------
        data : dict
            As `page_data` returns it.
        results : list of StudyResult
            What it was made of.
        """
        with self._lock:
            revision = f"{self._name}-{self.source.revision()}"
            started = time.monotonic()
            old = self._state
            if old is None or (old[0]["revision"] != revision and started >= self._not_before):
                results, records = self.source.read(), self.source.records()
                options = {"records": records, "unreadable": self.source.unreadable, "revision": revision}
                data = page_data(results, **options, **self.options)
                ended = time.monotonic()
                self._not_before = ended + (SHARE - 1) * (ended - started)
                self._state = old = (data, results)
            return old


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version, sys_version = "layerwise", ""

    def do_GET(self) -> None:
        if self.server.is_local and _name(self.headers.get("Host", "")) not in LOOPBACK:
            return self._answer(HTTPStatus.FORBIDDEN, "This page answers to localhost only.")
        address = urlsplit(self.path)
        try:
            if address.path == "/":
                return self._answer(HTTPStatus.OK, render(*self.server.state(), live=True), "text/html")
            if address.path == "/data.json":
                data, _ = self.server.state()
                if parse_qs(address.query).get("since") == [data["revision"]]:
                    return self._answer(HTTPStatus.NO_CONTENT, "")
                return self._answer(HTTPStatus.OK, embedded(data), "application/json")
        except UserError as error:  # the store is locked, or gone
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return self._answer(HTTPStatus.NOT_FOUND, "There is only the page itself, at /.")

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
        """Say nothing: the terminal is the user's."""


def _name(host: str) -> str | None:
    """The name in a Host header, without its port; None where it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
