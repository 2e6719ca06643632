"""The figures of a study as files: one for each target and dimension, as PNG and SVG."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.displays import SampleComplexityDisplay
from layerwise.studies.plots.frame import blank_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEM_LENGTH = 48  # letters; in UTF-8 at most 192 of the 255 bytes a file name may have


def save_figures(result: StudyResult, folder: Path) -> list[Path]:
    """Draw risk against n for each target and dimension that has a successful trial.

    Parameters
    ----------
    result : StudyResult
        What the study found.
    folder : Path
        Where ``risk-TARGET-dDIM.png`` and ``.svg`` go.

    Returns
    -------
    list of Path
        The files.
    """
    stems = file_stems(spec.label for spec in result.study.targets)
    succeeded = result.table[result.table["error"].isna()]
    files = []
    for target, dim in succeeded[["target", "dim"]].drop_duplicates().itertuples(index=False):
        display = SampleComplexityDisplay.from_study(result, target=target, dim=int(dim), ax=blank_axes())
        files += save_figure(display.figure_, folder / f"risk-{stems[target]}-d{dim}")
    return files


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
    stem : Path
        The files' path without ``.png`` and ``.svg``.

    Returns
    -------
    list of Path
        The files.
    """
    from matplotlib import rc_context

    files = []
    with rc_context({"svg.hashsalt": stem.name}):
        for suffix, metadata in ((".png", None), (".svg", {"Date": None})):
            files.append(stem.with_name(stem.name + suffix))
            figure.savefig(files[-1], dpi=200, metadata=metadata, bbox_inches="tight")
    return files


def file_stems(labels: Iterable[str]) -> dict[str, str]:
    """Return a file name for each label: its letters and digits, no two alike even where case does not count.

    Parameters
    ----------
    labels : iterable of str
        Distinct labels.

    Returns
    -------
    dict
        Stem by label.
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
