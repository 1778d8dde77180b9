"""A file of arrays: every flipped bit is noticed, and no file takes more memory than it should."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from scratchvae import VAE, FileFormatError, load_model, read_idx, save_model
from scratchvae.archive import ArrayFile, write_arrays
from scratchvae.checkpoint import trained_on


@pytest.fixture
def saved(tmp_path):
    """The path of a small model."""
    save_model(VAE(4, (3,), 2), tmp_path / "model.npz")
    return tmp_path / "model.npz"


def test_the_file_is_a_npz(saved):
    """NumPy and zipfile open it without this package."""
    with np.load(saved, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["config", "data", "format", "theta", "version"]
        assert arrays["theta"].tobytes() == VAE(4, (3,), 2).params.theta.tobytes()
    assert zipfile.is_zipfile(saved)


def test_every_flipped_bit_is_noticed(saved):
    """Each single bit of the file, flipped: FileFormatError, and never another model."""
    content = bytearray(saved.read_bytes())
    for bit in range(0, 8 * len(content), 7):  # 7 and 8 share no factor: every place of a byte
        content[bit // 8] ^= 1 << bit % 8
        saved.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"model\.npz"):
            load_model(saved)
        content[bit // 8] ^= 1 << bit % 8
    saved.write_bytes(content)
    load_model(saved)


def test_any_array_comes_back(tmp_path):
    """Shapes of no, one and more axes, in the types that are used, larger than a chunk too."""
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.standard_normal(300_000), "b": np.float32([[1, 2]]), "c": np.array("text"),
        "d": np.array(3), "e": np.zeros((0, 2)),
    }  # fmt: skip
    write_arrays(tmp_path / "x", arrays)
    with open(tmp_path / "x", "rb") as file:
        read = ArrayFile(file)
        assert read.checked and read.names == sorted(arrays)
        for name, array in arrays.items():
            assert read.shape(name) == array.shape
            again = np.empty_like(array)
            read.into(name, again)
            np.testing.assert_array_equal(again, array)
        assert (read.text("c"), read.whole("d")) == ("text", 3)
        for wrong in (np.empty(3), np.empty(300_000, np.float32)):
            with pytest.raises(ValueError, match=r"a is .* it should be"):
                read.into("a", wrong)


def _version_1(path, compressed=False, **changes):
    """A file as version 1 wrote it, without a checksum."""
    model = VAE(4, (3,), 2)
    content = {
        "format": "scratchvae.VAE", "version": 1, "config": json.dumps(model.settings),
        "theta": model.params.theta, **changes,
    }  # fmt: skip
    with open(path, "wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **content)
    return model


@pytest.mark.parametrize(("numbers", "message"), [(1, "shorter"), (3, "longer")])
def test_an_array_has_as_many_numbers_as_its_shape(tmp_path, numbers, message):
    """The header promises 2 numbers; the member has 1 or 3."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": "<f8", "fortran_order": False, "shape": (2,)}
    )
    content.write(np.zeros(numbers).tobytes())
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content.getvalue())
    with open(tmp_path / "a.npz", "rb") as file, pytest.raises(ValueError, match=message):
        ArrayFile(file).into("a", np.empty(2))


def test_version_1_is_still_read(tmp_path):
    """A file without checksum and data set, from before."""
    model = _version_1(tmp_path / "old.npz")
    again = load_model(tmp_path / "old.npz")
    assert again.params.theta.tobytes() == model.params.theta.tobytes()
    assert trained_on(tmp_path / "old.npz") is None


@pytest.mark.parametrize("version", [1.9, "1", True, 2, 3, -1, [1], 1 + 0j, 2**62])
def test_a_version_is_a_whole_number(tmp_path, version):
    """1.9, "1" and True are not 1, and version 2 needs its checksum."""
    _version_1(tmp_path / "x.npz", version=version)
    with pytest.raises(FileFormatError, match="version"):
        load_model(tmp_path / "x.npz")


SETTINGS = json.dumps(VAE(4, (3,), 2).settings)
MISLEADING = {
    "too many brackets": "[" * 100_000,
    "a long number": SETTINGS.replace("4", "9" * 5000),
    "a billion pixels": SETTINGS.replace('"n_x": 4', '"n_x": 1000000000'),
    "four point zero": SETTINGS.replace('"n_x": 4', '"n_x": 4.0'),
    "a text for a list": SETTINGS.replace("[3]", '"3"'),
    "a list for a text": SETTINGS.replace('"tanh"', '["tanh"]'),
    "a seed": SETTINGS.replace("{", '{"seed": 1, '),
    "infinite": SETTINGS.replace('"n_x": 4', '"n_x": 1e999'),
}


@pytest.mark.parametrize("kind", MISLEADING)
def test_settings_that_mislead_are_refused(tmp_path, kind):
    """FileFormatError, and no memory for what they promise."""
    _version_1(tmp_path / "x.npz", config=MISLEADING[kind])
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=r"x\.npz"):
        load_model(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_what_is_compressed_is_refused(tmp_path):
    """A small zip that stands for an array of 40 MB takes no memory."""
    _version_1(tmp_path / "x.npz", compressed=True, theta=np.zeros(10_000_000, np.float32))
    assert (tmp_path / "x.npz").stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="compressed"):
        load_model(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_large_model_needs_permission(tmp_path):
    """Above max_memory: FileFormatError that says how to raise it, before θ is read."""
    save_model(VAE(1000, (100,)), tmp_path / "m.npz")
    with pytest.raises(FileFormatError, match=r"needs 3 MB, and max_memory \(--max-memory\) is 1"):
        load_model(tmp_path / "m.npz", max_memory=2**20)
    assert load_model(tmp_path / "m.npz", max_memory=2**22).n_x == 1000


def test_a_small_gzip_of_a_large_file_is_refused(tmp_path):
    """40 MB of zeros in 40 KB, with a header that tells the truth: refused above max_memory."""
    path = tmp_path / "zeros.gz"
    with gzip.open(path, "wb") as file:
        file.write(struct.pack(">HBBI", 0, 8, 1, 40_000_000))
        file.write(bytes(40_000_000))
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=r"max_memory \(--max-memory\) is 30000000"):
        read_idx(path, max_memory=30_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert read_idx(path, max_memory=50_000_000).shape == (40_000_000,)


def test_the_data_set_is_kept(tmp_path):
    """trained_on comes back: name, shape and checksum."""
    from scratchvae.datasets import Identity

    vae = VAE(4, (3,), 2)
    fashion = Identity("fashion", (2, 2), "ab12")
    save_model(vae, tmp_path / "m.npz", fashion)
    assert trained_on(tmp_path / "m.npz") == fashion


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression_is_refused(tmp_path, method):
    """FileFormatError, and no exception of zipfile."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("format.npy", b"x" * 1000)
    (tmp_path / "x.npz").write_bytes(content.getvalue())
    with pytest.raises(FileFormatError, match="compressed"):
        load_model(tmp_path / "x.npz")


HOSTILE = "\x1b]0;title\x07\nscratchvae: all is well\u202e"


@pytest.mark.parametrize("where", ["format", "config", "member"])
def test_no_control_character_of_a_file_reaches_the_terminal(tmp_path, where):
    """The message of a stranger's file is one printable line."""
    changes = {
        "format": {"format": HOSTILE},
        "config": {"config": json.dumps({**json.loads(SETTINGS), HOSTILE: 1})},
        "member": {HOSTILE.replace("/", ""): 1},
    }[where]
    _version_1(tmp_path / "x.npz", **changes)
    with pytest.raises(FileFormatError) as caught:
        load_model(tmp_path / "x.npz")
    assert str(caught.value).isprintable() and "title" in str(caught.value)


def _with_data(path, data, model=None):
    model = model or VAE(4, (3,), 2)
    content = {
        "format": "scratchvae.VAE", "version": 2, "config": json.dumps(model.settings),
        "data": json.dumps(data), "theta": model.params.theta,
    }  # fmt: skip
    write_arrays(path, content)


@pytest.mark.parametrize("name", [1, None, ["a"], {"a": 1}, True, "a" * 1001])
@pytest.mark.parametrize("of", ["name", "checksum"])
def test_the_data_set_has_a_short_text_as_its_name(tmp_path, name, of):
    """Any other JSON is refused."""
    data = {"name": "mnist", "image_shape": [2, 2], "checksum": "ab"}
    _with_data(tmp_path / "x.npz", data)
    load_model(tmp_path / "x.npz")
    _with_data(tmp_path / "x.npz", {**data, of: name})
    with pytest.raises(FileFormatError, match=of):
        load_model(tmp_path / "x.npz")


def test_many_layers_are_refused_before_one_is_made(tmp_path):
    """200,000 layers of one unit: FileFormatError; 1000 layers are read."""
    settings = {**json.loads(SETTINGS), "hidden": [1] * 200_000}
    _version_1(tmp_path / "x.npz", config=json.dumps(settings))
    with pytest.raises(FileFormatError, match="200000 hidden layers; at most 1000"):
        load_model(tmp_path / "x.npz")
    save_model(VAE(4, (1,) * 1000, 2), tmp_path / "x.npz")
    assert len(load_model(tmp_path / "x.npz").hidden) == 1000
    with pytest.raises(ValueError, match="1001 hidden layers"):
        save_model(VAE(4, (1,) * 1001, 2), tmp_path / "x.npz")


def test_an_interrupt_waits_for_the_end_of_a_file(tmp_path, monkeypatch):
    """Ctrl-C while the arrays are written: they are there whole, and then it has its effect."""
    import signal

    savez = np.savez

    def interrupted(file, **arrays):
        signal.raise_signal(signal.SIGINT)
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_arrays(tmp_path / "a.npz", {"a": np.arange(3.0)})
    finally:
        signal.signal(signal.SIGINT, before)
    with open(tmp_path / "a.npz", "rb") as file:
        a = np.empty(3)
        ArrayFile(file).into("a", a)
    assert (a == np.arange(3.0)).all()
