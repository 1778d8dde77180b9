"""How θ is drawn before training: Glorot's scale, or the paper's N(0, 0.01).

**Why the scale matters.** Forward, y_j = Σ_i x_i W_ij. Let all x_i and W_ij be
independent, with mean 0, and let all x_i have one variance, and all W_ij one variance.
The variance of a product of two such numbers is the product of their variances, and the
variance of a sum of n_in such products is n_in times as large:

    Var y = n_in · Var W · Var x

So y has the variance of x when Var W = 1 / n_in. Backward, dx = dy Wᵀ is a sum of n_out
products. So dx has the variance of dy when Var W = 1 / n_out. Both are possible only if
n_in = n_out. Glorot and Bengio (2010, eq. (12)) take 1 over the mean of n_in and n_out:

    Var W = 2 / (n_in + n_out)

The uniform distribution on [−c, c] has the variance c² / 3. So

    c = √(6 / (n_in + n_out))

The biases start at 0.

**The paper** draws all parameters, the biases too, from N(0, 0.01) (AEVB section 5).
0.01 is the variance, so the standard deviation is 0.1.
"""

import numpy as np

from scratchvae.parameters import Parameters


def glorot(params: Parameters, rng: np.random.Generator) -> None:
    """Every W ~ U(−c, c) with c = √(6 / (n_in + n_out)), every b = 0.

    Fills params.theta in place.
    """
    for weight in params.values.values():
        if weight.ndim == 2:
            c = np.sqrt(6 / sum(weight.shape))
            weight[...] = rng.uniform(-c, c, weight.shape)
        else:
            weight[...] = 0


def normal(params: Parameters, rng: np.random.Generator) -> None:
    """θ ~ N(0, 0.01 I), biases too (AEVB section 5). Fills params.theta in place."""
    params.theta[...] = np.sqrt(0.01) * rng.standard_normal(params.theta.size)


INITIALIZERS = {"glorot": glorot, "normal": normal}
