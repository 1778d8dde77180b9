"""The autoencoder: an encoder to a code z, a decoder back to x̂, and the squared error.

    z = encoder(x)        x̂ = decoder(z)        loss = (1/B) Σ_b ‖x_b − x̂_b‖²

The notes (§0) compare it with the VAE. Its purpose is the code z, the features of x. The
decoder is there to compute the loss, and is dropped after training. In a VAE the decoder
is the purpose: it makes new images. An autoencoder has no distribution of z, so no
new z can be drawn and decoded.

**Its gradient.** ∂‖x − x̂‖² / ∂x̂ = 2 (x̂ − x), so dx̂ = 2 (x̂ − x) / B. The rest is the
backward pass of the layers.

**Without hidden layers** it is linear: x̂ = (x W₁ + b₁) W₂ + b₂. Its best loss is PCA's,
and its decoder then spans the same subspace (Baldi and Hornik 1989). Its axes can be
others: for any invertible A, the code z A and the decoder A⁻¹ W₂ give the same x̂.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratchvae import checks, layers
from scratchvae.initializers import glorot
from scratchvae.layers import ACTIVATIONS, Affine, named, shapes_of
from scratchvae.parameters import FloatArray, Parameters, bytes_of


class Autoencoder:
    """x → z → x̂ with hidden layers as in the VAE, a linear code and a linear output.

    n_x, hidden, n_z, activation, dtype, seed: as for the VAE.
    params: encoder.0.W, encoder.0.b, ..., code.W, code.b, decoder.0.W, ..., x_hat.W, x_hat.b.
    `fit` trains it: what it calls elbo and reconstruction is then −‖x − x̂‖², and the KL is 0.
    """

    pixels = "grey"
    remembers: tuple[str, ...] = ("params", "remembered", "_x", "_x_hat")  # as for the VAE

    def __init__(
        self, n_x: int, hidden: Sequence[int] = (500,), n_z: int = 20, *, activation: str = "tanh",
        dtype: DTypeLike = np.float32, seed: int | np.random.Generator = 0,
    ) -> None:  # fmt: skip
        self.n_x, self.n_z = checks.positive_int("n_x", n_x), checks.positive_int("n_z", n_z)
        self.hidden = checks.sizes("hidden", hidden)
        self.activation = checks.one_of("activation", activation, ACTIVATIONS)
        self.dtype, rng = checks.float_dtype(dtype), checks.generator("seed", seed, "weights")
        self.beta = 1.0  # of a KL that is 0
        encoder_sizes, decoder_sizes = (self.n_x, *self.hidden), (self.n_z, *reversed(self.hidden))
        encoder = layers.hidden_layers(encoder_sizes, activation)
        decoder = layers.hidden_layers(decoder_sizes, activation)
        code, x_hat = Affine(encoder_sizes[-1], self.n_z), Affine(decoder_sizes[-1], self.n_x)
        self._encoder, self._decoder = [*encoder, code], [*decoder, x_hat]
        self.layers = {
            **named("encoder", encoder), "code": code, **named("decoder", decoder), "x_hat": x_hat
        }  # fmt: skip
        shapes, sizes = shapes_of(self.layers), (self.n_x, self.hidden, self.n_z)
        checks.memory("(n_x, hidden, n_z)", sizes, bytes_of(shapes, self.dtype))
        self.params = Parameters(shapes, self.dtype)
        glorot(self.params, self.layers, rng)
        self.connect()

    def connect(self) -> None:
        """Give the layers their views into params: once, and again after params.move_to."""
        for name, layer in self.layers.items():
            layer.connect(self.params, name)
        self.remembered = ""  # the call whose data the layers hold: "forward", or none

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, as JSON can hold them; the seed is not among them."""
        return {
            "n_x": self.n_x, "hidden": list(self.hidden), "n_z": self.n_z,
            "activation": self.activation, "dtype": self.dtype.name,
        }  # fmt: skip

    def __repr__(self) -> str:
        sizes = "-".join(map(str, (self.n_x, *self.hidden, self.n_z, *self.hidden[::-1], self.n_x)))
        return f"{type(self).__name__}({sizes}, {self.activation})"

    def encode(self, x: ArrayLike) -> FloatArray:
        """z = encoder(x). x: (B, n_x). Returns (B, n_z)."""
        self.remembered = ""
        return layers.forward(self._encoder, self._data(x))

    def decode(self, z: ArrayLike) -> FloatArray:
        """x̂ = decoder(z). z: (B, n_z). Returns (B, n_x)."""
        self.remembered = ""
        z = checks.cast("z", checks.rows("z", z, self.n_z), self.dtype)
        return layers.forward(self._decoder, z)

    def reconstruct(self, x: ArrayLike) -> FloatArray:
        """x̂ = decoder(encoder(x)). x: (B, n_x). Returns (B, n_x)."""
        return self.decode(self.encode(x))

    def encoder_only(self) -> Callable[[ArrayLike], FloatArray]:
        """x → z with a copy of the encoder's weights: the decoder is dropped."""
        encoder = deepcopy(self._encoder)
        return lambda x: layers.forward(encoder, self._data(x))

    def noise(self, n: int, rng: np.random.Generator) -> None:
        """None: an autoencoder draws nothing."""

    def forward(self, x: ArrayLike, eps: None = None) -> tuple[FloatArray, FloatArray]:
        """−‖x − x̂‖² of each row, and 0, in place of the two terms of a VAE's bound.

        x: (B, n_x). eps: the noise of a VAE; here there is none. Returns two arrays (B,).
        """
        self.remembered = ""
        self._x = self._data(x)
        self._x_hat = layers.forward(self._decoder, layers.forward(self._encoder, self._x))
        lost = self._x - self._x_hat
        self.remembered = "forward"
        return -(lost * lost).sum(axis=1), np.zeros(len(lost), self.dtype)

    def backward(self) -> None:
        """∂loss/∂θ at the last `forward`, written into params.g.

        RuntimeError when another call came between.
        """
        checks.remembered("backward", "forward", self.remembered)
        dx_hat = (2 / len(self._x)) * (self._x_hat - self._x)  # ∂/∂x̂ of (1/B) Σ_b ‖x_b − x̂_b‖²
        layers.backward_weights(self._encoder, layers.backward(self._decoder, dx_hat))

    def loss_and_grad(self, x: ArrayLike) -> float:
        """loss = (1/B) Σ_b ‖x_b − x̂_b‖²; its gradient lies in params.g afterwards. x: (B, n_x)."""
        loss = -float(self.forward(x)[0].mean(dtype=np.float64))
        self.backward()
        return loss

    def _data(self, x: ArrayLike) -> FloatArray:
        """x as floats: uint8 is 0 to 255 and becomes pixel / 255, as in `fit`."""
        found = checks.pixels("x", checks.rows("x", x, self.n_x), self.dtype)
        return checks.cast("x", found, self.dtype)
