"""The two jobs of the paper's figures: a training, and the log p(x) that it reached.

**Training** is AEVB section 5, as far as it is stated: tanh, minibatches of 100, L = 1,
Adagrad, the prior p(θ) = N(0, I), weights drawn from N(0, 0.01), and the same encoder
and decoder for AEVB, wake-sleep and Monte Carlo EM. The binarization is not stated;
here every minibatch is binarised anew, as in the author's later code.

**The learning rate** is one of 0.01, 0.02 and 0.1, "chosen on the first iterations".
Here each of the three trains for 100,000 samples, or for a tenth of the training if that is
less, on 5,000 images at most. The one with the highest mean objective over the second half of the
epochs is taken. A too large one shows there: Adagrad's first step has the length α in every weight,
the t-th still about α / √t, and the bound falls to minus millions. 10,000 samples are too few for
Monte Carlo EM. Its chains begin at z ~ N(0, I) and have not settled then: for N = 1000 and n_z = 3
the means of log p(x, z) were -196.7, -197.7 and -231.5 for 0.01, 0.02 and 0.1, and after 100,000
samples -161.6, -150.3 and -134.2.

**log p(x)** of a model of Monte Carlo EM begins at an encoder that `mcem.fit_encoder`
gives it. There are several for each point of the curve, and each image takes the one
with the highest bound.

**A sample** is one visit of a data point. The curves have points at 1, 2, 3 and 5 times
the powers of ten, from 10^5 on, and at the end, each after a whole epoch.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil, inf
from pathlib import Path
from typing import TypeGuard

import numpy as np

from scratchvae import checks
from scratchvae.checkpoint import load_model, save_model
from scratchvae.datasets import Images, binarize, load_images
from scratchvae.evaluation import evaluate
from scratchvae.files import written_whole
from scratchvae.history import Bound, Epoch, History
from scratchvae.jobs import Report, Result
from scratchvae.likelihood import log_likelihood
from scratchvae.mcem import MCEM, best_encoder, fit_encoder
from scratchvae.optimizers import OPTIMIZERS, Optimizer
from scratchvae.resume import Saved
from scratchvae.training import AEVB, epochs
from scratchvae.vae import VAE
from scratchvae.wake_sleep import WakeSleep

ALGORITHMS: dict[str, type[AEVB]] = {"aevb": AEVB, "wake-sleep": WakeSleep, "mcem": MCEM}
STEP_SIZES = (0.01, 0.02, 0.1)
TRIAL = 100_000  # samples
TRIED = 5_000  # images
SECONDS = 5.0  # between two writes of a training's state
ENCODERS, ENCODER_STEPS = 3, 4000  # that MCEM's decoder gets, and the steps of each
EVALUATED = 10_000  # training images whose bound is a point of the curve


@dataclass(repr=False)
class Curve(History):
    """The bounds of `History`, one entry for each point of the curve. elbo: of training images.

    samples: the number of visits at each point.
    """

    samples: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Training:
    """One curve: an algorithm, its networks, its data, and how long.

    samples: rounded up to whole epochs. n_train: the first images of the training set.
    lr: None means that it is chosen. prior: weight decay 1/N. models: keep the model at every
    point of the curve, for `Likelihood`. data: a folder of idx files, or None for MNIST.
    checksum: of that data set, `ImageSet.identity`; with it no other data set is taken.
    """

    algorithm: str = "aevb"
    n_z: int = 20
    hidden: tuple[int, ...] = (500,)
    n_train: int = 50_000
    samples: int = 1_000_000
    optimizer: str = "adagrad"
    lr: float | None = None
    epsilon: float = 1e-8
    schedule: str = "constant"
    init: str = "normal"
    prior: bool = True
    batch_size: int = 100
    models: bool = False
    seed: int = 0
    data: str | None = None
    checksum: str | None = None

    @property
    def name(self) -> str:
        """Algorithm, hidden units, n_z, N, optimizer and samples."""
        networks = f"h{'x'.join(map(str, self.hidden))}-z{self.n_z}"
        return f"{self.algorithm}-{networks}-n{self.n_train}-{self.optimizer}-{self.samples}"

    @property
    def size(self) -> float:
        """Samples, each as often as its networks are computed: roughly."""
        return self.samples * {"aevb": 1, "wake-sleep": 1.6, "mcem": 8}[self.algorithm]

    def points(self, n: int) -> list[int]:
        """After which epochs of n images the curve has a point: the last one is among them."""
        wanted = [k * 10**e for e in range(5, 10) for k in (1, 2, 3, 5)]
        samples = [s for s in wanted if s < self.samples] + [self.samples]
        return sorted({-(-s // n) for s in samples})

    def gives(self, result: Result) -> bool:
        """Whether this can be a result: as many numbers of each kind as the curve has points."""
        samples, *bounds = (result.get(name) for name in ("samples", "train", "test"))
        n = 0 if self.algorithm == "mcem" or not isinstance(samples, list) else len(samples)
        of_each = all(_numbers(bound) and len(bound) == n for bound in bounds)
        return _numbers(samples) and len(samples) > 0 and of_each

    def model_files(self, folder: Path, samples: int) -> list[Path]:
        """Where the model of this point is, with every encoder that its decoder has."""
        more = [f"-encoder{k}" for k in range(2, ENCODERS + 1)] if self.algorithm == "mcem" else []
        return [folder / f"{self.name}@{samples}{which}.npz" for which in ("", *more)]

    def run(self, folder: Path, report: Report) -> Result:
        """Train, and write the model. Returns the curve."""
        images, test_images = _data(self)
        points, lr, curve = self.points(len(images)), self._lr(folder, images), Curve()
        vae, optimizer = self._model(lr, images)

        def share(epoch: int, seen: int, mean: Bound) -> None:
            report((epoch - 1 + seen / len(images)) / points[-1])

        for epoch in epochs(
            vae, images, points[-1], batch_size=self.batch_size, optimizer=optimizer,
            seed=self.seed, schedule=self.schedule, algorithm=ALGORITHMS[self.algorithm],
            saved=Saved(folder / f".{self.name}.state", curve, every=SECONDS, job=repr(self)),
            report=share,
        ):  # fmt: skip
            if epoch.number in points:
                self._point(vae, curve, epoch, images, test_images, folder)
        save_model(vae, folder / f"{self.name}.npz")
        return {"lr": lr, "samples": curve.samples, "train": curve.elbo, "test": curve.test_elbo}

    def _point(
        self, vae: VAE, curve: Curve, epoch: Epoch, images: Images, test_images: Images,
        folder: Path,
    ) -> None:  # fmt: skip
        """Add a point to the curve. MCEM has no bound, and no encoder of its own."""
        curve.samples.append(epoch.number * len(images))
        if self.algorithm != "mcem":
            train = evaluate(vae, images[:EVALUATED], seed=self.seed)
            test = evaluate(vae, test_images, seed=self.seed)
            curve.record(epoch._replace(train=train, test=test))
        if self.models:
            twin = VAE(**vae.settings)  # the training goes on with its own encoder
            twin.params.theta[...] = vae.params.theta
            for k, path in enumerate(self.model_files(folder, curve.samples[-1])):
                if self.algorithm == "mcem":
                    rng = checks.generator("seed", self.seed, "encoders", k)
                    fit_encoder(twin, images, ENCODER_STEPS, seed=rng)
                save_model(twin, path)

    def _model(self, lr: float, images: Images) -> tuple[VAE, Optimizer]:
        """A new model and its optimizer."""
        vae = VAE(
            images.shape[1], self.hidden, self.n_z, init=self.init, seed=self.seed,
            image_shape=load_images(self.data).image_shape,
        )  # fmt: skip
        kind, weight_decay = OPTIMIZERS[self.optimizer], 1 / len(images) if self.prior else 0.0
        more = {"epsilon": self.epsilon} if "epsilon" in kind.settings else {}
        return vae, kind(vae.params, lr, weight_decay=weight_decay, **more)

    def _lr(self, folder: Path, images: Images) -> float:
        """The learning rate: the given one, or the best of the paper's three."""
        if self.lr is not None:
            return self.lr
        note = folder / f".{self.name}.lr"
        with suppress(OSError, ValueError):
            whose, lr = note.read_text().splitlines()
            if whose == repr(self):
                return float(lr)
        objectives = {lr: self._trial(lr, images) for lr in STEP_SIZES}
        best = max(STEP_SIZES, key=lambda lr: objectives[lr])
        with written_whole(note) as part:
            part.write_text(f"{self!r}\n{best!r}\n")
        return best

    def _trial(self, lr: float, images: Images) -> float:
        """The mean objective over the second half of the epochs of a trial's samples."""
        part, samples = images[:TRIED], min(TRIAL, self.samples // 10)
        vae, optimizer = self._model(lr, images)
        each = epochs(
            vae, part, max(2, ceil(samples / len(part))), batch_size=self.batch_size,
            optimizer=optimizer, seed=self.seed, algorithm=ALGORITHMS[self.algorithm],
        )  # fmt: skip
        try:
            bounds = [epoch.train.elbo for epoch in each]
        except FloatingPointError:
            return -inf
        return float(np.mean(bounds[len(bounds) // 2 :]))


@dataclass(frozen=True)
class Likelihood:
    """The mean log p(x) of some images at one point of a training's curve.

    training: with models=True. samples: of the point. split: "train" or "test". start, stop:
    which of the first images. method, n_samples: as for `log_likelihood`.
    """

    training: Training
    samples: int
    split: str
    start: int
    stop: int
    method: str = "hmc"
    n_samples: int = 50

    @property
    def name(self) -> str:
        """The training's name, the point, the images and the method."""
        which = f"{self.split}{self.start}-{self.stop}-{self.method}{self.n_samples}"
        return f"{self.training.name}@{self.samples}-{which}"

    @property
    def size(self) -> float:
        """Images times posterior samples."""
        return (self.stop - self.start) * self.n_samples

    def gives(self, result: Result) -> bool:
        """Whether this can be a result."""
        numbers = [result.get(name) for name in ("images", "sum", "variance")]
        return _numbers(numbers) and numbers[0] > 0

    def run(self, folder: Path, report: Report) -> Result:
        """Returns the sum of log p(x), and its variance by the estimator's standard errors."""
        train, test = _data(self.training)
        images = (train if self.split == "train" else test)[self.start : self.stop]
        vaes = [load_model(path) for path in self.training.model_files(folder, self.samples)]
        which = self.split == "train", self.start
        rng = checks.generator("seed", self.training.seed, "log p(x)", *which)
        x = binarize(images, rng)
        chosen, total, variance = best_encoder(vaes, x, rng), 0.0, 0.0
        for k in np.unique(chosen):
            estimate = log_likelihood(
                vaes[k], x[chosen == k], self.n_samples, seed=rng, method=self.method
            )
            total += float(estimate.log_p.sum())
            variance += float((estimate.standard_error**2).sum())
        return {"images": len(images), "sum": total, "variance": variance}


def _numbers(values: object) -> TypeGuard[list[float]]:
    """Whether it is a list of numbers."""
    return isinstance(values, list) and all(type(value) in (int, float) for value in values)


def _data(training: Training) -> tuple[Images, Images]:
    """Its training images, and the test images. ValueError when they are not its data set's."""
    data = load_images(training.data)
    checksum = data.identity.checksum
    if training.checksum not in (None, checksum):
        raise ValueError(
            f"{training.name}: the images of {data.name} have the checksum {checksum}; it should "
            f"be {training.checksum}, that of the data set that was asked for"
        )
    return data.train_images[: training.n_train], data.test_images
