"""Figures written to files as PNG and SVG."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.complexity_display import SampleComplexityDisplay
from layerwise.studies.plots.frame import blank_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEM_LENGTH = 48  # characters: at most 192 bytes in UTF-8, where file names may have 255


def save_figures(result: StudyResult, folder: Path) -> list[Path]:
    """Draw risk against n for each target and dimension that has a successful trial.

    Returns the paths of the files, ``risk-TARGET-dDIM.png`` and ``.svg`` in the folder.
    """
    stems = file_stems(spec.label for spec in result.study.targets)
    succeeded = result.table[result.table["error"].isna()]
    files = []
    for target, dim in succeeded[["target", "dim"]].drop_duplicates().itertuples(index=False):
        display = SampleComplexityDisplay.from_study(result, target=target, dim=int(dim), ax=blank_axes())
        files += save_figure(display.figure_, folder / f"risk-{stems[target]}-d{dim}")
    return files


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, to ``stem`` with these suffixes; the same figure gives the same bytes.

    Returns the paths of the files.
    """
    from matplotlib import rc_context

    files = []
    with rc_context({"svg.hashsalt": stem.name}):
        for suffix, metadata in ((".png", None), (".svg", {"Date": None})):
            files.append(stem.with_name(stem.name + suffix))
            figure.savefig(files[-1], dpi=200, metadata=metadata, bbox_inches="tight")
    return files


def file_stems(labels: Iterable[str]) -> dict[str, str]:
    """Return a distinct file name for each label, made of its letters and digits.

    Names are distinct on file systems that ignore case as well.
    """
    stems, taken = {}, set()
    for label in labels:
        words = re.sub(r"\W+", "-", unicodedata.normalize("NFKC", label))
        stem = first = words[:STEM_LENGTH].strip("-") or "target"
        number = 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{first}-{number}"
        taken.add(stem.casefold())
        stems[label] = stem
    return stems
