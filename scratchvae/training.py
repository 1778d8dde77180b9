"""Algorithm 1 of AEVB: minibatch stochastic gradient ascent on the bound.

    θ, φ ← initialize parameters
    repeat
        X^M ← random minibatch of M data points
        ε   ← random samples from the noise distribution p(ε)
        g   ← ∇_θ,φ 𝓛̃^M(θ, φ; X^M, ε)
        θ, φ ← update the parameters using g
    until convergence of the parameters

Here θ and φ are one vector. 𝓛̃ is an estimate of the bound 𝓛 with drawn ε. The paper
estimates the bound of all N data points from a minibatch of M:

    𝓛(θ, φ; X) ≃ 𝓛̃^M = (N/M) Σ_b 𝓛̃(x_b)                                  AEVB eq. (8)

The loss here is −𝓛̃^M / N: minus the mean over the minibatch. It does not depend on the
size of the data set. A step down on the loss is a step up on the bound.

An *epoch* is one pass over all data points in random order, so each one is met once
before any is met again. The minibatches of an epoch are cut from that order. "Until
convergence" is a number of epochs.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np

from scratchvae import checks, datasets
from scratchvae.datasets import Draw, Images, minibatches
from scratchvae.evaluation import Bound, Model, evaluate, seen_by
from scratchvae.files import written_whole
from scratchvae.optimizers import Adam, Optimizer
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine


@dataclass
class History:
    """One entry for each epoch; bounds in nats per data point.

    elbo, reconstruction, kl: means over the minibatches of the epoch, each before its update;
    elbo = reconstruction − kl.
    test_elbo, test_reconstruction, test_kl: of the test images after the epoch; empty
    without test images.
    seconds: of training, without the evaluation.
    """

    elbo: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    test_elbo: list[float] = field(default_factory=list)
    test_reconstruction: list[float] = field(default_factory=list)
    test_kl: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def record(self, train: Bound, test: Bound | None, seconds: float) -> None:
        """Add an epoch."""
        self.elbo.append(train.elbo)
        self.reconstruction.append(train.reconstruction)
        self.kl.append(train.kl)
        if test is not None:
            self.test_elbo.append(test.elbo)
            self.test_reconstruction.append(test.reconstruction)
            self.test_kl.append(test.kl)
        self.seconds.append(seconds)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON: a list for each name above."""
        with written_whole(path) as part:
            part.write_text(json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")


def training_step(
    model: Model, x: FloatArray, optimizer: Optimizer, rng: np.random.Generator
) -> Bound:
    """One turn of Algorithm 1's loop on the minibatch x, (B, n_x): draw ε, find g, update θ.

    ε is drawn by one call of model.noise: for a VAE (B, n_z) numbers of the model's dtype, L = 1.
    Returns the minibatch's mean bound and its parts, before the update, in nats per data point.
    """
    eps = model.noise(len(x), rng)  # ε ← random samples from p(ε) = N(0, I)
    reconstruction, kl = model.forward(x, eps)
    model.backward()  # g ← ∇_θ,φ of the loss −𝓛̃^M / N
    optimizer.step()  # θ, φ ← update using g
    return Bound.mean(reconstruction, kl)


def fit(
    model: Model,
    images: Images,
    *,
    epochs: int = 10,
    batch_size: int = 100,
    optimizer: Optimizer | None = None,
    seed: int | np.random.Generator = 0,
    test_images: Images | None = None,
    pixels: str | None = None,
    progress: bool = True,
    after_epoch: Callable[[History], None] | None = None,
) -> History:
    """Train the model in place: Algorithm 1 with L = 1.

    model: a VAE, or another `Model`. An Autoencoder's objective is −‖x − x̂‖², and its KL is 0.
    images: (N, n_x), uint8 or floats in [0, 1].
    pixels: what the model sees, drawn anew for every minibatch: "bits", "grey" or
    "dequantized"; None is the model's own choice, bits for a Bernoulli. See `datasets.py`.
    optimizer: over model.params; None is Adam(model.params).
    seed: for the order, the pixels and the noise.
    test_images: evaluated after every epoch, always with the same pixels and noise.
    progress: a line on stderr. after_epoch: called with the history so far.

    To go on after an earlier call, pass the same optimizer, and the same Generator as seed.
    A number as seed would draw the same order, pixels and noise again.

    When an epoch ends midway, for whatever reason, the model returns to the end of the last
    whole epoch, and the exception goes on; the optimizer does not return.
    FloatingPointError when the bound is no longer finite.

    >>> from scratchvae import VAE
    >>> images = np.array([[0, 255, 255], [255, 0, 0]] * 50, np.uint8)
    >>> history = fit(VAE(3, (4,), 1), images, epochs=2, batch_size=10, progress=False)
    >>> len(history.elbo)
    2
    """
    checks.positive_int("epochs", epochs)
    checks.positive_int("batch_size", batch_size)
    for name, array in {"images": images, "test_images": test_images}.items():
        if array is not None:
            datasets.check_images(name, array, model.n_x)
    optimizer = Adam(model.params) if optimizer is None else optimizer
    if optimizer.params is not model.params:
        raise ValueError(
            "optimizer holds the parameters of another model; it should be made from model.params"
        )
    draw, rng = seen_by(model, pixels), np.random.default_rng(seed)
    history, line = History(), _EpochLine(epochs, len(images), show=progress)

    with _back_to_whole_epochs(model.params.theta) as epoch_is_whole:
        for epoch in range(1, epochs + 1):  # repeat
            with np.errstate(over="ignore", invalid="ignore"):  # _check_finite sees an overflow
                start = time.perf_counter()
                train = _epoch(epoch, model, images, batch_size, optimizer, draw, rng, line)
                seconds = time.perf_counter() - start
                test = None if test_images is None else evaluate(model, test_images, pixels=pixels)
                after = test or evaluate(model, images[:batch_size], pixels=pixels)
            _check_finite(after, f"after epoch {epoch}", optimizer)
            epoch_is_whole()
            history.record(train, test, seconds)
            line.end_of(epoch, train, test)
            if after_epoch is not None:
                after_epoch(history)
    return history


def _epoch(
    epoch: int,
    model: Model,
    images: Images,
    batch_size: int,
    optimizer: Optimizer,
    draw: Draw,
    rng: np.random.Generator,
    line: "_EpochLine",
) -> Bound:
    """One pass over the images. Returns the mean bound, each minibatch before its update."""
    sums, seen = np.zeros(3), 0
    for step, rows in enumerate(minibatches(len(images), batch_size, rng), start=1):
        x = draw(images[rows], rng, model.dtype)  # X^M ← random minibatch of M data points
        bound = training_step(model, x, optimizer, rng)  # ε, g, and the update
        _check_finite(bound, f"at step {step} of epoch {epoch}", optimizer)
        sums += np.multiply(bound, len(x))  # the last minibatch may be shorter, and weighs less
        seen += len(x)
        line.within(epoch, seen, Bound(*(sums / seen)))
    return Bound(*(sums / seen).tolist())


@contextmanager
def _back_to_whole_epochs(theta: FloatArray) -> Iterator[Callable[[], None]]:
    """Gives a function to call after each whole epoch; an exception takes θ back to that moment."""
    kept = theta.copy()

    def epoch_is_whole() -> None:
        kept[...] = theta

    try:
        yield epoch_is_whole
    except BaseException:  # Ctrl-C is one
        theta[...] = kept
        raise


def _check_finite(bound: Bound, when: str, optimizer: Optimizer) -> None:
    if not np.isfinite(bound.elbo):
        raise FloatingPointError(
            f"the bound is {bound.elbo} {when}; the model of the last whole epoch is kept. Try a "
            f"new optimizer with a smaller learning rate than lr = {optimizer.lr:g}"
        )


class _EpochLine(ProgressLine):
    """The progress of `fit`."""

    def __init__(self, epochs: int, images: int, show: bool) -> None:
        super().__init__(show)
        self.epochs, self.images = epochs, images

    def within(self, epoch: int, seen: int, mean: Bound) -> None:
        """After `seen` images of this epoch, with this mean of the bound and its parts."""
        if self.due():
            self.write(self._text(epoch, seen, mean), last=False)

    def end_of(self, epoch: int, train: Bound, test: Bound | None) -> None:
        """After the epoch and its evaluation."""
        of_test = "" if test is None else f"  test {test.elbo:.2f}"
        self.write(self._text(epoch, self.images, train) + of_test, last=True)

    def _text(self, epoch: int, seen: int, mean: Bound) -> str:
        done = (epoch - 1) * self.images + seen
        speed = done / (time.perf_counter() - self.start)
        elbo, reconstruction, kl = mean
        bound = f"bound {elbo:.2f} = {reconstruction:.2f} - {kl:.2f} KL"
        objective = bound if kl else f"minus the loss {elbo:.3f}"
        left = self.left(done / (self.epochs * self.images))
        number = f"{epoch:{len(str(self.epochs))}}/{self.epochs}"
        return f"epoch {number}  {objective}  {speed:,.0f} images/s  {left}"
