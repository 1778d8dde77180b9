"""All that a training needs to go on with the same bits as without a stop, in one file.

After an epoch, the next one depends on

    θ, the optimizer's sums and its number of steps t, the state of the generator

and on the settings: sizes, optimizer, minibatch size, pixels, number of processes, images.
The history belongs to it too. All of it lies in one file that is written whole, so no
crash can leave the parts of two different epochs. The other files of a run follow from it.

The settings stand there twice. Those of the beginning have to be the same when it goes on.
Those of the optimizer after the epoch are state: they come back with θ. The body of a loop
over `training.epochs` may change them. So the file is written after the body. An epoch whose
body was left by `break` or an exception is not in the file: it is made again, to the same bits.

**The bits** depend on one thing more: how NumPy's matrix products round. Another version of
NumPy, another BLAS (the library of these products) or another number of its threads adds in
another order. Then the training goes on too, but its numbers differ by rounding. The warning
`OtherArithmetic` says what has changed.
"""

import json
import os
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.archive import ArrayFile, write_arrays
from scratchvae.checks import printable
from scratchvae.datasets import Images
from scratchvae.evaluation import Model
from scratchvae.files import FileFormatError, why
from scratchvae.history import History
from scratchvae.optimizers import Optimizer
from scratchvae.processes import arithmetic

FORMAT, VERSION = "scratchvae.Training", 4
Arrays = Mapping[str, NDArray[Any]]


class OtherArithmetic(UserWarning):
    """A training goes on, and its bits will not be those of an undisturbed one."""


def settings_of(
    model: Model, optimizer: Optimizer, images: dict[str, Images | None], **others: Any
) -> dict[str, Any]:
    """What has to be the same when a training goes on, by name."""
    return {
        "model": type(model).__name__, **model.settings,
        "optimizer": type(optimizer).__name__, **optimizer.as_set(),
        **others, **{name: _fingerprint(array) for name, array in images.items()},
    }  # fmt: skip


def _fingerprint(images: Images | None) -> str:
    if images is None:
        return "none"
    checksum = zlib.crc32(np.ascontiguousarray(images).data)
    return f"{' x '.join(map(str, images.shape))} {images.dtype}, checksum {checksum:08x}"


class Saved:
    """The file of one training. `epochs` reads it once, and writes it after each loop's body.

    history: what the body of the loop fills. It is a part of the state, and comes back with it.
    every: the least number of seconds between two writes; the last epoch is always written.
    overwrite: begin anew; an old file stays until the first write. lr_of_file: the learning rate
    need not be the same, and is the file's; after `epochs` is called, `optimizer.lr = ...` is
    another one from the next epoch on. more: what else has to be the same when the training goes
    on, by name.
    """

    def __init__(
        self, path: str | os.PathLike[str], history: History, *, every: float = 0.0,
        overwrite: bool = False, lr_of_file: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        self.path, self.every = checks.path("path", path), checks.number_from_zero("every", every)
        self.history = checks.instance("history", history, History, "a History")
        self.overwrite = checks.flag("overwrite", overwrite)
        self.lr_of_file = checks.flag("lr_of_file", lr_of_file)
        self.settings, self.written = more, time.monotonic()

    def save(
        self, model: Model, optimizer: Optimizer, rng: np.random.Generator, arrays: Arrays,
        epoch: int, *, last: bool = True,
    ) -> None:  # fmt: skip
        """Write the state after this epoch, if it is the last or `every` seconds have gone by.

        arrays: what else the algorithm remembers, by name.
        """
        if not last and time.monotonic() - self.written < self.every:
            return
        state = {
            "settings": self.settings, "optimizer": optimizer.as_set(), "t": optimizer.t,
            "arithmetic": _arithmetic(self.settings), "generator": rng.bit_generator.state,
            "epoch": epoch, "history": asdict(self.history), "beta": model.beta,
        }  # fmt: skip
        content = {"format": FORMAT, "version": VERSION, **_arrays(model, optimizer, arrays)}
        content["state"] = json.dumps(state, default=lambda array: array.tolist())
        write_arrays(self.path, content)
        self.written = time.monotonic()

    def load(
        self, model: Model, optimizer: Optimizer, rng: np.random.Generator, arrays: Arrays,
        settings: dict[str, Any],
    ) -> int:  # fmt: skip
        """Put all that is given, and the history, into the file's state. Returns its epoch.

        0, and nothing is changed, when there is no file, or it shall be overwritten. ValueError,
        with what differs, for a training with other settings. FileFormatError for a file that
        is damaged or of another kind. Then nothing is changed either. A warning,
        `OtherArithmetic`, when NumPy rounds differently now.
        """
        self.settings = {**settings, **self.settings}
        if self.overwrite or not self.path.exists():
            return 0
        try:
            with open(self.path, "rb") as file:
                saved = ArrayFile(file)
                kind, version = saved.text("format"), saved.whole("version")
                if (kind, version, saved.checked) != (FORMAT, VERSION, True):
                    raise ValueError(f"it is {kind!r} version {version}, not {FORMAT!r} {VERSION}")
                state = json.loads(saved.text("state"))
                if self.lr_of_file:
                    self.settings["lr"] = state["settings"]["lr"]
                differ = difference(state["settings"], json.loads(json.dumps(self.settings)), repr)
                if not differ:
                    into = _arrays(model, optimizer, arrays)
                    read = {name: np.empty_like(array) for name, array in into.items()}
                    for name, array in read.items():
                        saved.into(name, array)
                    t, epoch, beta = int(state["t"]), int(state["epoch"]), float(state["beta"])
                    past = {name: list(values) for name, values in state["history"].items()}
                    now = {
                        name: type(value)(state["optimizer"][name])
                        for name, value in optimizer.as_set().items()
                    }
                    others = difference(state["arithmetic"], _arithmetic(self.settings), str)
                    rng.bit_generator.state = state["generator"]
        except Exception as error:  # zipfile, json and NumPy raise many kinds for a damaged file
            raise FileFormatError(
                f"{self.path} is no training that can go on: {printable(why(error))}"
            ) from error
        if differ:
            raise ValueError(f"{self.path} is of a training with other settings: {differ}")
        for name, array in read.items():
            into[name][...] = array
        model.beta = beta
        for name, value in {**now, "t": t}.items():
            setattr(optimizer, name, value)
        if others:
            warnings.warn(
                f"{self.path} goes on, but not to the bit: {others}", OtherArithmetic, stacklevel=2
            )
        vars(self.history).update(past)
        return epoch


def _arrays(model: Model, optimizer: Optimizer, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays of the file, by name: θ, the optimizer's sums, and those of the algorithm."""
    sums = {name: getattr(optimizer, name) for name in optimizer.sums}
    return {"theta": model.params.theta, **sums, **{f"state.{k}": a for k, a in arrays.items()}}


def difference(then: Mapping[str, Any], now: Mapping[str, Any], shown: Callable[[Any], str]) -> str:
    """What is not the same, in words."""
    return "; ".join(
        f"{name} was {shown(then.get(name))} and is {shown(now.get(name))}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    )


def _arithmetic(settings: dict[str, Any]) -> dict[str, Any]:
    """`arithmetic` of the steps: worker processes have one BLAS thread, whatever this one has."""
    return {**arithmetic(), **({"BLAS threads": 1} if settings.get("workers", 1) > 1 else {})}
