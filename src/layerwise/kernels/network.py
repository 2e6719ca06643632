"""Kernels of infinitely wide fully connected networks of any depth.

A network with L layers of weights computes ``h_1 = W_1 x / sqrt(d) + b_1`` and ``h_{l+1} = sqrt(w/m) W_{l+1} sigma(h_l)
+ b_{l+1}``, with standard Gaussian weights, the weight variance w, and biases of variance ``bias``. As its widths m
grow, its outputs become Gaussian with covariance Sigma_L (NNGP), and gradient descent on all parameters becomes kernel
gradient descent with Theta_L (NTK), where s is the covariance of h_1:

    Theta_1 = Sigma_1 = s;    Sigma_{l+1} = w E sigma(u) sigma(v) + bias,               (Jacot et al. 2018)
    Theta_{l+1} = Sigma_{l+1} + Theta_l * w E sigma'(u) sigma'(v),

where (u, v) is Gaussian with the covariances Sigma_l; see `layerwise.kernels.dual_activations`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from layerwise._validation import Integer, Number
from layerwise.activations import ActivationLike, as_activation
from layerwise.kernels.angle import size_sine_angle, supplement
from layerwise.kernels.base import BIAS, DotProductKernel, Profile
from layerwise.kernels.dual_activations import dual_activation


@dataclass(frozen=True)
class WideNetwork:
    """A fully connected network with its NNGP kernel, its neural tangent kernel, and its features at finite width.

    Parameters
    ----------
    depth : int
        Number of layers of weights; 2 is the two-layer network.
    bias : float
        Variance of the Gaussian biases in every layer.
    activation : str, sequence of float, callable or Activation
        sigma, in any form that `layerwise.activations.as_activation` accepts. Kernels have a closed form for ReLU and
        erf and are exact for polynomials; those of other activations are computed by a Hermite series of degree 64,
        which is accurate for smooth activations.
    weight_variance : float
        w, the variance of the weights of each layer but the first, multiplied by its fan-in. With ReLU, w = 2 preserves
        the mean square of the activations.

    Raises
    ------
    ValueError
        If a parameter is not allowed, or an activation without a closed form has a kink other than at 0.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.kernels import WideNetwork
    >>> network, X = WideNetwork(3, activation="erf"), np.random.default_rng(0).standard_normal((5, 10))
    >>> Phi = network.features(X, width=4000, random_state=0)
    >>> bool(np.allclose(Phi @ Phi.T, network.nngp()(X), atol=0.1))
    True
    """

    depth: int = 2
    bias: float = 0.0
    activation: ActivationLike = "relu"
    weight_variance: float = 2.0

    def __post_init__(self):
        Integer(1).check(self.depth, "depth")
        BIAS.check(self.bias, "bias")
        Number().check(self.weight_variance, "weight_variance")
        dual_activation(self.activation)

    def nngp(self) -> NNGPKernel:
        """The covariance of the outputs of the network before training."""
        return NNGPKernel(**_parameters(self))

    def ntk(self) -> NeuralTangentKernel:
        """The kernel of gradient descent on all layers."""
        return NeuralTangentKernel(**_parameters(self))

    def features(self, X: np.ndarray, width: int, random_state: int | np.random.RandomState | None = None):
        """Draw a network with hidden layers of this width and return its features Phi of X (n_samples, n_features).

        ``Phi Phi'`` is close to the NNGP kernel. Phi consists of the inputs of the last layer, ``(sqrt(w / width)
        sigma(h), sqrt(bias))``, and has shape (n_samples, width), or (n_samples, width + 1) with a bias.
        """
        rng, sigma = check_random_state(random_state), as_activation(self.activation)
        H, scale = X, X.shape[1] ** -0.5
        for _ in range(self.depth - 1):
            weights = rng.standard_normal((H.shape[1], width)).astype(X.dtype) * scale
            biases = (self.bias**0.5 * rng.standard_normal(width)).astype(X.dtype)
            H, scale = sigma(H @ weights + biases).astype(X.dtype), (self.weight_variance / width) ** 0.5
        H = H * scale
        return np.hstack([H, np.full((len(H), 1), self.bias**0.5, H.dtype)]) if self.bias else H


@dataclass(frozen=True)
class NNGPKernel(WideNetwork, DotProductKernel):
    """Covariance Sigma_L of the outputs of a wide fully connected network; the parameters are those of `WideNetwork`.

    With ReLU, depth 2 and w = 2 it is the arc-cosine kernel of order 1, plus the bias. See Lee, Bahri et al. 2018.
    """

    def profile(self):
        return _profile(self, 0)

    def values(self, s, s_xx, s_zz):
        dual, w = dual_activation(self.activation), self.weight_variance
        for _ in range(self.depth - 1):
            s, _ = dual.values(s, s_xx, s_zz, w)
            s += self.bias
            s_xx, s_zz = (w * dual.mean_square(q)[0] + self.bias for q in (s_xx, s_zz))
        return s

    def partial_derivatives(self, s, s_xx, s_zz):
        """Partial derivatives as in `NeuralTangentKernel`."""
        return _derivatives(self, s, s_xx, s_zz)[0]


@dataclass(frozen=True)
class NeuralTangentKernel(WideNetwork, DotProductKernel):
    """Neural tangent kernel Theta_L of a fully connected network with all layers trained.

    The parameters are those of `WideNetwork`; see Jacot, Gabriel, Hongler 2018, Theorem 1.
    """

    def profile(self):
        return _profile(self, 1)

    def values(self, s, s_xx, s_zz):
        dual, w = dual_activation(self.activation), self.weight_variance
        tangent = s.copy()
        for _ in range(self.depth - 1):
            s, slope = dual.values(s, s_xx, s_zz, w)
            s += self.bias
            s_xx, s_zz = (w * dual.mean_square(q)[0] + self.bias for q in (s_xx, s_zz))
            tangent *= slope
            tangent += s
        return tangent

    def partial_derivatives(self, s, s_xx, s_zz):
        """Partial derivatives as in `DotProductKernel`, by differentiation of the recursion.

        There is no gradient at x = 0 without a bias. With ReLU and depth >= 2, the arc-cosine kernel k_0 of order 0 has
        no derivative where x and z are parallel; it is taken to be constant there.
        """
        return _derivatives(self, s, s_xx, s_zz)[1]


def _parameters(network: WideNetwork) -> dict:
    return {name: getattr(network, name) for name in WideNetwork.__dataclass_fields__}


def _profile(network: WideNetwork, which: int) -> Profile | None:
    """Profile of Sigma_L (which=0) or Theta_L (which=1) for ReLU, with two layers or without biases; otherwise None."""
    if network.depth < 2 or (network.depth > 2 and network.bias) or not as_activation(network.activation).is_relu:
        return None
    scale = (network.weight_variance / 2) ** (network.depth - 1)

    def function(cosine: np.ndarray) -> np.ndarray:
        K = relu_network(cosine, network.depth)[which]
        return K if scale == 1 else scale * K

    return Profile(function, 1, network.bias)


def relu_network(cosine: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Sigma_L and Theta_L of unit vectors without biases, w = 2 and L >= 2, from cos t; overwrites its argument.

    With a = min(t, pi - t), ``Sigma_2 = max(cos t, 0) + (sin t - |cos t| a) / pi`` and
    ``Theta_2 = Sigma_2 + max(cos t, 0) - |cos t| a / pi``.
    """
    tangent = None
    for _ in range(depth - 1):
        size, sine, a = size_sine_angle(cosine)
        size *= a
        size *= 1 / np.pi
        sine *= 1 / np.pi
        sine -= size
        if tangent is not None:
            slope = supplement(cosine, a)
            slope *= 1 / np.pi
            tangent *= slope
        np.maximum(cosine, 0, out=cosine)
        if tangent is None:
            tangent = np.subtract(cosine, size, out=size)
        cosine += sine
        tangent += cosine
    assert tangent is not None
    return cosine, tangent


def _derivatives(network: WideNetwork, s, s_xx, s_zz):
    """Partial derivatives of Sigma_L, and of Theta_L, with respect to s and s_xx."""
    dual, w, bias = dual_activation(network.activation), network.weight_variance, network.bias
    tangent, of_tangent = s.copy(), (np.ones_like(s), np.zeros_like(s))
    of_sigma, of_square = of_tangent, np.ones_like(s_xx)  # of_square: d s_xx of the layer / d s_xx of the inputs
    for _ in range(network.depth - 1):
        k, slope, k_xx, slope_s, slope_xx = (w * a for a in dual.derivatives(s.copy(), s_xx, s_zz))
        of_slope = slope_s * of_sigma[0], slope_s * of_sigma[1] + slope_xx * of_square
        of_sigma = slope * of_sigma[0], slope * of_sigma[1] + k_xx * of_square
        s = k + bias
        (s_xx, change), (s_zz, _) = dual.mean_square(s_xx), dual.mean_square(s_zz)
        s_xx, s_zz, of_square = w * s_xx + bias, w * s_zz + bias, w * change * of_square
        of_tangent = tuple(a * slope + tangent * b + c for a, b, c in zip(of_tangent, of_slope, of_sigma, strict=True))
        tangent = tangent * slope + s
    return of_sigma, of_tangent
