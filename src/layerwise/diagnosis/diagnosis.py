"""The diagnosis of a table as an object, with its summary and its conversion to plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from layerwise._validation import as_integer
from layerwise.diagnosis.directions import Directions, find_directions
from layerwise.diagnosis.requirements import Requirement, learner_requirements
from layerwise.diagnosis.sample import prepare, read_arrays, subsample
from layerwise.diagnosis.shares import (
    NoiseFloor,
    Share,
    additive_share,
    degree_shares,
    linear_share,
    noise_floor,
    quadratic_share,
)
from layerwise.diagnosis.table_warnings import TableWarning, table_warnings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from layerwise.diagnosis.display import DiagnosisDisplay

HEADING = "rows that learners need, up to constants (d inputs, r directions, D_k coefficients of degree k)"
#: Loadings of a direction in the summary.
N_LOADINGS = 6


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The structure of a regression table, estimated before any learner is fitted; made by `diagnose`.

    Shares are fractions of the variance of the target, with standard errors.

    Attributes
    ----------
    n_samples, n_used : int
        Rows of the table, and rows from which structure is estimated.
    columns : tuple of str
    linear, additive, quadratic : Share
        R² out of sample of linear functions, of sums of functions of single columns, and of quadratic polynomials.
    degrees : tuple of Share
        Hermite degrees 1, 2, 3 of the Gaussianised inputs: nearly unbiased estimates, which may be negative or above 1.
    noise : NoiseFloor
    directions : Directions
    learners : tuple of Requirement
        The rows that each learner needs, in increasing order.
    warnings : tuple of TableWarning
    """

    n_samples: int
    n_used: int
    columns: tuple[str, ...]
    linear: Share
    additive: Share
    quadratic: Share
    degrees: tuple[Share, ...]
    noise: NoiseFloor
    directions: Directions
    learners: tuple[Requirement, ...]
    warnings: tuple[TableWarning, ...]

    def summary(self) -> str:
        """Return the diagnosis as plain text."""
        used = "" if self.n_used == self.n_samples else f" ({self.n_used:,} random rows used for structure)"
        lines = [f"{self.n_samples:,} rows{used}, {len(self.columns)} inputs", "", "share of the variance explained"]
        models = {"linear": self.linear, "additive splines": self.additive, "quadratic": self.quadratic}
        for name, share in models.items():
            rows = "" if share.n_samples == self.n_used else f"  ({share.n_samples:,} rows)"
            lines.append(f"  {name:<18}{share}   out of sample{rows}")
        lines += [f"  {f'Hermite degree {k}':<18}{share}" for k, share in enumerate(self.degrees, start=1)]
        at_most = "at most " if self.noise.upper_bound else ""
        lines.append(f"  {'noise':<18}{at_most}{self.noise.share}   ({self.noise.method})")
        lines += ["", *self._direction_lines(), "", HEADING]
        for each in self.learners:
            verdict = "yes" if each.affordable else "nearly" if 2 * self.n_samples >= each.n_samples else "no"
            lines.append(f"  {verdict:<7}{each.n_samples:>13,}  {each.learner:<24}{each.structure} ({each.formula})")
        if self.warnings:
            lines += ["", "warnings", *(f"  {warning.message}" for warning in self.warnings)]
        return "\n".join(lines)

    def plot(self, axes: np.ndarray | list[Axes] | None = None) -> DiagnosisDisplay:
        """Draw the shares, the moments against their thresholds, and the rows needed.

        Parameters
        ----------
        axes : three matplotlib Axes or None, default=None
            Axes to draw on; None makes a new pyplot figure.

        Returns
        -------
        DiagnosisDisplay
        """
        from layerwise.diagnosis.display import DiagnosisDisplay

        return DiagnosisDisplay.from_diagnosis(self, axes=axes)

    def to_dict(self) -> dict[str, Any]:
        """Return lists, dictionaries, strings and numbers only, which `json.dumps` accepts; NaN becomes None."""
        return _plain(asdict(self))

    def _direction_lines(self) -> list[str]:
        found, null = self.directions, f"{self.directions.n_permutations} permutations of the target"
        if not len(found):
            return [f"no direction stands out from {null}"]
        stand = "direction stands" if len(found) == 1 else "directions stand"
        lines = [f"{len(found)} {stand} out from {null} (level {found.level:.1%})"]
        for vector, by, strength in zip(found.vectors, found.found_by, found.strengths, strict=True):
            largest = np.argsort(-np.abs(vector))[:N_LOADINGS]
            terms = " ".join(f"{vector[i]:+.2f} {self.columns[i]}" for i in largest if vector[i])
            more = " ..." if np.count_nonzero(vector) > N_LOADINGS else ""
            lines.append(f"  {terms}{more}   ({by}, {strength:.1f} times the threshold)")
        return lines


def diagnose(
    X: Any, y: Any, *, n_permutations: int = 99, random_state: int | np.random.RandomState | None = 0
) -> Diagnosis:
    """Measure the structure of a regression table before a learner is chosen.

    How much of the variance a linear function, a sum of functions of single columns and a quadratic polynomial explain;
    the spectrum by Hermite degree; how much is noise; on how many directions the target depends; which learners have
    enough rows; and what in the table may mislead them.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        At least 20 rows of finite numbers. The names of a DataFrame's columns are kept.
    y : array-like of shape (n_samples,)
    n_permutations : int, default=99
        Permutations of y for the null distribution of the moments: a direction is reported for a y that is independent
        of X with probability about ``1 / (n_permutations + 1)``.
    random_state : int, RandomState or None, default=0
        Draws the permutations, and the rows if there are more than 20,000.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError, TypeError
        If X or y have the wrong shape or too few rows, or text, NaN or infinity in them, or are constant. The message
        names the columns.

    Notes
    -----
    Degrees refer to the normal scores of the columns, whitened by their covariance: inputs are assumed to have a
    Gaussian copula, as in the theory. Otherwise the shares of the degrees are approximate, while shares of models, the
    noise and the level of the test of directions remain valid.

    O(n^2 d) time and O(n d) memory for the spectrum and nearest neighbours, O(n d^2) for each permutation, and the
    eigenvalue problem of a matrix of at most 2,500 rows for the quadratic polynomial, for which random rows are drawn
    if both rows and terms are more.

    References
    ----------
    Mehler's kernel: `layerwise.hermite.degree_kernel`. Moments: `layerwise.diagnosis.directions`.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise import diagnose
    >>> X = np.random.default_rng(0).standard_normal((1000, 5))
    >>> found = diagnose(X, X[:, 0] ** 2 + X[:, 1])
    >>> len(found.directions)
    2
    >>> bool(abs(found.degrees[1].value - 2 / 3) < 0.1)
    True
    """
    n_permutations = as_integer(n_permutations, "n_permutations", minimum=9)
    rng = check_random_state(random_state)
    table = read_arrays(X, y)
    n, n_features = table.X.shape
    used = subsample(table, rng)
    sample = prepare(used)
    models = {"linear": linear_share(sample, rng), "additive": additive_share(sample, rng)}
    models["quadratic"] = quadratic_share(sample, rng)
    directions = find_directions(sample, n_features, n_permutations, rng)
    return Diagnosis(
        n_samples=n,
        n_used=len(used.y),
        columns=table.names,
        **models,
        degrees=degree_shares(sample),
        noise=noise_floor(sample, directions.vectors[:, sample.kept], models),
        directions=directions,
        learners=learner_requirements(n, len(sample.kept), len(directions)),
        warnings=table_warnings(table, sample),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
