"""Algorithm 1 of AEVB: minibatch stochastic gradient ascent on the bound.

**The algorithm**, in the paper's words:

    θ, φ ← initialize parameters
    repeat
        X^M  ← random minibatch of M data points
        ε    ← random samples from the noise distribution p(ε)
        g    ← ∇_{θ,φ} 𝓛̃^M(θ, φ; X^M, ε)
        θ, φ ← update the parameters using g
    until convergence of the parameters

**The loss.** Here θ and φ are one vector. 𝓛̃ is an estimate of the bound 𝓛 with drawn
ε. The paper estimates the bound of all N data points from a minibatch of M (B in the
code):

    𝓛(θ, φ; X) ≃ 𝓛̃^M = (N/M) Σ_b 𝓛̃(x_b)                                  AEVB eq. (8)

The loss here is −𝓛̃^M / N: minus the mean over the minibatch. It does not depend on the
size of the data set. A step down on the loss is a step up on the bound.

An *epoch* is one pass over all data points in random order, so each one is met once
before any is met again. The minibatches of an epoch are cut from that order. "Until
convergence" is a number of epochs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks, schedules
from scratchvae.datasets import Images, minibatches
from scratchvae.evaluation import Model, check_rebuilt, data_of, evaluate_part, seen_by
from scratchvae.history import Bound, Epoch, History
from scratchvae.optimizers import Adam, Optimizer
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine
from scratchvae.resume import Saved, settings_of
from scratchvae.schedules import SCHEDULES
from scratchvae.team import Team


def training_step(
    model: Model, x: FloatArray, optimizer: Optimizer, rng: np.random.Generator
) -> Bound:
    """One turn of Algorithm 1's loop, on a minibatch: draw ε, find g, update θ.

    x: the minibatch, (B, n_x). ε is drawn by one call of model.noise: for a VAE (B, n_z)
    numbers of the model's dtype, L = 1.
    Returns the minibatch's mean bound and its parts, before the update, in nats per data point.
    """
    eps = model.noise(len(x), rng)  # ε ← random samples from p(ε) = N(0, I)
    reconstruction, kl = model.forward(x, eps)
    model.backward()  # g ← ∇_θ,φ of the loss −𝓛̃^M / N
    optimizer.step()  # θ, φ ← update using g
    return Bound.mean(reconstruction, kl)


class AEVB:
    """Algorithm 1, which the paper calls AEVB. Another algorithm is a subclass with another `step`.

    model, optimizer: of the training. n: images in the data set.
    state: arrays that the algorithm remembers beside θ, the optimizer and the generator, by
    name; what a file holds of them comes back into them. Algorithm 1 remembers nothing else.
    Numbers and texts of the class, as `alpha = 4.0`, have to be the same when a training goes on.
    weighs_kl: whether the steps know the weight of the KL, model.beta.
    """

    weighs_kl = True

    def __init__(self, model: Model, optimizer: Optimizer, n: int) -> None:
        self.model, self.optimizer, self.n = model, optimizer, n
        self.state: dict[str, NDArray[Any]] = {}

    def step(self, rows: NDArray[np.intp], x: FloatArray, rng: np.random.Generator) -> Bound:
        """One step on x, (B, n_x), which are the images of these rows: (B,).

        It draws its noise from rng, fills the model's params.g, lets the optimizer make a step, and
        returns the minibatch's bound before the update, as `Bound.mean` makes it of the two terms
        that `forward` returns. An epoch's `train` is the mean of these, weighted by their images.
        Its `test` is the bound of `evaluate`, for every algorithm.
        """
        return training_step(self.model, x, self.optimizer, rng)  # ε, g, the update


def epochs(
    model: Model, images: Images, n: int | None = None, *, batch_size: int = 100,
    optimizer: Optimizer | None = None, seed: int | np.random.Generator = 0,
    test_images: Images | None = None, pixels: str | None = None, schedule: str = "constant",
    warmup: int = 0, algorithm: type[AEVB] = AEVB, workers: int = 1, saved: Saved | None = None,
    report: Callable[[int, int, Bound], None] | None = None,
) -> Iterator[Epoch]:  # fmt: skip
    """Algorithm 1 with L = 1, an epoch at a time. The loop's body runs after each epoch.

        for epoch in epochs(vae, images, 100, optimizer=adam, test_images=test_images):
            if epoch.number > 50 and epoch.test.elbo < best:  # best: the highest so far
                break                # early stopping
            adam.lr *= 0.99          # another learning rate from the next epoch on; or vae.beta

    A `break` or an exception gives workers and shared memory back.

    model: a VAE, or another `Model`, trained in place. n: the number of epochs; None: no end.
    images: (N, n_x) or (N, height, width): uint8, bool, or floats, which are in [0, 1] for a
    Bernoulli or continuous Bernoulli, and any numbers for the others (`evaluation.data_of`).
    pixels: what the model sees, drawn anew for every minibatch: "bits", "grey" or
    "dequantized"; None is the model's own choice, bits for a Bernoulli. See `datasets.py`.
    optimizer: over model.params; None is Adam(model.params).
    seed: for the order, the pixels and the noise.
    test_images: evaluated after every epoch, always with the same pixels and noise.
    schedule: "constant", "iwae" or "cosine" (which needs n): the factor of the optimizer's
    learning rate while an epoch lasts (`schedules.py`).
    warmup: epochs in which the KL's weight, model.beta, is smaller: in epoch e it has the factor
    e / (warmup + 1). The bounds that are reported never have it.
    algorithm: AEVB, `wake_sleep.WakeSleep`, `mcem.MCEM`, or your own subclass of AEVB.
    workers: processes that share each step of AEVB (`parallel.py`). The same seed and workers
    give the same bits; another number of workers draws the same numbers, and rounds differently.
    More workers than cores wait for one another.
    A script with workers > 1 needs the guard `if __name__ == "__main__":`. TypeError for a model
    or an optimizer with an attribute that its `settings` do not tell; the same with `saved`.
    saved: a file with the state after each epoch and the body that follows it (`resume.Saved`).
    The training goes on from it, to the bit; `n` counts from the first epoch.
    report: called now and then with the epoch's number, the images seen in it, and their bound.

    To go on after an earlier call without a file, pass the same optimizer, and the same
    Generator as seed. A number as seed would draw the same order, pixels and noise again.

    When an epoch ends midway, for whatever reason, the model returns to the end of the last
    whole epoch, and the exception is raised; the optimizer does not return.
    FloatingPointError when the bound is no longer finite.

    >>> from scratchvae import VAE
    >>> images = np.array([[0, 255, 255], [255, 0, 0]] * 50, np.uint8)
    >>> [epoch.number for epoch in epochs(VAE(3, (4,), 1), images, 2)]
    [1, 2]
    """
    checks.instance("model", model, Model, "a model, such as a VAE")  # type: ignore[type-abstract]
    if report is not None:
        checks.function("report", report)
    images = data_of(model, "images", images, pixels)
    if test_images is not None:
        test_images = data_of(model, "test_images", test_images, pixels)
    optimizer = Adam(model.params) if optimizer is None else optimizer
    settings = _checked(
        model, optimizer, images, test_images, n, schedule, algorithm, saved,
        batch_size=batch_size, pixels=pixels, warmup=warmup, workers=workers, seed=seed,
    )  # fmt: skip
    rng, run = checks.generator("seed", seed, "training"), algorithm(model, optimizer, len(images))
    for name, array in run.state.items():
        checks.instance(f"state[{name!r}] of {algorithm.__name__}", array, np.ndarray, "an array")
    done = 0 if saved is None else saved.load(model, optimizer, rng, run.state, settings)
    # without test images, some images show whether the bound is finite after the last update
    evaluated = images[:batch_size] if test_images is None else test_images

    def loop() -> Iterator[Epoch]:
        steps = Steps(run, images, evaluated, batch_size, pixels)
        with nullcontext(steps) if workers == 1 else Team(steps, workers) as team:
            for number in count(done + 1) if n is None else range(done + 1, n + 1):  # repeat
                lr = optimizer.lr * SCHEDULES[schedule](number, n or number)
                beta = model.beta * schedules.warm_up(number, warmup)
                undone = _whole_or_undone(model.params.theta)
                with undone, _with(optimizer, "lr", lr), _with(model, "beta", beta):
                    start = time.perf_counter()
                    train, step = team.epoch(rng, partial(report or (lambda *_: None), number))
                    _check_finite(train, f"at step {step} of epoch {number}", optimizer)
                    seconds = time.perf_counter() - start
                    after = team.evaluate()
                    _check_finite(after, f"after epoch {number}", optimizer)
                tested = None if test_images is None else after
                yield Epoch(number, train, tested, seconds, beta)
                if saved is not None:
                    saved.save(model, optimizer, rng, run.state, number, last=number == n)

    return iter(()) if n is not None and done >= n else loop()


def fit(
    model: Model, images: Images, *, epochs: int = 10, batch_size: int = 100,
    optimizer: Optimizer | None = None, seed: int | np.random.Generator = 0,
    test_images: Images | None = None, pixels: str | None = None, schedule: str = "constant",
    warmup: int = 0, algorithm: type[AEVB] = AEVB, workers: int = 1,
    resume: str | PathLike[str] | None = None, overwrite: bool = False, progress: bool = True,
) -> History:  # fmt: skip
    """Train the model in place: the loop over `epochs`, with a line on stderr and a history.

    epochs: how many. The other arguments, and errors: as for the function `epochs`. An
    Autoencoder's objective is −‖x − x̂‖² (`autoencoder.py`), and its KL is 0.
    resume: a file that holds the state after each whole epoch. If it is there, the training
    goes on from it, to the bit. ValueError when its settings differ; the warning
    `OtherArithmetic` when NumPy or its BLAS differ, so that the bits differ. See `resume.py`.
    overwrite: begin anew in place of going on; the file of `resume` that is there stays until
    the first new epoch is whole. progress: the line.

    >>> from scratchvae import VAE
    >>> images = np.array([[0, 255, 255], [255, 0, 0]] * 50, np.uint8)
    >>> history = fit(VAE(3, (4,), 1), images, epochs=2, batch_size=10, progress=False)
    >>> len(history.elbo)
    2
    """
    n, history = checks.positive_int("epochs", epochs), History()
    checks.flag("progress", progress)
    if resume is not None:
        checks.path("resume", resume)
    if checks.flag("overwrite", overwrite) and resume is None:
        raise ValueError("overwrite is True; it needs a file, by resume")
    each = _epochs(
        model, images, n, batch_size=batch_size, optimizer=optimizer, seed=seed,
        test_images=test_images, pixels=pixels, schedule=schedule, warmup=warmup,
        algorithm=algorithm, workers=workers, report=lambda *seen: line.within(*seen),
        saved=None if resume is None else Saved(resume, history, overwrite=overwrite),
    )  # fmt: skip
    # the file of `resume`, if there is one, has now filled the history
    line = EpochLine(model, n, len(images), len(history.elbo), show=progress)
    for epoch in each:
        history.record(epoch)
        line.end_of(epoch)
    return history


_epochs = epochs  # `fit` has an argument of that name


def _checked(
    model: Model, optimizer: Optimizer, images: Images, test_images: Images | None, n: int | None,
    schedule: str, algorithm: type[AEVB], saved: Saved | None, *, batch_size: int,
    pixels: str | None, warmup: int, workers: int, seed: int | np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    """Errors, before any work. Returns what has to be the same when the training goes on."""
    checks.positive_int("batch_size", batch_size)
    checks.positive_int("workers", workers)
    checks.positive_int("warmup", warmup, 0)
    checks.one_of("schedule", schedule, SCHEDULES)
    if n is not None:
        checks.positive_int("n", n)
    elif schedule == "cosine":
        raise ValueError("n is None; for the schedule 'cosine' it should be a number")
    if not (isinstance(algorithm, type) and issubclass(algorithm, AEVB)):
        raise TypeError(f"algorithm is {algorithm!r}; it should be a class as AEVB or WakeSleep")
    if not algorithm.weighs_kl and (warmup or model.beta != 1):
        raise ValueError(
            f"warmup is {warmup} and beta {model.beta:g}; for {algorithm.__name__}, which does not "
            "climb the bound, they should be 0 and 1"
        )
    if workers > 1 and algorithm is not AEVB:
        raise ValueError(f"workers is {workers}; it should be 1 for {algorithm.__name__}")
    checks.instance("optimizer", optimizer, Optimizer, "an optimizer, such as Adam(model.params)")
    if optimizer.params is not model.params:
        raise ValueError(
            "optimizer holds the parameters of another model; it should be made from model.params"
        )
    if saved is not None:
        checks.instance("saved", saved, Saved, "a resume.Saved, or None")
    if workers > 1 or saved is not None:
        check_rebuilt("model", model)
        optimizer.check_rebuilt()
    seen_by(model, pixels)
    return settings_of(
        model, optimizer, {} if saved is None else {"images": images, "test_images": test_images},
        batch_size=batch_size, pixels=pixels or model.pixels, warmup=warmup, workers=workers,
        seed=None if isinstance(seed, np.random.Generator) else checks.whole_seed("seed", seed),
        algorithm=algorithm.__name__, **_numbers_of(algorithm),
        **schedules.settings_of(schedule, n),
    )  # fmt: skip


def _numbers_of(algorithm: type[AEVB]) -> dict[str, Any]:
    """The numbers and texts of the class, by name, as `alpha`."""
    return {
        f"{algorithm.__name__}.{key}": value
        for kind in reversed(algorithm.__mro__)
        for key, value in vars(kind).items()
        if not key.startswith("__") and isinstance(value, int | float | str)
    }


class Steps(NamedTuple):
    """The epochs of an algorithm: in this process, or in each process of `team.Team`."""

    algorithm: AEVB
    images: Images
    test_images: Images
    batch_size: int
    pixels: str | None

    def epoch(
        self, rng: np.random.Generator, report: Callable[[int, Bound], None]
    ) -> tuple[Bound, int]:
        """One pass over the images. Returns the mean bound and the number of the last minibatch.

        The mean is over the images, each before the update of its minibatch. A bound that is not
        finite ends the pass. report: called with the images seen so far and their mean bound.
        """
        model = self.algorithm.model
        draw, sums, seen, step = seen_by(model, self.pixels), np.zeros(3), 0, 0
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow ends the pass
            for rows in minibatches(len(self.images), self.batch_size, rng):
                step += 1
                x = draw(self.images[rows], rng, model.dtype)  # X^M ← random minibatch
                bound = self.algorithm.step(rows, x, rng)
                checks.instance("what step returns", bound, Bound, "the minibatch's Bound")
                sums += np.multiply(bound, len(x))  # the last minibatch may be shorter
                seen += len(x)
                mean = Bound(*(sums / seen).tolist())
                if not np.isfinite(bound.elbo):
                    break
                report(seen, mean)
        return mean, step

    def evaluate(self) -> Bound:
        """The bound of the test images."""
        with np.errstate(over="ignore", invalid="ignore"):
            return evaluate_part(self.algorithm.model, self.test_images, self.pixels)


@contextmanager
def _with(owner: object, name: str, value: float) -> Iterator[None]:
    """This value of the attribute, and then the one that it had."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _whole_or_undone(theta: FloatArray) -> Iterator[None]:
    """An exception in the block takes θ back to its beginning."""
    kept = theta.copy()
    try:
        yield
    except BaseException:  # Ctrl-C is one
        theta[...] = kept
        raise


def _check_finite(bound: Bound, when: str, optimizer: Optimizer) -> None:
    if not np.isfinite(bound.elbo):
        raise FloatingPointError(
            f"the bound is {bound.elbo} {when}; the model of the last whole epoch is kept. Try a "
            f"new optimizer with a smaller learning rate than lr = {optimizer.lr:g}"
        )


class EpochLine(ProgressLine):
    """The progress of a training."""

    def __init__(self, model: Model, epochs: int, images: int, done: int, show: bool) -> None:
        super().__init__(show)
        self.model, self.epochs, self.images = model, epochs, images
        self.done = done  # epochs before a resume
        self.before = done / epochs

    def within(self, epoch: int, seen: int, mean: Bound) -> None:
        """After `seen` images of this epoch, with this mean of the bound and its parts."""
        if self.due():
            self.write(self._text(epoch, seen, mean, self.model.beta), last=False)

    def end_of(self, epoch: Epoch) -> None:
        """After the epoch and its evaluation."""
        of_test = "" if epoch.test is None else f"  test {epoch.test.elbo:.2f}"
        text = self._text(epoch.number, self.images, epoch.train, epoch.beta)
        self.write(text + of_test, last=True)

    def _text(self, epoch: int, seen: int, mean: Bound, beta: float) -> str:
        done = (epoch - 1) * self.images + seen
        speed = (done - self.done * self.images) / (time.perf_counter() - self.start)
        elbo, reconstruction, kl = mean
        bound = f"bound {elbo:.2f} = {reconstruction:.2f} - {kl:.2f} KL"
        objective = bound if kl else f"minus the loss {elbo:.3f}"
        if beta != 1:
            objective += f" (beta {beta:.3g}: {reconstruction - beta * kl:.2f})"
        left = self.left(done / (self.epochs * self.images))
        number = f"{epoch:{len(str(self.epochs))}}/{self.epochs}"
        return f"epoch {number}  {objective}  {speed:,.0f} images/s  {left}"
