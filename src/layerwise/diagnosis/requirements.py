"""The number of rows that each learner needs according to theory.

The number of unknowns, or the power of d in a theorem, times a constant that was measured for targets on which the
learner succeeds: orders of magnitude, not guarantees.
"""

from __future__ import annotations

from dataclasses import dataclass

from layerwise.hermite import n_terms


@dataclass(frozen=True)
class Requirement:
    """The rows that a learner needs.

    Attributes
    ----------
    learner : str
        A model of scikit-learn, or a name that ``layerwise fit --learner`` takes.
    structure : str
        The functions that it learns from this number of rows.
    formula : str
        The number of rows; d inputs, r directions, ``D_k = C(d+k, k) - 1``.
    n_samples : int
        The value of the formula.
    affordable : bool
        Whether the table has at least this number of rows.
    """

    learner: str
    structure: str
    formula: str
    n_samples: int
    affordable: bool


def learner_requirements(n_samples: int, n_features: int, n_directions: int) -> tuple[Requirement, ...]:
    """Return the requirements for a table, in increasing order; ``n_directions`` is 1 if none was found.

    Sources: counts of unknowns for ridge regression and splines; Damian et al. 2022, Theorem 1 (two-layer) and Damian,
    Pillaud-Vivien, Lee, Bruna 2024 (moments of transformed labels: a multiple of d for every polynomial link); Nichani
    et al. 2023 (three-layer, quadratic middle layer: d^2); Wang et al. 2023 (hierarchical: more than d^k); Lee 2020
    (quadratic model: d^(p/2) for degree p); Ghorbani, Mei, Misiakiewicz, Montanari 2021 (kernels: d^p). The constants
    of hierarchical and refined are those of docs/refinement.md.
    """
    d, r = n_features, max(n_directions, 1)
    D = {k: n_terms(d, k) - 1 for k in (2, 3, 4)}
    table = [
        ("ridge", "linear functions", "5 d", 5 * d),
        ("additive splines", "sums of functions of single inputs", "16 d", 16 * d),
        ("quadratic ridge", "quadratic polynomials", "2 D_2", 2 * D[2]),
        ("moments", f"functions of {_count(r, 'direction')}", "20 r d", 20 * r * d),
        ("two-layer", f"functions of {_count(r, 'direction')}", "r d²", r * d**2),
        ("three-layer", "functions of one quadratic feature", "2 d²", 2 * d**2),
        ("quadratic-model", "polynomials of degree 4 of few directions", "d²", d**2),
        ("refined", "functions of one quadratic feature", "4 D_2", 4 * D[2]),
        ("hierarchical", "functions of one quadratic feature", "16 D_2", 16 * D[2]),
        ("refined", "functions of one cubic feature", "4 D_3", 4 * D[3]),
        ("hierarchical", "functions of one cubic feature", "16 D_3", 16 * D[3]),
        ("kernel, random-features", "any polynomial of degree 2", "2 D_2", 2 * D[2]),
        ("kernel, random-features", "any polynomial of degree 3", "2 D_3", 2 * D[3]),
        ("kernel, random-features", "any polynomial of degree 4", "2 D_4", 2 * D[4]),
    ]
    return tuple(
        Requirement(learner, structure, formula, rows, n_samples >= rows)
        for learner, structure, formula, rows in sorted(table, key=lambda row: row[-1])
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number > 1)}"
