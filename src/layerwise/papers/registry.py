"""The papers that can be reproduced, by key."""

from __future__ import annotations

from layerwise.errors import UserError
from layerwise.papers.damian2022 import DAMIAN2022
from layerwise.papers.lee2020 import LEE2020
from layerwise.papers.nichani2023 import NICHANI2023
from layerwise.papers.paper import Paper
from layerwise.papers.wang2023 import WANG2023

PAPERS: dict[str, Paper] = {paper.key: paper for paper in (DAMIAN2022, NICHANI2023, WANG2023, LEE2020)}


def find_paper(key: str) -> Paper:
    """The paper of that key.

    Raises
    ------
    UserError
        For an unknown key; lists the known ones.
    """
    if key not in PAPERS:
        raise UserError(f'no paper "{key}"; known: {", ".join(PAPERS)}. `layerwise papers` tells what each holds.')
    return PAPERS[key]
