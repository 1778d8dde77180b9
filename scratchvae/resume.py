"""All that a training needs to go on to the bit, in one file.

After an epoch, the next one depends on

    θ, the optimizer's sums and its number of steps t, the state of the generator

and on the settings: sizes, optimizer, minibatch size, pixels, number of processes, images.
The history belongs to it too. All of it lies in one file that is written whole, so no
crash can leave the parts of two different epochs. The other files of a run follow from it.

The settings stand there twice. Those of the beginning have to be the same when it goes on.
Those of the optimizer after the epoch, which `after_epoch` may have changed, are state: they
come back with θ.

**The bits** depend on one thing more: how NumPy's matrix products round. Another version of
NumPy, another BLAS or another number of its threads adds in another order. The training goes
on all the same, as close as rounding is, and `OtherArithmetic` says what differs.
"""

import json
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.archive import ArrayFile, write_arrays
from scratchvae.checks import printable
from scratchvae.datasets import Images
from scratchvae.evaluation import Model
from scratchvae.files import FileFormatError, remove_dead_parts
from scratchvae.optimizers import Optimizer
from scratchvae.processes import arithmetic

if TYPE_CHECKING:
    from scratchvae.training import History

FORMAT, VERSION = "scratchvae.Training", 2
NOTHING: Mapping[str, NDArray[Any]] = {}


class OtherArithmetic(UserWarning):
    """A training goes on, and its bits will not be those of an undisturbed one."""


def settings_of(
    model: Model, optimizer: Optimizer, images: dict[str, Images | None], **others: Any
) -> dict[str, Any]:
    """What has to be the same when a training goes on, by name."""
    return {
        "model": type(model).__name__,
        **model.settings,
        "optimizer": type(optimizer).__name__,
        **optimizer.as_set(),
        **others,
        **{name: _fingerprint(array) for name, array in images.items()},
    }


def _fingerprint(images: Images | None) -> str:
    if images is None:
        return "none"
    checksum = zlib.crc32(np.ascontiguousarray(images).data)
    return f"{' x '.join(map(str, images.shape))} {images.dtype}, checksum {checksum:08x}"


def save_training(
    path: str | PathLike[str],
    model: Model,
    optimizer: Optimizer,
    rng: np.random.Generator,
    history: "History",
    settings: dict[str, Any],
    more: Mapping[str, NDArray[Any]] = NOTHING,
    lr: float | None = None,
) -> None:
    """Write the state after a whole epoch. more: what else the algorithm remembers, by name.

    lr: the learning rate that a schedule multiplies; None where there is no schedule.
    """
    state = {
        "settings": settings,
        "optimizer": {**optimizer.as_set(), **({} if lr is None else {"lr": lr})},
        "arithmetic": _arithmetic(settings),
        "t": optimizer.t,
        "generator": rng.bit_generator.state,
        "history": asdict(history),
    }
    vectors: dict[str, Any] = {name: getattr(optimizer, name) for name in optimizer.sums}
    vectors |= {f"state.{name}": array for name, array in more.items()}
    arrays = {
        "format": FORMAT,
        "version": VERSION,
        "state": json.dumps(state, default=lambda array: array.tolist()),
        "theta": model.params.theta,
        **vectors,
    }
    write_arrays(path, arrays)


def load_training(
    path: str | PathLike[str],
    model: Model,
    optimizer: Optimizer,
    rng: np.random.Generator,
    history: "History",
    settings: dict[str, Any],
    more: Mapping[str, NDArray[Any]] = NOTHING,
) -> None:
    """Put model, optimizer, generator, history and the arrays of `more` into the file's state.

    ValueError, with what differs, for a training with other settings. FileFormatError for a
    file that is damaged or of another kind. Then nothing is changed. A warning,
    `OtherArithmetic`, when NumPy will round otherwise.
    """
    try:
        with open(path, "rb") as file:
            saved = ArrayFile(file)
            kind, version = saved.text("format"), saved.whole("version")
            if (kind, version, saved.checked) != (FORMAT, VERSION, True):
                raise ValueError(f"it is {kind!r} version {version}, not {FORMAT!r} {VERSION}")
            state = json.loads(saved.text("state"))
            theirs = state["settings"]
            differ = [
                f"{name} was {theirs.get(name)!r} and is {settings.get(name)!r}"
                for name in {**theirs, **settings}
                if theirs.get(name) != json.loads(json.dumps(settings.get(name)))
            ]
            if not differ:
                theta = model.params.theta
                vectors = {name: np.empty_like(theta) for name in ("theta", *optimizer.sums)}
                arrays = {name: np.empty_like(array) for name, array in more.items()}
                for name, array in arrays.items():
                    saved.into(f"state.{name}", array)
                for name, vector in vectors.items():
                    saved.into(name, vector)
                t, past = int(state["t"]), {k: list(v) for k, v in state["history"].items()}
                now = {
                    name: type(x)(state["optimizer"][name])
                    for name, x in optimizer.as_set().items()
                }
                then, here = dict(state["arithmetic"]), _arithmetic(settings)
                rng.bit_generator.state = state["generator"]
    except Exception as error:  # zipfile, json and NumPy raise many kinds for a damaged file
        raise FileFormatError(
            f"{path} is no training that can go on: {printable(str(error))}"
        ) from error
    if differ:
        raise ValueError(f"{path} is of a training with other settings: {'; '.join(differ)}")
    model.params.theta[...] = vectors["theta"]
    for name in optimizer.sums:
        getattr(optimizer, name)[...] = vectors[name]
    for name, array in more.items():
        array[...] = arrays[name]
    for name, value in now.items():
        setattr(optimizer, name, value)
    optimizer.t = t
    others = [
        f"{name} was {then.get(name)} and is {here.get(name)}"
        for name in {**then, **here}
        if then.get(name) != here.get(name)
    ]
    if others:
        warnings.warn(
            f"{path} goes on, but not to the bit: {', '.join(others)}",
            OtherArithmetic,
            stacklevel=2,
        )
    history.__dict__.update(past)


def _arithmetic(settings: dict[str, Any]) -> dict[str, Any]:
    """`arithmetic` of the steps: worker processes have one BLAS thread, whatever this one has."""
    return {**arithmetic(), **({"BLAS threads": 1} if settings.get("workers", 1) > 1 else {})}


def sweep(folder: Path) -> None:
    """Remove what interrupted writes of dead processes left in the folder."""
    remove_dead_parts(folder)
