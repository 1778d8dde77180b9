"""One training on several cores: each process has a part of the units, and keeps their weights.

**An affine layer can be divided in two ways** (`layers.py` has y = x W + b). Let the processes be
k = 0, 1, ... By its *outputs*: process k has some columns of W and of b, W_k and b_k, and it needs
the whole x. By its *inputs*: process k has some rows of W, and it needs the same columns of x, x_k.

    by outputs    y_k = x W_k + b_k          dW_k = xᵀ dy_k        dx = Σ_k dy_k W_kᵀ
    by inputs     y   = Σ_k x_k W_k + b      dW_k = x_kᵀ dy        dx_k = dy W_kᵀ

In the first, forward needs no sum, and backward has one. In the second it is the other way round.
db is the sum of the rows of dy, for the entries of b that a process has.

**A hidden layer stays at home.** tanh, ReLU and sigmoid work unit by unit. So when the layer
before is divided by its outputs, process k computes its units of h alone, and h_k can be the x_k of
the next one. For one hidden layer:

    x  →  h_k = tanh(x W_k + b_k)   →  μ, log σ² = Σ_k h_k W_k + b  →  z
    z  →  h′_k = tanh(z W_k + b_k)  →  h′  →  a_k = h′ W_k + b_k  →  Σ_k log p(x_k|z)

x_k are the pixels of process k, and a_k their logits. A decoder whose pixels are independent for a
given z has log p(x|z) = Σ_k log p(x_k|z). Backwards da_k is at home. dh′, of which each process
needs its own units, and dz are sums over k; dμ and dlog σ² are whole again, and dh_k needs no sum.

**No weight moves.** Each entry of W and of b belongs to one process. It alone computes its
gradient, moves it, and keeps the optimizer's sums of it: every optimizer here works entry by entry.
So no other core reads or writes it. What is exchanged is a few columns for each data point. In the
default sizes, 784-500-20-500-784, with 100 data points and two processes, these are parts of μ,
log σ², h′, log p(x|z), dh′ and dz: each process writes 81,100 numbers, where θ has 815,824. In the
large, transformers are trained in this way (Megatron-LM, Shoeybi et al. 2019, arXiv 1909.08053).

**All else is done by all.** Every process draws the same order, pixels and noise from equal
generators, and has the same μ, log σ² and z. So every process makes the steps of `training.py` on
a model in which some layers are smaller; there is no other loop. A model, a layer or an output
that is not one of the package's own may use its numbers in other ways. Then the x, y, dy and dx of
each affine layer are whole in every process, and the other layers are computed by all.

**More processes.** In the default sizes two processes on two cores took 2.0 ms for a step. About
0.45 ms of it are not divided: drawing, the latents, the exchange and its six barriers. The
products, the update and the rest are 3.0 ms of work. So n processes on n cores should take about
3.0 / n + 0.45 ms: 1.2 for four, 0.8 for eight. Only two were measured. More processes than cores
wait for one another: on two cores three took 1.8 times, and four 1.5 times, as long as two.

The same seed and the same number of processes give the same bits. Another number of processes
adds the sums in another order, and rounds differently.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from scratchvae import decoders
from scratchvae.autoencoder import Autoencoder
from scratchvae.evaluation import Model
from scratchvae.layers import ACTIVATIONS, Affine, ReLU, Sigmoid, Tanh
from scratchvae.parameters import FloatArray, Parameters
from scratchvae.vae import VAE

UNIT_BY_UNIT = {Tanh, ReLU, Sigmoid}
PIXEL_BY_PIXEL = {
    decoders.Bernoulli, decoders.ContinuousBernoulli, decoders.Gaussian, decoders.SigmoidGaussian,
}  # fmt: skip
SPINS = 2000  # tries at a barrier before a worker sleeps
LET_OTHERS_RUN = getattr(os, "sched_yield", partial(time.sleep, 0))  # Windows has no sched_yield


class Exchange:
    """How the workers tell each other what they have. All call the same methods in the same order.

    shared: the array (2, n, room) that each worker has in common with the others.
    """

    def __init__(self, rank: int, semaphores: Sequence[Any], shared: FloatArray) -> None:
        self.rank, self.n, self.semaphores = rank, len(semaphores), semaphores
        self.shared, self.turn = shared, 0

    def part(self, size: int, rank: int | None = None) -> slice:
        """The rank-th of n stretches of 0 ... size − 1; None: this worker's."""
        k = self.rank if rank is None else rank
        return slice(size * k // self.n, size * (k + 1) // self.n)

    def gather(self, mine: FloatArray, size: int) -> FloatArray:
        """All columns, (rows, size), of which each worker has its `part`."""
        whole = np.empty((len(mine), size), mine.dtype)
        columns = [self.part(size, rank) for rank in range(self.n)]
        shapes = [(len(mine), part.stop - part.start) for part in columns]
        for part, theirs in zip(columns, self._of_all(mine, shapes)):
            whole[:, part] = theirs
        return whole

    def add(self, mine: FloatArray, rows: slice = slice(None)) -> FloatArray:
        """These rows of the sum over all workers, each of which has such an array."""
        first, second, *more = (x[rows] for x in self._of_all(mine, [mine.shape] * self.n))
        total = first + second
        for theirs in more:
            total += theirs
        return total

    def _of_all(self, mine: FloatArray, shapes: Sequence[tuple[int, ...]]) -> list[FloatArray]:
        """The arrays of all workers, by rank, with these shapes; valid until the next but one call.

        The calls take turns with two places. Who writes into a place again has passed the barrier
        of the call between, and everybody came there after reading.
        """
        place = self.shared[self.turn]
        if mine.size > place.shape[1]:
            raise ValueError(
                f"{mine.size} numbers are to be exchanged, and there is room for {place.shape[1]}: "
                "a layer has more rows than there are data points; with several workers there "
                "should be one for each"
            )
        self.turn = 1 - self.turn
        arrays = [place[rank, : prod(shape)].reshape(shape) for rank, shape in enumerate(shapes)]
        arrays[self.rank][...] = mine
        self._barrier()
        return arrays

    def _barrier(self) -> None:
        """Wait until all are here: release the semaphore of every other worker, then acquire
        one's own as often.

        A semaphore counts, and does not know who released it. This is enough. Take the first of
        n workers that has passed m barriers. Its semaphore was acquired m (n − 1) times. The other
        n − 1 workers have not passed m barriers yet, so each of them has released it at most m
        times, and hence exactly m times: all have come to barrier m.

        A release also makes earlier writes visible. A worker tries often before it sleeps, since
        waking up takes longer than most waits.
        """
        for rank, semaphore in enumerate(self.semaphores):
            if rank != self.rank:
                semaphore.release()
        mine = self.semaphores[self.rank]
        for _ in range(self.n - 1):
            for spin in range(SPINS):
                if mine.acquire(False):
                    break
                if spin % 50 == 49:
                    LET_OTHERS_RUN()
            else:
                mine.acquire()


class _Part:
    """A worker's part of an affine layer, with the methods that the layer gets.

    x_at_home, y_at_home: whether a worker has some columns of x, or of y, in place of all. From
    x at home to a whole y the layer is divided by its inputs, else by its outputs.
    """

    def __init__(self, layer: Affine, x_at_home: bool, y_at_home: bool, exchange: Exchange) -> None:
        self.layer, self.exchange = layer, exchange
        self.x_at_home, self.y_at_home = x_at_home, y_at_home
        self.n_out = layer.weights["b"].shape[0]
        self.inputs = exchange.part(layer.weights["W"].shape[0])
        self.outputs = exchange.part(self.n_out)
        self.by_inputs = x_at_home and not y_at_home
        self.places = {
            "W": (self.inputs,) if self.by_inputs else (slice(None), self.outputs),
            "b": (self.outputs,),
        }
        for method in (self.forward, self.backward_weights, self.backward_input):
            setattr(layer, method.__name__, method)

    def forward(self, x: FloatArray) -> FloatArray:
        """y = Σ_k x_k W_k + b, or y_k = x W_k + b_k. Stores the x of dW_k."""
        if self.by_inputs:
            self.x = x
            y = x @ self.layer.W
            y[:, self.outputs] += self.layer.b  # the sum over k has each entry of b once
            return self.exchange.add(y)
        self.x = self.exchange.gather(x, len(self.layer.W)) if self.x_at_home else x
        y = self.x @ self.layer.W
        y += self.layer.b
        return y if self.y_at_home else self.exchange.gather(y, self.n_out)

    def backward_weights(self, dy: FloatArray) -> None:
        """dW_k = x_kᵀ dy, or xᵀ dy_k; and db of this worker's entries of b."""
        np.matmul(self.x.T, dy if self.by_inputs else self._mine(dy), out=self.layer.dW)
        np.sum(self._mine(dy), axis=0, out=self.layer.db)

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx_k = dy W_kᵀ, or dx = Σ_k dy_k W_kᵀ: transposed, as in `Affine`."""
        if self.by_inputs:
            return (self.layer.W @ dy.T).T
        part = self.inputs if self.x_at_home else slice(None)
        return self.exchange.add(self.layer.W @ self._mine(dy).T, part).T

    def _mine(self, dy: FloatArray) -> FloatArray:
        return dy if self.y_at_home else dy[:, self.outputs]


def divide(model: Model, exchange: Exchange) -> dict[str, tuple[slice, ...]]:
    """Leave this worker its part of the model: layers with other methods, and fewer weights.

    Returns, for each weight that is divided, which part of it this worker has.
    """
    x_at_home, y_at_home = _at_home(model, exchange.n)
    if isinstance(model, VAE) and y_at_home & model.output.layers.keys():
        of_pixels = partial(_log_likelihood, model.output.log_likelihood, exchange)
        model.output.log_likelihood = of_pixels  # type: ignore[method-assign]
    places: dict[str, tuple[slice, ...]] = {}
    for name, layer in model.layers.items():
        if type(layer) is Affine:  # a subclass may have another gradient
            part = _Part(layer, name in x_at_home, name in y_at_home, exchange)
            places |= {f"{name}.{key}": place for key, place in part.places.items()}

    weights = model.params.values.items()
    shapes = {name: value[places.get(name, ...)].shape for name, value in weights}
    theta = np.zeros(sum(map(prod, shapes.values())), model.dtype)
    model.params = Parameters({}, model.dtype)
    model.params.shapes = shapes  # some may be empty
    model.params.move_to(theta, np.zeros_like(theta))
    model.connect()
    return places


def _at_home(model: Model, n: int) -> tuple[set[str], set[str]]:
    """The names of the layers whose x, and of those whose y, a worker has its part of alone."""
    if not (isinstance(model, VAE | Autoencoder) and type(model) in (VAE, Autoencoder)):
        return set(), set()
    if ACTIVATIONS[model.activation] not in UNIT_BY_UNIT:
        return set(), set()
    of_units = {name for name in model.layers if name.startswith(("encoder.", "decoder."))}
    inner = model.layers.keys() - {"encoder.0", "decoder.0"} if model.hidden else set()
    every_worker_has_one = model.n_x >= n
    if isinstance(model, VAE) and type(model.output) in PIXEL_BY_PIXEL and every_worker_has_one:
        of_units |= model.output.layers.keys()
    return inner, of_units


def _log_likelihood(
    of_pixels: Callable[..., FloatArray], exchange: Exchange, x: FloatArray, h: FloatArray
) -> FloatArray:
    """log p(x|z) = Σ_k log p(x_k|z), (L, B)."""
    return exchange.add(of_pixels(x[:, exchange.part(x.shape[1])], h))
