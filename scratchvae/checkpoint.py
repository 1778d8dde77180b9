"""A trained model as one file: θ, and the arguments that the constructor needs.

The file is a .npz without pickle. `format` and `version` say what it is, so that another
file, or a file of a later version, is refused with a reason.
"""

import json
import zipfile
import zlib
from os import PathLike

import numpy as np

from scratchvae.files import FileFormatError, written_whole
from scratchvae.vae import VAE

FORMAT, VERSION = "scratchvae.VAE", 1
DAMAGES = (
    AttributeError, EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


def save_model(vae: VAE, path: str | PathLike[str]) -> None:
    """Write the model as .npz, at exactly this path. An interrupted write loses nothing."""
    with written_whole(path) as part, open(part, "wb") as file:
        np.savez(
            file,
            format=FORMAT,
            version=VERSION,
            config=json.dumps(vae.settings),
            theta=vae.params.theta,
        )


def load_model(path: str | PathLike[str]) -> VAE:
    """The model that `save_model` wrote.

    FileFormatError when the file is missing, damaged, or of another kind or version.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            kind, version = str(saved["format"]), int(saved["version"])
            if (kind, version) != (FORMAT, VERSION):
                raise FileFormatError(
                    f"{path} holds {kind!r} version {version}; "
                    f"this program reads {FORMAT!r} version {VERSION}"
                )
            config, theta = json.loads(str(saved["config"])), saved["theta"]
        vae = VAE(**config)
        kept = vae.params.theta
        if theta.shape != kept.shape or theta.dtype != kept.dtype or not np.isfinite(theta).all():
            raise ValueError(f"theta should be {kept.size} finite numbers of type {kept.dtype}")
    except DAMAGES as error:
        raise FileFormatError(f"{path} is no model that save_model wrote: {error}") from error
    kept[...] = theta
    return vae
