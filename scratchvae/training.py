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
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks, datasets, schedules
from scratchvae.datasets import Images, minibatches
from scratchvae.evaluation import Bound, Model, check_rebuilt, evaluate_part, seen_by
from scratchvae.files import written_whole
from scratchvae.optimizers import Adam, Optimizer
from scratchvae.parallel import Team
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine
from scratchvae.resume import load_training, save_training, settings_of
from scratchvae.schedules import SCHEDULES


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
    schedule: str = "constant",
    steps: "type[Alone] | None" = None,
    workers: int = 1,
    resume: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
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
    schedule: "constant", "iwae" or "cosine": the factor of the optimizer's learning rate in each
    epoch (`schedules.py`). Afterwards the optimizer has its own learning rate again.
    steps: another algorithm than Algorithm 1: `wake_sleep.WakeSleep` or `mcem.MCEM`.
    workers: processes that share each step (`parallel.py`). The same seed and workers give the
    same bits; another number of workers draws the same numbers, and rounds differently. A
    script with workers > 1 needs the guard `if __name__ == "__main__":`. TypeError for a model
    or an optimizer with an attribute that its `settings` do not tell; so with `resume`.
    resume: a file that holds the state after each whole epoch. If it is there, the training
    goes on from it, to the bit; `epochs` counts from the first one. ValueError when its
    settings differ; the warning `OtherArithmetic` when NumPy or its BLAS differ, whose bits
    are others. See `resume.py`.
    overwrite: begin anew in place of going on; the file of `resume` that is there stays until
    the first new epoch is whole.
    progress: a line on stderr. after_epoch: called with the history so far.

    Without a file: to go on after an earlier call, pass the same optimizer, and the same
    Generator as seed. A number as seed would draw the same order, pixels and noise again.

    When an epoch ends midway, for whatever reason, the model returns to the end of the last
    whole epoch, and the exception goes on; the optimizer does not return.
    FloatingPointError when the bound is no longer finite.

    >>> from scratchvae import VAE
    >>> images = np.array([[0, 255, 255], [255, 0, 0]] * 50, np.uint8)
    >>> history = fit(VAE(3, (4,), 1), images, epochs=2, batch_size=10, progress=False)
    >>> len(history.elbo)
    2
    """
    checks.instance("model", model, Model, "a model, such as a VAE")  # type: ignore[type-abstract]
    epochs, batch_size = (
        checks.positive_int("epochs", epochs), checks.positive_int("batch_size", batch_size)
    )  # fmt: skip
    checks.flag("progress", progress)
    if checks.flag("overwrite", overwrite) and resume is None:
        raise ValueError("overwrite is True; it needs a file, by resume")
    if after_epoch is not None:
        checks.function("after_epoch", after_epoch)
    if resume is not None:
        checks.path("resume", resume)
    workers = checks.positive_int("workers", workers)
    datasets.check_images("images", images, model.n_x)
    if test_images is not None:
        datasets.check_images("test_images", test_images, model.n_x)
    checks.one_of("schedule", schedule, SCHEDULES)
    if steps is not None and not (isinstance(steps, type) and issubclass(steps, Alone)):
        raise TypeError(f"steps is {steps!r}; it should be WakeSleep, MCEM or None")
    if workers > 1 and steps is not None:
        raise ValueError(f"workers is {workers}; it should be 1 for {steps.__name__}")
    optimizer = Adam(model.params) if optimizer is None else optimizer
    checks.instance("optimizer", optimizer, Optimizer, "an optimizer, such as Adam(model.params)")
    if optimizer.params is not model.params:
        raise ValueError(
            "optimizer holds the parameters of another model; it should be made from model.params"
        )
    if workers > 1 or resume:
        check_rebuilt("model", model)
        optimizer.check_rebuilt()
    seen_by(model, pixels)
    rng, history = checks.generator("seed", seed, "training"), History()
    settings = settings_of(
        model,
        optimizer,
        {"images": images, "test_images": test_images} if resume else {},
        batch_size=batch_size,
        pixels=pixels or model.pixels,
        workers=workers,
        seed=None if isinstance(seed, np.random.Generator) else int(seed),
        **schedules.settings_of(schedule, epochs),
        **({} if steps is None else {"steps": steps.__name__}),
    )
    # without test images the first minibatch shows whether the last update was a good one
    evaluated = images[:batch_size] if test_images is None else test_images
    one = (Alone if steps is None else steps)(
        model, optimizer, images, evaluated, batch_size=batch_size, pixels=pixels
    )
    if resume and not overwrite and os.path.exists(resume):
        load_training(resume, model, optimizer, rng, history, settings, one.state)
        lr = optimizer.lr
        if after_epoch is not None:
            after_epoch(history)
        if schedule != "constant":
            optimizer.lr = lr  # a schedule multiplies the rate of the beginning
        if len(history.elbo) >= epochs:
            return history
    scheduled = None if schedule == "constant" else optimizer.lr
    line = _EpochLine(epochs, len(images), len(history.elbo), show=progress)
    algorithm = (
        one
        if workers == 1
        else Team(
            model,
            optimizer,
            images,
            evaluated,
            batch_size=batch_size,
            pixels=pixels,
            workers=workers,
        )
    )

    with (
        _back_to_whole_epochs(model.params.theta) as epoch_is_whole,
        _scheduled(optimizer, schedule, epochs) as set_lr,
        algorithm,
    ):
        for epoch in range(len(history.elbo) + 1, epochs + 1):  # repeat
            start = time.perf_counter()
            set_lr(epoch)
            train, step = algorithm.epoch(rng, partial(line.within, epoch))
            _check_finite(train, f"at step {step} of epoch {epoch}", optimizer)
            seconds = time.perf_counter() - start
            after = algorithm.evaluate()
            _check_finite(after, f"after epoch {epoch}", optimizer)
            epoch_is_whole()
            test = None if test_images is None else after
            history.record(train, test, seconds)
            if resume:
                save_training(
                    resume, model, optimizer, rng, history, settings, one.state, scheduled
                )
            line.end_of(epoch, train, test)
            if after_epoch is not None:
                after_epoch(history)
    return history


class Alone:
    """The steps of Algorithm 1 in this process; `parallel.Team` makes them with several."""

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        images: Images,
        test_images: Images,
        *,
        batch_size: int,
        pixels: str | None,
    ) -> None:
        self.model, self.optimizer, self.images = model, optimizer, images
        self.test_images, self.batch_size, self.pixels = test_images, batch_size, pixels
        self.state = self.first_state()

    def first_state(self) -> dict[str, NDArray[Any]]:
        """What the steps remember beside θ, the optimizer and the generator, by name.

        Algorithm 1 remembers nothing else. Another algorithm may.
        """
        return {}

    def __enter__(self) -> "Alone":
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to give back."""

    def epoch(
        self, rng: np.random.Generator, report: Callable[[int, Bound], None]
    ) -> tuple[Bound, int]:
        """One pass over the images. Returns the mean bound and the number of the last minibatch.

        The mean is over the minibatches, each before its update. A bound that is not finite
        ends the pass. report: called with the images seen so far and their mean bound.
        """
        draw, sums, seen, step = seen_by(self.model, self.pixels), np.zeros(3), 0, 0
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow ends the pass
            for rows in minibatches(len(self.images), self.batch_size, rng):
                step += 1
                x = draw(self.images[rows], rng, self.model.dtype)  # X^M ← random minibatch
                bound = self.step(rows, x, rng)
                sums += np.multiply(bound, len(x))  # the last minibatch may be shorter
                seen += len(x)
                mean = Bound(*(sums / seen).tolist())
                if not np.isfinite(bound.elbo):
                    break
                report(seen, mean)
        return mean, step

    def step(self, rows: NDArray[np.intp], x: FloatArray, rng: np.random.Generator) -> Bound:
        """One step on x, which are the images of these rows. Another algorithm has another one."""
        return training_step(self.model, x, self.optimizer, rng)  # ε, g, the update

    def evaluate(self) -> Bound:
        """The bound of the test images."""
        with np.errstate(over="ignore", invalid="ignore"):
            return evaluate_part(self.model, self.test_images, self.pixels)


@contextmanager
def _scheduled(optimizer: Optimizer, schedule: str, epochs: int) -> Iterator[Callable[[int], None]]:
    """Gives a function that sets the learning rate of an epoch; at the end it is as it was.

    "constant" leaves the learning rate alone, so `after_epoch` may change it.
    """
    lr, factor = optimizer.lr, SCHEDULES[schedule]

    def set_for(epoch: int) -> None:
        if schedule != "constant":
            optimizer.lr = lr * factor(epoch, epochs)

    try:
        yield set_for
    finally:
        if schedule != "constant":
            optimizer.lr = lr


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

    def __init__(self, epochs: int, images: int, done: int, show: bool) -> None:
        super().__init__(show)
        self.epochs, self.images, self.done = epochs, images, done  # done: before a resume
        self.before = done / epochs

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
        speed = (done - self.done * self.images) / (time.perf_counter() - self.start)
        elbo, reconstruction, kl = mean
        bound = f"bound {elbo:.2f} = {reconstruction:.2f} - {kl:.2f} KL"
        objective = bound if kl else f"minus the loss {elbo:.3f}"
        left = self.left(done / (self.epochs * self.images))
        number = f"{epoch:{len(str(self.epochs))}}/{self.epochs}"
        return f"epoch {number}  {objective}  {speed:,.0f} images/s  {left}"
