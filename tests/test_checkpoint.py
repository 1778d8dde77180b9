"""A model as a file: it comes back to the bit, and what is no model is refused."""

import json

import numpy as np
import pytest

from scratchvae import VAE, FileFormatError, load_model, save_model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load(tmp_path, dtype):
    """A saved model comes back to the bit, with its sizes, its activation, its dtype and
    its picture's shape.
    """
    vae = VAE(
        6,
        (4, 3),
        2,
        decoder="gaussian",
        activation="relu",
        init="normal",
        dtype=dtype,
        seed=9,
        image_shape=(2, 3),
    )
    path = tmp_path / "any name at all"
    save_model(vae, path)
    again = load_model(path)
    assert (
        again.params.theta.tobytes() == vae.params.theta.tobytes()
        and again.params.theta.dtype == dtype
    )
    for name in ("n_x", "hidden", "n_z", "decoder", "activation", "init", "dtype", "image_shape"):
        assert getattr(again, name) == getattr(vae, name)
    assert [file.name for file in tmp_path.iterdir()] == ["any name at all"]


def test_an_interrupted_save_loses_nothing(tmp_path, monkeypatch):
    """A save that fails midway leaves the file that was there, and no part of the new one."""
    path = tmp_path / "model.npz"
    save_model(VAE(4, seed=1), path)
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(OSError, match="no space left"):
        save_model(VAE(4, seed=2), path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def _savez(path, **content):
    with open(path, "wb") as file:
        np.savez(file, **content)


def _npy(path, array):
    with open(path, "wb") as file:
        np.save(file, array)


def _saved(path, **changes):
    save_model(VAE(4, (3,), 2), path)
    with np.load(path) as saved:
        content = {**saved, **changes}
    _savez(path, **content)


BAD_FILES = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "not a zip": lambda path: path.write_bytes(b"PK no"),
    "a pickle": lambda path: path.write_bytes(b"\x80\x04N."),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)),
    "another npz": lambda path: _savez(path, a=np.zeros(3)),
    "another kind": lambda path: _saved(path, format="somebody.else"),
    "another version": lambda path: _saved(path, version=99),
    "objects": lambda path: _saved(path, theta=np.array([None])),
    "too few weights": lambda path: _saved(path, theta=np.zeros(3, np.float32)),
    "NaN weights": lambda path: _saved(path, theta=np.full(56, np.nan, np.float32)),
    "sizes that are none": lambda path: _saved(
        path, config=json.dumps({"n_x": -4, "image_shape": None})
    ),
    "no settings": lambda path: _saved(path, config="[]"),
    "settings that are null": lambda path: _saved(path, config="null"),
    "settings that are unknown": lambda path: _saved(
        path, config=json.dumps({"n_x": 4, "colour": "red"})
    ),
    "a picture of no shape": lambda path: _saved(
        path, config=json.dumps({"n_x": 4, "hidden": [3], "n_z": 2, "image_shape": [4]})
    ),
    "a npy": lambda path: _npy(path, np.zeros(3)),
    "float64 weights": lambda path: _saved(path, theta=np.zeros(56)),
    "complex weights": lambda path: _saved(path, theta=np.zeros(56, np.complex64)),
    "cut short": lambda path: (
        save_model(VAE(400), path),
        path.write_bytes(path.read_bytes()[:5000]),
    ),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_is_no_model_is_refused(tmp_path, kind):
    """A file that is missing, damaged, of another kind or version gets a FileFormatError
    that names it.
    """
    path = tmp_path / "model.npz"
    BAD_FILES[kind](path)
    with pytest.raises(FileFormatError, match=r"model\.npz"):
        load_model(path)
