"""Errors in the program, by name: each changes the library for the duration of one test.

A claim names the error that must turn it (`layerwise.papers.claim.Claim.mutation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from layerwise import activations, hermite, kernels, representations
from layerwise.learners._head import LinearPartAndHead
from layerwise.targets import Target
from layerwise.targets.index import RidgeSum
from layerwise.theory import QueryOracle

Patch = pytest.MonkeyPatch
MUTATIONS: dict[str, Callable[[Patch], None]] = {}


def mutation(name: str):
    def register(apply: Callable[[Patch], None]):
        MUTATIONS[name] = apply
        return apply

    return register


def module(path: str):
    return import_module(f"layerwise.{path}")


def wrap(patch: Patch, owner, name: str, change: Callable):
    """Replace a function by ``change(original)``."""
    patch.setattr(owner, name, change(getattr(owner, name)))


@mutation("gradient sign")
def _(patch):
    wrap(patch, module("learners.joint.adam").Adam, "step", lambda f: lambda self, g, rate: f(self, -g, rate))
    descent = module("solvers.gradient_descent")
    wrap(patch, descent, "iterate_filter", lambda f: lambda s, n, step: (1 - (1 + step * s) ** min(n, 50)) / s)


@mutation("no centring")
def _(patch):
    head = module("learners._head")
    wrap(patch, head, "fit_linear_part", lambda f: lambda X, y, linear: (0.0, f(X, y, linear)[1]))


@mutation("step before removing the linear part")
def _(patch):
    def keep_the_linear_part(remove):
        def wrong(self, X, y):
            remove(self, X, y)
            return y

        return wrong

    wrap(patch, LinearPartAndHead, "_remove_linear_part", keep_the_linear_part)


@mutation("biases kept")
def _(patch):
    def without_new_biases(fit):
        def wrong(self, X, y):
            fit(self, X, y)
            self.biases_ = np.zeros_like(self.biases_)
            return self

        return wrong

    wrap(patch, representations.FirstStep, "fit", without_new_biases)


@mutation("gradient without the indicator")
def _(patch):
    def without(X, y, weights):
        return np.repeat((X.T @ y / len(y))[None, :], len(weights), axis=0)

    for path in ("representations.first_step", "papers.damian2022.exact"):
        patch.setattr(module(path), "half_space_moments", without)


@mutation("sigma_1 of the wrong degree")
def _(patch):
    stage_1 = module("learners.hierarchical.regressor")
    layer = stage_1.PolynomialLayer
    patch.setattr(stage_1, "PolynomialLayer", lambda degree, width, sigma, seed: layer(1, width, None, seed))
    patch.setattr(stage_1, "n_columns", lambda dim, degree, width: dim + 1)
    middle = module("representations.middle_step")
    wrong = activations.as_activation([0.0, 0.0, 0.0, 0.0, 1.0])
    patch.setattr(middle, "as_activation", lambda *_, **__: wrong)
    rank = module("theory.random_features")
    wrap(patch, rank, "as_polynomial", lambda f: lambda sigma: hermite.HermiteSeries(f(sigma).coefficients[:-1]))


@mutation("all dropout signs +1")
def _(patch):
    descent = module("learners.quadratic_model.signed_sgd")
    wrap(patch, descent, "train", lambda f: lambda *args, **options: f(*args, **options | {"signed": False}))
    patch.setattr(module("learners.quadratic_model.regressor"), "train", descent.train)


@mutation("kernel factor")
def _(patch):
    wrap(patch, kernels.PolynomialActivationKernel, "__init__", lambda f: lambda self, *args: _scaled(f, self, *args))
    double = lambda f: lambda self, s, s_xx, s_zz: 2 * f(self, s, s_xx, s_zz)  # noqa: E731
    wrap(patch, kernels.ArcCosineKernel, "values", double)


def _scaled(init, kernel, *args):
    init(kernel, *args)
    kernel.monomials = np.sqrt(2) * np.asarray(kernel.monomials)


@mutation("linear kernel")
def _(patch):
    for kernel in (kernels.PolynomialKernel, kernels.NeuralTangentKernel):
        patch.setattr(kernel, "profile", lambda self: None)  # which would replace `values`
        patch.setattr(kernel, "values", lambda self, s, s_xx, s_zz: s)


@mutation("kernel of degree 2")
def _(patch):
    patch.setattr(kernels.PolynomialKernel, "values", lambda self, s, s_xx, s_zz: s**2)


@mutation("tangent kernel with half of the derivative")
def _(patch):
    def halved(values):
        def wrong(self, s, s_xx, s_zz):
            last_layer = kernels.ArcCosineKernel(1, 0.0).values(s.copy(), s_xx, s_zz)
            return (values(self, s, s_xx, s_zz) + last_layer) / 2

        return wrong

    patch.setattr(kernels.NeuralTangentKernel, "profile", lambda self: None)  # which would replace `values`
    wrap(patch, kernels.NeuralTangentKernel, "values", halved)


@mutation("features without a nonlinearity")
def _(patch):
    patch.setattr(representations.RandomFeatures, "transform", lambda self, X: X @ self.weights_.T + self.biases_)


@mutation("P_k of the wrong normalisation")
def _(patch):
    wrap(patch, hermite.HermitePolynomial, "project", lambda f: lambda self, k: 2 * f(self, k))

    def doubled(energies):
        def wrong(self, *args, **options):
            result = energies(self, *args, **options)
            return tuple(2 * part for part in result) if isinstance(result, tuple) else 2 * result

        return wrong

    wrap(patch, Target, "degree_energies", doubled)
    for path in ("representations.hermite_features", "papers.lee2020.expressivity"):
        # monic in place of orthonormal polynomials
        wrap(patch, module(path), "design_matrix", lambda f: lambda X, k: np.sqrt(2) * f(X, k))


@mutation("representation of degree 1")
def _(patch):
    def without_degree_2(design_matrix):
        def wrong(X, k, **options):
            features = design_matrix(X, k, **options)
            features[:, X.shape[1] + 1 :] = 0.0
            return features

        return wrong

    wrap(patch, module("representations.hermite_features"), "design_matrix", without_degree_2)


@mutation("loop variable closure in teachers")
def _(patch):
    def last_direction(evaluate):
        def wrong(self, Z):
            kept = self._reduced
            self._reduced = np.repeat(kept[-1:], len(kept), axis=0)
            try:
                return evaluate(self, Z)
            finally:
                self._reduced = kept

        return wrong

    wrap(patch, RidgeSum, "evaluate", last_direction)


@mutation("moments without the labels")
def _(patch):
    regressor = module("learners.moments.regressor")
    wrap(patch, regressor, "find_directions", lambda f: lambda Z, y, *a, **k: f(Z, np.roll(y, len(y) // 2), *a, **k))
    wrap(patch, module("learners.moments.transforms"), "find_transformed", _with_rolled_labels)


def _with_rolled_labels(find):
    return lambda moments, labels, *args, **options: find(moments, np.roll(labels, len(labels) // 2), *args, **options)


@mutation("gradient terms of the next degree")
def _(patch):
    wrap(patch, module("papers.damian2022.exact"), "gradient_terms", lambda f: lambda p, w: np.roll(f(p, w), 1, axis=0))


@mutation("queries without the adversary")
def _(patch):
    patch.setattr(QueryOracle, "_answer", lambda self, correlations: self._counted(correlations), raising=False)
    patch.setattr(QueryOracle, "_counted", _count, raising=False)


def _count(oracle, correlations):
    oracle.n_queries += len(correlations)
    return correlations


@mutation("answers always 0")
def _(patch):
    patch.setattr(QueryOracle, "_answer", lambda self, correlations: 0 * _count(self, correlations))


@mutation("directions of norm √2")
def _(patch):
    exact = module("papers.damian2022.exact")
    longer = lambda f: lambda *args, **options: np.sqrt(2) * f(*args, **options)  # noqa: E731
    wrap(patch, exact, "near_orthogonal_directions", longer)


@mutation("bound without the tolerance's square")
def _(patch):
    patch.setattr(module("papers.damian2022.exact"), "max_excluded", lambda tolerance, correlation: 1 / tolerance)


@mutation("critical tolerance without the root")
def _(patch):
    wrap(patch, module("papers.damian2022.exact"), "critical_tolerance", lambda f: lambda d, p, q: f(d, p, q) ** 2)


@mutation("weights of monomials without the density")
def _(patch):
    patch.setattr(module("theory.random_features").norm, "pdf", lambda b: np.ones_like(b))


@mutation("squared eigenvalues")
def _(patch):
    conditions = module("theory.conditions")
    wrap(patch, conditions, "hessian_eigenvalues", lambda f: lambda target: (f(target)[0] ** 2, f(target)[1]))


@mutation("steps instead of ridge regression")
def _(patch):
    exact = module("papers.damian2022.exact")

    def landweber(features, y, penalty):
        step = 1 / np.linalg.norm(features, 2) ** 2
        coefficients = np.zeros(features.shape[1])
        for _ in range(int(1 / penalty)):
            coefficients = coefficients + step * features.T @ (y - features @ coefficients)
        return coefficients

    patch.setattr(exact, "ridge_head", landweber)


@mutation("half of the inner product")
def _(patch):
    stein = module("theory.stein")
    wrap(patch, stein, "_inner_product", lambda f: lambda target: f(target)._replace(value=f(target).value / 2))


@mutation("moments 5 % too large")
def _(patch):
    wrap(patch, module("papers.wang2023.exact"), "exact_moment", lambda f: lambda *args: 1.05 * f(*args))


@mutation("hypercontractive bound of the wrong exponent")
def _(patch):
    patch.setattr(module("papers.wang2023.exact"), "moment_bound", lambda k, q: (q - 1) ** (k / 2))


@mutation("structure of the wrong degree")
def _(patch):
    conditions = module("theory.conditions")
    wrap(patch, conditions, "feature_structure", lambda f: lambda p: replace(f(p), pure_share=0.5, n_pieces=1))


@mutation("norm of the vector of eigenvalues")
def _(patch):
    polynomial = hermite.HermitePolynomial
    wrap(patch, polynomial, "expected_hessian", lambda f: lambda self: np.linalg.norm(f(self)) * np.eye(self.dim))


@mutation("every direction is relevant")
def _(patch):
    patch.setattr(module("theory.conditions"), "relevant_rank", lambda f: f.dim)


@mutation("rates without the representation")
def _(patch):
    rates = module("theory.rates")
    kernel = rates.RATES["KernelRegressor"]
    patch.setitem(rates.RATES, "QuadraticModelRegressor", kernel)


@mutation("descent stopped early")
def _(patch):
    exact = module("papers.lee2020.exact")
    shorter = {"options": {"maxiter": 50}}
    wrap(patch, exact, "minimize", lambda f: lambda *args, **options: f(*args, **options | shorter))


@mutation("harmonics counted as monomials of one degree less")
def _(patch):
    wrap(patch, module("papers.lee2020.exact"), "n_harmonics", lambda f: lambda dim, k: f(dim, k - 1))
