"""Directions on which the target depends, from moments of the labels, tested against permuted labels.

For whitened Gaussian inputs x and any function T of the label, the range of the matrices

    t t',  t = E T(y) x,        H = E T(y) (x x' - I)        ("first" and "second moments")

is spanned by relevant directions (Stein's lemma), and so is that of

    S_1 = sum_b p_b m_b m_b',  m_b = E[x | y in bin b],      S_2 = sum_b p_b C_b^2,  C_b = E[x x' - I | y in bin b]

(sliced inverse regression, Li 1991; sliced average variance estimation, Cook & Weisberg 1991), which need no T: a
transformation of the label finds every direction of a polynomial from a multiple of d rows, where moments of the label
itself may need d^{p/2} (Damian, Pillaud-Vivien, Lee, Bruna 2024, the generative exponent). T is the label itself or
its normal score, which has light tails.

The null distribution of the largest eigenvalues of all six matrices comes from permutations of the labels (maxT of
Westfall & Young 1993). Each log eigenvalue is standardised by its mean and standard deviation, so that the six are
comparable, and a set of labels is represented by its largest value. Anything is reported only if the observed labels,
themselves included in the means, exceed all permutations: if y is independent of X, this has probability
``1 / (n_permutations + 1)``, whatever the distributions. The thresholds, above which eigenvalues are counted, are the
largest value over the permutations alone: a strong signal does not raise them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layerwise.diagnosis.sample import Sample, normal_scores, standardised
from layerwise.solvers.moment_tensors import second_moment

N_BINS = 10
#: Directions reported at most.
MAX_DIRECTIONS = 10


@dataclass(frozen=True, eq=False)
class Moments:
    """The eigenvalues of one of the six matrices.

    Attributes
    ----------
    labels : {"label", "normal score", "bins"}
        T(y).
    order : {1, 2}
    eigenvalues : ndarray
        The leading eigenvalues in absolute value, at most 10, largest first. For labels of order 1, the length of t.
    threshold : float
        Eigenvalues with an absolute value above this number stand out.
    n_directions : int
        The number of eigenvalues that stand out.
    vectors : ndarray of shape (n_directions, n_features)
        The eigenvectors of these eigenvalues, as unit vectors in the Gaussianised columns.
    """

    labels: str
    order: int
    eigenvalues: np.ndarray
    threshold: float
    n_directions: int
    vectors: np.ndarray


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions that stand out in any of the moments.

    Attributes
    ----------
    vectors : ndarray of shape (n_directions, n_features)
        Unit vectors in the Gaussianised columns of the table, the strongest first; 0 for columns left out.
    found_by : tuple of str
        The moments in which each of them stands out most.
    strengths : ndarray of shape (n_directions,)
        There, the eigenvalue divided by its threshold.
    moments : tuple of Moments
    n_permutations : int
    """

    vectors: np.ndarray
    found_by: tuple[str, ...]
    strengths: np.ndarray
    moments: tuple[Moments, ...]
    n_permutations: int

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def level(self) -> float:
        """Probability that anything is reported if the target does not depend on the inputs."""
        return 1 / (self.n_permutations + 1)


def find_directions(sample: Sample, n_features: int, n_permutations: int, rng: np.random.RandomState) -> Directions:
    """Find the directions; ``n_features`` is the number of columns of the table.

    ``n_permutations + 1`` times 6 n d^2 + 30 d^3 flops; memory 4 n d.
    """
    X = sample.white
    scores, bins = standardised(normal_scores(sample.y)), label_bins(sample.y)

    def matrices(permuted: np.ndarray) -> list[np.ndarray]:
        return list(moment_matrices(X, sample.y[permuted], scores[permuted], bins[permuted]))

    rows = np.arange(len(X))
    observed = matrices(rows)
    null = np.array([[_top(M)[0] for M in matrices(rng.permutation(rows))] for _ in range(n_permutations)])
    thresholds = joint_thresholds(np.abs([_top(M)[0] for M in observed]), np.abs(null))
    frame, found_by, strengths = _greedy_frame(observed, thresholds)
    return Directions(
        _loadings(frame, sample, n_features),
        tuple(found_by),
        np.array(strengths),
        tuple(_moments(*each, sample, n_features) for each in zip(NAMES, observed, thresholds, strict=True)),
        n_permutations,
    )


#: T(y) and the order of the matrices of `moment_matrices`.
NAMES = (("label", 1), ("label", 2), ("normal score", 1), ("normal score", 2), ("bins", 1), ("bins", 2))


def moment_matrices(X: np.ndarray, y: np.ndarray, scores: np.ndarray, bins: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the six symmetric matrices (d, d), in the order of `NAMES`."""
    for labels in (y, scores):
        t = labels @ X / len(X)
        yield np.outer(t, t)
        yield second_moment(X, labels)
    d = X.shape[1]
    S_1, S_2 = np.zeros((d, d)), np.zeros((d, d))
    for b in range(bins.max() + 1):
        part = X[bins == b]
        m, C = part.mean(axis=0), part.T @ part / len(part) - np.eye(d)
        S_1 += len(part) / len(X) * np.outer(m, m)
        S_2 += len(part) / len(X) * (C @ C)
    yield S_1
    yield S_2


def label_bins(y: np.ndarray) -> np.ndarray:
    """Quantile bins 0, 1, ... of the labels, at most `N_BINS`; equal labels share a bin."""
    edges = np.quantile(y, np.arange(1, N_BINS) / N_BINS)
    return np.unique(np.searchsorted(edges, y, side="left"), return_inverse=True)[1]


def joint_thresholds(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Thresholds (n_matrices,) for the largest eigenvalues.

    ``observed`` (n_matrices,) are those of the labels, ``null`` (n_permutations, n_matrices) those of permuted labels.
    If the observed ones do not stand out together, no threshold is below them.
    """
    logs = np.log(np.maximum(null, np.finfo(float).tiny))
    mean, spread = logs.mean(axis=0), logs.std(axis=0, ddof=1)
    thresholds = np.exp(mean + spread * _largest(logs, mean, spread).max())
    every = np.vstack([np.log(np.maximum(observed, np.finfo(float).tiny)), logs])
    largest = _largest(every, every.mean(axis=0), every.std(axis=0))
    return thresholds if largest[0] > largest[1:].max() else np.maximum(thresholds, observed)


def _largest(logs: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.max((logs - mean) / np.where(spread > 0, spread, 1.0), axis=1)


def _greedy_frame(matrices: list[np.ndarray], thresholds: np.ndarray) -> tuple[np.ndarray, list[str], list[float]]:
    """Orthonormal rows: repeatedly the eigenvector that stands out most in the complement of those before it."""
    d = len(matrices[0])
    frame, found_by, strengths = np.zeros((0, d)), [], []
    while len(frame) < min(MAX_DIRECTIONS, d):
        rest = np.eye(d) - frame.T @ frame
        tops = [_top(rest @ M @ rest) for M in matrices]
        ratios = [abs(value) / threshold for (value, _), threshold in zip(tops, thresholds, strict=True)]
        best = int(np.argmax(ratios))
        if not ratios[best] > 1:
            break
        frame = np.concatenate([frame, tops[best][1][None]])
        labels, order = NAMES[best]
        found_by.append(f"{labels}, order {order}")
        strengths.append(float(ratios[best]))
    return frame, found_by, strengths


def _top(M: np.ndarray) -> tuple[float, np.ndarray]:
    """The eigenvalue of largest absolute value, and its eigenvector."""
    values, vectors = np.linalg.eigh(M)
    i = 0 if -values[0] > values[-1] else -1
    return float(values[i]), vectors[:, i]


def _moments(name: tuple[str, int], M: np.ndarray, threshold: float, sample: Sample, n_features: int) -> Moments:
    values, vectors = np.linalg.eigh(M)
    order = np.argsort(-np.abs(values))[:MAX_DIRECTIONS]
    values, rows = values[order], vectors.T[order]
    if name[1] == 1 and name[0] != "bins":  # M = t t' has the eigenvalues |t|^2 and 0
        values, rows, threshold = np.sqrt(np.maximum(values[:1], 0)), rows[:1], threshold**0.5
    above = np.abs(values) > threshold
    return Moments(*name, values, float(threshold), int(above.sum()), _loadings(rows[above], sample, n_features))


def _loadings(frame: np.ndarray, sample: Sample, n_features: int) -> np.ndarray:
    """Directions of the whitened scores as unit vectors in the scores; the largest loading is positive."""
    vectors = np.zeros((len(frame), n_features))
    vectors[:, sample.kept] = frame @ sample.whitening
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1, keepdims=True), axis=1)
    return vectors * np.sign(largest)
