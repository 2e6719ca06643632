"""All parameters of a network trained jointly by Adam, for the architectures that other learners train by layers."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Constraint, Fraction, Integer, Number
from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.hermite import HermiteSeries
from layerwise.hermite.multivariate import MAX_MEMORY
from layerwise.learners._base import Learner, RandomState
from layerwise.learners._head import some_rows
from layerwise.learners.joint.networks import HELD_OUT_ROWS, Hierarchical, Network, ThreeLayer, TwoLayer
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.squared_errors import mean_square

Architecture = Literal["two-layer", "three-layer", "hierarchical"]
#: Warn if the validation loss exceeds this multiple of that of the mean of y (or of the variance of y).
MAX_LOSS_RATIO = 3.0


@dataclass(eq=False, repr=False)
class JointRegressor(Learner):
    """Neural network trained end to end: all parameters together, by Adam in muP scaling.

    The architectures are those of the layerwise learners and compute the same functions of the weights::

        "two-layer"     alpha + beta'x + sum_j a_j relu(w_j'x + b_j)                        TwoLayerRegressor
        "three-layer"   alpha + beta'x + sum_i a_i relu(w_i'h(x) + b_i),  h = sigma_2(V x)  ThreeLayerRegressor
        "hierarchical"  g(x) + sum_j c_j relu(a_j g(x) + b_j),                              HierarchicalRegressor
                        g(x) = alpha + u'sigma_1(V x + s)

    (the 1/m_1 of Nichani et al. is part of a). The labels are scaled to mean 0 and variance 1, and the mean squared
    error is minimised over random batches; the weights with the lowest validation loss are kept. Fitting needs PyTorch
    (``pip install 'layerwise[torch]'``); predicting does not. Standardise the columns of X first.

    Parameters
    ----------
    architecture : {"two-layer", "three-layer", "hierarchical"}, default="two-layer"
    width : int, default=1000
        m_1, the number of neurons in the sum over j, in that over i, or in g.
    middle_width : int, default=256
        m_2 of "three-layer", the number of rows of V.
    link_width : int, default=1000
        m_2 of "hierarchical", the number of neurons in the sum over j.
    degree : int, default=2
        For "hierarchical" with ``activation=None``: sigma_1 is ``h_1 + ... + h_degree``.
    activation : str, HermiteSeries, sequence of float or Activation, optional
        sigma_2 of "three-layer", "relu" or a polynomial, and sigma_1 of "hierarchical", a polynomial, as
        `layerwise.activations.as_activation` takes them. None stands for h_2 in "three-layer". "two-layer" always uses
        ReLU and requires None.
    learning_rate : float, default=0.2
        The initial eta of the table below; it decreases to 0 along a cosine over max_epochs.
    batch_size : int, default=64
        Rows per step. The gradient of each batch is divided by its norm (see Notes).
    max_epochs : int, default=100
        The most passes over the rows. Fewer rows may need more passes.
    patience : int, optional
        Training ends after this many epochs without a lower validation loss; None ends it at max_epochs. It only saves
        time: for heavy-tailed labels the validation loss may stagnate for dozens of epochs while the feature is learnt.
    validation : float, default=0.1
        Fraction of the rows held out; at least one row.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : int, default=8 * 2**30
        The most bytes that the fit may take.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : dict of str to ndarray
        By the letters above, for the labels ``(y - y_mean_) / y_scale_``, at the epoch of the lowest validation loss.
    y_mean_, y_scale_ : float
    history_ : list of dict
        For each epoch: learning rate, mean squared error on the batches and on the rows held out.
    n_iter_ : int
        Epochs.
    network_ : object
        The architecture, a function of ``weights_`` and X.

    Raises
    ------
    ModuleNotFoundError
        By `fit`, if PyTorch is not installed.
    ValueError
        If a parameter is not allowed, the fit would take more than ``max_memory``, or squares of y overflow or
        underflow float64.

    Warns
    -----
    ConvergenceWarning
        If the loss became infinite or NaN, remained far above that of the mean of y, or still decreased by a tenth in
        the last tenth of ``max_epochs``.

    Notes
    -----
    Distribution of the initial value and learning rate of each parameter, where eta is ``learning_rate`` and |sigma|
    the norm of the activation under N(0, 1)::

                         two-layer       three-layer                        hierarchical
        alpha            0, eta          0, eta                             0, eta
        beta             0, eta / d      0, eta / d
        V                                N(0, 1/d), eta / d                 N(0, 1/d), eta / d
        s                                                                   N(0, 1), eta
        u                                                                   N(0, 1)/(m_1 |sigma|), eta/(m_1 |sigma|)
        W                N(0, 1/d),      N(0, 1) / (sqrt(m_2) |sigma|),
                         eta / d         eta / (m_2 |sigma|)
        hidden a                                                            +-1, eta
        b                N(0, 1), eta    N(0, 1), eta                       Student-t with 9 df, eta
        output a, c      N(0, 1/m_1^2),  N(0, 1/m_1^2),                     N(0, 1/m_2^2),
                         eta / m_1       eta / m_1                          eta / m_2

    With these, features change as much in wide networks as in narrow ones, and one eta suits all widths. Dividing
    gradients by their norm limits the effect of a batch with a very large label on Adam's averages. With skewed noise
    as large as the signal it slightly favours typical labels over their mean, less so for larger batches.

    Training uses float32 and one thread, which makes the weights reproducible to the bit (unless the program has called
    ``torch.set_num_threads``, which overrides this for MKL). An epoch takes about 6 n times the number of weights in
    flops. Memory: 52 bytes per weight, 4 for each entry of X, and 16 for each neuron and row of a batch (or of 4096
    rows held out), plus 4 per degree of a polynomial activation.

    References
    ----------
    Wang, Nichani, Lee 2023, Figure 2, which trains "hierarchical" in this way. Yang et al. 2022, Tensor Programs V
    (muP).
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "architecture": Choice("two-layer", "three-layer", "hierarchical"),
        "width": Integer(1),
        "middle_width": Integer(1),
        "link_width": Integer(1),
        "degree": Integer(1),
        "learning_rate": Number(),
        "batch_size": Integer(1),
        "max_epochs": Integer(1),
        "patience": Integer(1, none=True),
        "validation": Fraction(),
    }

    architecture: Architecture = "two-layer"
    _: KW_ONLY
    width: int = 1000
    middle_width: int = 256
    link_width: int = 1000
    degree: int = 2
    activation: ActivationLike | None = None
    learning_rate: float = 0.2
    batch_size: int = 64
    max_epochs: int = 100
    patience: int | None = None
    validation: float = 0.1
    standardize: bool = True
    max_memory: float = MAX_MEMORY
    random_state: RandomState = None

    def fit(self, X, y):
        """Train on X (n_samples, n_features), y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower the widths or batch_size")
        self.network_ = self._choose_network()
        try:
            from layerwise.learners.joint.adam import train
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ModuleNotFoundError(
                "JointRegressor needs PyTorch for training, which is not installed. Run pip install "
                "'layerwise[torch]', or use another learner.",
                name="torch",
            ) from error
        rng = check_random_state(self.random_state)
        self.y_mean_ = float(y.mean(dtype=float))
        labels = y.astype(float) - self.y_mean_
        self.y_scale_ = mean_square(labels) ** 0.5
        labels /= self.y_scale_ or 1.0
        parameters = self.network_.parameters(X.shape[1], rng)
        held_out = some_rows(self.validation, len(y), rng)
        training = train(
            self.network_,
            parameters,
            X,
            labels,
            held_out,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            seed=rng.randint(2**31 - 1),
        )
        self.weights_ = {name: weight.astype(X.dtype) for name, weight in training.weights.items()}
        units = {"loss": self.y_scale_**2, "validation_loss": self.y_scale_**2}
        self.history_ = [{key: value * units.get(key, 1) for key, value in e.items()} for e in training.history]
        self.n_iter_ = len(self.history_)
        self._warn(training.ended, training.validation_loss, float(np.mean(labels[held_out] ** 2)))
        return self

    def predict(self, X):
        """Predict y, of shape (n_samples,)."""
        check_is_fitted(self)
        return self._in_units_of_y(self.network_, X)

    def memory_bytes(self, n_samples, n_features):
        """Peak memory of `fit` in bytes, beside X and y, by formula."""
        network = self._choose_network()
        rows = max(min(self.batch_size, n_samples), min(HELD_OUT_ROWS, round(self.validation * n_samples)))
        weights = network.n_parameters(n_features)
        return 52 * weights + 4 * rows * network.floats_per_row + 4 * n_samples * n_features

    @available_if(lambda self: self.architecture == "hierarchical")
    def feature(self, X):
        """Compute the learnt g(x), in the units of y, of shape (n_samples,); for "hierarchical" only."""
        check_is_fitted(self)
        assert isinstance(self.network_, Hierarchical)
        return self._in_units_of_y(self.network_.feature, X)

    def _choose_network(self) -> Network:
        """Return the network; raises ValueError if the architecture does not support the activation."""
        if self.architecture == "two-layer":
            if self.activation is None:
                return TwoLayer(self.width)
            raise ValueError(
                f"activation={self.activation!r} must be None for architecture='two-layer', which always uses ReLU. "
                "Leave it out, or pass architecture='three-layer' or 'hierarchical'."
            )
        if self.architecture == "three-layer":
            return ThreeLayer(self.width, self.middle_width, self._choose_activation(HermiteSeries.basis(2)))
        default = HermiteSeries(np.append(0.0, np.ones(self.degree)))
        return Hierarchical(self.width, self.link_width, self._choose_activation(default))

    def _choose_activation(self, default: HermiteSeries) -> Activation:
        sigma = as_activation(default if self.activation is None else self.activation, constant=False)
        if sigma.polynomial is not None or (sigma.is_relu and self.architecture == "three-layer"):
            return sigma
        raise ValueError(
            f"activation={self.activation!r} with architecture={self.architecture!r} must be a polynomial"
            f"{', or ReLU' if self.architecture == 'three-layer' else ''}. Pass e.g. (0, 0, 1) for h_2."
        )

    def _in_units_of_y(self, outputs, X):
        X = self._check_inputs(X)
        largest = max(weight.shape[0] for weight in self.weights_.values() if weight.ndim)
        blocks = FeatureBlocks(X, lambda rows: outputs(self.weights_, rows), largest)
        return self.y_mean_ + self.y_scale_ * np.concatenate([block for _, block in blocks])

    def _warn(self, ended: str, loss: float, loss_of_mean: float) -> None:
        message = None
        if ended == "diverged":
            best = min(self.history_, key=lambda line: line["validation_loss"], default={"epoch": 0})["epoch"]
            message = (
                f"the loss became infinite or NaN in epoch {self.n_iter_ + 1}, at learning_rate={self.learning_rate}; "
                f"the weights of epoch {best} are kept. Lower learning_rate, and pass standardize=True."
            )
        elif not loss < MAX_LOSS_RATIO * max(loss_of_mean, 1.0):  # in units of the variance of y
            message = (
                f"the mean squared error on the rows held out, {loss:.2g} times the variance of y, is far above "
                f"that of the mean of y, {loss_of_mean:.2g}. Pass standardize=True, or lower learning_rate."
            )
        elif ended == "max_epochs":
            message = (
                f"max_epochs={self.max_epochs} epochs ended while the validation loss was still decreasing. Raise "
                "max_epochs, or learning_rate."
            )
        if message is not None:
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
