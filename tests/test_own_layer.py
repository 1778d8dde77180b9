"""A layer of one's own: a class that says its weights, and the package trains it."""

import numpy as np
import pytest

from scratchvae import VAE, Adam, evaluate, fit, save_model
from scratchvae.gradient_check import compare
from scratchvae.layers import Affine, Layer, ReLU, Tanh, Weight
from scratchvae.mcem import fit_encoder
from scratchvae.study.derivatives import Derivatives


class Conv3x3(Layer):
    """Each pixel's new channels from the channels of its 3 × 3 neighbours; outside is 0.

    x is (B, height · width · n_in), and y is (B, height · width · n_out). Each row of
    `columns` has the 9 n_in numbers that one pixel sees (im2col). So y = columns W + b.
    """

    def __init__(self, height, width, n_in, n_out):
        self.grid, self.n_in, self.n_out = (height, width), n_in, n_out
        self.weights = {
            "W": Weight((9 * n_in, n_out), (9 * n_in, 9 * n_out)),
            "b": Weight((n_out,), 0),
        }

    def forward(self, x):
        x = x.reshape(-1, *self.grid, self.n_in)
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        self.columns = seen.reshape(-1, 9 * self.n_in)
        return (self.columns @ self.W + self.b).reshape(len(x), -1)

    def backward_weights(self, dy):
        dy = dy.reshape(-1, self.n_out)
        self.dW[...] = self.columns.T @ dy
        self.db[...] = dy.sum(axis=0)

    def backward_input(self, dy):
        (height, width), B = self.grid, len(dy)
        dcolumns = dy.reshape(-1, self.n_out) @ self.W.T
        dseen = dcolumns.reshape(B, height, width, self.n_in, 3, 3)
        dpadded = np.zeros((B, height + 2, width + 2, self.n_in), dy.dtype)
        for i in range(3):
            for j in range(3):
                dpadded[:, i : i + height, j : j + width] += dseen[..., i, j]
        return dpadded[:, 1:-1, 1:-1].reshape(B, -1)


class LayerNorm(Layer):
    """y = gain ⊙ x̂ + shift, where x̂ is x with mean 0 and variance 1 in each row."""

    def __init__(self, n):
        self.weights = {"gain": Weight((n,), 1), "shift": Weight((n,), 0)}

    def forward(self, x):
        centred = x - x.mean(axis=1, keepdims=True)
        self.sigma = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        self.x_hat = centred / self.sigma
        return self.gain * self.x_hat + self.shift

    def backward_weights(self, dy):
        self.dgain[...] = (dy * self.x_hat).sum(axis=0)
        self.dshift[...] = dy.sum(axis=0)

    def backward_input(self, dy):
        d = dy * self.gain
        along = (d * self.x_hat).mean(axis=1, keepdims=True)
        return (d - d.mean(axis=1, keepdims=True) - self.x_hat * along) / self.sigma


class Convolutional(VAE):
    """Two convolutions and a layer norm in the encoder, a layer norm in the decoder."""

    def __init__(self, *args, channels=3, **keywords):
        self.channels = channels
        super().__init__(*args, **keywords)

    def networks(self):
        (height, width), c, mine = self.image_shape, self.channels, super().networks()
        n = height * width * c
        encoder = [
            Conv3x3(height, width, 1, c), Tanh(), Conv3x3(height, width, c, c), LayerNorm(n), ReLU()
        ]  # fmt: skip
        return mine._replace(
            encoder=encoder, mu=Affine(n, self.n_z), logvar=Affine(n, self.n_z),
            decoder=[*mine.decoder, LayerNorm(self.hidden[0])],
        )  # fmt: skip

    @property
    def settings(self):
        return {**super().settings, "channels": self.channels}


IMAGES = np.random.default_rng(0).integers(0, 256, (90, 20)).astype(np.uint8)


def model(**keywords):
    return Convolutional(
        20, (6,), 2, image_shape=(4, 5), **{"dtype": np.float64, "seed": 1, **keywords}
    )


def trained(epochs=3, **keywords):
    vae = model()
    fit(
        vae, IMAGES, epochs=epochs, batch_size=32, optimizer=Adam(vae.params, 1e-2), seed=5,
        progress=False, **keywords,
    )  # fmt: skip
    return vae


def test_its_weights_are_named_and_begin_as_it_says():
    """A convolution begins with U(−c, c), c = √(6 / (9 n_in + 9 n_out)); a gain with 1."""
    values = model(channels=40).params.values
    assert list(values)[:8] == [
        "encoder.0.W", "encoder.0.b", "encoder.1.W", "encoder.1.b", "encoder.2.gain",
        "encoder.2.shift", "mu.W", "mu.b",
    ]  # fmt: skip
    largest = np.abs(values["encoder.1.W"]).max() / np.sqrt(6 / (9 * 40 + 9 * 40))
    assert 0.99 < largest <= 1 and not values["encoder.1.b"].any()
    assert (values["encoder.2.gain"] == 1).all() and (values["decoder.1.gain"] == 1).all()


@pytest.mark.parametrize(
    "decoder", ["bernoulli", "gaussian", "sigmoid-gaussian", "isotropic", "continuous-bernoulli"]
)
def test_its_gradient(decoder):
    """Each weight's gradient is that of the complex step, to 1e-9 of its largest entry."""
    vae, rng = model(decoder=decoder), np.random.default_rng(2)
    x, eps = rng.integers(0, 2, (5, 20)).astype(float), rng.standard_normal((2, 5, 2))
    vae.loss_and_grad(x, eps)
    ours = {name: g.copy() for name, g in vae.params.grads.items()}
    with Derivatives(vae, x, eps) as exact:
        vae.params.g[...] = exact.of_weights()
        for name, theirs in vae.params.grads.items():
            found = compare(name, ours[name], theirs.real, tolerance=1e-9)
            assert found.close and theirs.any(), found


def test_two_workers_make_the_steps_of_one():
    """An affine layer's gradient from all x and dy, another's as a sum: θ to rounding."""
    one, two = trained(), trained(workers=2)
    assert evaluate(one, IMAGES).elbo > evaluate(model(), IMAGES).elbo + 0.1
    np.testing.assert_allclose(two.params.theta, one.params.theta, rtol=0, atol=1e-10)


def test_a_training_goes_on_to_the_bit(tmp_path):
    """Stopped after 2 of 3 epochs and resumed: the bits of 3 at once."""
    trained(2, resume=tmp_path / "t.npz")
    resumed = trained(3, resume=tmp_path / "t.npz")
    assert resumed.params.theta.tobytes() == trained(3).params.theta.tobytes()


def test_an_encoder_of_other_layers_is_fitted():
    """`fit_encoder` moves the weights of these layers, and none of the decoder's."""
    vae = model()
    before = {name: value.copy() for name, value in vae.params.values.items()}
    fit_encoder(vae, IMAGES, 3)
    for name, value in vae.params.values.items():
        moved = (value != before[name]).any()
        assert moved == name.startswith(("encoder.", "mu.", "logvar.")), name


def test_no_file_knows_its_class(tmp_path):
    """A file cannot make a class that it does not have: `save_model` says what to do."""
    with pytest.raises(TypeError, match="vae is a Convolutional; it should be a VAE itself"):
        save_model(model(), tmp_path / "m.npz")


@pytest.mark.parametrize("place", ["encoder", "both"])
@pytest.mark.parametrize("kind", [lambda: Affine(20, 20), Tanh])
def test_a_layer_that_stands_twice_is_refused(place, kind):
    """Its second dW would replace the first, and its second y the first: a sentence."""
    layer = kind()

    class Twice(VAE):
        def networks(self):
            mine = super().networks()
            if place == "encoder":
                return mine._replace(encoder=[layer, layer])
            return mine._replace(encoder=[layer], decoder=[layer])

    with pytest.raises(ValueError, match=r"are one layer; there should be one for each"):
        Twice(20, (20,), 20)


def test_gradients_of_an_output_that_is_used_twice_add():
    """h is used for μ and for log σ²: dh is the sum, and so is each dW before it."""
    vae, rng = VAE(4, (3,), 2, dtype=np.float64), np.random.default_rng(0)
    x, eps = rng.integers(0, 2, (5, 4)).astype(float), rng.standard_normal((5, 2))
    W, parts = vae.params.grads["encoder.0.W"], []
    vae.loss_and_grad(x, eps)
    whole = W.copy()
    for silent in "mu", "logvar":  # the loss's gradient through the other head alone
        layer = vae.layers[silent]
        layer.backward = lambda dy, W=layer.W: np.zeros((len(dy), len(W)))
        vae.loss_and_grad(x, eps)
        parts.append(W.copy())
        del layer.backward
    assert parts[0].any() and parts[1].any()
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=1e-12, atol=1e-15)
