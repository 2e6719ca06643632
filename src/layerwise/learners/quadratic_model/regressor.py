"""The quadratic model and the tangent model of a wide network on a representation (Lee 2020)."""

from __future__ import annotations

import warnings
from typing import ClassVar, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from layerwise._validation import Choice, Constraint, Flag, Fraction, Integer, Number
from layerwise.activations import ActivationLike
from layerwise.learners._base import PENALTY_OR_ZERO, Auto, RandomState, as_number
from layerwise.learners._head import some_rows
from layerwise.learners.quadratic_model.divergence import divergence_message
from layerwise.learners.quadratic_model.function import QuadraticModelFunction
from layerwise.learners.quadratic_model.representation import Representation, make_representation, representation_width
from layerwise.learners.quadratic_model.signed_sgd import LOSSES, train
from layerwise.learners.quadratic_model.taylor import draw_start
from layerwise.solvers import kernel_ridge
from layerwise.solvers.gram import BLOCK_BYTES
from layerwise.solvers.squared_errors import mean_square

#: penalty="auto" decreases from the first to the second over the epochs.
PENALTIES = (1e-2, 1e-5)


class QuadraticModelRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, QuadraticModelFunction):
    """Wide network, expanded to second order around its random start, on a whitened representation.

    With ``h(x) = Sigma^{-1/2} g(x)`` and the movement W of the weights from their start W_0, the network is
    ``f_{W_0 + W}(x) = (1/sqrt m) sum_r a_r sigma((w_{0,r} + w_r).h(x) + b_r)`` with a, b, W_0 and g frozen. Learnt is

    - for ``model="linearised"``, its first-order term in W, the neural tangent kernel of h;
    - for ``model="quadratic"``, ``(1/(2 sqrt m)) sum_r a_r sigma''(w_{0,r}.h + b_r) (w_r.h)^2``: either trained alone
      (``dynamics="quadratic"``), or as the part of the network that remains under signed dropout
      (``dynamics="network"``), where the signs of all movements are drawn anew in every step and the first-order term
      averages out. The network may need twice as many epochs.

    Outside the range of the training rows, predictions grow like powers of the inputs: first transform columns with
    heavy tails to a normal distribution (scikit-learn's ``QuantileTransformer``).

    Parameters
    ----------
    representation : {"neural", "raw", "hermite"}, default="neural"
        g: `RandomFeatures`, x itself, or `HermiteFeatures`. All are whitened.
    representation_width : int, default=300
        D for "neural".
    degree : int, default=2
        The degree for "hermite": p / 2 for a target of degree p.
    model : {"quadratic", "linearised"}, default="quadratic"
    dynamics : {"quadratic", "network"}, default="quadratic"
        What is trained for model="quadratic".
    signed_dropout : bool, default=True
        For dynamics="network": predict by the mean over the signs. If False, train and predict by the plain network.
    activation : str, sequence of float, callable or Activation, default="relu-cubed"
        sigma, as accepted by `layerwise.activations.as_activation`, with three known derivatives: "relu-cubed"
        (``max(t, 0)^3 / 6``, whose second derivative is ReLU), "half-square" (``t^2 / 2``, with which the quadratic
        model is ``h'M h`` and the problem convex in M, see Notes), other polynomials, "tanh", ...
    width : int, default=400
        m, which must be even: the neurons come in pairs of opposite sign a_r.
    bias : float, default=3.0
        Standard deviation of b_r divided by that of ``w_{0,r}.h``; their sum has variance 1. The paper has no bias. At
        3, nine tenths of the variance of the gates ``relu(w_{0,r}.h + b_r)`` do not depend on x, see Notes.
    loss : {"square", "absolute", "huber"}, default="square"
        The Huber loss is r^2 up to one standard deviation of y, then linear.
    penalty : float or "auto", default="auto"
        lambda in ``lambda sum_r |w_r|^4`` (model="quadratic") or ``lambda |W|_F^2 / 2`` ("linearised"), for y scaled to
        variance 1. "auto" decreases it geometrically from 1e-2 to 1e-5 over the epochs; the rows held out choose the
        epoch and thereby the penalty. If the solution has a closed form, leave-one-out chooses it.
    step_size : float, default=0.03
        Initial root mean square movement of a neuron per step, in units of m^{-1/4} (quadratic) or m^{-1/2}
        (linearised); it decreases to 0 along a cosine.
    noise : float, default=0.01
        Root mean square norm of the rows of W at the start, in the same units: W = 0 is a saddle point. Values above
        0.1 start at a large random function, which training first has to remove.
    batch_size, max_epochs : int, default=64 and 100
    patience : int, optional
        Training ends after this many epochs without a lower validation loss; None ends it at max_epochs.
    validation : float, default=0.1
        Fraction of the rows held out from gradient descent and from Sigma; at least one row.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : int, default=8 * 2**30
        The most bytes that the fit may take.
    random_state : int, RandomState or None

    Attributes
    ----------
    representation_ : transformer
        x -> h(x), whitened.
    start_weights_, start_biases_ : ndarrays of shape (width / 2, D) and (width / 2,)
        W_0 and b of the first m/2 neurons, with a = 1; the others share them with a = -1.
    weights_ : ndarray of shape (width, D)
        W, for the labels ``(y - y_mean_) / y_scale_``.
    gates_ : ndarray of shape (width / 2,)
        Mean of ``sigma''(t_r)`` over the training rows.
    intercept_, y_mean_, y_scale_ : float
        The constant added to the model of these labels; mean and standard deviation of y.
    penalty_, best_epoch_ : float and int
        lambda and epoch of the iterate kept, epoch 0 being W = 0, the mean of y.
    n_iter_ : int
        Epochs; 0 if the solution has a closed form.
    history_ : list of dict
        For each epoch: step size, penalty, loss on the batches and on the rows held out, in units of y^2 (of \\|y\\|
        for loss="absolute"); ``norm``, ``|W|_{2,4}``; ``first_order``, ``second_order``, ``third_order``, the root mean
        square of each Taylor term over up to 256 rows, in units of y, with new signs under signed dropout. A solution
        in closed form has one entry, that of its penalty.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the fit would take more than ``max_memory``, or squares of y overflow or
        underflow float64.

    Warns
    -----
    ConvergenceWarning
        If gradient descent diverges, or ``noise`` is so large that no epoch is better than the mean of y. The best
        iterate is kept.

    Notes
    -----
    An epoch takes 4 n D m flops in float32, the start n D m once, and the representation n D^2 + 9 D^3 in float64.
    Memory: 4 bytes for each entry of h (n, D) and of the table of the start (n, m/2), 12 for each of W, 32 D^2, and two
    blocks of rows. The optimiser, `layerwise.learners.quadratic_model.signed_sgd`, uses momentum and normalised
    gradients, which are not in the paper.

    *Linearised model, square loss.* The minimiser is ridge regression on the m D tangent features, solved exactly in
    the dual: kernel ridge regression with ``k(x, z) = 1 + h(x).h(z) (1/m) sum_r sigma'(t_r(x)) sigma'(t_r(z))``, the
    penalty by leave-one-out on all rows; n^2 (D + m/2) + 9 n^3 flops, four n x n matrices.

    *Half-square activation.* ``f = <M, h h'>``, ``M = (1/(2 sqrt m)) sum_r a_r w_r w_r'``. Over all W with this M the
    least penalty is ``8 lambda (|M+|_*^2 + |M-|_*^2)``, with M+ and M- the positive and the negative part of M, for
    ranks up to m/2 (see `layerwise.solvers.nuclear`).

    *The bias.* The paper's gates are ``relu(w_{0,r}.h)``, ``bias=0``. At ``bias=3`` they hardly depend on x and the
    model is close to ``h'M h``: best if the target is the square of a linear function of h, worst if the gates have to
    supply a missing degree. Median risk of three seeds, p = 4, r = 1, d = 16, noise .1, at bias 3, 1 and 0: "hermite",
    n = 1000: .02, .10, .20; "neural", n = 2000: .15, .16, .28; "raw", n = 2000: .34, .31, .22. Only the mean of y is
    removed first: linear functions of h are in the model if g contains a constant ("neural", "hermite").


    References
    ----------
    Lee 2020; Bai, Lee 2019 (signed dropout, the 2,4-norm); Chen et al. 2020 (the whitened representation).
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "representation": Choice("neural", "raw", "hermite"),
        "representation_width": Integer(1),
        "degree": Integer(0),
        "model": Choice("quadratic", "linearised"),
        "dynamics": Choice("quadratic", "network"),
        "signed_dropout": Flag(),
        "width": Integer(2, even=True),
        "bias": Number(zero=True),
        "loss": Choice(*LOSSES),
        "penalty": PENALTY_OR_ZERO,
        "step_size": Number(),
        "noise": Number(),
        "batch_size": Integer(1),
        "max_epochs": Integer(1),
        "patience": Integer(1, none=True),
        "validation": Fraction(),
    }
    presets: ClassVar = {"quadratic-model": {}}
    n_features_in_: int

    def __init__(
        self,
        representation: Representation = "neural",
        *,
        representation_width: int = 300,
        degree: int = 2,
        model: Literal["quadratic", "linearised"] = "quadratic",
        dynamics: Literal["quadratic", "network"] = "quadratic",
        signed_dropout: bool = True,
        activation: ActivationLike = "relu-cubed",
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
        standardize: bool = True,
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.representation: Representation = representation
        self.representation_width = representation_width
        self.degree = degree
        self.model: Literal["quadratic", "linearised"] = model
        self.dynamics: Literal["quadratic", "network"] = dynamics
        self.signed_dropout = signed_dropout
        self.activation = activation
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
        self.standardize = standardize
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Whiten the representation, draw the start, train on X (n_samples, n_features), y (n_samples,)."""
        advice = "Lower width, and representation_width or degree"
        if self._closed:
            advice = "Pass loss='huber', which needs no n x n matrix, or fewer rows"
        X, y = self._check_fit(X, y, advice)
        self._sigma()
        rng = check_random_state(self.random_state)
        options = (self.representation, self.representation_width, self.degree)
        representation = make_representation(*options, self.max_memory, rng.randint(2**31 - 1))
        D = representation_width(*options, X.shape[1])
        self.start_weights_, self.start_biases_ = draw_start(D, self.width // 2, self.bias, rng)
        held_out = np.zeros(len(y), dtype=bool) if self._closed else some_rows(self.validation, len(y), rng)
        self.representation_ = representation.fit(X[~held_out])  # step 1: rows held out are as new rows to Sigma, too
        self.y_mean_ = float(y.mean(dtype=float))
        labels = y.astype(float) - self.y_mean_
        self.y_scale_ = float(np.sqrt(mean_square(labels)))
        labels /= self.y_scale_ or 1.0
        if self._closed:
            self._solve(X, labels)
        else:
            self._descend(X, labels, held_out, rng)  # step 2
        return self

    def memory_bytes(self, n_samples, n_features):
        """Peak memory of `fit` in bytes, beside X and y, by formula."""
        D = representation_width(self.representation, self.representation_width, self.degree, n_features)
        whitening, rows = 32 * D * D + 2 * min(8 * n_samples * D, BLOCK_BYTES), n_samples * (D + self.width // 2)
        if self._closed:
            return whitening + 8 * (4 * n_samples**2 + rows)
        return whitening + 4 * rows + 12 * self.width * D

    @property
    def _closed(self) -> bool:
        """Whether the solution has a closed form."""
        return self.model == "linearised" and self.loss == "square"

    def _solve(self, X: np.ndarray, labels: np.ndarray) -> None:
        """Solve kernel ridge regression with the tangent kernel + 1: ``w_r = sum_i alpha_i (df/dp_r)(x_i) h(x_i)``.

        The 1 stands for a constant, without which leave-one-out would be optimistically biased: a row of columns and
        labels of mean 0 is minus the sum of the others.
        """
        H = self._represent(X, np.float64)
        table = self._choose_model().table(self._start(float).preactivations(H))  # sigma'(t) / sqrt m
        kernel = H @ H.T
        kernel *= 2 * table @ table.T  # both halves of the neurons
        kernel += 1
        path = kernel_ridge(kernel, labels, as_number(self.penalty))
        table *= path.coefficients[:, None]
        half = table.T @ H
        self.weights_ = np.concatenate([half, -half]).astype(X.dtype)
        self.intercept_ = float(path.coefficients.sum())
        self.penalty_, self.n_iter_, self.best_epoch_ = path.penalty, 0, 0
        self.gates_ = self._start(H.dtype).mean_gates(H)
        self.history_ = [path.summary()]

    def _descend(self, X: np.ndarray, labels: np.ndarray, held_out: np.ndarray, rng: np.random.RandomState) -> None:
        H = self._represent(X, np.float32)
        penalty = as_number(self.penalty)
        first, last = PENALTIES if penalty is None else (penalty, penalty)
        progress = np.linspace(0, 1, self.max_epochs)
        training = train(
            self._choose_model(),
            LOSSES[self.loss],
            self._start(np.float32),
            H,
            labels.astype(np.float32),
            held_out,
            penalties=first ** (1 - progress) * last**progress,
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
        self.gates_ = self._start(H.dtype).mean_gates(H)
        loss_unit = self.y_scale_ if self.loss == "absolute" else self.y_scale_**2
        units = {"loss": loss_unit, "validation_loss": loss_unit}
        units |= dict.fromkeys(("first_order", "second_order", "third_order"), self.y_scale_)
        self.history_ = [{key: value * units.get(key, 1) for key, value in line.items()} for line in training.history]
        self.penalty_ = training.history[training.epoch - 1]["penalty"] if training.epoch else first
        if message := divergence_message(training, self.step_size, self.noise):
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
