"""Principal component analysis by the singular value decomposition: the best linear autoencoder.

Centre the data, X_c = X − x̄, (N, n_x), and write X_c = U S Vᵀ with orthonormal U, V and singular values s₁ ≥ s₂ ≥ ... ≥ 0. Among all
subspaces of n_components dimensions, the first n_components columns of V span the one that loses the least (Eckart and Young):

    z = (x − x̄) V            x̂ = z Vᵀ + x̄            Σ_n ‖x_n − x̂_n‖² = Σ_{k > n_components} s_k²

The notes begin with it: an autoencoder is for understanding the features z of x, "as in PCA".
"""

import numpy as np
from numpy.typing import ArrayLike

from scratchvae import checks
from scratchvae.parameters import FloatArray


class PCA:
    """The first n_components principal components.

    After `fit`: mean (n_x,); components (n_components, n_x), orthonormal rows, each with its largest entry positive; variances
    (n_components,), s_k² / N, the mean square of each code.
    """

    def __init__(self, n_components: int) -> None:
        self.n_components = checks.positive_int("n_components", n_components)

    def fit(self, X: ArrayLike) -> "PCA":
        """Find the components of X, (N, n_x) with N ≥ n_components and n_x ≥ n_components. Returns the PCA itself."""
        X = np.asarray(X, np.float64)
        if X.ndim != 2 or min(X.shape) < self.n_components:
            raise ValueError(
                f"X has shape {X.shape}; it should be (N, n_x), both at least n_components = {self.n_components}"
            )
        checks.finite("X", X)
        self.mean = X.mean(axis=0)
        _, s, Vt = np.linalg.svd(X - self.mean, full_matrices=False)  # X_c = U S Vᵀ
        components = Vt[: self.n_components]
        largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
        self.components = components * np.sign(largest)  # a component's sign is arbitrary: fix it
        self.variances = s[: self.n_components] ** 2 / len(X)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """z = (x − x̄) V. X: (N, n_x). Returns (N, n_components)."""
        return (checks.rows("X", X, len(self.mean)) - self.mean) @ self.components.T

    def inverse_transform(self, Z: ArrayLike) -> FloatArray:
        """x̂ = z Vᵀ + x̄. Z: (N, n_components). Returns (N, n_x)."""
        return checks.rows("Z", Z, self.n_components) @ self.components + self.mean
