"""The papers that can be reproduced, by key."""

from __future__ import annotations

from layerwise._validation import did_you_mean
from layerwise.errors import UserError
from layerwise.papers.damian2022 import DAMIAN2022
from layerwise.papers.lee2020 import LEE2020
from layerwise.papers.nichani2023 import NICHANI2023
from layerwise.papers.paper import Paper
from layerwise.papers.wang2023 import WANG2023

PAPERS: dict[str, Paper] = {paper.key: paper for paper in (DAMIAN2022, NICHANI2023, WANG2023, LEE2020)}


def find_paper(key: str) -> Paper:
    """Return the paper with this key; raises UserError if there is none."""
    if key not in PAPERS:
        raise UserError(
            f"paper={key!r} must be a known key.{did_you_mean(key, PAPERS)} `layerwise papers` lists the figures."
        )
    return PAPERS[key]
