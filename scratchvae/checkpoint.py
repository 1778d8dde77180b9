"""A trained model as one file: θ, the arguments that the constructor needs, and its data set.

`format` and `version` say what the file is, so that another file, or a file of a later
version, is refused with a reason. Version 1 had no checksum and no data set. In
versions 1 and 2 the decoder "gaussian" had a sigmoid before its mean: now this is
"sigmoid-gaussian", with the same θ. Versions 1 to 3 have not all settings of today: ADDED has
the values that make the same model. All are still read.
"""

import json
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from scratchvae import checks
from scratchvae.archive import ArrayFile, write_arrays
from scratchvae.datasets import Identity, Units
from scratchvae.decoders import OUTPUTS
from scratchvae.evaluation import check_rebuilt
from scratchvae.files import FileFormatError, readable, why
from scratchvae.layers import shapes_of
from scratchvae.parameters import Shapes, bytes_of
from scratchvae.readers import GIGABYTE, NAME
from scratchvae.vae import VAE, affine_networks

FORMAT, VERSION = "scratchvae.VAE", 4
ADDED = {"beta": 1.0, "min_sigma": 0.0}  # settings that versions 1 to 3 do not have
NAMES = {
    1: ["config", "format", "theta", "version"],
    2: ["config", "data", "format", "theta", "version"],
    3: ["config", "data", "format", "theta", "version"],
    4: ["config", "data", "format", "theta", "version"],
}
HUGE = float(np.finfo(float).max)
LAYERS = 1000  # hidden layers: more is no model of anybody


def save_model(vae: VAE, path: str | PathLike[str], trained_on: Identity | None = None) -> None:
    """Write the model as .npz, at exactly this path. An interrupted write loses nothing.

    trained_on: what its data set is known by, `ImageSet.identity`; the file keeps it. ValueError
    if it has another number of columns than the model.
    TypeError for a subclass of VAE, and for a VAE with an attribute that its settings do not
    tell: `load_model` would give another model.
    """
    checks.instance("vae", vae, VAE, "a VAE")
    if len(vae.hidden) > LAYERS:
        raise ValueError(f"vae has {len(vae.hidden)} hidden layers; at most {LAYERS} are written")
    if type(vae) is not VAE:
        raise TypeError(
            f"vae is a {type(vae).__name__}; it should be a VAE itself, since load_model makes "
            "one. Keep vae.settings and vae.params.theta with numpy.savez, and make your own "
            "class from them"
        )
    check_rebuilt("vae", vae)
    data = json.dumps(trained_on and trained_on._asdict())
    _identity(json.loads(data), vae.n_x)  # what is written can be read
    names = {"format": FORMAT, "version": VERSION, "config": json.dumps(vae.settings)}
    write_arrays(path, {**names, "data": data, "theta": vae.params.theta})


def load_model(path: str | PathLike[str], *, max_memory: int = GIGABYTE) -> VAE:
    """The model that `save_model` wrote.

    FileFormatError when the file is missing, damaged (every flipped bit is noticed), of
    another kind or version, or when the model needs more than max_memory bytes.
    """
    return _read(path, max_memory)[0]


def trained_on(path: str | PathLike[str], *, max_memory: int = GIGABYTE) -> Identity | None:
    """What the file of a model says of its data set. Errors: as for `load_model`."""
    return _read(path, max_memory)[1]


def _read(path: str | PathLike[str], max_memory: int) -> tuple[VAE, Identity | None]:
    max_memory = checks.positive_int("max_memory", max_memory)
    path = readable(path)
    try:
        with open(path, "rb") as file:
            return _model(ArrayFile(file), max_memory)
    except Exception as error:  # zipfile, json and NumPy raise many kinds for a damaged file
        raise FileFormatError(
            f"{path} is no model that save_model wrote: {checks.printable(why(error))}"
        ) from error


def _model(arrays: ArrayFile, max_memory: int) -> tuple[VAE, Identity | None]:
    kind, version = arrays.text("format"), arrays.whole("version")
    if kind != FORMAT:
        raise ValueError(f"it holds {kind!r}; it should be {FORMAT!r}")
    if NAMES.get(version) != arrays.names or (version > 1 and not arrays.checked):
        raise ValueError(
            f"it has version {version} and {', '.join(arrays.names)}; this program reads "
            f"version 1, and versions 2 to {VERSION} with their checksum"
        )
    config = json.loads(arrays.text("config"))
    if version < 3 and config["decoder"] == "gaussian":
        config["decoder"] = "sigmoid-gaussian"
    if version < 4:
        config = {**ADDED, **config}
    if len(config["hidden"]) > LAYERS:  # before a layer is made
        raise ValueError(f"it has {len(config['hidden'])} hidden layers; at most {LAYERS} are read")
    shapes = _shapes(**config)
    need = bytes_of(shapes, checks.float_dtype(config["dtype"]))
    if need > max_memory:
        raise ValueError(
            f"the model needs {need / 2**20:.0f} MB, and max_memory (--max-memory) is "
            f"{max_memory / 2**20:.0f} MB; it should be more, if you trust the file"
        )
    size = sum(prod(shape) for shape in shapes.values())
    if arrays.shape("theta") != (size,):  # before the model is made
        raise ValueError(f"theta has shape {arrays.shape('theta')}; it should be ({size},)")
    vae = VAE(**config)
    arrays.into("theta", vae.params.theta)
    checks.finite("theta", vae.params.theta)
    data = json.loads(arrays.text("data")) if version > 1 else None
    return vae, _identity(data, vae.n_x)


def _identity(data: dict[str, Any] | None, n_x: int) -> Identity | None:
    """The data set, of JSON. Earlier files have no ink, no units and no columns."""
    if data is None:
        return None
    shape = data["image_shape"] and checks.image_shape(data["image_shape"])
    ink = checks.flag("ink", data.get("ink", True))
    units, columns = data.get("units"), data.get("columns")
    if units is not None:
        mean, scale = units
        units = Units(
            tuple(checks.between("a mean", number, -HUGE, HUGE) for number in _each(mean, n_x)),
            tuple(checks.positive_number("a scale", number) for number in _each(scale, n_x)),
        )
    if columns is not None:
        columns = tuple(_text("column", name) for name in _each(columns, n_x))
    name, checksum = _text("name", data["name"]), _text("checksum", data["checksum"])
    return Identity(name, shape, checksum, ink, units, columns)


def _each(entries: object, n_x: int) -> list[Any]:
    """A list with an entry for each column."""
    found = checks.instance("what its data set has", entries, list, "a list")
    if len(found) != n_x:
        raise ValueError(f"its data set has {len(found)} columns; the model has {n_x}")
    return found


def _text(name: str, value: object) -> str:
    text = checks.instance(f"its data set's {name}", value, str, "a text")
    if len(text) > NAME:
        raise ValueError(f"its data set's {name} has {len(text)} letters; it should be short")
    return text


def _shapes(n_x: int, hidden: list[int], n_z: int, decoder: str, **others: object) -> Shapes:
    """The shapes of the weights, of settings that are checked."""
    if sorted([*others]) != sorted(["activation", "dtype", "image_shape", "init", *ADDED]):
        raise ValueError(f"its settings have {', '.join(others)}")
    n_x, n_z = checks.positive_int("n_x", n_x), checks.positive_int("n_z", n_z)
    decoder = checks.one_of("decoder", decoder, OUTPUTS)
    sizes = checks.sizes("hidden", hidden)
    return shapes_of(affine_networks(n_x, sizes, n_z, decoder, "tanh").layers)  # tanh has none
