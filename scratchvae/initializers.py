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

This is for the W of an affine layer. A layer says n_in and n_out of each of its weights,
its fan-in and fan-out. In a 3 × 3 convolution, for example, an output is a sum of 9 products
for each input channel, so its fan-in is 9 times the number of these channels. Or the layer
says the number that the weight begins with: 0 for a bias.

**The paper** draws all parameters, the biases too, from N(0, 0.01) (AEVB section 5).
0.01 is the variance, so the standard deviation is 0.1.
"""

from collections.abc import Mapping

import numpy as np

from scratchvae.layers import Layer, weights_of
from scratchvae.parameters import Parameters


def glorot(params: Parameters, layers: Mapping[str, Layer], rng: np.random.Generator) -> None:
    """Every weight as its layer says: U(−c, c) with c = √(6 / (n_in + n_out)), or one number.

    Fills the weights of these layers in params.theta, in place.
    """
    for name, (shape, begins) in weights_of(layers).items():
        if isinstance(begins, tuple):
            c = np.sqrt(6 / sum(begins))
            params.values[name][...] = rng.uniform(-c, c, shape)
        else:
            params.values[name][...] = begins


def normal(params: Parameters, layers: Mapping[str, Layer], rng: np.random.Generator) -> None:
    """Every weight ~ N(0, 0.01 I), biases too (AEVB section 5). In place, as `glorot`."""
    for name, (shape, _) in weights_of(layers).items():
        params.values[name][...] = np.sqrt(0.01) * rng.standard_normal(shape)


INITIALIZERS = {"glorot": glorot, "normal": normal}
