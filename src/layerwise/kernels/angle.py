"""The angle between two vectors from its cosine, by a rational function that NumPy evaluates over whole tiles.

On [0, 1] the function ``arccos(a) / sqrt(1 - a^2)`` is analytic up to the cut (-inf, -1], and

    R(a) = (p_0 + p_1 a + ... + p_5 a^5) / (1 + q_1 a + ... + q_5 a^5),    p, q > 0,

is within a relative error of 3.5e-15 of it; with degrees 2 and 3 within 2.1e-8, for float32. Then, with a = |cos t| and
``sin t = sqrt((1 - a)(1 + a))``, t is ``R(a) sin t``, or pi minus that if cos t < 0: within 1e-14 of `np.arccos`, or
5e-7 in float32. `np.arccos` calls the C library's function for each element, which takes several times as long.

The coefficients interpolate the function at 11 (or 6) points of [0, 1] that equalise the errors between them.
"""

from __future__ import annotations

import numpy as np

P = (1.5707963267948912, 3.0875683476702482, 2.009395472162686, 0.48952305246870575, 0.03534500735113429,
     0.00015751521973190593)  # fmt: skip
Q = (1.0, 2.6022268310295895, 2.4358499409699137, 0.9856500537736194, 0.16148005830496043, 0.0075788375892906126)
P_SINGLE = (1.570796295046246, 1.3305271875681588, 0.18449994537663983)
Q_SINGLE = (1.0, 1.4836575883151926, 0.562017188978621, 0.04014871204064881)


def size_sine_angle(cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``|cos t|``, at most 1, ``sin t``, and the angle min(t, pi - t), from an array of cos t."""
    size = np.abs(cosine)
    np.minimum(size, 1, out=size)
    single = cosine.dtype == np.float32
    angle = _polynomial(P_SINGLE if single else P, size)
    angle /= _polynomial(Q_SINGLE if single else Q, size)
    sine = 1 - size
    sine *= 1 + size
    np.sqrt(sine, out=sine)
    angle *= sine
    return size, sine, angle


def supplement(cosine: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return ``pi - t`` from cos t and ``angle = min(t, pi - t)``, which it overwrites."""
    np.subtract(np.pi / 2, angle, out=angle)
    np.copysign(angle, cosine, out=angle)
    angle += np.pi / 2
    return angle


def _polynomial(coefficients: tuple[float, ...], a: np.ndarray) -> np.ndarray:
    """Horner's rule, in place."""
    out = a * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        out += c
        out *= a
    out += coefficients[0]
    return out
