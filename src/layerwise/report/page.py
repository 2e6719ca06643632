"""The page: one self-contained HTML file.

A content security policy allows the page's own two scripts, by their hashes, and no connection (except, for the live
page, to its own server). So even a label that was injected into the markup could neither run nor send anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from layerwise.errors import UserError
from layerwise.report.charts import extra
from layerwise.report.facts import definition, environment, failures, status
from layerwise.report.payload import study_payload
from layerwise.report.source import Record
from layerwise.studies import StudyError, StudyResult, study_titles
from layerwise.studies.storage.header import refuse_database


def make_report(
    results: StudyResult | Sequence[StudyResult],
    path: str | PathLike[str],
    *,
    threshold: float = 0.5,
    predicted: Mapping[Any, float] | None = None,
    records: Sequence[Record] = (),
    unreadable: Sequence[StudyError] = (),
) -> Path:
    """Write studies as one self-contained HTML page with interactive curves, exponents, definition and failures.

    Parameters
    ----------
    results : StudyResult or sequence of StudyResult
        Results of the studies, finished or not; one section per study.
    path : path-like
        The file; its folder is created if missing.
    threshold : float, default=0.5
        Risk to be reached: initial position of the slider.
    predicted : mapping or None, default=None
        Predicted exponents, by the learner's label or by (target, learner). Studies without that learner ignore them.
    records : sequence of Record, default=()
        Versions that ran the trials, and when (`Source.records`).
    unreadable : sequence of StudyError, default=()
        Errors of studies that are left out (`Source.unreadable`); the page lists them.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If plotly or Jinja2 is not installed, there is no study, or the file is a store.
    ValueError
        If the threshold is not a positive number, or a prediction is for a learner that no study has.
    """
    path = Path(path)
    refuse_database(path)
    results = [results] if isinstance(results, StudyResult) else list(results)
    options = {"predicted": predicted, "records": records, "unreadable": unreadable}
    text = render(page_data(results, threshold=threshold, **options), results)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def page_data(
    results: Sequence[StudyResult],
    *,
    threshold: float,
    predicted: Mapping[Any, float] | None = None,
    records: Sequence[Record] = (),
    unreadable: Sequence[StudyError] = (),
    revision: str = "",
) -> dict[str, Any]:
    """Return the data that the page's script draws, and that the live page fetches again.

    The parameters are those of `make_report`; ``revision`` identifies this state of the store.
    """
    if not results:
        raise UserError("There is no study to report. Pass at least one result.")
    owned = _predictions_by_study(results, predicted or {})
    studies = []
    for i, (result, rates) in enumerate(zip(results, owned, strict=True)):
        payload = study_payload(result, threshold, rates, f"study-{i + 1}")
        payload["fragments"] = {
            "status": render_template("_status.html", status=status(result)),
            "failures": render_template("_failures.html", **failures(result)),
            "values": result.summary().drop(columns=["lower", "upper"]).to_csv(index=False, float_format="%.4g"),
        }
        studies.append(payload)
    made = render_template("_environment.html", environment=environment(), records=records)
    left_out = [str(error) for error in unreadable]
    shape = hashlib.sha256(repr([[result.study for result in results], left_out]).encode()).hexdigest()
    return {"revision": revision, "shape": shape, "studies": studies, "left_out": left_out, "environment": made}


def render(data: dict[str, Any], results: Sequence[StudyResult], *, live: bool = False) -> str:
    """Return the page as HTML, given the output of `page_data`; a live page polls its server for changes."""
    from markupsafe import Markup

    scripts = [extra("plotly.offline").get_plotlyjs(), read_template("report.js")]
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{value}'" for value in hashes),
        "style-src": "'unsafe-inline'",  # plotly writes its styles into the page
        "img-src": "data: blob:",  # and offers the chart as an image
        "connect-src": "'self'" if live else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    titles = study_titles([result.study for result in results])
    studies = [
        {"data": part, "title": title, "study": result.study, "definition": definition(result)}
        for part, title, result in zip(data["studies"], titles, results, strict=True)
    ]
    return render_template(
        "report.html",
        title=titles[0] if len(titles) == 1 else f"{len(titles)} studies",
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        style=Markup(read_template("report.css")),
        scripts=[Markup(text) for text in scripts],
        embedded=Markup(embedded(data)),
        environment=Markup(data["environment"]),
        studies=studies,
        left_out=data["left_out"],
        live=live,
    )


def _predictions_by_study(results: Sequence[StudyResult], predicted: Mapping[Any, float]) -> list[dict[Any, float]]:
    """Return the predictions of each study, without those that apply to other studies only."""
    labels = []
    for result in results:
        learners = {learner.label for learner in result.study.learners}
        labels.append(learners | {(target.label, label) for target in result.study.targets for label in learners})
    foreign = [set().union(*labels) - own for own in labels]
    return [{label: rate for label, rate in predicted.items() if label not in others} for others in foreign]


def read_template(name: str) -> str:
    """Return the text of a file of the package's templates."""
    return (files("layerwise.report") / "templates" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def render_template(template: str, **values: Any) -> str:
    """Return a template with its values, which are escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Any:
    jinja2 = extra("jinja2")
    options = {"autoescape": True, "undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return jinja2.Environment(loader=jinja2.PackageLoader("layerwise.report"), **options)


def embedded(data: Any) -> str:
    """Return data as JSON that is safe inside a script element: ``<``, ``>`` and ``&`` are written as escapes."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
