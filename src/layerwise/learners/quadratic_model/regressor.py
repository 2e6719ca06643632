"""The quadratic model of a wide network on a representation, and the tangent model beside it (Lee 2020)."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from layerwise.learners._head import Auto, RandomState, check_penalty, mean_square
from layerwise.learners.quadratic_model.complaint import complaint
from layerwise.learners.quadratic_model.function import QuadraticModelFunction
from layerwise.learners.quadratic_model.signed_sgd import LOSSES, train
from layerwise.representations._validation import check_samples
from layerwise.solvers import FeatureBlocks, kernel_ridge

#: penalty="auto" falls from the first to the second over the epochs.
PENALTIES = (1e-2, 1e-5)


class QuadraticModelRegressor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, QuadraticModelFunction, BaseEstimator
):
    """Wide network around its random start, trained to second order, on a whitened representation.

    With ``h(x) = Sigma^{-1/2} g(x)`` and the movement W of the weights from their start W_0 the network is
    ``f_{W_0 + W}(x) = (1/sqrt m) sum_r a_r sigma((w_{0,r} + w_r).h(x) + b_r)``, a, b, W_0 and g frozen. It learns

    - ``model="linearised"``: its first-order term in W, what the neural tangent kernel of h learns;
    - ``model="quadratic"``: ``(1/(2 sqrt m)) sum_r a_r sigma''(w_{0,r}.h + b_r) (w_r.h)^2``, by itself
      (``dynamics="quadratic"``), or as what signed dropout leaves of the network (``dynamics="network"``): the signs of
      all movements are drawn afresh in every step, and the first-order term averages out. The network may want twice
      the epochs.

    Columns of X are brought to mean 0 and variance 1 first: offsets and units of theirs change nothing. Tails heavier
    than the Gaussian's do: powers of a row beyond those fitted run away with the prediction. Bring such columns to a
    normal distribution first (scikit-learn's ``QuantileTransformer(output_distribution="normal")``).

    Parameters
    ----------
    representation : {"neural", "raw", "hermite"}, default="neural"
        g: `RandomFeatures`, x itself, `HermiteFeatures`. All are whitened.
    representation_width : int, default=300
        D of "neural".
    degree : int, default=2
        Of "hermite": p / 2 for a target of degree p.
    model : {"quadratic", "linearised"}, default="quadratic"
    dynamics : {"quadratic", "network"}, default="quadratic"
        What is trained, of model="quadratic".
    signed_dropout : bool, default=True
        Of dynamics="network"; the quadratic model itself is the same at all signs. Without it the network is trained as
        it is, and predicts as it is; with it, it predicts by its mean over the signs, which is exact.
    activation : {"relu-cubed", "quadratic"}, default="relu-cubed"
        sigma: ``relu(t)^3 / 6``, whose second derivative is ReLU, or ``t^2 / 2``, with which the quadratic model is
        ``h'M h`` and the problem convex in M (see Notes).
    width : int, default=400
        m, an even number, since neurons come in pairs of opposite sign a_r.
    bias : float, default=3.0
        Standard deviation of b_r over that of ``w_{0,r}.h``; together they have variance 1. The paper has none: at 3
        nine tenths of the variance of the gates ``relu(w_{0,r}.h + b_r)`` are a constant each, see Notes.
    loss : {"square", "absolute", "huber"}, default="square"
        The Huber loss is r^2 up to one standard deviation of y, then linear.
    penalty : float or "auto", default="auto"
        lambda, of ``lambda sum_r |w_r|^4`` (model="quadratic") or ``lambda |W|_F^2 / 2`` ("linearised"), y being scaled
        to variance 1. "auto" lets it fall geometrically from 1e-2 to 1e-5 over the epochs, and the rows held out choose
        the epoch and with it the penalty; where the solution is closed, leave-one-out chooses.
    step_size : float, default=0.03
        Root mean square movement of a neuron in a step at the start, in units of m^{-1/4} (quadratic) or m^{-1/2}
        (linearised); it falls to 0 along a cosine.
    noise : float, default=0.01
        Root mean square size of the neurons of W at the start, in the same units: W = 0 is a saddle. Much above 0.1 the
        start is no small perturbation but a function of its own, which the epochs have to unlearn.
    batch_size : int, default=64
    max_epochs : int, default=100
    patience : int, optional
        Training ends after this many epochs without a lower validation loss; None ends it at max_epochs. The best
        iterate is kept either way.
    validation : float, default=0.1
        Fraction of the rows held out by gradient descent, and by Sigma with it; at least one is.
    max_memory : int, default=8 * 2**30
        Bytes the fit may take.
    random_state : int, RandomState or None

    Attributes
    ----------
    representation_ : transformer
        x -> h(x): a `Pipeline` of the standardised columns and their whitened representation.
    start_weights_ : ndarray of shape (width / 2, D)
    start_biases_ : ndarray of shape (width / 2,)
        W_0 and b of the first m/2 neurons, a = 1; the others share them with a = -1.
    weights_ : ndarray of shape (width, D)
        W, of the labels ``(y - y_mean_) / y_scale_``.
    gates_ : ndarray of shape (width / 2,)
        Mean of ``sigma''(t_r)`` over the rows fitted.
    intercept_ : float
        Constant added to the model of these labels.
    y_mean_, y_scale_ : float
    penalty_ : float
        lambda at the iterate kept.
    n_iter_ : int
        Epochs; 0 where the solution is closed.
    best_epoch_ : int
        That of the iterate kept; 0 where none had a lower loss on the rows held out than W = 0, which is kept then: the
        prediction is the mean of y.
    history_ : list of dict
        Epoch by epoch: step size, penalty, loss on the batches as they came and on the rows held out, in units of y^2
        (of \\|y\\| for loss="absolute"); ``norm``, ``|W|_{2,4}``; ``first_order``, ``second_order``, ``third_order``,
        the root mean square of each Taylor term over up to 256 rows, the odd ones at fresh signs under signed dropout,
        in units of y. For a closed solution one line, that of its penalty.
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where the fit would take more than ``max_memory``, or the squares of y leave float64.

    Warns
    -----
    ConvergenceWarning
        Where gradient descent diverges, or ``noise`` starts it so far off that no epoch is better than the mean of y;
        the best iterate is kept.

    Notes
    -----
    An epoch takes 4 n D m flops in float32 (one product forth, one back) and some passes over (n, m); the start n D m
    once; the representation n D^2 + 9 D^3 in float64. Memory: 4 bytes a number of h (n, D) and of the table of the
    start (n, m/2), 12 of W, 32 D^2. Predictions are made by row blocks, in the precision of X. The optimiser is that of
    `layerwise.learners.quadratic_model.signed_sgd`: momentum and a common normaliser are not the paper's.

    *Linearised, square loss.* The minimiser is ridge regression on the m D tangent features, solved exactly in the
    dual: kernel ridge regression with ``k(x, z) = 1 + h(x).h(z) (1/m) sum_r sigma'(t_r(x)) sigma'(t_r(z))``, its
    penalty by leave-one-out on all rows; n^2 (D + m/2) + 9 n^3 flops, four n x n matrices. Gradient descent would stop
    on its way there. The other losses take gradient descent.

    *Quadratic activation.* ``f = <M, h h'>``, ``M = (1/(2 sqrt m)) sum_r a_r w_r w_r'``. Of all W with this M the least
    penalty is ``8 lambda (|M+|_*^2 + |M-|_*^2)``, M+ and M- being the positive and the negative part of M: m/2 neurons
    a part, all of one length (possible for ranks <= m/2, by Schur and Horn). Its gradient is that of
    ``tau+ |M+|_* + tau- |M-|_*`` at ``tau+- = 16 lambda |M+-|_*``: a nuclear norm with one tau where the parts weigh
    the same, and a trace norm on positive M.

    *The bias* is not the paper's, whose gates are ``relu(w_{0,r}.h)``, ``bias=0``. At 3 they hardly see x, and the
    model is close to ``h'M h``: best where the target is the square of a linear function of h, worst where its gates
    have to make up for the degree. Median risk of three seeds, p = 4, r = 1, d = 16, noise .1, at bias 3, 1 and 0:
    "hermite", n = 1000: .02, .10, .20; "neural", n = 2000: .15, .16, .28; "raw", n = 2000: .34, .31, .22.

    *Low degrees.* Nothing but the mean is taken off y first: the model has constant and linear functions of h where the
    representation has a constant (``neural``, ``hermite``), and the theory removes nothing.

    References
    ----------
    Lee 2020; Bai, Lee 2019 (signed dropout, the 2,4-norm); Chen, Bai, Lee, Zhao, Wang, Xiong, Socher 2020 (the whitened
    representation).
    """

    n_features_in_: int

    def __init__(
        self,
        representation: Literal["neural", "raw", "hermite"] = "neural",
        *,
        representation_width: int = 300,
        degree: int = 2,
        model: Literal["quadratic", "linearised"] = "quadratic",
        dynamics: Literal["quadratic", "network"] = "quadratic",
        signed_dropout: bool = True,
        activation: Literal["relu-cubed", "quadratic"] = "relu-cubed",
        width: int = 400,
        bias: float = 3.0,
        loss: Literal["square", "absolute", "huber"] = "square",
        penalty: Auto = "auto",
        step_size: float = 0.03,
        noise: float = 0.01,
        batch_size: int = 64,
        max_epochs: int = 100,
        patience: int | None = None,
        validation: float = 0.1,
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.representation: Literal["neural", "raw", "hermite"] = representation
        self.representation_width = representation_width
        self.degree = degree
        self.model: Literal["quadratic", "linearised"] = model
        self.dynamics: Literal["quadratic", "network"] = dynamics
        self.signed_dropout = signed_dropout
        self.activation: Literal["relu-cubed", "quadratic"] = activation
        self.width = width
        self.bias = bias
        self.loss: Literal["square", "absolute", "huber"] = loss
        self.penalty: Auto = penalty
        self.step_size = step_size
        self.noise = noise
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation = validation
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Whiten the representation, draw the start, train on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        self._check_choices()
        rng = check_random_state(self.random_state)
        representation, D = self._make_representation(len(y), X.shape[1], rng.randint(2**31 - 1))
        self.start_weights_, self.start_biases_ = self._draw_start(D, rng)
        held_out = np.zeros(len(y), dtype=bool) if self._closed else self._hold_out(len(y), rng)
        self.representation_ = representation.fit(X[~held_out])  # step 1
        self.y_mean_ = float(y.mean(dtype=float))
        labels = y.astype(float) - self.y_mean_
        self.y_scale_ = float(np.sqrt(mean_square(labels)))
        labels /= self.y_scale_ or 1.0
        if self._closed:
            self._solve(X, labels)
        else:
            self._descend(X, labels, held_out, rng)  # step 2
        return self

    def _solve(self, X: np.ndarray, labels: np.ndarray) -> None:
        """Kernel ridge regression in the tangent kernel + 1: ``w_r = sum_i alpha_i (df/dp_r)(x_i) h(x_i)``.

        Its 1 is a constant: columns and labels of mean 0 would tell of a row left out, minus the sum of the others.
        """
        H = self._represent(X, np.float64)
        table = self._choose_model().table(self._start(float).preactivations(H))  # sigma'(t) / sqrt m
        kernel = H @ H.T
        kernel *= 2 * table @ table.T  # two halves
        kernel += 1
        path = kernel_ridge(kernel, labels, check_penalty(self.penalty))
        table *= path.coefficients[:, None]
        half = table.T @ H
        self.weights_ = np.concatenate([half, -half]).astype(X.dtype)
        self.intercept_ = float(path.coefficients.sum())
        self.penalty_, self.n_iter_, self.best_epoch_ = path.penalty, 0, 0
        self.gates_ = self._mean_gates(H)
        self.history_ = [path.summary()]

    def _descend(self, X: np.ndarray, labels: np.ndarray, held_out: np.ndarray, rng: np.random.RandomState) -> None:
        H = self._represent(X, np.float32)
        penalty = check_penalty(self.penalty)
        first, last = PENALTIES if penalty is None else (penalty, penalty)
        fall = np.linspace(0, 1, self.max_epochs)
        training = train(
            self._choose_model(),
            LOSSES[self.loss],
            self._start(np.float32),
            H,
            labels.astype(np.float32),
            held_out,
            penalties=first ** (1 - fall) * last**fall,
            linearised=self.model == "linearised",
            signed=self._signed,
            step_size=self.step_size,
            noise=self.noise,
            batch_size=self.batch_size,
            patience=self.patience,
            rng=rng,
        )
        self.weights_, self.intercept_ = training.weights.astype(X.dtype), training.constant
        self.best_epoch_, self.n_iter_ = training.epoch, len(training.history)
        self.gates_ = self._mean_gates(H)
        loss_unit = self.y_scale_ if self.loss == "absolute" else self.y_scale_**2
        units = {"loss": loss_unit, "validation_loss": loss_unit}
        units |= dict.fromkeys(("first_order", "second_order", "third_order"), self.y_scale_)
        self.history_ = [{key: value * units.get(key, 1) for key, value in line.items()} for line in training.history]
        self.penalty_ = training.history[training.epoch - 1]["penalty"] if training.epoch else first
        if message := complaint(training, self.step_size, self.noise):
            warnings.warn(message, ConvergenceWarning, stacklevel=3)

    def _hold_out(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        """Mask of the rows that choose the epoch. Sigma must not see them: they would look white, fresh rows do not."""
        return rng.permutation(n) < min(max(round(self.validation * n), 1), n - 1)

    def _represent(self, X: np.ndarray, dtype) -> np.ndarray:
        """h whole, in another precision."""
        H = np.empty((len(X), self._n_features_out), dtype=dtype)
        for rows, block in FeatureBlocks(X, self.representation_.transform, H.shape[1]):
            H[rows] = block
        return H

    def _mean_gates(self, H: np.ndarray) -> np.ndarray:
        start = self._start(H.dtype)
        blocks = FeatureBlocks(H, lambda rows: start.activation.second(start.preactivations(rows)), self.width // 2)
        return np.sum([block.sum(axis=0, dtype=float) for _, block in blocks], axis=0) / len(H)

    def _draw_start(self, D: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """w_{0,r} ~ N(0, I/D) and b_r ~ N(0, bias^2), scaled so that t_r has variance 1 where |h|^2 = D."""
        scale, half = 1 / np.hypot(1, self.bias), self.width // 2
        weights = scale / np.sqrt(D) * rng.standard_normal((half, D))
        return weights, scale * self.bias * rng.standard_normal(half)
