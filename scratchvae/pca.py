"""Principal component analysis (PCA): the best linear autoencoder.

Centre the data: X_c = X − x̄, (N, n_x), where x̄ is the mean of the rows. The singular
value decomposition is X_c = U S Vᵀ. The columns of U and of V are orthonormal, and S is
diagonal with the singular values s₁ ≥ s₂ ≥ ... ≥ 0.

From here on V has only its first n_components columns. The code z and the
reconstruction x̂ are

    z = (x − x̄) V            x̂ = z Vᵀ + x̄

No other linear code of n_components numbers has a smaller squared error (theorem of
Eckart and Young). The error is the sum over the singular values that are left out:

    Σ_n ‖x_n − x̂_n‖² = Σ_{k > n_components} s_k²

The notes begin with it: an autoencoder is for understanding the features z of x, "as in
PCA".
"""

import numpy as np
from numpy.typing import ArrayLike

from scratchvae import checks
from scratchvae.parameters import FloatArray


class PCA:
    """The first n_components principal components.

    After `fit`: mean: x̄, (n_x,). components: the first columns of V, as rows,
    (n_components, n_x). The entry of each row that is largest in absolute value is
    positive. variances: s_k² / N, (n_components,). This is the mean of z_k² over the
    data.
    """

    def __init__(self, n_components: int) -> None:
        self.n_components = checks.positive_int("n_components", n_components)

    def fit(self, X: ArrayLike) -> "PCA":
        """Find the components of X. Returns the PCA itself.

        X: (N, n_x), with N ≥ n_components and n_x ≥ n_components; otherwise ValueError.
        uint8 is read as pixel / 255, as everywhere in the package.
        """
        X = checks.array("X", X)
        if X.ndim != 2 or min(X.shape) < self.n_components:
            raise ValueError(
                f"X has shape {X.shape}; it should be (N, n_x), "
                f"both at least n_components = {self.n_components}"
            )
        X = checks.cast("X", checks.pixels("X", X, float), float)
        self.mean = X.mean(axis=0)
        _, s, Vt = np.linalg.svd(X - self.mean, full_matrices=False)  # X_c = U S Vᵀ
        components = Vt[: self.n_components]
        largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
        self.components = components * np.sign(largest)  # −v is as good as v: fix the sign
        self.variances = s[: self.n_components] ** 2 / len(X)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """z = (x − x̄) V. X: (N, n_x). Returns (N, n_components)."""
        mean, components = self._fitted()
        X = checks.pixels("X", checks.rows("X", X, len(mean)), float)
        return (checks.cast("X", X, float) - mean) @ components.T

    def inverse_transform(self, Z: ArrayLike) -> FloatArray:
        """x̂ = z Vᵀ + x̄. Z: (N, n_components). Returns (N, n_x)."""
        mean, components = self._fitted()
        return checks.cast("Z", checks.rows("Z", Z, self.n_components), float) @ components + mean

    def _fitted(self) -> tuple[FloatArray, FloatArray]:
        if not hasattr(self, "mean"):
            raise ValueError("there are no components yet; fit(X) should come first")
        return self.mean, self.components
