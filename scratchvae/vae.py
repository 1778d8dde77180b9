"""The variational autoencoder: encoder, decoder, the bound, and its gradient by hand.

**The model** (AEVB section 3, notes §2). z ~ p(z) = N(0, I) is drawn and never seen; x ~ p(x|z) is seen. p(x|z) is given by the
decoder, a network from z to the parameters of a distribution of x: one logit for each pixel when it is a Bernoulli. The posterior
p(z|x) cannot be computed; the encoder, a network from x to μ and log σ², gives q(z|x) = N(μ, σ²) in its place.

**The bound.** For any q, log p(x) splits exactly in two:

    log p(x) = E_q[log p(x)]                                            p(x) does not depend on z
             = E_q[log p(x, z) − log p(z|x)]                            p(x, z) = p(z|x) p(x)
             = E_q[log q(z|x) − log p(z|x)] + E_q[log p(x, z) − log q(z|x)]    add and subtract log q(z|x)
             = KL(q(z|x) ‖ p(z|x)) + 𝓛(x)                               AEVB eq. (1)

The KL is ≥ 0 (Jensen's inequality, notes §1.5), so 𝓛(x) ≤ log p(x): the evidence lower bound, ELBO. Written out,

    𝓛(x) = E_q[log p(x, z) − log q(z|x)]                                AEVB eq. (2)
         = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))                          AEVB eq. (3), by p(x, z) = p(x|z) p(z)

**Its estimate.** The KL of eq. (3) is known in closed form. The other expectation becomes a mean over L samples
z_l = μ + σ ⊙ ε_l, ε_l ~ N(0, I):

    𝓛(x) ≃ ½ Σ_j [1 + log σ_j² − μ_j² − σ_j²] + (1/L) Σ_l log p(x|z_l)   AEVB eq. (10)

**Why this can be differentiated** (AEVB §2.4). The noise ε has a distribution that does not depend on φ, so the expectation over z is one
over ε, and the derivative may be taken inside of it:

    E_q[f(z)] = E_ε[f(μ + σ ⊙ ε)]            ∇_φ E_q[f(z)] = E_ε[∇_φ f(μ + σ ⊙ ε)]

The gradient for a few drawn ε is therefore an unbiased estimate of the gradient of the bound. Had z been drawn from q first, z would be a
number, and its dependence on φ lost.

**The reduction.** Σ over pixels and over latent dimensions, mean over the L samples, mean over the B data points of the minibatch,
in nats. So

    loss = −(1/B) Σ_b 𝓛(x_b)

**Its gradient**, from the loss backwards. Each ∂log p(x_b|z_lb) in the loss has the weight −1 / (L B), each KL_b the weight 1 / B:

    da        = −(x − σ(a)) / (L B) at the logits a of a Bernoulli decoder; the other decoders are in `decoders.py`
    dz        = the decoder's backward pass of da
    dμ        = Σ_l dz_l                  + (1/B) ∂KL/∂μ
    dlog σ²   = Σ_l dz_l ⊙ ε_l ⊙ ½ σ      + (1/B) ∂KL/∂(log σ²)
    dh        = the backward pass of dμ plus that of dlog σ²: h feeds both heads, and gradients of two uses add
    and dh goes back through the encoder. The gradient of x itself is wanted by nobody.
"""

import json
import zipfile
import zlib
from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratchvae import checks, layers
from scratchvae.decoders import OUTPUTS
from scratchvae.distributions import (
    gaussian_kl,
    gaussian_kl_backward,
    gaussian_log_density,
    reparameterize,
    reparameterize_backward,
    standard_normal_log_density,
)
from scratchvae.files import FileFormatError, written_whole
from scratchvae.initializers import INITIALIZERS
from scratchvae.layers import ACTIVATIONS, Affine
from scratchvae.parameters import FloatArray, Parameters

FORMAT, VERSION = "scratchvae.VAE", 1


class VAE:
    """The variational autoencoder of AEVB: a Gaussian encoder, and a decoder that is Bernoulli unless asked otherwise.

    n_x: pixels. hidden: units of each hidden layer of the encoder; the decoder has them in reverse. n_z: latent dimensions.
    activation: "tanh", "relu" or "sigmoid". init: "glorot", or "normal" for the paper's N(0, 0.01).
    decoder: "bernoulli", "gaussian" or "isotropic" (see `decoders.py`).
    dtype: float32, or float64 where derivatives are checked. seed: of the initial θ.
    image_shape: (height, width) with height · width = n_x, only for pictures; None when the pixels are no picture.

    params: θ and g with the weights encoder.0.W, encoder.0.b, ..., mu.W, mu.b, logvar.W, logvar.b, decoder.0.W, ..., and
    those of the decoder's output: logits.W and logits.b for a Bernoulli.
    """

    def __init__(
        self,
        n_x: int,
        hidden: Sequence[int] = (500,),
        n_z: int = 20,
        *,
        decoder: str = "bernoulli",
        activation: str = "tanh",
        init: str = "glorot",
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator = 0,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        self.n_x = checks.positive_int("n_x", n_x)
        self.n_z = checks.positive_int("n_z", n_z)
        self.hidden = tuple(checks.positive_int("hidden", units) for units in hidden)
        self.decoder = checks.one_of("decoder", decoder, OUTPUTS)
        self.activation = checks.one_of("activation", activation, ACTIVATIONS)
        self.init = checks.one_of("init", init, INITIALIZERS)
        self.dtype = checks.float_dtype(dtype)
        self.image_shape = (
            None if image_shape is None else checks.image_shape(image_shape, self.n_x)
        )

        encoder_sizes, decoder_sizes = (self.n_x, *self.hidden), (self.n_z, *reversed(self.hidden))
        shapes = {
            **layers.hidden_shapes("encoder", encoder_sizes),
            **layers.affine_shapes("mu", encoder_sizes[-1], self.n_z),
            **layers.affine_shapes("logvar", encoder_sizes[-1], self.n_z),
            **layers.hidden_shapes("decoder", decoder_sizes),
            **OUTPUTS[decoder].shapes(decoder_sizes[-1], self.n_x),
        }
        self.params = Parameters(shapes, self.dtype)
        INITIALIZERS[init](self.params, np.random.default_rng(seed))

        self._encoder = layers.hidden_layers(self.params, "encoder", len(self.hidden), activation)
        self._mu, self._logvar = Affine(self.params, "mu"), Affine(self.params, "logvar")
        self._decoder = layers.hidden_layers(self.params, "decoder", len(self.hidden), activation)
        self._output = OUTPUTS[decoder](self.params)

    @property
    def binary(self) -> bool:
        """Whether p(x|z) speaks of bits, so that grey pixels are to be binarised."""
        return self._output.binary

    # ---- the two networks ----

    def encode(self, x: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """μ and log σ² of q(z|x). x: (B, n_x). Returns two arrays (B, n_z)."""
        self._forget()
        return self._heads(self.as_data(x))

    def _heads(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        h = layers.forward(self._encoder, x)
        return self._mu.forward(h), self._logvar.forward(h)

    def decode(self, z: ArrayLike) -> FloatArray:
        """The means of p(x|z); of a Bernoulli, the probability that each pixel is 1. z: (B, n_z). Returns (B, n_x)."""
        z = checks.rows("z", z, self.n_z).astype(self.dtype, copy=False)
        checks.finite("z", z)
        self._forget()
        return self._output.mean(layers.forward(self._decoder, z))

    def sample(self, n: int, seed: int | np.random.Generator = 0) -> FloatArray:
        """Means of p(x|z) at n draws z ~ p(z) = N(0, I). Returns (n, n_x)."""
        rng = np.random.default_rng(seed)
        return self.decode(rng.standard_normal((checks.positive_int("n", n), self.n_z), self.dtype))

    def reconstruct(self, x: ArrayLike) -> FloatArray:
        """Means of p(x|z) at z = μ(x), the centre of q(z|x). x: (B, n_x). Returns (B, n_x)."""
        return self.decode(self.encode(x)[0])

    # ---- the bound ----

    def forward(self, x: ArrayLike, eps: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The two terms of eq. (10): (1/L) Σ_l log p(x|z_l), and KL(q(z|x) ‖ p(z)).

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns two arrays (B,), in nats; their difference is the bound.
        What `backward` needs is remembered: self._x, self._eps as (L, B, n_z), and self._mu_logvar; the layers remember the rest.
        """
        self._x = self.as_data(x)
        self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
        self._mu_logvar = mu, logvar = self._heads(self._x)
        z = reparameterize(mu, logvar, self._eps)  # (L, B, n_z)
        log_px_z = self._log_px_z(self._x, z)
        return log_px_z.mean(axis=0), gaussian_kl(mu, logvar)  # (1/L) Σ_l log p(x|z_l), and the KL

    def _log_px_z(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """log p(x|z_l) of every sample. x: (B, n_x); z: (L, B, n_z). Returns (L, B)."""
        return self._output.log_likelihood(
            x, layers.forward(self._decoder, z.reshape(-1, self.n_z))
        )

    def elbo(self, x: ArrayLike, eps: ArrayLike) -> FloatArray:
        """𝓛(x) ≃ −KL(q(z|x) ‖ p(z)) + (1/L) Σ_l log p(x|z_l)  (AEVB eq. (10), its estimator B).

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns (B,), in nats.
        """
        reconstruction, kl = self.forward(x, eps)
        return reconstruction - kl

    def elbo_sampled(self, x: ArrayLike, eps: ArrayLike) -> FloatArray:
        """𝓛(x) ≃ (1/L) Σ_l [ log p(x|z_l) + log p(z_l) − log q(z_l|x) ]  (AEVB eq. (6), its estimator A, from eq. (2)).

        The KL is sampled as well: the same expectation as `elbo`, with the variance of log p(z) − log q(z|x) on top.
        x: (B, n_x). eps: (B, n_z), or (L, B, n_z). Returns (B,), in nats.
        """
        reconstruction, _ = self.forward(x, eps)
        mu, logvar = self._mu_logvar
        z = reparameterize(mu, logvar, self._eps)
        log_ratio = standard_normal_log_density(z) - gaussian_log_density(z, mu, logvar)
        return reconstruction + log_ratio.mean(axis=0)

    # ---- its gradient ----

    def backward(self) -> None:
        """∂loss/∂θ at the last `forward`, written into params.g: the derivation at the top of this file, line by line."""
        if not hasattr(self, "_mu_logvar"):
            raise RuntimeError(
                "backward needs a forward just before it: there was none, or the layers have met other data since"
            )
        eps, (mu, logvar) = self._eps, self._mu_logvar
        L, B, _ = eps.shape
        dh = self._output.backward(-1 / (L * B))  # the weight of each log p(x|z_l) in the loss
        dz = layers.backward(self._decoder, dh).reshape(eps.shape)

        dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
        dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
        dmu += dkl_dmu / B  # the weight of each KL in the loss
        dlogvar += dkl_dlogvar / B

        dh = self._mu.backward(dmu) + self._logvar.backward(
            dlogvar
        )  # h is used twice: the gradients add
        layers.backward_weights(self._encoder, dh)

    def loss_and_grad(self, x: ArrayLike, eps: ArrayLike) -> float:
        """loss = −(1/B) Σ_b 𝓛(x_b), in nats; its gradient lies in params.g afterwards.

        x: (B, n_x). eps: (B, n_z), or (L, B, n_z).
        """
        loss = -float(self.elbo(x, eps).mean(dtype=np.float64))
        self.backward()
        return loss

    def log_joint(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """log p(x, z_l) = log p(x|z_l) + log p(z_l). x: (B, n_x); z: (L, B, n_z). Returns (L, B), in nats."""
        self._forget()
        self._z = z
        return self._log_px_z(x, z) + standard_normal_log_density(z)

    def log_joint_backward(self) -> FloatArray:
        """∂ log p(x, z) / ∂z at the last `log_joint`: the decoder's backward pass, and ∂ log p(z) / ∂z = −z. Returns (L, B, n_z)."""
        return (
            layers.backward_input(self._decoder, self._output.backward_input()).reshape(
                self._z.shape
            )
            - self._z
        )

    def _forget(self) -> None:
        """The layers are about to remember other data than `forward` gave them: `backward` shall have nothing to go by."""
        self.__dict__.pop("_mu_logvar", None)

    def as_data(self, x: ArrayLike) -> FloatArray:
        """x as a (B, n_x) array of the model's dtype; ValueError when the decoder does not speak of such data."""
        array = checks.rows("x", x, self.n_x)
        self._output.check("x", array)
        return array.astype(self.dtype, copy=False)

    # ---- as a file ----

    def save(self, path: str | PathLike[str]) -> None:
        """Write θ and what else the constructor needs as .npz, at exactly this path."""
        config = {
            "n_x": self.n_x, "hidden": self.hidden, "n_z": self.n_z, "decoder": self.decoder, "activation": self.activation,
            "init": self.init, "dtype": self.dtype.name, "image_shape": self.image_shape,
        }  # fmt: skip
        with written_whole(path) as part, open(part, "wb") as file:
            np.savez(
                file,
                format=FORMAT,
                version=VERSION,
                config=json.dumps(config),
                theta=self.params.theta,
            )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "VAE":
        """The model that `save` wrote. FileFormatError when the file is missing, damaged, or of another kind or version."""
        try:
            with np.load(path, allow_pickle=False) as saved:
                kind, version = str(saved["format"]), int(saved["version"])
                if (kind, version) != (FORMAT, VERSION):
                    raise FileFormatError(
                        f"{path} holds {kind!r} version {version}; this program reads {FORMAT!r} version {VERSION}"
                    )
                config, theta = json.loads(str(saved["config"])), saved["theta"]
            vae = cls(**config)
            kept = vae.params.theta
            if (
                theta.shape != kept.shape
                or theta.dtype != kept.dtype
                or not np.isfinite(theta).all()
            ):
                raise ValueError(f"theta should be {kept.size} finite numbers of type {kept.dtype}")
        except (
            AttributeError,
            EOFError,
            KeyError,
            OSError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise FileFormatError(f"{path} is no model that VAE.save wrote: {error}") from error
        kept[...] = theta
        return vae
