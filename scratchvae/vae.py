"""The variational autoencoder: encoder, decoder, the bound, and its gradient by hand.

AEVB is the paper of Kingma and Welling, *Auto-Encoding Variational Bayes*, arXiv
1312.6114. "The notes" are lecture notes on it.

**The model** (AEVB section 3, notes §2). First z is drawn from the prior p(z) = N(0, I).
Nobody sees z. Then x is drawn from p(x|z), and x is seen. The decoder, a network with
the weights θ, turns z into the parameters of p(x|z). For a Bernoulli these are the
logits a, one for each pixel.

**The goal.** Training looks for the θ that makes Σ_i log p(x_i) large, over the data
points x_i: maximum likelihood. In `info.py` p was the truth. From here on, p is the
model, with prior p(z), decoder p(x|z) and posterior p(z|x).

**What cannot be computed.** The probability of x is an integral over all z:

    p(x) = ∫ p(x|z) p(z) dz                                            notes §2, 4)

Each z costs a pass through the decoder. A grid of 100 points in each dimension has
100^n_z points: 10⁴ for n_z = 2, and 10⁴⁰ for n_z = 20, so a grid is out of the question.
That is no proof that there is no other way: without hidden layers and with a Gaussian
decoder of fixed σ the integral has a closed form. For a network with hidden layers none
is known, and `likelihood.py` only estimates p(x). The posterior p(z|x) =
p(x|z) p(z) / p(x) contains p(x), so it is not known either. The encoder, a network
with the weights φ, takes its place. It turns x into μ and log σ², and

    q(z|x) = N(z; μ, σ²)        is an approximation of p(z|x).

As in AEVB, θ are the decoder's weights here. The code keeps θ and φ in one vector,
`params.theta`.

**The whole process, with shapes.** The default sizes: B images, L samples of z for each,
500 hidden units. `→` computes, `~→` samples, and `←` carries the gradient back. Each
arrow with W and b has a different W and b, and a different dW and db. z is reshaped from
(L, B, 20) to (L·B, 20) between the two lines. In training no x is sampled: the x on the
right is the given one, and da comes from log p(x|z) at it. The second sampling makes new
images, one for each row of the logits.

 ENCODER  q(z|x)                                         first sampling: z ~ q(z|x)

           tanh(x W + b)          h W + b, twice               z = μ + σ ⊙ ε
     x     ───────────→      h     ───────────→    μ, log σ²   ~~~~~~~~~~~→      z
  (B, 784) ←───────────  (B, 500)  ←───────────   2 × (B, 20)  ←───────────  (L, B, 20)
              dW, db                    dh                      dμ, dlog σ²

 DECODER  p(x|z)                                        second sampling: x ~ p(x|z)

            tanh(z W + b)              h′ W + b           1 with p = sigmoid(a)
      z     ───────────→      h′     ───────────→   logits a  ~~~~~~~~~~~→     x
  (L·B, 20) ←───────────  (L·B, 500) ←───────────  (L·B, 784) ← log p(x|z)  (B, 784)
                 dz                       dh′                      da

**The bound.** E_q[...] is the mean over z ~ q(z|x). For any q, log p(x) has two parts:

    log p(x) = E_q[log p(x)]                                  p(x) does not depend on z
             = E_q[log p(x, z) − log p(z|x)]                  p(x, z) = p(z|x) p(x)
             = E_q[log q(z|x) − log p(z|x)] + E_q[log p(x, z) − log q(z|x)]
                                                        log q added and subtracted

The first mean is a KL by its definition: z is drawn from q, so q stands first. The
second mean gets the name 𝓛(x):

    log p(x) = KL(q(z|x) ‖ p(z|x)) + 𝓛(x)                     AEVB eq. (1)

The KL is ≥ 0 (Jensen's inequality, derived in `info.py`; notes §1.5). So 𝓛(x) ≤ log
p(x): 𝓛 is the evidence lower bound, ELBO. We cannot compute log p(x), so we make 𝓛
large in its place, over θ and φ. log p(x) does not depend on φ. So for a fixed θ, a
larger 𝓛 means a smaller KL: q(z|x) comes nearer to p(z|x). Now use p(x, z) = p(x|z) p(z):

    𝓛(x) = E_q[log p(x, z) − log q(z|x)]                      AEVB eq. (2)
         = E_q[log p(x|z)] + E_q[log p(z) − log q(z|x)]
         = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))                AEVB eq. (3)

since KL(q ‖ p) = E_q[log q − log p] by its definition. The data points are independent,
so log p(x₁, ..., x_N) = Σ_i log p(x_i), and the bounds of the data points add too.

**Its estimate.** The mean over q becomes a mean over L samples z_l = μ + σ ⊙ ε_l with
ε_l ~ N(0, I), where ⊙ multiplies entry by entry. AEVB calls these estimates SGVB,
stochastic gradient variational Bayes; ≃ is the paper's sign for "is estimated by".
Estimator A samples all of eq. (2), through the ratios w_l = p(x, z_l) / q(z_l|x). They
are called importance weights, and are not weights of a network:

    log w_l = log p(x, z_l) − log q(z_l|x)
    𝓛(x) ≃ (1/L) Σ_l log w_l                                  AEVB eq. (6)

They also give p(x): E_q[w] = ∫ q(z|x) p(x, z) / q(z|x) dz = ∫ p(x, z) dz = p(x). So, by
Jensen's inequality, 𝓛 = E_q[log w] ≤ log E_q[w] = log p(x). Estimator B uses that the KL
of eq. (3) has a closed form, and samples the rest:

    𝓛(x) ≃ ½ Σ_j [1 + log σ_j² − μ_j² − σ_j²] + (1/L) Σ_l log p(x|z_l)   AEVB eq. (10)

**Why this has a derivative** (AEVB §2.4). Let f(z) = log p(x|z), the part of (10) that
is sampled, and ∇_φ the gradient with respect to φ. f does not depend on φ. But q does:
∇_φ E_q[f(z)] = ∇_φ ∫ q(z|x) f(z) dz = ∫ (∇_φ q) f dz, and ∇_φ q is no density: as it
stands, this is no mean over q. But the density of ε does not depend on φ. Only μ and σ,
which the encoder computes, do. So the gradient goes inside the mean over ε:

    E_q[f(z)] = E_ε[f(μ + σ ⊙ ε)]            ∇_φ E_q[f(z)] = E_ε[∇_φ f(μ + σ ⊙ ε)]

For the decoder's weights it goes inside too, because q does not depend on them. The KL
of (10) is not sampled, so its gradient is exact. So the gradient of (10) for a few
drawn ε is an unbiased estimate of the gradient of 𝓛. If z were drawn from q directly, z
would be a mere number, without a derivative in φ.

**The reduction**, from many numbers to one loss. We sum over pixels and over latent
dimensions. Then we take the mean over the L samples, and the mean over the B data points
of the minibatch, all in nats. With estimate (10) for 𝓛, where the index b
counts data points, KL_b is the KL of x_b, and z_lb is sample l for x_b,

    loss = −(1/B) Σ_b 𝓛(x_b) = (1/B) Σ_b KL_b − 1/(L B) Σ_b Σ_l log p(x_b|z_lb)

**β weighs the KL** (Higgins et al. 2017). With β = 1 the objective is the bound. For
any other β ≥ 0 training climbs

    objective = E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)) = 𝓛(x) + (1 − β) KL(q(z|x) ‖ p(z))

The KL is ≥ 0. So for β ≥ 1 the objective is a lower bound of log p(x) too, and a worse
one than 𝓛. For β < 1 it may be above log p(x). What is reported as the bound is always
𝓛. In the loss and in its gradient, each KL_b has the additional factor β.

**Its gradient, from the loss backwards.** In this loss, each log p(x_b|z_lb) has the
factor −1 / (L B), and each KL_b has the factor 1 / B.

    1. da       = −(x − sigmoid(a)) / (L B)         for a Bernoulli: `distributions.py`;
                                                    x is used for each of the L samples
       dh′      = da Wᵀ                             the output layer's backward pass
    2. dz       = the decoder's backward pass of dh′
    3. dμ       = Σ_l dz_l                    from z = μ + σ ⊙ ε
       dlog σ²  = Σ_l dz_l ⊙ ε_l ⊙ ½ σ        from z too: ∂σ / ∂log σ² = ½ σ
    4. dμ       += β μ / B                    from the KL, with β = 1 for the bound
       dlog σ²  += β ½ (σ² − 1) / B           from the KL too
    5. dh       = dμ (W_mu)ᵀ + dlog σ² (W_logvar)ᵀ    h is used twice: two gradients add
    6. the encoder's backward pass of dh. Nobody needs dx.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratchvae import checks, layers
from scratchvae.decoders import OUTPUTS, Output, floor_of
from scratchvae.distributions import (
    gaussian_kl,
    gaussian_kl_backward,
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
    reparameterize_backward,
    standard_normal_log_density,
)
from scratchvae.initializers import INITIALIZERS
from scratchvae.layers import ACTIVATIONS, Affine, Layer, named, shapes_of
from scratchvae.parameters import FloatArray, Parameters, bytes_of


class Networks(NamedTuple):
    """The layers of the encoder and of the decoder. Their weights have no memory yet.

    encoder: x → h. mu, logvar: h → μ, and h → log σ². decoder: z → h′. output: h′ → p(x|z).
    """

    encoder: Sequence[Layer]
    mu: Layer
    logvar: Layer
    decoder: Sequence[Layer]
    output: Output

    @property
    def encoder_layers(self) -> dict[str, Layer]:
        """The layers of q(z|x), by name: those of φ."""
        return {**named("encoder", self.encoder), "mu": self.mu, "logvar": self.logvar}

    @property
    def layers(self) -> dict[str, Layer]:
        """All layers by name, in their order in θ."""
        return {**self.encoder_layers, **named("decoder", self.decoder), **self.output.layers}


def affine_networks(
    n_x: int, hidden: Sequence[int], n_z: int, decoder: str, activation: str,
    min_sigma: float | None = None,
) -> Networks:  # fmt: skip
    """The layers of a VAE with these settings. min_sigma None: the decoder's default.

    >>> affine_networks(784, (500,), 20, "bernoulli", "tanh").encoder
    [Affine(784, 500), Tanh()]
    """
    encoder_sizes, decoder_sizes = (n_x, *hidden), (n_z, *reversed(hidden))
    output = OUTPUTS[decoder](decoder_sizes[-1], n_x)
    if output.min_sigma is not None and min_sigma is not None:
        output.min_sigma = min_sigma
    return Networks(
        layers.hidden_layers(encoder_sizes, activation),
        Affine(encoder_sizes[-1], n_z),
        Affine(encoder_sizes[-1], n_z),
        layers.hidden_layers(decoder_sizes, activation),
        output,
    )


class VAE:
    """The variational autoencoder of AEVB: a Gaussian encoder, and by default a Bernoulli decoder.

    n_x: numbers in a data point, such as pixels. n_z: latent dimensions.
    hidden: units of each hidden layer of the encoder. The decoder has the same in reverse
    order: 784-500-20-500-784 for n_x = 784, hidden = (500,), n_z = 20. No hidden layer, (),
    makes both networks affine.
    decoder: p(x|z), "bernoulli", "gaussian", "sigmoid-gaussian", "isotropic" or
    "continuous-bernoulli"; see `decoders.py`.
    activation: "tanh", "relu" or "sigmoid". init: "glorot", or "normal" for N(0, 0.01).
    dtype: float32 or float64. seed: for the initial weights.
    beta: β, the weight of the KL in the objective; 1 is the bound.
    image_shape: (height, width) for pictures, (height, width, 3) in colour; None if unknown.
    min_sigma: the floor of σ of a Gaussian decoder, in the data's units: σ² = min_sigma² + e^s.
    None: 1/255, the width of a grey level. 0: no floor. See `decoders.py`.

    params: the weights, with the names encoder.0.W, encoder.0.b, ..., mu.W, mu.b, logvar.W,
    logvar.b, decoder.0.W, ..., and those of the output: logits.W, logits.b for a Bernoulli.
    layers: all layers by name, in their order in θ. encoder_layers: those of q(z|x).

    >>> vae = VAE(784, hidden=(500,), n_z=20, seed=0)
    >>> vae, vae.params
    (VAE(784-500-20-500-784, tanh, bernoulli), Parameters(815,824 in 10 arrays))
    >>> vae.sample(2, seed=1).shape
    (2, 784)
    """

    # attributes that are no settings: θ, and what calls leave
    remembers: tuple[str, ...] = ("params", "remembered", "_x", "_eps", "_mu_logvar", "_z")

    def __init__(
        self, n_x: int, hidden: Sequence[int] = (500,), n_z: int = 20, *,
        decoder: str = "bernoulli", activation: str = "tanh", init: str = "glorot",
        dtype: DTypeLike = np.float32, seed: int | np.random.Generator = 0,
        image_shape: tuple[int, ...] | None = None, beta: float = 1.0,
        min_sigma: float | None = None,
    ) -> None:  # fmt: skip
        self.n_x, self.n_z = checks.positive_int("n_x", n_x), checks.positive_int("n_z", n_z)
        self.hidden = checks.sizes("hidden", hidden)
        self.decoder = checks.one_of("decoder", decoder, OUTPUTS)
        self.activation = checks.one_of("activation", activation, ACTIVATIONS)
        self.init = checks.one_of("init", init, INITIALIZERS)
        self.dtype = checks.float_dtype(dtype)
        self.beta = checks.number_from_zero("beta", beta)
        self.min_sigma = floor_of(decoder, min_sigma)
        self.image_shape = (
            None if image_shape is None else checks.image_shape(image_shape, self.n_x)
        )
        rng = checks.generator("seed", seed, "weights")

        networks = self.networks()
        shapes, sizes = shapes_of(networks.layers), (self.n_x, self.hidden, self.n_z)
        checks.memory("(n_x, hidden, n_z)", sizes, bytes_of(shapes, self.dtype))
        self.params = Parameters(shapes, self.dtype)
        self._encoder, self._mu, self._logvar, self._decoder, self._output = networks
        self.encoder_layers, self.layers = networks.encoder_layers, networks.layers
        INITIALIZERS[init](self.params, self.layers, rng)
        self.connect()

    def networks(self) -> Networks:
        """New layers, for the constructor. A subclass may have others here.

        It may replace some: `super().networks()._replace(encoder=[...])`. When it is called, the
        arguments of VAE are attributes. A subclass sets its own before `super().__init__(...)`,
        and adds them to `settings`: worker processes and files make a model of its settings.
        """
        sizes = self.n_x, self.hidden, self.n_z
        return affine_networks(*sizes, self.decoder, self.activation, self.min_sigma)

    def connect(self) -> None:
        """Give the layers their views into params: once, and again after params.move_to."""
        for name, layer in self.layers.items():
            layer.connect(self.params, name)
        self.remembered = ""  # whose data the layers hold: "forward", "log_joint", or nobody's

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, as JSON can hold them; the seed is not among them."""
        return {
            "n_x": self.n_x, "hidden": list(self.hidden), "n_z": self.n_z, "decoder": self.decoder,
            "activation": self.activation, "init": self.init, "dtype": self.dtype.name,
            "image_shape": self.image_shape, "beta": self.beta, "min_sigma": self.min_sigma,
        }  # fmt: skip

    def __repr__(self) -> str:
        sizes = "-".join(map(str, (self.n_x, *self.hidden, self.n_z, *self.hidden[::-1], self.n_x)))
        return f"{type(self).__name__}({sizes}, {self.activation}, {self.decoder})"

    @property
    def output(self) -> Output:
        """The last part of the decoder: p(x|z), given h′."""
        return self._output

    @property
    def pixels(self) -> str:
        """What the decoder models: "bits" for a Bernoulli, else "grey" levels."""
        return self._output.pixels

    @property
    def confined(self) -> bool:
        """Whether the decoder models numbers in [0, 1] alone."""
        return self._output.confined

    # ---- the two networks ----

    def encode(self, x: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """μ and log σ² of q(z|x). x: (B, n_x), as `as_data` takes it. Returns two arrays (B, n_z).

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.encode(x)[0].round(4)
        array([[-0.7181],
               [-0.5729]])
        """
        self.remembered = ""
        return self._heads(self.as_data(x))

    def _heads(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """μ and log σ²: two affine layers, the heads, stand on the same h."""
        h = layers.forward(self._encoder, x)
        return self._mu.forward(h), self._logvar.forward(h)

    def decode(self, z: ArrayLike) -> FloatArray:
        """E[x|z], the means of p(x|z). For a Bernoulli: the probability that a pixel is 1.

        z: (B, n_z). Returns (B, n_x).

        >>> VAE(3, (2,), 1, dtype=np.float64).decode([[1.0]]).round(4)
        array([[0.347 , 0.6797, 0.7021]])
        """
        return self._output.mean(self._decoder_hidden(z))

    def _decoder_hidden(self, z: ArrayLike) -> FloatArray:
        z = checks.cast("z", checks.rows("z", z, self.n_z), self.dtype)
        self.remembered = ""
        return layers.forward(self._decoder, z)

    def sample(
        self, n: int, seed: int | np.random.Generator = 0, *, draw: bool = False
    ) -> FloatArray:
        """n images from the model: z ~ p(z) = N(0, I), then the mean of p(x|z) for each z.

        draw: gives x ~ p(x|z) in place of its mean. z ~ p(z) and then x ~ p(x|z): this is the
        whole generative model (notes §2).
        A Bernoulli then gives bits. Returns (n, n_x).

        >>> vae = VAE(3, (2,), 1, dtype=np.float64)
        >>> vae.sample(1, seed=1).round(4), vae.sample(1, seed=1, draw=True)
        (array([[0.3333, 0.6957, 0.7193]]), array([[0., 1., 1.]]))
        """
        rng, draw = checks.generator("seed", seed, "sample"), checks.flag("draw", draw)
        widest = max(self.n_x, self.n_z, *self.hidden)
        checks.memory("n", n, 3 * checks.positive_int("n", n) * widest * self.dtype.itemsize)
        return self.dream(n, rng)[1] if draw else self.decode(self.noise(n, rng))

    def reconstruct(self, x: ArrayLike) -> FloatArray:
        """E[x|z] at z = μ(x), the centre of q(z|x). x: (B, n_x). Returns (B, n_x).

        >>> VAE(3, (2,), 1, dtype=np.float64).reconstruct([[0, 1, 1]]).round(4)
        array([[0.6293, 0.3477, 0.328 ]])
        """
        return self.decode(self.encode(x)[0])

    def noise(self, n: int, rng: np.random.Generator) -> FloatArray:
        """ε ~ N(0, I), one row for each of n data points; z ~ p(z) too. Returns (n, n_z)."""
        return rng.standard_normal((n, self.n_z), self.dtype)

    # ---- the bound ----

    def forward(self, x: ArrayLike, eps: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The two terms of eq. (10): (1/L) Σ_l log p(x|z_l), and KL(q(z|x) ‖ p(z)).

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z); another shape, NaN or ∞ in it, or an x that
        the decoder does not model: ValueError.
        Returns two arrays (B,), in nats; the first minus the second is the bound.
        It remembers what a backward pass needs: self._x, self._eps as (L, B, n_z), and
        self._mu_logvar, the tuple (mu, logvar); the layers remember the rest. It sets
        self.remembered = "" first and "forward" last: only then may `backward` run.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> reconstruction, kl = vae.forward(x, eps=np.zeros((2, 1)))
        >>> reconstruction.round(4), kl.round(4)
        (array([-3.1636, -1.3844]), array([0.4512, 0.521 ]))
        """
        self.remembered = ""
        self._x = self.as_data(x)
        self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
        self._mu_logvar = mu, logvar = self._heads(self._x)
        z = reparameterize(mu, logvar, self._eps)  # (L, B, n_z)
        log_px_z = self._log_px_z(self._x, z)
        self.remembered = "forward"
        return log_px_z.mean(axis=0), gaussian_kl(mu, logvar)  # (1/L) Σ_l log p(x|z_l), and the KL

    def _log_px_z(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """log p(x|z_l) of every sample. x: (B, n_x); z: (L, B, n_z). Returns (L, B)."""
        h = layers.forward(self._decoder, z.reshape(-1, self.n_z))
        return self._output.log_likelihood(x, h)

    def elbo(
        self, x: ArrayLike, eps: ArrayLike | None = None, *, seed: int | np.random.Generator = 0
    ) -> FloatArray:
        """𝓛(x) ≃ −KL(q(z|x) ‖ p(z)) + (1/L) Σ_l log p(x|z_l)  (AEVB eq. (10), estimator B).

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z); None: drawn with this seed, L = 1.
        Returns (B,), in nats.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.elbo(x, np.zeros((2, 1))).round(4)
        array([-3.6147, -1.9054])
        """
        if eps is None:
            B = len(checks.rows("x", x, self.n_x))
            eps = self.noise(B, checks.generator("seed", seed, "bound"))
        reconstruction, kl = self.forward(x, eps)
        return reconstruction - kl

    def objective(self, x: ArrayLike, eps: ArrayLike) -> FloatArray:
        """What `backward` climbs: (1/L) Σ_l log p(x|z_l) − β KL(q(z|x) ‖ p(z)).

        For β = 1 it is `elbo`. x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns (B,).

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64, beta=0), [[0, 1, 1], [1, 0, 0]]
        >>> vae.objective(x, np.zeros((2, 1))).round(4)
        array([-3.1636, -1.3844])
        """
        reconstruction, kl = self.forward(x, eps)
        return reconstruction - self.beta * kl

    def elbo_sampled(self, x: ArrayLike, eps: ArrayLike) -> FloatArray:
        """𝓛(x) ≃ (1/L) Σ_l log w_l  (AEVB eq. (6), its estimator A of eq. (2)).

        It samples the KL too: k = log p(z) − log q(z|x) has the mean −KL. So `elbo_sampled` and
        `elbo` have the same mean. For L = 1 the variance of `elbo` is Var[log p(x|z)], and the
        variance of `elbo_sampled` is Var[log p(x|z)] + Var k + 2 Cov(log p(x|z), k). This can be
        more or less. L samples divide both by L.
        x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns (B,), in nats.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.elbo_sampled(x, eps=np.zeros((2, 1))).round(4)
        array([-3.9362, -1.0499])
        """
        return self.log_weights(x, eps).mean(axis=0)

    def log_weights(self, x: ArrayLike, eps: ArrayLike) -> FloatArray:
        """log w_l = log p(x|z_l) + log p(z_l) − log q(z_l|x), at z_l = μ + σ ⊙ ε_l.

        E[log w] = 𝓛(x), and E[w] = p(x).
        x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns (L, B), in nats. Errors: as in
        `forward`. It uses the layers, so it sets self.remembered = "" first: after it,
        `backward` needs a new `forward`.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.log_weights(x, eps=np.zeros((1, 2, 1))).round(4)
        array([[-3.9362, -1.0499]])
        """
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, checks.noise(eps, len(mu), self.n_z, self.dtype))
        log_px_z, log_pz = self._log_px_z(self.as_data(x), z), standard_normal_log_density(z)
        return log_px_z + log_pz - gaussian_log_density(z, mu, logvar)

    # ---- its gradient ----

    def backward(self) -> None:
        """∂loss/∂θ and ∂loss/∂φ at the last `forward`, written into params.g: steps 1 to 6 above.

        RuntimeError when another call came between `forward` and this one:
        `checks.remembered` does this. Returns nothing: it overwrites params.g. The loss is that
        of the opening of this file, with β.
        """
        checks.remembered("backward", "forward", self.remembered)
        eps, (mu, logvar) = self._eps, self._mu_logvar
        L, B, _ = eps.shape
        # 1. da, with the factor −1 / (L B) in it, and from it dh′
        dh_decoder = self._output.backward(-1 / (L * B))
        dz = layers.backward(self._decoder, dh_decoder).reshape(eps.shape)  # 2.
        dmu, dlogvar = reparameterize_backward(dz, logvar, eps)  # 3.
        dkl_dmu, dkl_dlogvar = self.kl_gradient(mu, logvar)
        dmu += self.beta * dkl_dmu / B  # 4. the factor of each KL in the loss is β / B
        dlogvar += self.beta * dkl_dlogvar / B
        dh_encoder = self._mu.backward(dmu) + self._logvar.backward(dlogvar)  # 5.
        layers.backward_weights(self._encoder, dh_encoder)  # 6.

    def kl_gradient(self, mu: FloatArray, logvar: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradient of the term that β weighs with respect to μ and log σ², (B, n_z) each.

        Here the term is KL(q(z|x) ‖ p(z)). A subclass may have another one, such as Σ_j max(KL_j,
        λ), which is called free bits. Then it should have it in `objective` too.
        """
        return gaussian_kl_backward(mu, logvar)

    def loss_and_grad(self, x: ArrayLike, eps: ArrayLike) -> float:
        """loss = −(1/B) Σ_b objective(x_b), in nats; its gradient lies in params.g afterwards.

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z).

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> loss = vae.loss_and_grad(x, eps=np.zeros((2, 1)))
        >>> round(loss, 4), vae.params.grads["mu.b"].round(4)
        (2.7601, array([-0.8043]))
        """
        loss = -float(self.objective(x, eps).mean(dtype=np.float64))
        self.backward()
        return loss

    # ---- each network alone, with x and z fixed ----

    def dream(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """z ~ p(z) and x ~ p(x|z), n of each: (n, n_z) and (n, n_x).

        >>> z, x = VAE(3, (2,), 1, dtype=np.float64).dream(1, np.random.default_rng(0))
        >>> z.round(4), x
        (array([[0.1257]]), array([[1., 1., 1.]]))
        """
        z = self.noise(n, rng)  # sampling z ~ p(z)
        return z, self._output.draw(self._decoder_hidden(z), rng)  # sampling x ~ p(x|z)

    def decoder_gradient(self) -> None:
        """−1/(L B) Σ_b Σ_l ∇_θ log p(x_b, z_lb) into params.g, where θ are the decoder's weights.

        x and z are those of the last `forward` or `log_joint`. log p(x, z) = log p(x|z) + log
        p(z), and p(z) does not depend on θ. So this is the decoder's backward pass, and nobody
        needs dz. The encoder's part of params.g stays. RuntimeError when another call came between.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> log_p = vae.log_joint(x, z=np.ones((2, 1)))
        >>> vae.decoder_gradient()
        >>> vae.params.grads["logits.b"].round(4)
        array([-0.153 ,  0.1797,  0.2021])
        """
        if self.remembered != "log_joint":
            checks.remembered("decoder_gradient", "forward", self.remembered)
        L, B, _ = (self._z if self.remembered == "log_joint" else self._eps).shape
        layers.backward_weights(self._decoder, self._output.backward(-1 / (L * B)))

    def encoder_gradient(self, x: ArrayLike, z: ArrayLike) -> None:
        """−1/(L B) Σ_b Σ_l ∇_φ log q(z_lb|x_b) into params.g, where φ are the encoder's weights.

        dμ and dlog σ² of the log density, then backwards through the encoder. The decoder's
        part of params.g stays. x: (B, n_x). z: (B, n_z), or (L, B, n_z).

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.encoder_gradient(x, z=np.ones((2, 1)))
        >>> vae.params.grads["mu.b"].round(4)
        array([-2.6952])
        """
        mu, logvar = self.encode(x)
        z = checks.samples("z", z, len(mu), self.n_z, self.dtype)
        weight = -1 / (len(z) * len(mu))  # −1 / (L B)
        dmu, dlogvar = gaussian_log_density_backward(z, mu, logvar)
        dh = self._mu.backward(weight * dmu.sum(axis=0))
        dh += self._logvar.backward(weight * dlogvar.sum(axis=0))
        layers.backward_weights(self._encoder, dh)

    def log_joint(self, x: ArrayLike, z: ArrayLike) -> FloatArray:
        """log p(x, z_l) = log p(x|z_l) + log p(z_l).

        x: (B, n_x). z: (B, n_z), or (L, B, n_z). Returns (L, B), in nats.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> vae.log_joint(x, z=np.zeros((2, 1))).round(4)
        array([[-2.9984, -2.9984]])
        """
        self.remembered = ""
        x = self.as_data(x)
        return self.log_joint_unchecked(x, checks.samples("z", z, len(x), self.n_z, self.dtype))

    def log_joint_unchecked(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """`log_joint` for x of `as_data` and any z, (L, B, n_z): in `hmc.py` z may run to ∞."""
        self.remembered = ""
        self._z = z
        log_joint = self._log_px_z(x, z) + standard_normal_log_density(z)
        self.remembered = "log_joint"
        return log_joint

    def log_joint_backward(self) -> FloatArray:
        """∂ log p(x, z) / ∂z at the last `log_joint`, and nothing is written into params.g.

        The decoder's backward pass gives ∂ log p(x|z) / ∂z, and ∂ log p(z) / ∂z = −z.
        Returns (L, B, n_z). RuntimeError when another call came between.

        >>> vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
        >>> log_p = vae.log_joint(x, z=np.zeros((2, 1)))
        >>> vae.log_joint_backward().ravel().round(4)
        array([ 1.6171, -1.6171])
        """
        checks.remembered("log_joint_backward", "log_joint", self.remembered)
        dz = layers.backward_input(self._decoder, self._output.backward_input())
        return dz.reshape(self._z.shape) - self._z

    def as_data(self, x: ArrayLike) -> FloatArray:
        """x as a (B, n_x) array of the model's dtype.

        uint8 is 0 to 255 and becomes pixel / 255, as in `fit`; bool is 0 and 1. ValueError for
        what p(x|z) does not model, and for uint8 whose maximum is 1.
        """
        x = checks.pixels("x", checks.rows("x", x, self.n_x), self.dtype)
        return self._output.check("x", x, self.dtype)
