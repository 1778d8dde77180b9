"""What a training reached: the bound and its two terms, of a minibatch, an epoch, all epochs."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from scratchvae.files import written_whole
from scratchvae.parameters import FloatArray


class Terms(NamedTuple):
    """The two terms of the bound for each data point, (B,) each."""

    reconstruction: FloatArray
    kl: FloatArray


class Bound(NamedTuple):
    """A mean of AEVB eq. (10) over data points, in nats for each: elbo = reconstruction − kl."""

    elbo: float
    reconstruction: float
    kl: float

    @classmethod
    def mean(cls, reconstruction: FloatArray, kl: FloatArray) -> "Bound":
        """Of the two terms of each data point, (B,) each."""
        mean_reconstruction = reconstruction.mean(dtype=np.float64).item()
        mean_kl = kl.mean(dtype=np.float64).item()
        return cls(mean_reconstruction - mean_kl, mean_reconstruction, mean_kl)

    @classmethod
    def of(cls, terms: Sequence[Terms]) -> "Bound":
        """The mean over all data points, whose terms come in several parts."""
        return cls.mean(*(np.concatenate(part) for part in zip(*terms)))


class Epoch(NamedTuple):
    """An epoch of `training.epochs`.

    number: from 1. train: the mean over its images, each before the update of its minibatch. test:
    of the test images after it, None without test images. seconds: of training, without the
    evaluation. beta: the weight of the KL in it.
    """

    number: int
    train: Bound
    test: Bound | None
    seconds: float
    beta: float


@dataclass(repr=False)
class History:
    """One entry for each epoch; bounds in nats per data point.

    elbo, reconstruction, kl: means over the images of the epoch, each before the update of its
    minibatch; elbo = reconstruction − kl.
    test_elbo, test_reconstruction, test_kl: of the test images after the epoch; empty
    without test images.
    seconds: of training, without the evaluation.
    beta: the weight of the KL. Training climbs the objective, reconstruction − β KL, which is
    the bound only for β = 1. Compare models by their bounds.
    """

    elbo: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    test_elbo: list[float] = field(default_factory=list)
    test_reconstruction: list[float] = field(default_factory=list)
    test_kl: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    beta: list[float] = field(default_factory=list)

    @property
    def objective(self) -> list[float]:
        """reconstruction − β KL of each epoch's training images."""
        return [r - b * k for r, b, k in zip(self.reconstruction, self.beta, self.kl)]

    def record(self, epoch: Epoch) -> None:
        """Add an epoch."""
        self.seconds.append(epoch.seconds)
        self.beta.append(epoch.beta)
        for name in Bound._fields:
            getattr(self, name).append(getattr(epoch.train, name))
            if epoch.test is not None:
                getattr(self, f"test_{name}").append(getattr(epoch.test, name))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON: a list for each name above."""
        with written_whole(path) as part:
            part.write_text(json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    def __repr__(self) -> str:
        """A table: the first three epochs and the last three."""
        names = [name for name in ("elbo", "reconstruction", "kl", "test_elbo") if vars(self)[name]]
        rows = ["".join(f"{name:>15}" for name in ("epoch", *names))]
        for i in range(n := len(self.elbo)):
            if i < 3 or i >= n - 3:
                cells = "".join(f"{vars(self)[name][i]:15.2f}" for name in names)
                rows.append(f"{i + 1:15}{cells}")
            elif i == 3:
                rows.append(f"{'...':>15}")
        return "\n".join(rows)
