"""Two paths from one code z₀ to another, z₁: the straight line, and the path on the sphere.

**The straight line** is z(t) = (1 − t) z₀ + t z₁. It comes closer to the origin than its
two ends. For z₀ and z₁ of the same length r at a right angle, |z(½)| = r / √2.

**The prior** sees only the length of z:

    log p(z) = log N(z; 0, I) = −½ |z|² − ½ n_z log 2π

So the points of equal prior density form a sphere around the origin. Almost all draws of
the prior have |z| near √n_z, because E|z|² = n_z and Var |z|² = 2 n_z. For large n_z the
middle of the straight line is then a place where the decoder saw few z in training.

**The path on the sphere** keeps the length. Let u = z / |z| be the direction, and ω the
angle between u₀ and u₁, cos ω = u₀ · u₁. The path turns from u₀ to u₁ at constant speed:

    u(t) = [ sin((1 − t) ω) u₀ + sin(t ω) u₁ ] / sin ω

|u(t)| = 1, since sin² a + sin² b + 2 sin a sin b cos(a + b) = sin²(a + b). If the two ends
have different lengths, they lie on two spheres, and the length goes straight from one to
the other:

    |z(t)| = (1 − t) |z₀| + t |z₁|                z(t) = |z(t)| u(t)
"""

import numpy as np
from numpy.typing import ArrayLike

from scratchvae.parameters import FloatArray


def straight(z0: ArrayLike, z1: ArrayLike, t: ArrayLike) -> FloatArray:
    """z(t) = (1 − t) z₀ + t z₁. z0, z1: (n_z,). t: (T,), from 0 to 1. Returns (T, n_z).

    >>> straight([1.0, 0.0], [0.0, 1.0], [0, 0.5, 1])
    array([[1. , 0. ],
           [0.5, 0.5],
           [0. , 1. ]])
    """
    z0, z1, t = _codes(z0, z1, t)
    return (1 - t) * z0 + t * z1


def on_sphere(z0: ArrayLike, z1: ArrayLike, t: ArrayLike) -> FloatArray:
    """z(t) = |z(t)| [ sin((1 − t) ω) u₀ + sin(t ω) u₁ ] / sin ω, with u = z / |z|.

    |z(t)| = (1 − t) |z₀| + t |z₁|. z0, z1: (n_z,). t: (T,), from 0 to 1. Returns (T, n_z).
    If both have one direction, or one is 0, the path is the straight line. ValueError when
    they have opposite directions: then every great circle joins them, and for n_z = 1 none.

    >>> on_sphere([1.0, 0.0], [0.0, 1.0], [0.5]) ** 2
    array([[0.5, 0.5]])
    """
    z0, z1, t = _codes(z0, z1, t)
    r0, r1 = np.linalg.norm(z0), np.linalg.norm(z1)
    if r0 == 0 or r1 == 0:
        return (1 - t) * z0 + t * z1
    u0, u1 = z0 / r0, z1 / r1
    omega = 2 * np.arctan2(np.linalg.norm(u1 - u0), np.linalg.norm(u1 + u0))  # exact near 0 and π
    if np.pi - omega < 1e-6:
        raise ValueError("z0 and z1 have opposite directions; no one path on the sphere joins them")
    if omega < 1e-6:
        return (1 - t) * z0 + t * z1
    u = (np.sin((1 - t) * omega) * u0 + np.sin(t * omega) * u1) / np.sin(omega)
    return ((1 - t) * r0 + t * r1) * u


def _codes(z0: ArrayLike, z1: ArrayLike, t: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    a, b = np.asarray(z0, np.float64), np.asarray(z1, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"z0 and z1 have shapes {a.shape} and {b.shape}; both should be (n_z,)")
    return a, b, np.asarray(t, np.float64).reshape(-1, 1)
