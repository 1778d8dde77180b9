"""The division of a model by units: the parts of all workers are the model, to rounding."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchvae import VAE, Autoencoder
from scratchvae.decoders import OUTPUTS, Bernoulli
from scratchvae.distributions import bernoulli_log_likelihood
from scratchvae.layers import ACTIVATIONS, Affine, Layer, Weight
from scratchvae.parallel import Exchange, divide

SIZES = st.lists(st.integers(1, 6), max_size=3).map(tuple)


def by_all(n, function, room=4000, dtype=np.float64):
    """function(exchange) of n workers, which are threads here, by rank."""
    semaphores = [threading.Semaphore(0) for _ in range(n)]
    shared = np.zeros((2, n, room), dtype)

    def work(rank):
        try:
            return function(Exchange(rank, semaphores, shared))
        except BaseException:
            for semaphore in semaphores:  # the others go on, and end
                semaphore.release(10_000)
            raise

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, range(n)))


def copy(model):
    """A model of the same settings and weights."""
    twin = type(model)(**model.settings)
    twin.params.theta[...] = model.params.theta
    return twin


def assert_same_steps(model, n, x, eps, steps=2):
    """So many steps θ ← θ − 0.1 g by n workers: the terms of the objective, g and θ as by one.

    Every entry of a divided weight has one worker. The others are in every worker, with one g.
    """
    twins = [copy(model) for _ in range(n)]

    def work(exchange):
        twin = twins[exchange.rank]
        whole = twin.params.values
        places = divide(twin, exchange)
        for name, value in twin.params.values.items():
            value[...] = whole[name][places.get(name, ...)]
        terms = []
        for _ in range(steps):
            terms.append(twin.forward(x, eps))
            twin.backward()
            twin.params.theta -= 0.1 * twin.params.g
        return places, terms

    places, terms = zip(*by_all(n, work, room=len(x) * 40))
    one = copy(model)
    for step in range(steps):
        expected = one.forward(x, eps)
        for of_worker in terms:
            np.testing.assert_allclose(of_worker[step], expected, rtol=1e-9, atol=1e-9)
        one.backward()
        one.params.theta -= 0.1 * one.params.g
    for name, shape in one.params.shapes.items():
        owners = np.zeros(shape)
        for rank in range(n):
            part = places[rank].get(name, ...)
            owners[part] += 1
            for mine, whole in (("grads", one.params.grads), ("values", one.params.values)):
                found = getattr(twins[rank].params, mine)[name]
                np.testing.assert_allclose(found, whole[name][part], rtol=1e-8, atol=1e-8)
        assert (owners == (1 if name in places[0] else n)).all()


def data(model, B, seed=0):
    """x in [0, 1], bits if the model models bits, and the noise."""
    rng = np.random.default_rng(seed)
    x = rng.random((B, model.n_x))
    return (x > 0.5).astype(float) if model.pixels == "bits" else x, model.noise(B, rng)


@settings(max_examples=60)
@given(
    st.integers(1, 9), SIZES, st.integers(1, 5), st.sampled_from(sorted(OUTPUTS)),
    st.sampled_from(sorted(ACTIVATIONS)), st.integers(2, 5), st.integers(1, 7),
)  # fmt: skip
def test_the_parts_of_a_vae_make_its_steps(n_x, hidden, n_z, decoder, activation, n, B):
    """Every depth, decoder and activation, more workers than units or than data points."""
    model = VAE(
        n_x, hidden, n_z, decoder=decoder, activation=activation, dtype=np.float64, seed=B,
        beta=0.7, min_sigma=None if "bernoulli" in decoder else 0.5,
    )  # fmt: skip
    assert_same_steps(model, n, *data(model, B))


@settings(max_examples=20)
@given(
    st.integers(1, 9), SIZES, st.integers(1, 5), st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(2, 5), st.integers(1, 7),
)  # fmt: skip
def test_the_parts_of_an_autoencoder_make_its_steps(n_x, hidden, n_z, activation, n, B):
    """The squared error needs the whole x̂: the last layer is divided by its inputs."""
    model = Autoencoder(n_x, hidden, n_z, activation=activation, dtype=np.float64, seed=B)
    assert_same_steps(model, n, *data(model, B))


def test_most_weights_are_divided():
    """784-500-20-500-784 with two workers: each has half of every weight and no other, and what is
    exchanged is what the text of `parallel.py` counts.
    """
    model = VAE(784, (500,), 20)
    x, eps = data(model, 100)

    def work(exchange):
        twin, exchanged, of_all = copy(model), [], exchange._of_all
        exchange._of_all = lambda mine, shapes: exchanged.append(mine.size) or of_all(mine, shapes)
        divide(twin, exchange)
        twin.forward(x.astype(np.float32), eps)
        twin.backward()
        return twin.params.theta.size, sum(exchanged)

    sizes, exchanged = zip(*by_all(2, work, 100 * 784, np.float32))
    assert sum(sizes) == model.params.theta.size and abs(sizes[0] - sizes[1]) < 1000
    assert model.params.theta.size == 815_824 and exchanged[0] == 81_100
    mu_and_logvar, h, log_px, dh, dz = 2 * 2000, 25_000, 100, 50_000, 2000
    assert exchanged[0] == mu_and_logvar + h + log_px + dh + dz


class Softmax(Layer):
    """An activation that is not unit by unit."""

    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward_input(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))


class Scale(Layer):
    """y = s ⊙ x, with a weight s for each column."""

    def __init__(self, n):
        self.weights = {"s": Weight((n,), 1.0)}

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward_input(self, dy):
        return dy * self.s

    def backward_weights(self, dy):
        np.sum(dy * self.x, axis=0, out=self.ds)


class Scaled(VAE):
    """A layer of one's own between two affine ones."""

    def networks(self):
        made = super().networks()
        return made._replace(encoder=[*made.encoder, Scale(self.hidden[-1]), Softmax()])


class Punished(VAE):
    """The bound minus ½ ‖h‖², the squared norm of the last hidden layer of the encoder."""

    def _heads(self, x):
        heads = super()._heads(x)
        self._h = self._encoder[-1].y
        return heads

    def forward(self, x, eps):
        reconstruction, kl = super().forward(x, eps)
        return reconstruction - 0.5 * (self._h**2).sum(axis=1), kl

    def backward(self):
        mu, h, B = self._mu.backward, self._h, len(self._h)
        self._mu.backward = lambda dmu: mu(dmu) + h / B  # where h is used once more
        try:
            super().backward()
        finally:
            self._mu.backward = mu


class TwoRows(Autoencoder):
    """A model whose layers see two rows for each data point."""

    def forward(self, x, eps=None):
        terms = super().forward(np.repeat(x, 2, axis=0))
        return tuple(term.reshape(-1, 2).mean(axis=1) for term in terms)


class NextPixel(Bernoulli):
    """An output whose pixels are not independent: the logit of a pixel has the one before in it."""

    def log_likelihood(self, x, h):
        self._x, self._before = x, np.pad(x, ((0, 0), (1, 0)))[:, :-1]
        self._logits = (self._affine.forward(h) + self._before)[None]
        return bernoulli_log_likelihood(x, self._logits)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("kind", [Scaled, Punished, TwoRows])
def test_a_model_of_ones_own_makes_its_steps(kind, n):
    """Layers with weights, softmax, a use of h that the package does not know, more rows: the x, y
    and dx of the affine layers are whole then, and the other weights are in every worker.
    """
    model = kind(7, (5, 4), 3, dtype=np.float64, seed=1)
    assert_same_steps(model, n, *data(model, 6))


@pytest.mark.parametrize("n", [2, 3])
def test_parts_of_the_package_under_other_names(monkeypatch, n):
    """An activation or an output of one's own in a VAE: what is not unit by unit is whole."""
    monkeypatch.setitem(ACTIVATIONS, "softmax", Softmax)
    monkeypatch.setitem(OUTPUTS, "next", NextPixel)
    for settings_ in ({"activation": "softmax"}, {"decoder": "next"}):
        model = VAE(7, (5, 4), 3, dtype=np.float64, seed=1, **settings_)
        assert_same_steps(model, n, *data(model, 6))


def test_a_layer_that_looks_like_an_affine_one():
    """A subclass of Affine may compute otherwise: it is not divided."""

    class Twice(Affine):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, dy):
            return super().backward(2 * dy)

    class Model(VAE):
        def networks(self):
            return super().networks()._replace(mu=Twice(self.hidden[-1], self.n_z))

    model = Model(7, (5,), 3, dtype=np.float64, seed=1)
    assert_same_steps(model, 2, *data(model, 6))
    assert "mu.W" not in by_all(2, lambda exchange: divide(copy(model), exchange))[0]


def test_more_than_there_is_room_for():
    """An error, before anything is written into the place of another worker."""
    mine = np.ones((3, 4))
    with pytest.raises(ValueError, match=r"12 numbers .* room for 11"):
        by_all(2, lambda exchange: exchange.add(mine), room=11)


@given(st.integers(2, 5), st.integers(0, 9), st.integers(1, 4), st.integers(2, 6))
def test_exchanges_do_not_disturb_one_another(n, size, rows, calls):
    """The parts cover everything once, in order; a gather is all columns; a sum is the sum of all,
    by rank, whatever was exchanged before.
    """
    rng = np.random.default_rng(size)
    whole = rng.standard_normal((calls, rows, size))
    several = rng.standard_normal((calls, n, rows, 3))

    def work(exchange):
        assert [i for k in range(n) for i in range(size)[exchange.part(size, k)]] == [*range(size)]
        return [
            (exchange.gather(a[:, exchange.part(size)], size), exchange.add(b[exchange.rank]))
            for a, b in zip(whole, several)
        ]

    for found in by_all(n, work, room=rows * max(size, 3)):
        for (gathered, added), a, b in zip(found, whole, several):
            np.testing.assert_array_equal(gathered, a)
            np.testing.assert_array_equal(added, sum(b[1:], b[0]))
