"""How many samples the theorems predict: the exponent of d, by target and learner, with its source.

The rates hold as d grows with everything else fixed (degrees, number of directions, accuracy), up to constants and
logarithms. Each comes with what its theorem does not say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, cast

import numpy as np

from layerwise._validation import find_class
from layerwise.targets import Target
from layerwise.theory import conditions
from layerwise.theory._subject import KnownFeature, TargetLike, as_target, own_features
from layerwise.theory.leap import target_leap
from layerwise.theory.measurements import polynomial_degree, relevant_rank

Kind = Literal["sufficient", "necessary", "conjectured", "none"]


@dataclass(frozen=True)
class PredictedSamples:
    """A sample size ``n ~ d^exponent`` that a theorem predicts.

    Attributes
    ----------
    target, learner : str
    exponent : float or None
        Exponent of d; None if no theorem gives one.
    kind : {"sufficient", "necessary", "conjectured", "none"}
        Whether this number of samples is sufficient, necessary, or conjectured to be sufficient; "none" if no theorem
        gives one.
    formula : str
        The full rate.
    source : str
        Paper and theorem.
    unsaid : str
        What the theorem does not say about this target and learner.
    """

    target: str
    learner: str
    exponent: float | None
    kind: Kind
    formula: str
    source: str
    unsaid: str

    def __str__(self) -> str:
        rate = f"n ~ {self.formula} ({self.kind})" if self.exponent is not None else "no rate"
        return f"{self.learner} on {self.target}: {rate}. {self.source}. {self.unsaid}"


@dataclass(frozen=True)
class _Structure:
    """The quantities on which the rates depend."""

    target: Target
    r: int
    degree: int | None
    information_exponent: int | None
    generative_exponent: int | None
    leap: int | None
    features: list[KnownFeature]

    @property
    def grows(self) -> str:
        """The reason why rates for a fixed number of directions do not apply, or an empty text."""
        if self.r <= conditions.MAX_RELEVANT_SHARE * self.target.dim:
            return ""
        return f"The rate is for a number of directions that stays fixed; this target depends on {self.r} of d."

    def failed(self, rows: list) -> str:
        """The assumptions that do not hold, as text."""
        return "; ".join(f"{row.assumption} = {row.measured:.3g}" for row in rows if row.holds is False)


Rate = tuple[float | None, Kind, str, str, str]
DAMIAN = "Damian, Lee, Soltanolkotabi 2022"


def predicted_samples(target: TargetLike, learner: Any, *, dim: int | None = None) -> PredictedSamples:
    """Return the number of samples that theory predicts for a learner on a target, as an exponent of d.

    Parameters
    ----------
    target : Target or callable
        f.
    learner : str, class or estimator
        A learner by its class name in any spelling, its class, or an instance, of which the parameters that change the
        rate are read.
    dim : int, optional
        Number of inputs; required for a function.

    Returns
    -------
    PredictedSamples

    Raises
    ------
    ValueError
        If no rate is listed for the learner.

    Notes
    -----
    For staircases such as ``x_1 + x_1 x_2 + x_1 x_2 x_3`` the information exponent is 1 and the Hessian misses a
    direction; the leap (1) is what the rate of joint training depends on, and the generative exponent that of label
    transforms.

    Examples
    --------
    >>> from layerwise.targets import Hierarchical, MultiIndex, SingleIndex
    >>> predicted_samples(SingleIndex(20, link="h4"), "TwoLayerRegressor").formula
    'd^(4/2)'
    >>> predicted_samples(SingleIndex(20, link=[0, 0, 1, 0, 1]), "kernel").exponent
    4.0
    >>> h = Hierarchical(20, {"name": "balanced_sum", "degree": 2})
    >>> [predicted_samples(h, learner).exponent for learner in ("hierarchical", "kernel")]
    [2.0, 6.0]
    >>> staircase = MultiIndex(20, "staircase", rank=3)
    >>> predicted_samples(staircase, "two_layer").exponent, predicted_samples(staircase, "joint").exponent
    (None, 1.0)
    """
    f = as_target(target, dim)
    if isinstance(learner, str):
        name, options = learner, None
    else:
        name, options = (learner if isinstance(learner, type) else type(learner)).__name__, learner
    rate = find_class(name if name.lower().endswith("regressor") else f"{name}Regressor", cast(Any, RATES), "learner")
    structure = _Structure(
        f,
        relevant_rank(f),
        polynomial_degree(f),
        f.information_exponent,
        getattr(f, "generative_exponent", None),
        target_leap(f),
        own_features(f),
    )
    return PredictedSamples(repr(f), name, *rate(structure, options))


def _kernel(s: _Structure, options: Any) -> Rate:
    source = f"{DAMIAN}, section 1; Ghorbani, Mei, Misiakiewicz, Montanari 2021"
    energies = s.target.degree_energies(6)
    left = [f"{1.0 - x:.2f}" for x in np.cumsum(energies[1:5]) / s.target.variance]
    stages = f"With n between d^k and d^(k+1) the risk is that of the degrees above k: {', '.join(left)} for k = 1..4."
    if s.degree is None:
        return None, "none", "", source, f"f is not a polynomial: no power of d suffices for risk 0. {stages}"
    return float(s.degree), "necessary", f"d^{s.degree}", source, stages


def _two_layer(s: _Structure, options: Any) -> Rate:
    rows = conditions.damian2022(s.target)
    rank = next(row for row in rows if row.assumption.startswith("rank of H"))
    if rank.holds and s.grows:
        return None, "none", "", f"{DAMIAN}, Theorem 1", s.grows
    if rank.holds and s.degree is not None:
        unsaid = "Nothing about constants; the bound is not claimed to be sharp in r and kappa."
        return 2.0, "sufficient", "d^2 kappa^2 r", f"{DAMIAN}, Theorem 1", unsaid
    if rank.holds is None:
        return None, "none", "", f"{DAMIAN}, Theorem 1", "The rank of E Hessian f is not resolved beyond its error."
    if rank.holds:
        return (
            None,
            "none",
            "",
            f"{DAMIAN}, Theorem 1",
            ("The theorem is about polynomials. The directions are found from d^2 samples, as Assumption 2 holds."),
        )
    exponent = s.information_exponent
    if s.r == 1 and exponent is not None and exponent >= 3:
        return (
            exponent / 2.0,
            "necessary",
            f"d^({exponent}/2)",
            f"{DAMIAN}, Theorem 2 and its corollary",
            ("A lower bound for all correlational learners; one gradient step does not attain it."),
        )
    return (
        None,
        "none",
        "",
        f"{DAMIAN}, Theorem 1",
        (
            f"Assumption 2 fails: one step finds the range of E Hessian f, {int(rank.measured)} of {s.r} directions. "
            f"Information exponent {exponent} and leap {s.leap} do not change that."
        ),
    )


def _joint(s: _Structure, options: Any) -> Rate:
    source = (
        "Abbe, Boix-Adserà, Misiakiewicz 2023, leap complexity; Ben Arous, Gheissari, Jagannath 2021 for one direction"
    )
    if s.grows:
        return None, "none", "", source, s.grows
    if s.leap is None:
        return (
            None,
            "none",
            "",
            source,
            "The leap of this target is not computed: it depends on more than 3 directions.",
        )
    exponent = max(s.leap - 1, 1)
    unsaid = (
        "For online SGD on two layers, in these coordinates; a rotation may have a larger leap. Repeated passes over "
        "the data (which act as label transforms) can do better, and deep networks are not covered."
    )
    kind: Kind = "sufficient" if s.r == 1 else "conjectured"
    return float(exponent), kind, f"d^max(leap - 1, 1), leap = {s.leap}", source, unsaid


def _three_layer(s: _Structure, options: Any) -> Rate:
    source, unsaid = (
        "Nichani, Damian, Lee 2023",
        "The rate of the last version, for a suitable sigma_2; the first has {}.",
    )
    if s.r == 1:
        rows = conditions.nichani2023_single_index(s.target)
        if not s.failed(rows):
            return 1.0, "sufficient", "d", f"{source}, single index", unsaid.format("d^2")
        return None, "none", "", f"{source}, single index", f"An assumption fails: {s.failed(rows)}."
    quadratic = [p for p in s.features if p.polynomial.degree == 2]
    if len(s.features) == len(quadratic) == 1:
        rows = conditions.nichani2023_quadratic(s.target, quadratic[0])
        if not s.failed(rows):
            return 2.0, "sufficient", "d^2", f"{source}, quadratic feature", unsaid.format("d^4")
        return None, "none", "", f"{source}, quadratic feature", f"An assumption fails: {s.failed(rows)}."
    return None, "none", "", source, "The theorem covers one direction, or one quadratic feature."


def _hierarchical(s: _Structure, options: Any) -> Rate:
    source = "Wang, Nichani, Lee 2023, main theorem"
    if len(s.features) != 1:
        return None, "none", "", source, f"The theorem covers one feature; this target declares {len(s.features)}."
    p = s.features[0]
    failed, k = s.failed(conditions.wang2023(s.target, p)), p.polynomial.degree
    if failed:
        return None, "none", "", source, f"An assumption fails: {failed}. For general p the rate d^{k} is conjectured."
    unsaid = (
        "n >= d^(k + 3 alpha) for risk d^(-alpha): the constant, and the rate for small risks at fixed d, are open."
    )
    return float(k), "sufficient", f"d^{k}", source, unsaid


def _quadratic_model(s: _Structure, options: Any) -> Rate:
    source = "Lee 2020; Chen et al. 2020; Bai, Lee 2019"
    if s.degree is None or s.r >= s.target.dim:
        return None, "none", "", source, "The theorem is about low-rank polynomials."
    p = s.degree
    if getattr(options, "representation", "neural") == "raw":
        exponent, formula = max(p - 1, 1), f"d^(p-1), p = {p}"
    else:
        exponent, formula = ceil(p / 2), f"d^ceil(p/2), p = {p}"
    return (
        float(exponent),
        "sufficient",
        formula,
        source,
        "The dependence on r is polynomial, and not claimed to be sharp.",
    )


def _convex(s: _Structure, options: Any) -> Rate:
    if getattr(options, "space", "F1") == "F2":
        return _kernel(s, options)
    source = "Bach 2017; Lee 2020, function spaces"
    if s.grows:
        return None, "none", "", source, s.grows
    unsaid = "The rate of the minimiser. For general activations no polynomial-time algorithm is known to find it."
    return 1.0, "sufficient", f"d poly(r), r = {s.r}", source, unsaid


def _moments(s: _Structure, options: Any) -> Rate:
    source = "Lee 2020, spectral and moment methods; Damian, Pillaud-Vivien, Lee, Bruna 2024 for label transforms"
    transformed = (
        ""
        if s.generative_exponent is None
        else (f" With a transform of the label, d^max(1, k*/2), k* = {s.generative_exponent} the generative exponent.")
    )
    if s.grows:
        return None, "none", "", source, s.grows
    if s.leap is None:
        return None, "none", "", source, f"The leap of this target is not computed.{transformed}"
    return (
        max(1.0, s.leap / 2.0),
        "sufficient",
        f"d^max(1, leap/2), leap = {s.leap}",
        source,
        (f"For moments of y itself, found one leap after another; the rank must be known.{transformed}"),
    )


def _unknown(s: _Structure, options: Any) -> Rate:
    return None, "none", "", "no theorem known", "Measured in studies only."


RATES: dict[str, Callable[[_Structure, Any], Rate]] = {
    "ConvexNeuralRegressor": _convex,
    "HierarchicalRegressor": _hierarchical,
    "JointRegressor": _joint,
    "KernelRegressor": _kernel,
    "LayerwiseRegressor": _unknown,
    "MomentRegressor": _moments,
    "QuadraticModelRegressor": _quadratic_model,
    "RandomFeatureRegressor": _kernel,
    "RecursiveFeatureRegressor": _unknown,
    "ThreeLayerRegressor": _three_layer,
    "TwoLayerRegressor": _two_layer,
}
"""The rate of each learner, by class name: from the structure of a target and the learner, if one was given."""
