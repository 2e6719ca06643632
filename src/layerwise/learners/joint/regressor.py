"""All parameters trained together by Adam, on the architectures that the other learners train a layer at a time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermiteSeries
from layerwise.hermite.multivariate import MAX_MEMORY
from layerwise.learners._head import RandomState, mean_square
from layerwise.learners.joint.arguments import Architecture, check_arguments
from layerwise.learners.joint.networks import Hierarchical
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks

#: Times the error of the mean of y on the rows held out (or the variance of y), from which on a fit is told to be none.
WORSE = 3.0


class JointRegressor(RegressorMixin, BaseEstimator):
    """Neural network trained end to end: all parameters together, by Adam in muP scaling.

    The architectures are those of the layerwise learners, and given their weights compute the same function::

        "two-layer"     alpha + beta'x + sum_j a_j relu(w_j'x + b_j)                        TwoLayerRegressor
        "three-layer"   alpha + beta'x + sum_i a_i relu(w_i'h(x) + b_i),  h = sigma_2(V x)  ThreeLayerRegressor
        "hierarchical"  g(x) + sum_j c_j relu(a_j g(x) + b_j),                              HierarchicalRegressor
                        g(x) = alpha + u'sigma_1(V x + s)

    (the 1/m_1 of Nichani et al. is part of a). The labels are brought to mean 0 and variance 1, and the mean square
    error is minimised over random batches until a hold-out no longer improves. Needs PyTorch to fit, not to predict:
    ``pip install 'layerwise[torch]'``.

    Bring the columns of X to mean 0 and variance 1 first.

    Parameters
    ----------
    architecture : {"two-layer", "three-layer", "hierarchical"}, default="two-layer"
    width : int, default=1000
        m_1: the neurons of the sum over j, over i, or in g.
    middle_width : int, default=256
        m_2 of "three-layer", the rows of V.
    link_width : int, default=1000
        m_2 of "hierarchical", the neurons c_j.
    degree : int, default=2
        Of "hierarchical", where activation is None: its sigma_1 is then ``h_1 + ... + h_degree``.
    activation : "relu", HermiteSeries or sequence of float, optional
        sigma_2 of "three-layer", sigma_1 of "hierarchical" (a polynomial); a sequence is read as coefficients in
        orthonormal Hermite polynomials. None is h_2 for "three-layer". "two-layer" is always ReLU and takes None.
    learning_rate : float, default=0.2
        eta of the table below, at the start; it falls to 0 along a cosine over max_epochs.
    batch_size : int, default=64
        Rows a step. The gradient of each batch is divided by its norm (see Notes).
    max_epochs : int, default=100
        Passes over the rows at most. Fewer rows may want more passes.
    patience : int, optional
        Training ends after this many epochs without a lower validation loss; None ends it at max_epochs. The best
        weights are kept either way: patience saves time alone. Where labels are heavy-tailed the validation loss hangs
        on a few rows, and may stand still for dozens of epochs while the feature is still being learnt.
    validation : float, default=0.1
        Fraction of the rows held out; at least one is.
    max_memory : int, default=8 * 2**30
        Bytes the fit may take.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : dict of str to ndarray
        By the letters above, the network of the labels ``(y - y_mean_) / y_scale_``: those of the epoch with the
        least validation loss.
    y_mean_, y_scale_ : float
    history_ : list of dict
        Epoch by epoch: learning rate, mean square error on the batches as they came, and on the rows held out.
    n_iter_ : int
        Epochs.
    network_ : object
        The architecture: what maps ``weights_`` and X to outputs.
    n_features_in_ : int

    Raises
    ------
    ModuleNotFoundError
        By `fit`, without PyTorch.
    ValueError
        Where the fit would take more than ``max_memory``, or the squares of y leave float64.

    Warns
    -----
    ConvergenceWarning
        Where the loss left the finite numbers, stayed far above that of the mean of y, or fell by a tenth in the last
        tenth of ``max_epochs``.

    Notes
    -----
    Start and learning rate of each parameter, eta being ``learning_rate`` and |sigma| the norm of the polynomial
    activation under N(0, 1)::

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

    so that features move as far in wide networks as in narrow ones, and one eta serves all widths.

    Dividing by the norm keeps one batch with a huge label from spoiling Adam's averages. With noise that is skewed and
    as large as the signal this favours typical labels a little over their mean; larger batches do so less.

    Training is in float32 and on one thread, which makes the weights reproducible to the bit, also in trials that run
    side by side in threads (unless the program has called ``torch.set_num_threads``, which overrides this for
    MKL). Predictions are computed in the precision of X. An epoch takes about 6 n times the number of
    weights in flops; memory is 52 bytes a weight, 4 a number of X, and 16 for each neuron and row of a batch (or of
    4096 rows held out), with a polynomial activation 4 more a degree.

    References
    ----------
    Wang, Nichani, Lee 2023, Figure 2, trains "hierarchical" so. Yang et al. 2022, Tensor Programs V: muP.
    """

    n_features_in_: int

    def __init__(
        self,
        architecture: Architecture = "two-layer",
        *,
        width: int = 1000,
        middle_width: int = 256,
        link_width: int = 1000,
        degree: int = 2,
        activation: Literal["relu"] | HermiteSeries | Sequence[float] | None = None,
        learning_rate: float = 0.2,
        batch_size: int = 64,
        max_epochs: int = 100,
        patience: int | None = None,
        validation: float = 0.1,
        max_memory: int = MAX_MEMORY,
        random_state: RandomState = None,
    ):
        self.architecture: Architecture = architecture
        self.width = width
        self.middle_width = middle_width
        self.link_width = link_width
        self.degree = degree
        self.activation: Literal["relu"] | HermiteSeries | Sequence[float] | None = activation
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation = validation
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Train on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        self.network_ = check_arguments(self, *X.shape)
        try:
            from layerwise.learners.joint.adam import train
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ModuleNotFoundError(
                "JointRegressor trains with PyTorch, which is not installed: pip install 'layerwise[torch]'. The other "
                "learners do without it.",
                name="torch",
            ) from error
        rng = check_random_state(self.random_state)
        self.y_mean_ = float(y.mean(dtype=float))
        labels = y.astype(float) - self.y_mean_
        self.y_scale_ = mean_square(labels) ** 0.5
        labels /= self.y_scale_ or 1.0
        parameters, held_out = self.network_.parameters(X.shape[1], rng), self._held_out(len(y), rng)
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
        """The network's outputs in the units of y, of shape (n_samples,)."""
        check_is_fitted(self)
        return self._in_units_of_y(self.network_, X)

    @available_if(lambda self: self.architecture == "hierarchical")
    def feature(self, X):
        """The learnt g(x), in the units of y, of shape (n_samples,); of "hierarchical" only."""
        check_is_fitted(self)
        assert isinstance(self.network_, Hierarchical)
        return self._in_units_of_y(self.network_.feature, X)

    def _in_units_of_y(self, outputs, X):
        X = check_inputs(self, X)
        widest = max(weight.shape[0] for weight in self.weights_.values() if weight.ndim)
        blocks = FeatureBlocks(X, lambda rows: outputs(self.weights_, rows), widest)
        return self.y_mean_ + self.y_scale_ * np.concatenate([block for _, block in blocks])

    def _held_out(self, n: int, rng) -> np.ndarray:
        size = min(max(round(self.validation * n), 1), n - 1)
        return rng.permutation(n) < size

    def _warn(self, ended: str, loss: float, loss_of_mean: float) -> None:
        if ended == "diverged":
            best = min(self.history_, key=lambda line: line["validation_loss"], default={"epoch": 0})["epoch"]
            warnings.warn(
                f"the loss left the finite numbers in epoch {self.n_iter_ + 1}, at learning_rate={self.learning_rate}; "
                f"the weights of epoch {best} are kept. Lower learning_rate, and bring the columns of X to mean 0 and "
                "variance 1 (StandardScaler).",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif not loss < WORSE * max(loss_of_mean, 1.0):  # in units of the variance of y
            warnings.warn(
                f"the mean square error on the rows held out, {loss:.2g} variances of y, is far above that of the mean "
                f"of y, {loss_of_mean:.2g}. Bring the columns of X to mean 0 and variance 1 (StandardScaler), or lower "
                "learning_rate.",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif ended == "max_epochs":
            warnings.warn(
                f"max_epochs={self.max_epochs} epochs ended while the validation loss was still falling. Raise "
                "max_epochs, or learning_rate.",
                ConvergenceWarning,
                stacklevel=3,
            )
