"""What the decoder models: five families of p(x|z), each with log likelihood and gradient.

The hidden layers of the decoder turn z into h, which is h′ in `vae.py`. The output layer
turns h into the parameters of a distribution of x.

    bernoulli             x_i ∈ {0, 1}  p_i = sigmoid(a_i), a = affine(h)          AEVB appendix C.1
    continuous-bernoulli  x_i ∈ [0, 1]  density ∝ e^(x_i a_i), a = affine(h)
                                        derived in `distributions.py`
    gaussian              x_i ∈ ℝ       N(x; μ, σ²), μ = affine(h), s = affine(h)  AEVB appendix C.2
    sigmoid-gaussian      x_i ∈ ℝ       the same, μ = sigmoid(affine(h)) ∈ (0, 1)  AEVB §5
    isotropic             x_i ∈ ℝ       N(x; μ, σ² I), μ = affine(h), one s for all pixels and all z

Here μ and σ² are those of the pixels, not of q(z|x), and σ² = σ_min² + e^s. AEVB has
sigmoid-gaussian for its pictures of a face, Frey Face (§5). The Gaussian decoders take any
real x. Which mean they have makes the difference. The mean of the x that have one z is
any real number, so μ = affine(h) can be it. The mean of grey levels in [0, 1] is in [0,
1]: there a sigmoid keeps μ where a mean can be, and costs nothing. For other numbers it
does harm. Let x be a number with the mean m and the variance v, and z tell nothing of it.
Then E[log N(x; μ, σ²)] = −½ [log 2πσ² + (v + (m − μ)²) / σ²]. It is highest where μ is
nearest to m, and there at σ² = v + (m − μ)²: the best value is −½ [log 2π (v + (m − μ)²)
+ 1]. With m = −1 and v = 1, μ > 0 gives ½ log 2 = 0.35 nats less.

Without a hidden layer, `isotropic` is probabilistic PCA: x = z W + b + σ ε. Its p(x) has a
closed form, N(x; b, Wᵀ W + σ² I).

A Gaussian gives a *density*. It can exceed 1, and its logarithm can be positive. Suppose
log p(x) = 900 nats for an image of 560 pixels. Then the density is e^(900/560) = 5 per
pixel, as a geometric mean. A density of 5 over an interval of length 1/5 has mass 1: the
model knows each pixel to about a fifth of the range from black to white. To compare two
models, take the difference of their log p(x).

**Why σ needs a floor.** AEVB has log σ² = affine(h), which can be any real number. Let
pixel i have the same value c in each training image, as most pixels at MNIST's border.
Then the density at μ = c is 1 / (√(2π) σ), and

    log N(c; c, σ²) = −log σ − ½ log 2π  →  ∞        as σ → 0

So the likelihood of the training images has no bound, and no maximum: training makes σ
smaller and smaller. One test image with x_i = c + d has −½ d² / σ² in its log density,
so the test bound goes to −∞. The gradient in μ, (x − μ) / σ², has no bound either, and
training jumps. The same happens wherever z tells x exactly.

So a floor is part of the model. With s = affine(h), or one weight for `isotropic`,

    σ² = σ_min² + e^s,    σ > σ_min,    log N(x; μ, σ²) < −log σ_min − ½ log 2π  per pixel

Bits have no such problem: a probability is at most 1. The continuous Bernoulli has it in
a mild form. Its density is high for c = 0 or 1 alone: at x = 0 it is nearly |a| as a → −∞.
The log of this grows slowly, and a test pixel x = d costs |a| d, not the square of it. So
the bounds stay together. But where most pixels are constant, training still moves their a
and z far off, and z ~ p(z) may fall where a has the other sign: after `scratchvae train
--decoder continuous-bernoulli --epochs 25` the border of a fifth of the samples is black.
For such pictures take bits, or sigmoid-gaussian.

**Its gradient.** dσ²/ds = e^s, so

    d log σ² / ds = e^s / (σ_min² + e^s)                      ds = dlog σ² ⊙ e^s / σ²

Far above the floor the factor is 1, and s is log σ², as without a floor. At the floor it is
0. Divide by e^s: with m = log σ_min² it is 1 / (1 + e^(m − s)) = sigmoid(s − m).

**Which floor.** A level of grey is w = 1/255 wide: x is k / 255. What the data say of a
pixel is no more than its level. A model of levels gives a level c a probability, at most
1, and the density over an interval of length w around c has about the mass w N(c; c, σ²)
= w / (√(2π) σ). So with σ < 0.4 w the "mass" is above 1, and the density claims to know
more than the data say. With σ ≥ w, w N(x; μ, σ²) is near the mass of the level, which is
the integral of the density over [x − ½ w, x + ½ w]: for x = μ and σ = w it is 0.399 and
0.383. So σ_min = w = 1/255 by default, and log p(x) − n_x log 255 is nearly a log
probability of levels. (Noise that is uniform within a level has the standard deviation
w / √12 = 0.29 w. For `pixels="dequantized"` this is what is left of x.)

For a table the width of a level is that of the last digit, or the error of measurement.
The default is 1/255 there too. It is for columns whose standard deviation is about 1,
where it is no more than 0.4 % of it. For columns in other units say `min_sigma` in
these units. `min_sigma=0` is AEVB's decoder.

Measured on MNIST, the bounds in nats after `scratchvae train --decoder DECODER --min-sigma
SIGMA --epochs 20 --workers 1`, with one BLAS thread:

    decoder             σ_min     train      test
    gaussian            1/255     2261.85    2241.09
    gaussian            0.01      1857.45    1850.39
    sigmoid-gaussian    1/255     2601.74    2519.07
    sigmoid-gaussian    0         −∞ in epoch 4
    isotropic           1/255      451.46     456.81

A larger floor costs most at constant pixels, whose density is at most 1 / (√(2π) σ_min). It
also protects against fitting few images too closely: with the first 10,000 images
sigmoid-gaussian has 2416 and 2135 with 1/255, and 2000 and 1891 with 0.01.

**σ-VAE.** Let all pixels have one σ. For given μ the best σ² is known in closed form. Let
MSE be the mean of (x_i − μ_i)² over pixels, data points and samples of z. The mean of log N
per pixel is −½ [log 2π + log σ² + MSE / σ²]. Its derivative in log σ² is −½ [1 − MSE / σ²],
which is 0 at

    σ² = MSE                         and without the floor: with it, σ² = max(MSE, σ_min²)

This is Rybkin, Daniilidis and Levine 2021, *Simple and Effective VAE Training with
Calibrated Decoders*, arXiv 2006.13202. They take σ² = MSE in every minibatch. `isotropic`
learns s by gradient steps, with the same optimum. Who trains on ½ ‖x − μ‖² has σ = 1.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks, layers
from scratchvae.distributions import (
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_backward,
    continuous_bernoulli_draw,
    continuous_bernoulli_log_density,
    continuous_bernoulli_log_density_backward,
    continuous_bernoulli_mean,
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
)
from scratchvae.layers import Affine, Layer, Sigmoid, Weight
from scratchvae.parameters import FloatArray, Parameters

MIN_SIGMA = 1 / 255  # the width of a grey level


class Output:
    """What every output can do. x: (B, n_x). h: (L B, n_h).

    Row l B + b of h belongs to z_l of x_b, with l and the index b from 0.

    layers: its layers by name, in their order in θ; the constructor makes them, of n_h numbers of
    the last hidden layer and n_x pixels. min_sigma: a class whose σ has a floor says its default
    here, and reads self.min_sigma when it computes: the model sets it. A decoder of your own
    stands in `OUTPUTS` under its name: then `VAE(..., decoder=name)`, worker processes and files
    of models know it, wherever the script that puts it there is imported.
    """

    pixels = "grey"  # what x should be, by default; see `datasets.PIXELS`
    confined = False  # whether x has to be in [0, 1]
    unit_mean = False  # whether E[x|z] is in [0, 1], whatever x is
    min_sigma: float | None = None  # the floor of σ; None: there is no σ, or it has none
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
    confined = unit_mean = True

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


class ContinuousBernoulli(Bernoulli):
    """log p(x|z) = Σ_i [ x_i a_i − κ(a_i) ], x_i ∈ [0, 1]: grey levels, with a = affine(h)."""

    pixels = "grey"

    def mean(self, h: FloatArray) -> FloatArray:
        """κ′(a), which is not sigmoid(a)."""
        return continuous_bernoulli_mean(self._affine.forward(h))

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x_i = F⁻¹(u_i), u_i ~ U[0, 1)."""
        logits = self._affine.forward(h)
        return continuous_bernoulli_draw(logits, rng.random(logits.shape, logits.dtype))

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """Σ_i [ x_i a_i − κ(a_i) ]."""
        self._x, self._logits = x, self._affine.forward(h).reshape(-1, *x.shape)
        return continuous_bernoulli_log_density(x, self._logits)

    def _dlogits(self, weight: float) -> FloatArray:
        dlogits = continuous_bernoulli_log_density_backward(self._x, self._logits)
        dlogits *= weight
        return dlogits.reshape(-1, self._x.shape[1])


def floored_logvar(s: FloatArray, min_sigma: float) -> FloatArray:
    """log σ² = log(σ_min² + e^s).

    s: any real numbers, of any shape. min_sigma: σ_min ≥ 0. Returns log σ² in the shape of s.

    e^s overflows for s = 1000. With m = log σ_min², take the larger one of e^m and e^s out of
    the sum, as softplus does:

        log σ² = log(e^m + e^s) = max(m, s) + log(1 + e^(−|s − m|))

    For σ_min = 0, m = −∞, and log σ² is s, to the last bit.

    >>> floored_logvar(np.log([4.0, 1e-9]), 0.5)
    array([ 1.44691898, -1.38629436])
    >>> np.log(0.5**2 + np.array([4.0, 1e-9]))
    array([ 1.44691898, -1.38629436])
    """
    m = _log_square(min_sigma)
    return np.maximum(m, s) + np.log1p(np.exp(-np.abs(s - m)))


def floored_logvar_backward(dlogvar: FloatArray, s: FloatArray, min_sigma: float) -> FloatArray:
    """ds = dlog σ² ⊙ e^s / (σ_min² + e^s) = dlog σ² ⊙ sigmoid(s − log σ_min²).

    The module docstring derives it. dlogvar: the derivative in log σ², and s: shapes that
    broadcast. Returns the derivative in s, in the shape that they make together.

    >>> floored_logvar_backward(np.array([1.0]), np.log([4.0]), 0.5)  # 4 / (0.25 + 4)
    array([0.94117647])
    """
    factor = layers.sigmoid(s - _log_square(min_sigma))  # d log σ² / ds = e^s / σ²
    return dlogvar * factor


def _log_square(min_sigma: float) -> float:
    """log σ_min²; −∞ for σ_min = 0."""
    return 2 * math.log(min_sigma) if min_sigma else -math.inf


class Gaussian(Output):
    """log N(x; μ, σ²), μ = affine(h), σ² = σ_min² + e^s, s = affine(h): both for each pixel."""

    min_sigma: float = MIN_SIGMA

    def __init__(self, n_h: int, n_x: int) -> None:
        self._mu: list[Layer] = [Affine(n_h, n_x)]
        self._s = Affine(n_h, n_x)
        self.layers = {"x_mu": self._mu[0], "x_logvar": self._s}

    def mean(self, h: FloatArray) -> FloatArray:
        """μ = affine(h), or sigmoid(affine(h))."""
        return layers.forward(self._mu, h)

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x = μ + σ ⊙ ε, ε ~ N(0, I)."""
        mu, logvar = self.mean(h), floored_logvar(self._s.forward(h), self.min_sigma)
        return reparameterize(mu, logvar, rng.standard_normal(mu.shape, mu.dtype))

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """log N(x; μ, σ²)."""
        self._x, mu = x, self.mean(h).reshape(-1, *x.shape)
        self._x_s = self._s.forward(h).reshape(-1, *x.shape)
        self._moments = mu, floored_logvar(self._x_s, self.min_sigma)
        return gaussian_log_density(x, *self._moments)

    def backward(self, weight: float) -> FloatArray:
        """dμ and ds, each through its affine layer. Both layers use h: their dh add."""
        dmu, ds = self._dmoments(weight)
        return layers.backward(self._mu, dmu) + self._s.backward(ds)

    def backward_input(self) -> FloatArray:
        """The same with weight 1, and only dh."""
        dmu, ds = self._dmoments(1)
        return layers.backward_input(self._mu, dmu) + self._s.backward_input(ds)

    def _dmoments(self, weight: float) -> tuple[FloatArray, FloatArray]:
        n_x = self._x.shape[1]
        dmu, dlogvar = gaussian_log_density_backward(self._x, *self._moments)
        ds = floored_logvar_backward(dlogvar, self._x_s, self.min_sigma)
        return (weight * dmu).reshape(-1, n_x), (weight * ds).reshape(-1, n_x)


class SigmoidGaussian(Gaussian):
    """log N(x; μ, σ²), μ = sigmoid(affine(h)) ∈ (0, 1), s = affine(h)."""

    unit_mean = True

    def __init__(self, n_h: int, n_x: int) -> None:
        super().__init__(n_h, n_x)
        self._mu.append(Sigmoid())
        self.layers = {"x_mu": self._mu[0], "x_mu sigmoid": self._mu[1], "x_logvar": self._s}


class OneVariance(Layer):
    """s as one weight for all pixels and all z. It begins with 0: σ is 1, or a little more.

    In θ the weight has the name of the layer.
    """

    weights: Mapping[str, Weight] = {"": Weight((1,), 0)}

    def connect(self, params: Parameters, name: str) -> None:
        """The views self.s and self.ds."""
        self.s, self.ds = params.values[name], params.grads[name]


class Isotropic(Output):
    """log N(x; μ, σ² I) with μ = affine(h) and σ² = σ_min² + e^s, s one weight."""

    min_sigma: float = MIN_SIGMA

    def __init__(self, n_h: int, n_x: int) -> None:
        self._affine, self._shared = Affine(n_h, n_x), OneVariance()
        self.layers = {"x_mu": self._affine, "x_logvar": self._shared}

    def mean(self, h: FloatArray) -> FloatArray:
        """μ = affine(h)."""
        return self._affine.forward(h)

    def draw(self, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """x = μ + σ ε, ε ~ N(0, I)."""
        mu, logvar = self.mean(h), floored_logvar(self._shared.s, self.min_sigma)
        return reparameterize(mu, logvar, rng.standard_normal(mu.shape, mu.dtype))

    def log_likelihood(self, x: FloatArray, h: FloatArray) -> FloatArray:
        """log N(x; μ, σ² I)."""
        self._x, self._x_mu = x, self.mean(h).reshape(-1, *x.shape)
        self._x_logvar = floored_logvar(self._shared.s, self.min_sigma)
        return gaussian_log_density(x, self._x_mu, np.broadcast_to(self._x_logvar, x.shape))

    def backward(self, weight: float) -> FloatArray:
        """dμ through the affine layer. All pixels and rows share s: their ds add."""
        dmu, dlogvar = gaussian_log_density_backward(self._x, self._x_mu, self._x_logvar)
        ds = floored_logvar_backward(dlogvar, self._shared.s, self.min_sigma)
        self._shared.ds[...] = weight * ds.sum()
        return self._affine.backward((weight * dmu).reshape(-1, self._x.shape[1]))

    def backward_input(self) -> FloatArray:
        """The same with weight 1, and only dh."""
        dmu, _ = gaussian_log_density_backward(self._x, self._x_mu, self._x_logvar)
        return self._affine.backward_input(dmu.reshape(-1, self._x.shape[1]))


OUTPUTS: dict[str, type[Output]] = {
    "bernoulli": Bernoulli, "gaussian": Gaussian, "sigmoid-gaussian": SigmoidGaussian,
    "isotropic": Isotropic, "continuous-bernoulli": ContinuousBernoulli,
}  # fmt: skip


def floor_of(decoder: str, min_sigma: float | None) -> float:
    """σ_min of a model: min_sigma, or for None the decoder's default; 0 where σ has no floor.

    ValueError for a floor of a decoder that has none.
    """
    default = OUTPUTS[decoder].min_sigma
    if min_sigma is None:
        return default or 0.0
    min_sigma = checks.number_from_zero("min_sigma", min_sigma)
    if min_sigma and default is None:
        raise ValueError(
            f"min_sigma is {min_sigma:g}; it should be left out: the decoder {decoder!r} has no "
            "sigma with a floor"
        )
    return min_sigma
