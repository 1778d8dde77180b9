"""How θ is drawn before training: Glorot's scale, or the paper's N(0, 0.01).

**Why the scale matters.** Let y = x W with n_in independent inputs of mean 0 and variance v, and weights of mean 0 and
variance s. Then Var y = n_in · s · v: forwards the variance is kept when s = 1 / n_in. Backwards dx = dy Wᵀ sums over
n_out terms, so the gradient's variance is kept when s = 1 / n_out. Both at once is impossible unless n_in = n_out; Glorot
and Bengio (2010, eq. (12)) take the compromise

    s = 2 / (n_in + n_out)

A uniform distribution on [−c, c] has variance c² / 3, so c = √(6 / (n_in + n_out)). Biases start at 0.

**The paper** draws all parameters, biases too, from N(0, 0.01) (AEVB section 5): a variance of 0.01, σ = 0.1.
"""

import numpy as np

from scratchvae.parameters import Parameters


def glorot(params: Parameters, rng: np.random.Generator) -> None:
    """W ~ U(−c, c) with c = √(6 / (n_in + n_out)), b = 0, for every weight; fills params.theta in place."""
    for weight in params.values.values():
        if weight.ndim == 2:
            c = np.sqrt(6 / sum(weight.shape))
            weight[...] = rng.uniform(-c, c, weight.shape)
        else:
            weight[...] = 0


def normal(params: Parameters, rng: np.random.Generator) -> None:
    """θ ~ N(0, 0.01 I), weights and biases alike (AEVB section 5); fills params.theta in place."""
    params.theta[...] = np.sqrt(0.01) * rng.standard_normal(params.theta.size)


INITIALIZERS = {"glorot": glorot, "normal": normal}
