"""The result of `check_assumptions`: one row per assumption of a theorem."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PAPERS = {
    "all": "all four papers",
    "damian2022": "Damian, Lee, Soltanolkotabi 2022",
    "damian2024": "Damian, Pillaud-Vivien, Lee, Bruna 2024",
    "nichani2023": "Nichani, Damian, Lee 2023",
    "wang2023": "Wang, Nichani, Lee 2023",
    "lee2020": "Lee 2020; Chen et al. 2020",
}


@dataclass(frozen=True)
class Assumption:
    """One assumption of a theorem, measured on a target.

    Attributes
    ----------
    paper : str
        Key of the paper in `PAPERS`.
    theorem : str
        The theorem or definition that assumes it.
    assumption : str
        What is assumed, in the paper's symbols.
    measured : float
        The constant of this target; NaN if it is not defined or could not be computed.
    threshold : str
        The condition on the constant. Where the paper states an order of magnitude only, the number is a convention of
        this library (see `layerwise.theory.conditions`).
    holds : bool or None
        The verdict; None where the constant is not resolved beyond its error, or the paper sets no condition on it.
    error : float
        Standard error or error bound of ``measured``; 0 where it is exact to rounding.
    """

    paper: str
    theorem: str
    assumption: str
    measured: float
    threshold: str
    holds: bool | None
    error: float = 0.0


@dataclass(frozen=True)
class AssumptionReport:
    """All assumptions that were checked for a target.

    Attributes
    ----------
    target : str
        Description of the target.
    rows : tuple of Assumption
    """

    target: str
    rows: tuple[Assumption, ...]

    def __getitem__(self, assumption: str) -> Assumption:
        """The first row whose text starts with ``assumption``."""
        for row in self.rows:
            if row.assumption.startswith(assumption):
                return row
        known = ", ".join(repr(row.assumption) for row in self.rows)
        raise KeyError(f"no row starts with {assumption!r}; the rows are {known}. Pass the start of one of them.")

    def holds(self, paper: str) -> bool | None:
        """Whether all assumptions of a paper hold: False if one fails, None if none fails and one is not resolved."""
        if paper not in PAPERS:
            raise ValueError(f"paper={paper!r} must be one of {', '.join(PAPERS)}. Pass a key.")
        verdicts = [row.holds for row in self.rows if row.paper in (paper, "all") and row.threshold]
        if not any(row.paper == paper for row in self.rows):
            return None
        return False if False in verdicts else None if None in verdicts else True

    def table(self) -> pd.DataFrame:
        """Return one row per assumption; the columns are the attributes of `Assumption`."""
        import pandas as pd

        frame = pd.DataFrame([asdict(row) for row in self.rows])
        frame["paper"] = frame["paper"].map(PAPERS)
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain Python values that JSON can store; NaN becomes None."""
        rows = [
            {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in asdict(row).items()}
            for row in self.rows
        ]
        return {"target": self.target, "rows": rows}

    def __str__(self) -> str:
        lines, paper = [f"Assumptions for {self.target}"], ""
        for row in self.rows:
            if row.paper != paper:
                paper = row.paper
                lines += ["", PAPERS[paper]]
            verdict = {True: "holds", False: "FAILS", None: "-"}[row.holds]
            error = f" ± {row.error:.1g}" if row.error else ""
            condition = f"  [{row.threshold}]" if row.threshold else ""
            lines.append(f"  {verdict:<6}{row.theorem}: {row.assumption} = {row.measured:.4g}{error}{condition}")
        return "\n".join(lines)
