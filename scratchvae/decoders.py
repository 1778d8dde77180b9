"""What the decoder models: four families of p(x|z), each with log likelihood and gradient.

The hidden layers of the decoder turn z into h, which is h′ in `vae.py`. The output layer
turns h into the parameters of a distribution of x.

    bernoulli   x_i ∈ {0, 1}   p_i = sigmoid(a_i), a = affine(h)              AEVB appendix C.1
    gaussian    x_i ∈ ℝ        N(x; μ, σ²), μ = affine(h), log σ² = affine(h)
                                                                         AEVB appendix C.2
    sigmoid-gaussian  x_i ∈ ℝ  the same with μ = sigmoid(affine(h)) ∈ (0, 1)
                                                                         AEVB §5, Frey Face
    isotropic   x_i ∈ ℝ        N(x; μ, σ² I), μ = affine(h), one log σ² for all pixels and all z

Here μ and σ² are those of the pixels, not of q(z|x). AEVB has sigmoid-gaussian for its
pictures of a face, Frey Face (§5). The Gaussian decoders take any real x. Which mean
they have makes the difference. The mean of the x that have one z is any real number, so
μ = affine(h) can be it. The mean of grey levels in [0, 1] is in [0, 1]: there a sigmoid
keeps μ where a mean can be, and costs nothing. For other numbers it does harm. Let x be
a number with the mean m and the variance v, and z tell nothing of it. Then E[log N(x;
μ, σ²)] = −½ [log 2πσ² + (v + (m − μ)²) / σ²]. It is highest where μ is nearest to m,
and there at σ² = v + (m − μ)²: the best value is −½ [log 2π (v + (m − μ)²) + 1]. With m
= −1 and v = 1, μ > 0 gives ½ log 2 = 0.35 nats less.

Without a hidden layer, `isotropic` is probabilistic PCA: x = z W + b + σ ε. Its p(x) has a
closed form, N(x; b, Wᵀ W + σ² I).

A Gaussian gives a *density*. It can exceed 1, and its logarithm can be positive. Suppose
log p(x) = 900 nats for an image of 560 pixels. Then the density is e^(900/560) = 5 per
pixel, as a geometric mean. A density of 5 over an interval of length 1/5 has mass 1: the
model knows each pixel to about a fifth of the range from black to white. To compare two
models, take the difference of their log p(x).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks, layers
from scratchvae.distributions import (
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_backward,
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
)
from scratchvae.layers import Affine, Layer, Sigmoid, Weight
from scratchvae.parameters import FloatArray, Parameters


class Output:
    """What every output can do. x: (B, n_x). h: (L B, n_h).

    Row l B + b of h belongs to z_l of x_b, with l and the index b from 0.

    layers: its layers by name, in their order in θ; the constructor makes them, of n_h numbers of
    the last hidden layer and n_x pixels. A decoder of your own stands in `OUTPUTS` under its
    name: then `VAE(..., decoder=name)`, worker processes and files of models know it, wherever
    the script that puts it there is imported.
    """

    pixels = "grey"  # what x should be, by default; see `datasets.PIXELS`
    layers: Mapping[str, Layer]

    def __init__(self, n_h: int, n_x: int) -> None:
        raise NotImplementedError

    @staticmethod
    def check(name: str, x: NDArray[Any], dtype: np.dtype[Any]) -> FloatArray:
        """x in this dtype; ValueError unless it is something that the distribution models."""
        return checks.cast(name, x, dtype)

    def mean(self, h: FloatArray) -> FloatArray:
        """E[x|z]. Returns (rows of h, n_x)."""
        raise NotImplementedError

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x ~ p(x|z). Returns (rows of h, n_x)."""
        raise NotImplementedError

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """log p(x|z), summed over pixels. Returns (L, B), in nats."""
        raise NotImplementedError

    def backward(self, weight: float) -> FloatArray:
        """∂/∂h of weight · Σ log p(x|z) at the last `log_likelihood`. Returns (L B, n_h).

        weight is a factor here, not a weight of a layer: in training it is −1 / (L B).

        Σ is the sum over all L samples and B data points. It also writes the gradient of the
        output's own weights.
        """
        raise NotImplementedError

    def backward_input(self) -> FloatArray:
        """∂/∂h of Σ log p(x|z), (L B, n_h). It writes nothing."""
        raise NotImplementedError


class Bernoulli(Output):
    """log p(x|z) = Σ_i [ x_i a_i − softplus(a_i) ],  a = affine(h)."""

    pixels = "bits"

    def __init__(self, n_h: int, n_x: int) -> None:
        self._affine = Affine(n_h, n_x)
        self.layers = {"logits": self._affine}

    @staticmethod
    def check(name: str, x: NDArray[Any], dtype: np.dtype[Any]) -> FloatArray:
        """x in this dtype; ValueError unless it is in [0, 1]."""
        checks.unit_interval(name, x)
        return x.astype(dtype, copy=False)

    def mean(self, h: FloatArray) -> FloatArray:
        """p = sigmoid(a), the probability that each pixel is 1."""
        return layers.sigmoid(self._affine.forward(h))

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x_i = 1 with probability p_i, else 0."""
        p = self.mean(h)
        return (rng.random(p.shape, p.dtype) < p).astype(p.dtype)

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """Σ_i [ x_i a_i − softplus(a_i) ]."""
        self._x, self._logits = x, self._affine.forward(h).reshape(-1, *x.shape)
        return bernoulli_log_likelihood(x, self._logits)

    def backward(self, weight: float) -> FloatArray:
        """da = weight · (x − sigmoid(a)), then through the affine layer."""
        return self._affine.backward(self._dlogits(weight))

    def backward_input(self) -> FloatArray:
        """The same with weight 1, and only dh."""
        return self._affine.backward_input(self._dlogits(1))

    def _dlogits(self, weight: float) -> FloatArray:
        dlogits = bernoulli_log_likelihood_backward(self._x, self._logits)
        dlogits *= weight
        return dlogits.reshape(-1, self._x.shape[1])


class Gaussian(Output):
    """log N(x; μ, σ²), μ = affine(h), log σ² = affine(h): both for each pixel."""

    def __init__(self, n_h: int, n_x: int) -> None:
        self._mu: list[Layer] = [Affine(n_h, n_x)]
        self._logvar = Affine(n_h, n_x)
        self.layers = {"x_mu": self._mu[0], "x_logvar": self._logvar}

    def mean(self, h: FloatArray) -> FloatArray:
        """μ = affine(h), or sigmoid(affine(h))."""
        return layers.forward(self._mu, h)

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x = μ + σ ⊙ ε, ε ~ N(0, I)."""
        mu, logvar = self.mean(h), self._logvar.forward(h)
        return reparameterize(mu, logvar, rng.standard_normal(mu.shape, mu.dtype))

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """log N(x; μ, σ²)."""
        self._x, mu, logvar = x, self.mean(h), self._logvar.forward(h)
        self._moments = mu.reshape(-1, *x.shape), logvar.reshape(-1, *x.shape)
        return gaussian_log_density(x, *self._moments)

    def backward(self, weight: float) -> FloatArray:
        """dμ and dlog σ², each through its affine layer. Both layers use h: their dh add."""
        dmu, dlogvar = self._dmoments(weight)
        return layers.backward(self._mu, dmu) + self._logvar.backward(dlogvar)

    def backward_input(self) -> FloatArray:
        """The same with weight 1, and only dh."""
        dmu, dlogvar = self._dmoments(1)
        return layers.backward_input(self._mu, dmu) + self._logvar.backward_input(dlogvar)

    def _dmoments(self, weight: float) -> tuple[FloatArray, FloatArray]:
        n_x = self._x.shape[1]
        dmu, dlogvar = gaussian_log_density_backward(self._x, *self._moments)
        return (weight * dmu).reshape(-1, n_x), (weight * dlogvar).reshape(-1, n_x)


class SigmoidGaussian(Gaussian):
    """log N(x; μ, σ²), μ = sigmoid(affine(h)) ∈ (0, 1), log σ² = affine(h)."""

    def __init__(self, n_h: int, n_x: int) -> None:
        super().__init__(n_h, n_x)
        self._mu.append(Sigmoid())
        self.layers = {"x_mu": self._mu[0], "x_mu sigmoid": self._mu[1], "x_logvar": self._logvar}


class OneVariance(Layer):
    """log σ² as one weight for all pixels and all z. It begins with 0, which is σ = 1.

    In θ the weight has the name of the layer.
    """

    weights: Mapping[str, Weight] = {"": Weight((1,), 0)}

    def connect(self, params: Parameters, name: str) -> None:
        """The views self.logvar and self.dlogvar."""
        self.logvar, self.dlogvar = params.values[name], params.grads[name]


class Isotropic(Output):
    """log N(x; μ, σ² I) with μ = affine(h) and one weight log σ²."""

    def __init__(self, n_h: int, n_x: int) -> None:
        self._affine, self._shared = Affine(n_h, n_x), OneVariance()
        self.layers = {"x_mu": self._affine, "x_logvar": self._shared}

    def mean(self, h: FloatArray) -> FloatArray:
        """μ = affine(h)."""
        return self._affine.forward(h)

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x = μ + σ ε, ε ~ N(0, I)."""
        mu = self.mean(h)
        return reparameterize(mu, self._shared.logvar, rng.standard_normal(mu.shape, mu.dtype))

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """log N(x; μ, σ² I)."""
        self._x, self._x_mu = x, self.mean(h).reshape(-1, *x.shape)
        return gaussian_log_density(x, self._x_mu, np.broadcast_to(self._shared.logvar, x.shape))

    def backward(self, weight: float) -> FloatArray:
        """dμ through the affine layer. All pixels and rows share log σ²: their dlog σ² add."""
        dmu, dlogvar = gaussian_log_density_backward(self._x, self._x_mu, self._shared.logvar)
        self._shared.dlogvar[...] = weight * dlogvar.sum()
        return self._affine.backward((weight * dmu).reshape(-1, self._x.shape[1]))

    def backward_input(self) -> FloatArray:
        """The same with weight 1, and only dh."""
        dmu, _ = gaussian_log_density_backward(self._x, self._x_mu, self._shared.logvar)
        return self._affine.backward_input(dmu.reshape(-1, self._x.shape[1]))


OUTPUTS: dict[str, type[Output]] = {
    "bernoulli": Bernoulli, "gaussian": Gaussian, "sigmoid-gaussian": SigmoidGaussian,
    "isotropic": Isotropic,
}  # fmt: skip
