"""Algorithm 1 of AEVB: minibatch stochastic gradient ascent on the bound.

    θ, φ ← initialize parameters
    repeat
        X^M ← random minibatch of M data points
        ε   ← random samples from the noise distribution p(ε)
        g   ← ∇_θ,φ 𝓛̃^M(θ, φ; X^M, ε)
        θ, φ ← update the parameters using g
    until convergence of the parameters

θ and φ are one vector here. The paper's estimate of the bound of all N data points from a minibatch of M is

    𝓛(θ, φ; X) ≃ 𝓛̃^M = (N/M) Σ_b 𝓛̃(x_b)                                  AEVB eq. (8)

and the loss here is −𝓛̃^M / N, minus the mean over the minibatch, so that it does not depend on the size of the data set: descending on
it ascends on the bound. "Random minibatch" is a pass over the data in
random order, an *epoch*, so that every data point is met once before one is met again; "until convergence" is a number of epochs.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks, datasets
from scratchvae.datasets import Images, minibatches
from scratchvae.evaluation import Bound, Model, evaluate
from scratchvae.files import written_whole
from scratchvae.optimizers import Adam, Optimizer
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine


@dataclass
class History:
    """One entry for each epoch; bounds in nats per data point.

    elbo, reconstruction, kl: means over the training minibatches as they were met, so while θ was changing; elbo = reconstruction − kl.
    test_elbo, test_reconstruction, test_kl: of the test images after the epoch; empty without test images.
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
    vae: Model, x: FloatArray, optimizer: Optimizer, rng: np.random.Generator
) -> Bound:
    """One turn of Algorithm 1's loop on the minibatch x, (B, n_x): draw ε, find g, update θ.

    Returns the minibatch's mean bound and its parts, before the update, in nats per data point.
    """
    eps = rng.standard_normal(
        (len(x), vae.n_z), vae.dtype
    )  # ε ← random samples from p(ε) = N(0, I)
    reconstruction, kl = vae.forward(x, eps)
    vae.backward()  # g ← ∇_θ,φ of the loss −𝓛̃^M / N
    optimizer.step()  # θ, φ ← update using g
    return Bound.mean(reconstruction, kl)


def fit(
    vae: Model,
    images: Images,
    *,
    epochs: int = 10,
    batch_size: int = 100,
    optimizer: Optimizer | None = None,
    seed: int | np.random.Generator = 0,
    test_images: Images | None = None,
    binarize: bool | None = None,
    dequantize: bool = False,
    progress: bool = True,
    after_epoch: Callable[[History], None] | None = None,
) -> History:
    """Train the model in place: Algorithm 1 with L = 1.

    vae: a VAE, or another model with the same four things; an Autoencoder's objective is −‖x − x̂‖², its KL 0.
    images: (N, n_x), uint8 or floats in [0, 1]. binarize: draw new bits for every minibatch; False trains on grey pixels; None does
    what the decoder speaks of, bits for a Bernoulli. dequantize: spread each grey level over its bin, anew for every minibatch.
    optimizer: over vae.params; None is Adam(vae.params). seed: of the order, the bits and the noise.
    test_images: evaluated after every epoch, always with the same bits and the same noise.
    progress: a line on stderr. after_epoch: called with the history so far.

    To go on where an earlier call stopped, pass it the same optimizer, and the same Generator as seed: a number would draw the same order,
    bits and noise again.

    Whatever ends an epoch midway, the model is put back to the end of the last whole epoch before the exception goes on (the optimizer
    is not). FloatingPointError when the bound is no longer finite.
    """
    checks.positive_int("epochs", epochs)
    checks.positive_int("batch_size", batch_size)
    for name, array in {"images": images, "test_images": test_images}.items():
        if array is not None:
            datasets.check_images(name, array, vae.n_x)
    optimizer = Adam(vae.params) if optimizer is None else optimizer
    if optimizer.params is not vae.params:
        raise ValueError(
            "optimizer holds the parameters of another model; it should be made from vae.params"
        )

    rng = np.random.default_rng(seed)
    as_seen = datasets.as_seen(vae.binary if binarize is None else binarize, dequantize)
    history, line = History(), _EpochLine(epochs, len(images), show=progress)
    theta_of_last_epoch = vae.params.theta.copy()
    try:
        for epoch in range(1, epochs + 1):
            start, sums, seen = time.perf_counter(), np.zeros(3), 0
            for rows in minibatches(
                len(images), batch_size, rng
            ):  # X^M ← random minibatch of M data points
                x = as_seen(images[rows], rng, vae.dtype)
                with np.errstate(over="ignore", invalid="ignore"):  # looked for here, not warned of
                    bound = training_step(vae, x, optimizer, rng)
                if not np.isfinite(bound.elbo):
                    raise _diverged(
                        f"the bound is {bound.elbo}", epoch, seen // batch_size + 1, optimizer
                    )
                sums += np.multiply(
                    bound, len(x)
                )  # the last minibatch may be shorter: it weighs what it holds
                seen += len(x)
                if line.due():
                    line.write(line.text(epoch, seen, sums / seen), last=False)
            seconds = time.perf_counter() - start
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # the last update is seen by no minibatch of this epoch
                after = Bound.mean(*vae.forward(x, np.zeros((len(x), vae.n_z))))
                test = (
                    None
                    if test_images is None
                    else evaluate(vae, test_images, binarize=binarize, dequantize=dequantize)
                )
            for reached in (after, test):
                if reached is not None and not np.isfinite(reached.elbo):
                    raise _diverged(
                        f"the bound is {reached.elbo} after the update",
                        epoch,
                        -(-seen // batch_size),
                        optimizer,
                    )
            theta_of_last_epoch[...] = vae.params.theta
            history.record(Bound(*(sums / seen).tolist()), test, seconds)
            line.write(
                line.text(epoch, seen, sums / seen)
                + ("" if test is None else f"  test {test.elbo:.2f}"),
                last=True,
            )
            if after_epoch is not None:
                after_epoch(history)
    except BaseException:  # Ctrl-C is one
        vae.params.theta[...] = theta_of_last_epoch
        raise
    return history


def _diverged(what: str, epoch: int, step: int, optimizer: Optimizer) -> FloatingPointError:
    return FloatingPointError(
        f"{what} at step {step} of epoch {epoch}; the model of the last whole epoch is kept. "
        f"Try a new optimizer with a smaller learning rate than lr = {optimizer.lr:g}"
    )


class _EpochLine(ProgressLine):
    """The progress of `fit`."""

    def __init__(self, epochs: int, images: int, show: bool) -> None:
        super().__init__(show)
        self.epochs, self.images = epochs, images

    def text(self, epoch: int, seen: int, mean: NDArray[np.float64]) -> str:
        """After `seen` images of this epoch, with this mean of the bound and its parts."""
        done = (epoch - 1) * self.images + seen
        speed = done / (time.perf_counter() - self.start)
        elbo, reconstruction, kl = mean
        objective = (
            f"bound {elbo:.2f} = {reconstruction:.2f} - {kl:.2f} KL"
            if kl
            else f"minus the loss {elbo:.3f}"
        )
        left = self.left(done / (self.epochs * self.images))
        return f"epoch {epoch:{len(str(self.epochs))}}/{self.epochs}  {objective}  {speed:,.0f} images/s  {left}"
