"""The explorer: the rounded weights, the two paths, the file, and the page in a real Chromium.

Without a Chromium the tests of the page are skipped; where CI is set they fail.
"""

import json
import os
import re
import shlex
from itertools import product

import chromium
import numpy as np
import pytest
from conftest import write_idx, write_image_set

from scratchvae import VAE, Adam, cli, figures, fit, load_mnist, load_model, save_model
from scratchvae.datasets import binarize, grey
from scratchvae.decoders import OUTPUTS
from scratchvae.explorer import weights
from scratchvae.explorer.cli import add_commands
from scratchvae.explorer.page import page as html_of
from scratchvae.morph import on_sphere, straight

N = 200  # images and z that are compared


def run(*arguments):
    """The command, with the explorer's room. Returns the exit code."""
    return cli.main([str(argument) for argument in arguments], rooms=[add_commands])


# ---- the models ----


@pytest.fixture(scope="module")
def mnist():
    """MNIST, read once."""
    return load_mnist()


@pytest.fixture(scope="module")
def models(mnist):
    """name -> a trained model and the test images that it sees."""
    made = {}

    def model(name):
        if name not in made:
            made[name] = {"plane": digits, "twenty": digits, "tall": tall, "linear": tall}[name](
                name
            )
        return made[name]

    def digits(name):
        n_z = {"plane": 2, "twenty": 20}[name]
        vae = VAE(784, (500,), n_z, image_shape=mnist.image_shape)
        fit(
            vae, mnist.train_images[:8000], epochs=2, optimizer=Adam(vae.params), progress=False
        )  # fmt: skip
        rng = np.random.default_rng(3)
        return vae, binarize(mnist.test_images[:300], rng), mnist.test_labels[:300]

    def tall(name):
        """Pictures of 32 x 16: a dark band, its place is the label."""
        rng = np.random.default_rng(4)
        labels = rng.integers(0, 4, 500).astype(np.uint8)
        middle = 6 + 6 * labels + rng.normal(0, 1, 500)
        band = np.exp(-(((np.arange(32) - middle[:, None]) / 3) ** 2))
        images = np.clip(200 * band[:, :, None] + rng.normal(20, 8, (500, 32, 16)), 0, 255)
        images = images.astype(np.uint8).reshape(500, 512)
        settings = {
            "tall": {
                "hidden": (24, 12),
                "n_z": 1,
                "decoder": "sigmoid-gaussian",
                "activation": "relu",
            },
            "linear": {"hidden": (), "n_z": 3, "decoder": "isotropic", "activation": "sigmoid"},
        }[name]
        vae = VAE(512, image_shape=(32, 16), seed=1, **settings)  # with 0 z means nothing
        fit(vae, images, epochs=20, optimizer=Adam(vae.params), progress=False)
        vae.params.values["mu.b"] -= vae.encode(grey(images))[0].mean(axis=0)  # on both sides of 0
        return vae, grey(images[:300]), labels[:300]

    return model


@pytest.fixture(scope="module")
def files(models, tmp_path_factory):
    """(name of a model, precise) -> the explorer's file, written once."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def file(name, precise=False):
        if (name, precise) not in made:
            vae, x, labels = models(name)
            path = folder / f"{name}{precise}.html"
            html, _ = html_of(vae, x, labels, calibration=x, name=name, precise=precise)
            path.write_text(html, encoding="utf-8")
            made[name, precise] = path
        return made[name, precise]

    return file


def data_of(path):
    """The data in an explorer's file: one JSON element."""
    html = path.read_text(encoding="utf-8")
    start = '<script type="application/json" id="data">'
    return json.loads(re.search(f"{start}(.*?)</script>", html, re.S).group(1))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One headless Chromium for all tests of the page."""
    program = chromium.find()
    if program is None:
        message = "no Chromium: install one, or name it in $CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with chromium.Chromium(program, tmp_path_factory.mktemp("chromium")) as page:
        page.size(1300, 900)
        yield page


@pytest.fixture
def shown(browser, files):
    """Opens a model's page; afterwards nothing has gone wrong in it and nothing was asked for."""

    def show(name, precise=False):
        browser.size(1300, 900)
        browser.open(files(name, precise))
        return browser

    yield show
    assert browser.errors == []
    assert all(url.startswith("file:///") for url in browser.requests)
    assert len(browser.requests) == 1  # the file itself


# ---- the rounded weights ----


def test_the_rows_left_take_the_error_of_a_row_back():
    """With row r rounded and its error fixed, the change of the other rows is the minimiser.

    min over D_others of Σ_j D_jᵀ H D_j has D_others = −H_oo⁻¹ H_or D_r.
    """
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((50, 4)) @ rng.standard_normal((4, 4)), rng.standard_normal((4, 3))
    seen = []

    def nearest(w, row):  # only the first row that comes is rounded
        seen.append(w)
        return np.round(w) if len(seen) == 1 else w

    D = weights.rounded(W, x, nearest) - W
    H = x.T @ x / len(x)
    H += (weights.DAMPING * np.trace(H) / 4 + 1e-12) * np.eye(4)
    r = int(np.argmax(np.diag(H)))
    others = [i for i in range(4) if i != r]
    np.testing.assert_allclose(D[r], np.round(W[r]) - W[r], atol=1e-12)
    best = -np.linalg.solve(H[np.ix_(others, others)], np.outer(H[others, r], D[r]))
    np.testing.assert_allclose(D[others], best, atol=1e-10)


def test_eight_bits_keep_the_outputs_better_than_the_nearest_numbers():
    """E|xᵀD|² is less than a half of that of W rounded entry by entry; no D is above one step."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 8)) @ rng.standard_normal((8, 60))  # inputs that depend
    x += 0.1 * rng.standard_normal(x.shape)
    W = rng.standard_normal((60, 20))
    packed = weights.bytes_(W, x)
    k = weights.numbers(packed["k"], "u1").reshape(60, 20)
    low, step = weights.numbers(packed["low"], "<f4"), weights.numbers(packed["step"], "<f4")
    stored = low + step * k
    np.testing.assert_allclose(step, np.ptp(W, axis=0) / 255, rtol=1e-6)
    plain = low + step * np.round((W - low) / step)
    assert ((x @ (stored - W)) ** 2).mean() < 0.5 * ((x @ (plain - W)) ** 2).mean()


def test_rows_that_are_used_have_a_quarter_of_the_step():
    """With inputs that do not depend on each other, no row makes up for another.

    Then the error is the rounding alone: step / 8 at most for rows that are often used, in the
    encoder's first layer, and step / 2 for the others. Both limits are nearly reached.
    """
    vae = VAE(60, (70,), 2, image_shape=(6, 10), dtype=np.float64)
    used = np.arange(60) % 3 == 0
    x = np.diag(np.where(used, 1.0, 0.1))
    layers = weights.packed(vae, x)
    error = np.abs(weights.unpacked(vae, layers).params.theta - vae.params.theta)[: 60 * 70]
    W = vae.params.values["encoder.0.W"]
    steps = error.reshape(60, 70) / (np.ptp(W, axis=0) / 255)
    assert layers["encoder.0"]["rows"] == list(np.flatnonzero(used))
    assert 0.12 < steps[used].max() < 0.126 and 0.49 < steps[~used].max() < 0.501


@pytest.mark.parametrize("precise", [False, True])
@pytest.mark.parametrize("name", ["plane", "twenty", "tall", "linear"])
def test_packed_weights_come_back(models, files, name, precise):
    """Biases are kept to the bit; each weight is near, to the precision that it is stored with."""
    vae, _, _ = models(name)
    other = weights.unpacked(vae, data_of(files(name, precise))["layers"])
    for key, value in vae.params.values.items():
        if not key.endswith("W"):
            np.testing.assert_array_equal(other.params.values[key], value)
            continue
        error = np.abs(other.params.values[key] - value)
        assert 0 < error.max() < 0.2 * np.ptp(value)
        assert np.median(error) < (1e-3 if precise else 1e-2) * np.ptp(value)


def test_a_column_of_equal_weights_is_exact():
    """max = min: the step is not 0 / 255, and nothing is NaN."""
    packed = weights.bytes_(np.full((3, 2), 0.25), np.eye(3), fine=True)
    assert set(weights.numbers(packed["k"], "u1")) == set(weights.numbers(packed["f"], "u1")) == {0}
    np.testing.assert_array_equal(weights.numbers(packed["low"], "<f4"), 0.25)


def test_a_weight_too_large_for_float16_is_refused():
    """ValueError with the weight. The largest float16, 65504, is not too large."""
    with pytest.raises(ValueError, match=r"a weight is 1e\+05"):
        weights.halves(np.full((2, 2), 1e5), np.eye(2))
    for sign in (1.0, -1.0):
        half = weights.halves(np.full((2, 2), sign * 65504), np.eye(2))["half"]
        np.testing.assert_array_equal(weights.numbers(half, "<f2"), sign * 65504)


def test_the_fine_rows_are_those_above_a_fifth_of_the_mean():
    """H_rr = 0.19 and 0.21 times the mean of H's diagonal: the second row is fine, and the first
    is not.
    """
    squares = np.array([0.19, 0.21, 1.6, 2.0])
    assert squares.mean() == pytest.approx(1)
    packed = weights.bytes_(np.arange(8.0).reshape(4, 2), np.sqrt(squares)[None], fine=True)
    assert packed["rows"] == [1, 2, 3]


# ---- the two paths ----


@pytest.mark.parametrize("n_z", [2, 3, 20])
def test_the_sphere_keeps_the_length_and_turns_evenly(n_z):
    """|z(t)| goes straight from |z₀| to |z₁|, in equal angles, in the plane of z₀ and z₁."""
    rng = np.random.default_rng(n_z)
    z0, z1 = rng.standard_normal((2, n_z))
    t = np.linspace(0, 1, 9)
    z = on_sphere(z0, z1, t)
    lengths = np.linalg.norm(z, axis=1)
    r0, r1 = np.linalg.norm(z0), np.linalg.norm(z1)
    np.testing.assert_allclose(lengths, r0 + t * (r1 - r0), rtol=1e-12)
    np.testing.assert_allclose(z[[0, -1]], [z0, z1], atol=1e-12)
    u = z / lengths[:, None]
    turns = np.arccos(np.sum(u[1:] * u[:-1], axis=1))
    np.testing.assert_allclose(turns, np.arccos(z0 @ z1 / r0 / r1) / 8, rtol=1e-6)
    assert np.linalg.matrix_rank(np.vstack([z0, z1, z]), tol=1e-9) == 2


def test_the_straight_line_comes_closer_to_the_origin():
    """|z(½)| = r / √2 for two codes of length r at a right angle; on the sphere it is r."""
    z0, z1 = np.array([3.0, 0]), np.array([0, 3.0])
    assert np.linalg.norm(straight(z0, z1, [0.5])) == pytest.approx(3 / np.sqrt(2))
    assert np.linalg.norm(on_sphere(z0, z1, [0.5])) == pytest.approx(3)


def test_paths_at_the_edges():
    """One direction, or a code of 0: the straight line. Opposite directions: ValueError."""
    t = [0, 0.25, 1]
    nothing, one, two = [0.0, 0.0], [1.0, 2.0], [2.0, 4.0]
    for z0, z1 in ((one, two), (nothing, one), (one, nothing), ([1.0], [3.0])):
        np.testing.assert_allclose(on_sphere(z0, z1, t), straight(z0, z1, t), rtol=1e-9)
    for z0, z1 in (([1.0, 2.0], [-2.0, -4.0]), ([1.0], [-3.0])):
        with pytest.raises(ValueError, match="opposite directions"):
            on_sphere(z0, z1, t)
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        straight([0, 0], [0, 0, 0], t)


def test_the_morph_strip_has_the_decoded_paths():
    """The first image is x₀, the last x₁; between them the decoded path. n_z = 1: one strip."""
    x, n = np.array([[1.0, 0, 0, 1], [0, 1.0, 1, 0]]), 5
    for n_z in (2, 1):
        vae = VAE(4, (3,), n_z, dtype=np.float64, seed=n_z)
        vae.params.values["mu.b"][:] = 0.3
        vae.params.theta *= 3
        if n_z == 1:
            vae.params.values["mu.b"][:] -= vae.encode(x)[0].mean()  # codes on both sides of 0
        drawn = figures.morph(vae, x, (2, 2), n=n)
        mu, t = vae.encode(x)[0], np.linspace(0, 1, n)
        paths = [straight(*mu, t), *([on_sphere(*mu, t)] if n_z == 2 else [])]
        assert len(drawn.axes) == len(paths)
        for axes, z in zip(drawn.axes, paths):
            tiles = np.asarray(axes.images[0].get_array()).reshape(6, n + 2, 6)
            images = tiles[:2, :, :2].transpose(1, 0, 2).reshape(n + 2, 4)
            np.testing.assert_allclose(images, np.vstack([x[:1], vae.decode(z), x[1:]]))
    with pytest.raises(ValueError, match="n is 1"):
        figures.morph(vae, x, (2, 2), n=1)


# ---- the commands ----


@pytest.fixture
def trained(image_set, tmp_path, capsys):
    """A folder with a small model of n_z = 2, and the folder of its images."""
    options = ["--epochs", 1, "--batch-size", 16, "--hidden", 8, "--workers", 1, "--quiet"]
    assert run("train", "--data", image_set, "--out", tmp_path / "run", "--n-z", 2, *options) == 0
    return tmp_path / "run", image_set


def test_train_ends_by_naming_a_command_that_works(trained, capsys):
    """The last line of `train --n-z 2` is a command; it writes explore.html beside the model."""
    folder, _ = trained
    command = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert command.startswith("scratchvae explore ")
    assert run(*shlex.split(command)[1:]) == 0
    assert f"wrote {folder / 'explore.html'}" in capsys.readouterr().out
    assert (folder / "explore.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_interpolate_writes_its_picture(trained, tmp_path, capsys):
    """morph.png beside the model; a pair that is not there, or is no pair: exit code 2."""
    folder, data = trained
    assert run("interpolate", folder / "model.npz", "--data", data, "--pair", "0,1") == 0
    assert (folder / "morph.png").read_bytes().startswith(b"\x89PNG")
    assert run("interpolate", folder / "model.npz", "--data", data, "--pair", "0,99") == 2
    assert "--pair is 0,99; there are 20 test images" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run("interpolate", folder / "model.npz", "--data", data, "--pair", "7")


def test_bad_input_is_one_sentence_and_exit_code_2(trained, tmp_path, capsys, monkeypatch):
    """Damaged model, no image shape, a decoder that the page does not know, images of another
    size, an output that cannot be written.
    """
    folder, data = trained
    model, out = folder / "model.npz", tmp_path / "out.html"
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(model.read_bytes()[:-100])
    shapeless = tmp_path / "shapeless.npz"
    save_model(VAE(30, (4,), 2), shapeless)
    mine = tmp_path / "mine.npz"
    monkeypatch.setitem(OUTPUTS, "mine", type("Mine", (OUTPUTS["bernoulli"],), {}))
    save_model(VAE(30, (4,), 2, decoder="mine", image_shape=(6, 5)), mine)
    other = write_image_set(tmp_path / "other", height=4, width=4)
    (tmp_path / "folder").mkdir()
    for arguments, message in (
        ([damaged, "--data", data], "damaged.npz is no model"),
        ([tmp_path / "none.npz"], "none.npz"),
        ([shapeless, "--data", data], "shapeless.npz has no image_shape"),
        ([mine, "--data", data], "the model's decoder is 'mine'; for the explorer it should be"),
        ([model, "--data", other], "the images are 4 x 4 pixels; the model is of 6 x 5"),
        ([model, "--data", data, "--images", "21"], "--images is 21; there are 20 test images"),
        ([model, "--data", data, "--out", tmp_path / "no" / "x.html"], "cannot be written"),
        ([model, "--data", data, "--max-memory", "1e-7"], "--max-memory"),
    ):
        where = [] if "--out" in arguments else ["--out", out]
        before = sorted(tmp_path.rglob("*"))
        assert run("explore", *arguments, *where) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and "Traceback" not in error
        assert sorted(tmp_path.rglob("*")) == before
    for name in ("folder", "out.npz", "out"):
        with pytest.raises(SystemExit, match="2"):
            run("explore", model, "--data", data, "--out", tmp_path / name)
        assert "should end in .html" in capsys.readouterr().err
        assert sorted(tmp_path.rglob("*")) == before


def test_large_pictures_are_fewer(trained, monkeypatch):
    """AT_MOST numbers in all test images together, unless --images asks for more."""
    folder, data = trained
    monkeypatch.setattr("scratchvae.explorer.cli.AT_MOST", 100)  # 3 images of 30 pixels
    for more, n in (((), 3), (("--images", 5), 5)):
        assert run("explore", folder / "model.npz", "--data", data, *more) == 0
        assert data_of(folder / "explore.html")["images"]["n"] == n


def test_another_data_set_is_refused_or_said(trained, tmp_path, monkeypatch, capsys):
    """As evaluate: images that the model was not trained on are used only when --data names
    them, and it is said. A model that does not know its images gives a note.
    """
    folder, data = trained
    model, out = folder / "model.npz", ["--out", tmp_path / "x.html"]
    other = write_image_set(tmp_path / "other")
    write_idx(other / "t10k-labels-idx1-ubyte.gz", np.ones(20))
    assert run("explore", model, "--data", data, *out) == 0
    assert "note" not in capsys.readouterr().err
    assert run("explore", model, "--data", other, *out) == 0
    assert "trained on images; the images are other, others" in capsys.readouterr().err
    (tmp_path / "x.html").unlink()
    monkeypatch.setenv("SCRATCHVAE_DATA", str(other))
    assert run("explore", model, *out) == 2
    assert "should be named by --data" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_a_name_cannot_end_the_data_and_nothing_points_outside(models, tmp_path):
    """The data is one JSON element whatever the name is; the file names no other file."""
    vae, x, labels = models("linear")
    name = "</script><b>&amp;"
    html, _ = html_of(vae, x[:4], labels[:4], calibration=x, name=name)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    assert data_of(tmp_path / "page.html")["name"] == name
    assert html.count("</script>") == 2
    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|@import|url\(|https?://""", html)


def test_nothing_leaves_the_page(browser, files):
    """Its policy refuses pictures and frames from the network, another base, and a form."""
    browser.open(files("plane"))
    assert browser.refused() == ["base-uri", "form-action", "frame-src", "img-src"]


@pytest.mark.parametrize("name", ["plane", "twenty"])
def test_the_size_of_the_file(mnist, models, name, tmp_path):
    """784-500-2 and 784-500-20 with the command's own number of images: at most 1.3 MB."""
    save_model(models(name)[0], tmp_path / "model.npz")
    assert run("explore", tmp_path / "model.npz") == 0
    assert (tmp_path / "explore.html").stat().st_size <= 1.3e6


# ---- the page: its numbers ----


def js_numbers(page, z, eps):
    """Decoded means of z, and of each image: μ, log σ², reconstruction, the parts of the bound."""
    page.js(f"window.given = {json.dumps({'z': z.tolist(), 'eps': eps.tolist()})}; 0")
    short = "((array) => Array.from(array, (v) => Number(v.toPrecision(8))))"
    result = page.js(
        f"(() => {{ const short = {short}; return {{"
        "decoded: given.z.map((z) => short(explorer.decode(z))),"
        "images: given.eps.map((_, i) => short(explorer.images[i])),"
        "bounds: given.eps.map((eps, i) => { const x = explorer.images[i];"
        "const { mu, logvar, logPx, kl, elbo } = explorer.bound(x, eps);"
        "return { mu: short(mu), logvar: short(logvar), logPx, kl, elbo,"
        "mean: short(explorer.decode(mu)) }; }) }; })()"
    )
    bounds = {key: np.array([b[key] for b in result["bounds"]]) for key in result["bounds"][0]}
    return {"decoded": np.array(result["decoded"]), "images": np.array(result["images"]), **bounds}


BARS = {False: (0.01, 0.3), True: (1e-3, 0.05)}  # a pixel's mean, and the bound in nats


@pytest.mark.parametrize(
    ("name", "precise"), [("plane", False), ("plane", True), ("twenty", False), ("twenty", True)]
)
def test_javascript_against_numpy(models, shown, name, precise):
    """200 test images and 200 z: pixel probabilities and bounds within the bars."""
    (vae, x, _), rng = models(name), np.random.default_rng(7)
    z, eps = rng.standard_normal((2, N, vae.n_z))
    theirs, x = js_numbers(shown(name, precise), z, eps), x[:N]
    pixels, nats = BARS[precise]
    np.testing.assert_array_equal(theirs["images"], x)
    assert np.abs(theirs["decoded"] - vae.decode(z)).max() < pixels
    assert np.abs(theirs["mean"] - vae.reconstruct(x)).max() < pixels
    assert np.abs(theirs["elbo"] - vae.elbo(x, eps)).max() < nats


@pytest.mark.parametrize(
    ("name", "precise"), [("plane", False), *product(("tall", "linear"), (False, True))]
)
def test_javascript_computes_the_packed_model(models, files, shown, name, precise):
    """Against NumPy with the same stored weights, all numbers agree to float32's digits.

    Bernoulli and tanh; Gaussian and ReLU, two hidden layers, n_z = 1; isotropic, no hidden layer.
    """
    (vae, x, _), rng = models(name), np.random.default_rng(8)
    stored = weights.unpacked(vae, data_of(files(name, precise))["layers"])
    exact = VAE(**{**vae.settings, "dtype": np.float64})
    exact.params.theta[...] = stored.params.theta
    z, eps = rng.standard_normal((2, N, vae.n_z))
    theirs, x = js_numbers(shown(name, precise), z, eps), x[:N].astype(np.float64)
    mu, logvar = exact.encode(x)
    reconstruction, kl = exact.forward(x, eps)
    for ours, key in (
        (exact.decode(z), "decoded"), (x, "images"), (mu, "mu"), (logvar, "logvar"),
        (exact.reconstruct(x), "mean"), (kl, "kl"), (reconstruction, "logPx"),
        (reconstruction - kl, "elbo"),
    ):  # fmt: skip
        scale = max(1, np.abs(ours).max())
        np.testing.assert_allclose(theirs[key], ours, atol=1e-6 * scale, rtol=1e-5, err_msg=key)


def test_a_page_without_labels_says_none(shown, browser, tmp_path):
    """Data without labels: no word of the page, and no name of a control, has "label" in it; all
    panels draw, and the means of a Gaussian decoder are those of NumPy.
    """
    shown("tall")
    rng = np.random.default_rng(0)
    vae = VAE(6, (5,), 2, decoder="gaussian", image_shape=(2, 3), dtype=np.float64, seed=1)
    x = rng.random((N, 6))
    html, _ = html_of(vae, x, None, calibration=x, precise=True)
    (tmp_path / "small.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "small.html")
    z, eps = rng.standard_normal((2, N, 2))
    exact = weights.unpacked(vae, data_of(tmp_path / "small.html")["layers"])
    decoded = js_numbers(browser, z, eps)["decoded"]
    np.testing.assert_allclose(decoded, exact.decode(z), atol=1e-6, rtol=1e-5)
    words = browser.js("document.body.innerText")
    names = browser.js("[...document.querySelectorAll('[aria-label]')].map((e) => e.ariaLabel)")
    assert not re.search("label|undefined", " ".join([words, *names]))
    browser.open(tmp_path / "small.html")


@pytest.mark.parametrize("decoder", ["gaussian", "sigmoid-gaussian", "isotropic"])
def test_the_floor_of_sigma(shown, browser, tmp_path, decoder):
    """log p(x|z) on the page has σ² = σ_min² + e^s, here with σ_min = 0.3 and e^s near it."""
    shown("tall")
    rng = np.random.default_rng(0)
    vae = VAE(6, (5,), 2, decoder=decoder, image_shape=(2, 3), seed=1, min_sigma=0.3)
    vae.params.values["x_logvar" if decoder == "isotropic" else "x_logvar.b"][...] = -2
    x = rng.integers(0, 256, (N, 6)) / 255
    html, _ = html_of(vae, x, None, calibration=x, precise=True)
    (tmp_path / "small.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "small.html")
    z, eps = rng.standard_normal((2, N, 2))
    exact = VAE(**{**vae.settings, "dtype": "float64"})
    exact.params.theta[...] = weights.unpacked(
        vae, data_of(tmp_path / "small.html")["layers"]
    ).params.theta
    reconstruction, _ = exact.forward(x, eps)
    np.testing.assert_allclose(js_numbers(browser, z, eps)["logPx"], reconstruction, rtol=1e-5)
    browser.open(tmp_path / "small.html")


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
def test_every_activation(shown, browser, models, tmp_path, activation):
    """A hidden layer of each kind, in both networks."""
    shown("tall")
    rng = np.random.default_rng(0)
    vae = VAE(6, (5, 4), 2, activation=activation, image_shape=(2, 3), dtype=np.float64, seed=1)
    x = (rng.random((N, 6)) < 0.5).astype(float)
    html, _ = html_of(vae, x, np.zeros(N, np.uint8), calibration=x, precise=True)
    (tmp_path / "small.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "small.html")
    z, eps = rng.standard_normal((2, N, 2))
    theirs = js_numbers(browser, z, eps)
    assert np.abs(theirs["decoded"] - vae.decode(z)).max() < 1e-3
    assert np.abs(theirs["elbo"] - vae.elbo(x, eps)).max() < 0.01


@pytest.mark.parametrize("name", ["plane", "tall", "linear"])
def test_draws_have_the_moments_of_p_of_x_given_z(models, shown, name):
    """The mean over K draws of x differs from E[x|z] by 5 standard errors at most; σ too."""
    page, K = shown(name), 2000
    moments = page.js(
        "(() => { const z = new Array(explorer.data.n_z).fill(0.4), random = explorer.generator(5);"
        "const given = explorer.family.given(z), n = explorer.data.n_x;"
        "const s1 = new Array(n).fill(0), s2 = new Array(n).fill(0);"
        f"for (let k = 0; k < {K}; k++) explorer.family.draw(given, random)"
        ".forEach((v, i) => { s1[i] += v; s2[i] += v * v; });"
        "return { s1, s2, mean: Array.from(explorer.decode(z)),"
        "logvar: given.logvar && Array.from(given.logvar) }; })()"
    )
    first, second = np.array(moments["s1"]) / K, np.array(moments["s2"]) / K
    mean = np.array(moments["mean"])
    logvar = moments.get("logvar")  # a Bernoulli has none
    variance = mean * (1 - mean) if logvar is None else np.exp(logvar)
    assert (np.abs(first - mean) <= 5 * np.sqrt(variance / K) + 3 / K).all()
    drawn = (second - first**2).sum()
    assert drawn == pytest.approx(variance.sum(), rel=0.02)


def test_both_paths_are_those_of_morph_py(shown):
    """The straight line and the sphere in JavaScript, and null for opposite directions."""
    page, rng, t = shown("plane"), np.random.default_rng(9), np.linspace(0, 1, 7)
    for n_z in (1, 2, 20):
        z0, z1 = rng.standard_normal((2, n_z))
        if n_z == 1:
            z1 = np.abs(z1) * np.sign(z0)
        for name, path in (("straight", straight), ("onSphere", on_sphere)):
            theirs = page.js(
                f"{t.tolist()}.map((t) => explorer.{name}({z0.tolist()}, {z1.tolist()}, t))"
            )
            np.testing.assert_allclose(theirs, path(z0, z1, t), atol=1e-12)
    assert page.js("explorer.onSphere([1, 2], [-2, -4], 0.5)") is None


# ---- the page: what a person does ----

# The page's canvases are read through a copy: a canvas that is read itself warns.
READ = (
    "((selector, n) => { const source = document.querySelector(selector),"
    "copy = document.createElement('canvas');"
    "[copy.width, copy.height] = [source.width, source.height];"
    "const context = copy.getContext('2d', { willReadFrequently: true });"
    "context.drawImage(source, 0, 0);"
    "return Array.from(context.getImageData(0, 0, n, n).data); })"
)


def picture(page, selector):
    """A picture's numbers, from 0, paper, to 1, ink; (784,)."""
    red = np.array(page.js(f"{READ}({selector!r}, 28)"))[::4]
    return (255 - red) / (255 - 20)


def words(page, selector):
    """The text of an element."""
    return page.js(f"document.querySelector({selector!r}).textContent")


def focus(page, selector):
    """The element has the keyboard."""
    page.js(f"document.querySelector({selector!r}).focus()")
    page.settle()


def test_moving_over_the_plane_decodes_that_z(shown, models):
    """z is the place of the mouse, and the picture is the decoded z."""
    page, (vae, _, _) = shown("plane"), models("plane")
    reach = page.js("(() => { explorer.setZ([0, 0]); return 0; })()")
    pictures = []
    for across, down in ((0.5, 0.5), (0.75, 0.25), (0.3, 0.6)):
        page.mouse("Moved", *page.at("#plane", across, down))
        page.settle()
        z = np.array(list(page.js("Array.from(explorer.state.z)")))
        side = np.array([2 * across - 1, 1 - 2 * down])
        if side[0]:
            reach = z[0] / side[0]
            np.testing.assert_allclose(z, reach * side, atol=0.05)
        pictures.append(picture(page, "#decoded"))
        np.testing.assert_allclose(pictures[-1], vae.decode([z])[0], atol=0.015)
        assert words(page, "#z") == f"({z[0]:.2f}, {z[1]:.2f})".replace("-0.00", "0.00").replace(
            "-", "−"
        )
    assert reach > 3
    assert np.abs(pictures[1] - pictures[2]).max() > 0.1


def test_hovering_a_test_image_shows_it(shown, models):
    """At the code of an image, the page shows the image, its label and its reconstruction."""
    page, (vae, x, labels) = shown("plane"), models("plane")
    i = 17
    reach = page.js("Math.min(8, Math.max(3.3, ...explorer.codes.map(({mu}) =>"
                    "0.3 + Math.max(...mu.map(Math.abs)))))")  # fmt: skip
    z1, z2 = page.js(f"Array.from(explorer.codes[{i}].mu)")
    page.mouse("Moved", *page.at("#plane", (z1 / reach + 1) / 2, (1 - z2 / reach) / 2))
    page.settle()
    near = page.js("explorer.state.near")
    assert (
        np.linalg.norm(np.array(page.js(f"Array.from(explorer.codes[{near}].mu)")) - [z1, z2])
        < 0.05
    )
    assert words(page, "#near-title") == f"Test image {near}, label {labels[near]}"
    np.testing.assert_allclose(picture(page, "#near-x"), x[near], atol=0.01)
    mean = vae.reconstruct(x[near : near + 1])[0]
    np.testing.assert_allclose(picture(page, "#near-mean"), mean, atol=0.015)


def test_a_click_holds_z_and_the_next_lets_it_go(shown):
    """On the way from the plane to the button nothing changes; so the button uses that image."""
    page = shown("plane")
    first = page.at("#plane", 0.45, 0.55)
    page.mouse("Moved", *first)
    page.mouse("Pressed", *first)
    page.mouse("Released", *first)
    z, near = page.js("[Array.from(explorer.state.z), explorer.state.near]")
    x, y, width, height = page.box("#plane")
    for i in range(12):
        page.mouse("Moved", x + (0.45 + 0.05 * i) * width, y + (0.55 - 0.02 * i) * height)
    assert page.js("[Array.from(explorer.state.z), explorer.state.near]") == [z, near]
    page.click("#near-use")
    assert words(page, "#x-says").startswith(f"x is test image {near},")
    first = page.at("#plane", 0.45, 0.55)
    page.mouse("Pressed", *first)
    page.mouse("Released", *first)
    page.mouse("Moved", *page.at("#plane", 0.8, 0.3))
    assert page.js("Array.from(explorer.state.z)") != z


def test_the_plane_by_keyboard(shown):
    """Arrows move z by 0.1, with Shift by 0.5; N and P go to images; Enter encodes."""
    page = shown("plane")
    focus(page, "#plane")
    page.js("explorer.setZ([0, 0])")
    for key, shift, expected in (
        ("ArrowRight", False, (0.1, 0)), ("ArrowUp", True, (0.1, 0.5)),
        ("ArrowLeft", True, (-0.4, 0.5)), ("ArrowDown", False, (-0.4, 0.4)),
    ):  # fmt: skip
        page.key(key, shift=shift)
        z = page.js("Array.from(explorer.state.z)")
        np.testing.assert_allclose(z, expected, atol=1e-12)
    near = page.js("explorer.state.near")
    page.key("n", text="n")
    assert page.js("explorer.state.near") == near + 1
    page.key("p", text="p")
    page.key("n", text="n")
    page.key("Enter")
    assert words(page, "#x-says").startswith(f"x is test image {near + 1},")


def test_one_label_alone(shown, models):
    """A label's button leaves only its images to be found."""
    page, (_, _, labels) = shown("plane"), models("plane")
    page.click(".chip[data-kind='1']")
    x, y, width, height = page.box("#plane")
    found = set()
    for across, down in product(np.linspace(0.05, 0.95, 14), repeat=2):
        page.mouse("Moved", x + across * width, y + down * height)
        found.add(page.js("explorer.state.near"))
    found.discard(0)  # the first, from before
    assert found and {int(labels[i]) for i in found} == {1}


def test_drawing_changes_the_encoding(shown, models):
    """A stroke sets the cells under it; μ, σ, the reconstruction and the bound answer."""
    page, (vae, _, _) = shown("plane"), models("plane")
    page.click("#clear")
    assert page.js("Math.max(...explorer.state.x)") == 0
    before, empty = words(page, "#elbo"), picture(page, "#mean")
    x, y, width, height = page.box("#grid")
    page.drag([(x + width * (0.5 + 0.01 * i), y + height * (0.2 + 0.06 * i)) for i in range(11)])
    drawn = np.array(page.js("Array.from(explorer.state.x)")).reshape(28, 28)
    assert set(np.unique(drawn)) == {0, 1}
    rows = np.flatnonzero(drawn.any(axis=1))
    assert set(rows) >= set(range(6, 22)) and rows.min() >= 4 and rows.max() <= 24
    assert words(page, "#x-says") == "x is your drawing."
    assert words(page, "#elbo") != before
    assert np.abs(picture(page, "#mean") - empty).max() > 0.1
    flat = drawn.reshape(1, -1)
    np.testing.assert_allclose(picture(page, "#mean"), vae.reconstruct(flat)[0], atol=0.02)
    mu, logvar = vae.encode(flat)
    rows_of = page.js("Array.from(document.querySelectorAll('#units tbody tr'), (r) =>"
                      "Array.from(r.cells, (c) => c.textContent))")  # fmt: skip
    for unit, _, mu_j, sigma_j, _ in rows_of:
        j = "₁₂".index(unit[1])
        assert float(mu_j.replace("−", "-")) == pytest.approx(mu[0, j], abs=0.03)
        assert float(sigma_j) == pytest.approx(np.exp(0.5 * logvar[0, j]), abs=0.02)

    page.click("#eraser")
    x, y, width, height = page.box("#grid")
    page.drag([(x, y + height / 2), (x + width, y + height / 2)])
    assert page.js("Array.from(explorer.state.x).slice(14 * 28, 15 * 28).every((v) => v === 0)")
    page.click("#centre")
    moved = np.array(page.js("Array.from(explorer.state.x)")).reshape(28, 28)
    middle = (np.argwhere(moved) + 0.5).mean(axis=0)
    np.testing.assert_allclose(middle, 14, atol=0.5)


def test_the_parts_of_the_bound_add_up(shown):
    """log p(x|z) − KL = 𝓛 in the numbers that are shown, to their last digit."""
    page = shown("plane")
    parts = [float(words(page, f"#{id}").replace("−", "-")) for id in ("log-px", "kl", "elbo")]
    assert parts[0] + parts[1] == pytest.approx(parts[2], abs=0.11) and parts[1] < 0


def test_drawing_by_keyboard(shown):
    """Arrows move the cell, Space draws there, Delete erases there."""
    page = shown("plane")
    page.click("#clear")
    focus(page, "#grid")
    cell = page.js("explorer.state.cell")
    page.key("ArrowLeft")
    page.key("ArrowUp")
    assert page.js("explorer.state.cell") == [cell[0] - 1, cell[1] - 1]
    page.key(" ", text=" ")
    at = (cell[0] - 1) * 28 + cell[1] - 1
    assert page.js(f"explorer.state.x[{at}]") == 1
    assert page.js("explorer.state.x.reduce((a, b) => a + b)") < 10
    bound = words(page, "#elbo")
    page.key("Delete")
    assert page.js("Math.max(...explorer.state.x)") == 0 and words(page, "#elbo") != bound


def test_sampling_z_again(shown):
    """New z ~ q(z|x): other bounds, one KL; mean and deviation are those of the bounds."""
    page = shown("plane")
    page.click("#again10")
    page.click("#again")
    samples = page.js("explorer.state.samples.map(({ elbo, kl, z }) => [elbo, kl, z[0]])")
    elbo, kl, z1 = np.array(samples).T
    assert len(elbo) == 12 and len(set(elbo)) == len(set(z1)) == 12 and len(set(kl)) == 1
    says = words(page, "#moves").replace("−", "-")
    assert says.startswith(
        f"12 samples: the bound is {elbo.mean():.1f} ± {elbo.std(ddof=1):.1f} nats"
    )
    assert page.js("document.querySelectorAll('#drawn figure').length") == 10


def test_morphing(shown, models):
    """Choosing B changes the strips, whose ends are the reconstructions; t and Play move."""
    page, (vae, x, _) = shown("plane"), models("plane")
    ends = []
    for _ in range(2):
        page.click("#pick-b button:last-child")
        a, b = page.js("[explorer.state.a, explorer.state.b]")
        for strip in ("straight", "sphere"):
            for place, i in (("first", a), ("last", b)):
                ours = vae.reconstruct(x[i : i + 1])[0]
                selector = f"#strip-{strip} figure:{place}-child canvas"
                np.testing.assert_allclose(picture(page, selector), ours, atol=0.02)
        ends.append(picture(page, "#strip-straight figure:last-child canvas"))
    assert np.abs(ends[0] - ends[1]).max() > 0.1
    focus(page, "#t")
    middle, t = picture(page, "#at-straight"), page.js("explorer.state.t")
    for _ in range(20):
        page.key("ArrowRight")
    assert page.js("explorer.state.t") == pytest.approx(t + 0.2)
    assert np.abs(picture(page, "#at-straight") - middle).max() > 0.01
    page.click("#play")
    page.js("new Promise((done) => setTimeout(done, 300))")
    assert page.js("explorer.state.t") > t + 0.25 and words(page, "#play") == "Pause"
    page.click("#play")
    stopped = page.js("explorer.state.t")
    page.settle()
    assert page.js("explorer.state.t") == stopped and words(page, "#play") == "Play"


def test_the_two_samplings(shown):
    """Means stay when x is drawn again; draws are bits; new z change the means."""
    page = shown("plane")
    first = "#samples figure:first-child canvas"
    mean = picture(page, first)
    assert "sampling 1 alone" in words(page, "#sample-says")
    page.click("#draw-x")
    drawn = picture(page, first)
    assert "both samplings" in words(page, "#sample-says")
    assert set(np.unique(drawn.round(3))) == {0, 1}
    page.click("#draw-x")
    assert (picture(page, first) != drawn).any()
    page.click("#means")
    np.testing.assert_array_equal(picture(page, first), mean)
    page.click("#draw-z")
    assert np.abs(picture(page, first) - mean).max() > 0.1


def test_sliders_the_most_active_unit_first(shown, models):
    """n_z = 20: a slider for each active unit, by Var μ_j, from −3 to 3; it moves its z_j."""
    page, (vae, x, _) = shown("twenty"), models("twenty")
    activity = vae.encode(x)[0].var(axis=0)
    active = [f"z-{j}" for j in np.argsort(-activity, kind="stable") if activity[j] > 0.01]
    shown_ones = page.js("Array.from(document.querySelectorAll('#sliders input'), (e) => e.id)")
    assert shown_ones == active
    folded = page.js("document.querySelectorAll('#inactive input').length")
    assert folded == 20 - len(active)
    assert page.js("document.querySelector('#inactive').open") is False
    first = f"#{active[0]}"
    assert page.js(
        f"[document.querySelector('{first}').min, document.querySelector('{first}').max]"
    ) == ["-3", "3"]
    page.click("#z-zero")
    before = picture(page, "#decoded")
    focus(page, first)
    for _ in range(20):
        page.key("ArrowRight")
    j = int(active[0].removeprefix("z-"))
    z = np.array(list(page.js("Array.from(explorer.state.z)")))
    assert z[j] == pytest.approx(1) and np.abs(np.delete(z, j)).max() == 0
    np.testing.assert_allclose(picture(page, "#decoded"), vae.decode([z])[0], atol=0.015)
    assert np.abs(picture(page, "#decoded") - before).max() > 0.05


@pytest.mark.parametrize("name", ["tall", "linear"])
def test_other_models_work(shown, name):
    """32 x 16, Gaussian, ReLU, n_z = 1; isotropic, n_z = 3: draw, sample again, morph, sample."""
    page = shown(name)
    assert page.js("['decoded', 'mean', 'a'].map((id) => document.getElementById(id))"
                   ".every((c) => c.width === 16 && c.height === 32)")  # fmt: skip
    bound = words(page, "#elbo")
    x, y, width, height = page.box("#grid")
    page.drag([(x + 0.2 * width, y + 0.5 * height), (x + 0.8 * width, y + 0.5 * height)])
    assert words(page, "#elbo") != bound
    page.click("#again10")
    page.click("#pick-a button:last-child")
    assert page.js("document.querySelectorAll('#strip-straight figure').length") == 9
    if name == "tall":  # two codes on either side of 0: no path; on one side: a path
        a, b = page.js("[explorer.codes.findIndex(({ mu }) => mu[0] < 0),"
                       "explorer.codes.findIndex(({ mu }) => mu[0] > 0)]")  # fmt: skip
        page.js(f"explorer.setEnds({a}, {b})")
        page.settle()
        assert "n_z = 1" in words(page, "#no-sphere")
        assert page.js("document.querySelectorAll('#strip-sphere figure').length") == 0
        page.js(f"explorer.setEnds({a}, {a})")
        page.settle()
    assert page.js("document.querySelectorAll('#strip-sphere figure').length") == 9
    page.click("#draw-x")
    page.click("#z-zero")
    focus(page, "#z-0")
    page.key("ArrowRight")
    assert page.js("explorer.state.z[0]") == pytest.approx(0.05)


def test_fingers_on_a_phone(shown):
    """A finger on the plane moves z, and on the grid it draws; nothing is wider than the phone."""
    page = shown("plane")
    page.size(400, 800, phone=True)
    x, y, width, height = page.box("#plane")
    z = page.js("Array.from(explorer.state.z)")
    page.finger([(x + 0.3 * width, y + 0.3 * height), (x + 0.4 * width, y + 0.6 * height)])
    moved = page.js("Array.from(explorer.state.z)")
    assert moved != z and moved[0] < 0 and moved[1] < 0
    page.js("document.querySelector('#clear').click()")
    x, y, width, height = page.box("#grid")
    page.finger([(x + 0.5 * width, y + (0.2 + 0.1 * i) * height) for i in range(6)])
    assert page.js("explorer.state.x.reduce((a, b) => a + b)") > 20
    assert page.js("document.documentElement.scrollWidth") <= 400


def test_every_control_has_the_keyboard(shown):
    """Tab goes through the plane, the grid, the slider t and every button of the four panels, and
    through the pictures that send their z to panel 1.
    """
    page = shown("plane")
    page.js("document.body.tabIndex = -1; document.body.focus()")
    reached = set()
    for _ in range(120):
        page.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9)
        page.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", windowsVirtualKeyCode=9)
        reached.add(page.js("document.activeElement.id || document.activeElement.ariaLabel"))
    assert reached >= {
        "plane", "near-use", "grid", "pen", "eraser", "clear", "centre", "again", "again10",
        "A: the next test image", "B: label", "play", "t", "draw-z", "means", "draw-x",
        "A: the image of panel 2", "take-straight", "image 24: to its z in panel 1",
    }  # fmt: skip


def test_a_frame_is_short(shown):
    """Decode and draw, with the pixels read back so that nothing is left to do: the median is less
    than that of 8 million multiplications and sums in turn with it, 8 ms where a million takes 1.
    """
    page = shown("plane")
    times, work = page.js(
        f"(() => {{ const times = [], work = [], read = {READ};"
        "const numbers = new Float32Array(1000).map((_, i) => i / 1000);"
        "for (let i = 0; i < 100; i++) { const start = performance.now();"
        "explorer.setZ([Math.sin(i), Math.cos(2 * i)]); explorer.drawAll();"
        "read('#decoded', 1); read('#plane', 1); const drawn = performance.now();"
        "let sum = i; for (let j = 0; j < 8000; j++)"
        "for (let k = 0; k < 1000; k++) sum += numbers[k] * k;"
        "times.push(drawn - start); work.push(performance.now() - drawn + 0 * sum); }"
        "return [times, work]; })()"
    )
    assert np.median(times) < np.median(work)
    page.js("explorer.frames.length = 0")
    x, y, width, height = page.box("#grid")
    page.drag([(x + width * (0.2 + 0.006 * i), y + height * (0.3 + 0.004 * i)) for i in range(60)])
    assert np.median(page.js("explorer.frames")) < np.median(work)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1300])
def test_light_and_dark_narrow_and_wide(shown, width, dark):
    """Nothing overflows; all text, and each label's numeral, has a contrast of 4.5 or more.

    A class is told by its numeral, so no colour has to be told from another.
    """
    page = shown("plane")
    page.size(width, 900, dark=dark)
    assert page.js("document.documentElement.scrollWidth") <= width
    colours = page.js(
        "(() => { const style = getComputedStyle(document.documentElement);"
        "const names = ['card', 'text', 'quiet', ...Array(10).keys()].map((n) =>"
        "typeof n === 'number' ? `class-${n}` : n);"
        "return names.map((n) => style.getPropertyValue('--' + n).trim()); })()"
    )
    card, *others = map(luminance, colours)
    for colour in others:
        high, low = max(card, colour), min(card, colour)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert (card < 0.1) == dark


def luminance(colour):
    """The relative luminance of WCAG 2, of "#rrggbb"."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_panel_names_functions_that_are_there(shown):
    """Each `code` of a formula is a function of the package."""
    page = shown("plane")
    names = page.js("Array.from(document.querySelectorAll('.formula'), (p) =>"
                    "Array.from(p.querySelectorAll('code'), (c) => c.textContent))")  # fmt: skip
    assert len(names) == 4 and all(names)
    for name in (name for panel in names for name in panel):
        module, *path = name.partition("(")[0].split(".")
        thing = __import__(f"scratchvae.{module}", fromlist=["_"])
        for part in path:
            thing = getattr(thing, part)
        assert callable(thing)


def test_load_model_keeps_what_the_explorer_needs(models, tmp_path):
    """A model from its file gives the same page as the model itself."""
    vae, x, labels = models("linear")
    save_model(vae, tmp_path / "model.npz")
    pages = [
        html_of(model, x, labels, calibration=x)[0]
        for model in (vae, load_model(tmp_path / "model.npz"))
    ]
    assert pages[0] == pages[1]


def test_grey_pixels_of_a_bernoulli(shown, browser, tmp_path):
    """The levels k / 255 come back exactly; the page says that this is no likelihood."""
    shown("tall")
    rng = np.random.default_rng(2)
    vae = VAE(6, (4,), 2, image_shape=(2, 3), dtype=np.float64)
    x = rng.integers(0, 256, (N, 6)) / 255
    html, _ = html_of(vae, x, np.zeros(N, np.uint8), calibration=x, precise=True)
    (tmp_path / "grey.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "grey.html")
    z, eps = rng.standard_normal((2, N, 2))
    theirs = js_numbers(browser, z, eps)
    np.testing.assert_allclose(theirs["images"], x, atol=1e-8)
    assert np.abs(theirs["elbo"] - vae.elbo(x, eps)).max() < 0.01
    assert "minus a cross entropy and no likelihood" in words(browser, "#bound-note")


# ---- the page: anybody's pictures ----


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the page of a small untrained model; afterwards nothing has gone wrong in it."""

    def open_(x, labels=None, *, image_shape, settings=None, **more):
        vae = VAE(x.shape[1], (5,), image_shape=image_shape, dtype=np.float64, seed=1,
                  **{"n_z": 2, "decoder": "sigmoid-gaussian", **(settings or {})})  # fmt: skip
        html, _ = html_of(vae, x, labels, calibration=x, precise=True, **more)
        (tmp_path / "own.html").write_text(html, encoding="utf-8")
        browser.size(1300, 900)
        browser.open(tmp_path / "own.html")
        stored = weights.unpacked(vae, data_of(tmp_path / "own.html")["layers"])
        return browser, stored

    yield open_
    assert browser.errors == []


def levels(n, n_x):
    """Pictures of levels k / 255, (n, n_x)."""
    return np.random.default_rng(3).integers(0, 256, (n, n_x)) / 255


def said(page):
    """All words of the page, and the names of its controls."""
    names = page.js("[...document.querySelectorAll('[aria-label]')].map((e) => e.ariaLabel)")
    return " ".join([page.js("document.documentElement.textContent"), *names])


@pytest.mark.parametrize("decoder", OUTPUTS)
def test_each_decoder_is_that_of_numpy(opened, decoder):
    """E[x|z], the bound, and the first two moments of draws x ~ p(x|z) at one z, whose standard
    errors are taken from NumPy's draws: within 6 of them for 24 pixels in colour.
    """
    settings, x = {"decoder": decoder, "n_z": 3}, levels(N, 24)
    page, vae = opened(x, image_shape=(2, 4, 3), settings=settings)
    rng, K = np.random.default_rng(5), 4000
    z, eps = rng.standard_normal((2, N, 3))
    theirs = js_numbers(page, z, eps)
    np.testing.assert_allclose(theirs["decoded"], vae.decode(z), atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(theirs["elbo"], vae.elbo(x, eps), atol=1e-5, rtol=1e-6)
    vae.noise = lambda n, rng: np.tile([[0.4, -0.2, 1.0]], (n, 1))
    ours = vae.dream(K, rng)[1]
    drawn = page.js(
        "(() => { const given = explorer.family.given([0.4, -0.2, 1]);"
        "const random = explorer.generator(5);"
        f"return Array.from({{ length: {K} }}, () =>"
        "Array.from(explorer.family.draw(given, random))); })()"
    )
    for power in (1, 2):
        a, b = ours**power, np.array(drawn) ** power
        assert (np.abs(a.mean(0) - b.mean(0)) <= 6 * a.std(0) * np.sqrt(2 / K)).all()


def test_a_decoder_that_the_page_does_not_know_is_refused(monkeypatch):
    """ValueError with the decoder of one's own and those that the page knows."""
    monkeypatch.setitem(OUTPUTS, "mine", type("Mine", (OUTPUTS["gaussian"],), {}))
    vae = VAE(6, (3,), 2, decoder="mine", image_shape=(2, 3))
    with pytest.raises(ValueError, match=r"decoder is 'mine'.* bernoulli, .*isotropic"):
        html_of(vae, levels(4, 6), None, calibration=levels(4, 6))


def test_rows_of_two_blocks_are_rounded_apart(monkeypatch):
    """With more than BLOCK rows, each block is rounded as if it were alone."""
    monkeypatch.setattr(weights, "BLOCK", 3)
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((50, 5)) @ rng.standard_normal((5, 5)), rng.standard_normal((5, 4))
    steps = np.array([0.1, 0.2, 0.3, 0.4, 0.5])

    def nearest(w, row):
        return np.round(w / steps[row]) * steps[row]

    parts = [
        weights.rounded(W[:3], x[:, :3], nearest),
        weights.rounded(W[3:], x[:, 3:], lambda w, row: nearest(w, row + 3)),
    ]
    np.testing.assert_array_equal(weights.rounded(W, x, nearest), np.concatenate(parts))


def test_the_page_names_its_data_and_its_classes(opened):
    """The title and the heading name the data set; one sentence in plain words is before all
    panels, and the layers' sizes are after them. Names of classes stand where labels would.
    """
    names, labels = ["T-shirt/top", "Ankle <b>"], np.arange(20) % 2
    page, _ = opened(levels(20, 12), labels, image_shape=(3, 4), name="Shoes", class_names=names)
    assert page.js("document.title").startswith("Shoes")
    assert words(page, "h1") == "The latent space of Shoes"
    first = page.js("document.querySelector('h1').nextElementSibling.textContent")
    assert first.startswith("This page is") and first.count(".") == 1 and "Shoes" in first
    page_text = page.js("document.body.innerText")
    assert page_text.index("4. Sample") < page_text.index("12-5-2-5-12")
    assert words(page, "#near-title") == "Test image 0, T-shirt/top"
    assert words(page, "#x-says") == "x is test image 0, T-shirt/top."
    page.click("#pick-x button:last-child")
    assert words(page, "#x-says") == "x is test image 1, Ankle <b>."
    assert words(page, "#pick-x option:last-child") == "Ankle <b>"
    assert words(page, ".chip:last-child") == "1 Ankle <b>"
    assert "label 1" not in said(page)


def test_colour_is_painted_as_it_is(opened):
    """A picture's pixel is its three levels, in light and in dark; the pen paints the colour that
    is chosen; what is only for ink is not there.
    """
    x = levels(8, 36)
    page, vae = opened(x, image_shape=(3, 4, 3))
    for dark in (True, False):
        page.size(1300, 900, dark=dark)
        shown_ = np.array(page.js(f"{READ}('#a', 3)")).reshape(3, 3, 4)
        np.testing.assert_array_equal(shown_[:, :, :3] / 255, x[0].reshape(3, 4, 3)[:, :3])
    mean = np.array(page.js(f"{READ}('#mean', 3)")).reshape(3, 3, 4)[:, :, :3] / 255
    np.testing.assert_allclose(mean, vae.reconstruct(x[:1]).reshape(3, 4, 3)[:, :3], atol=0.003)
    page.js("document.querySelector('#colour').value = '#ff3300'")
    page.click("#clear")
    x0, y0, width, height = page.box("#grid")
    page.drag([(x0 + 0.6 * width, y0 + 0.5 * height)] * 2)
    drawn = np.array(page.js("Array.from(explorer.state.x)")).reshape(3, 4, 3)
    np.testing.assert_array_equal(drawn[1, 2], [1, 0.2, 0])
    assert drawn.sum() == pytest.approx(1.2)
    assert page.js("['eraser', 'centre'].every((id) => document.getElementById(id).hidden)")


def test_grey_pictures_that_are_no_ink(opened):
    """ink=False: 0 is black and 1 is white; the pen paints the level that is chosen."""
    x = levels(8, 9)
    page, _ = opened(x, image_shape=(3, 3), ink=False)
    red = np.array(page.js(f"{READ}('#a', 3)"))[::4]
    np.testing.assert_array_equal(red / 255, x[0])
    page.js("document.querySelector('#colour').value = 0.5")
    x0, y0, width, height = page.box("#grid")
    page.drag([(x0 + 0.5 * width, y0 + 0.5 * height)] * 2)
    drawn = page.js("Array.from(explorer.state.x)")
    assert drawn[4] == 0.5
    np.testing.assert_array_equal(np.delete(drawn, 4), np.delete(x[0], 4))


@pytest.mark.parametrize("name", ["plane", "twenty"])
def test_one_x_and_one_z_in_all_panels(shown, models, name):
    """A drawn x has its code in panel 1, and in panel 3 where x is an end; a sample of q(z|x) is
    the z of panel 1; so is that of a picture that is pressed.
    """
    page, (vae, _, _) = shown(name), models(name)

    def z():
        return np.array(page.js("Array.from(explorer.state.z)"))

    page.click("#pick-a button:first-child")
    page.click("#clear")
    x, y, width, height = page.box("#grid")
    page.drag([(x + width * 0.5, y + height * (0.2 + 0.06 * i)) for i in range(11)])
    drawn = np.array(page.js("Array.from(explorer.state.x)"))[None]
    np.testing.assert_allclose(z(), vae.encode(drawn)[0][0], atol=0.03)
    for selector in ("#decoded", "#mean", "#strip-straight figure:first-child canvas"):
        np.testing.assert_allclose(
            picture(page, selector), vae.reconstruct(drawn)[0], atol=0.02, err_msg=selector
        )
    if name == "plane":
        assert words(page, "#near-title") == "Your drawing"
        np.testing.assert_allclose(picture(page, "#near-x"), drawn[0], atol=0.01)
    else:
        shown_z = [words(page, f"#z-{j} + output").replace("−", "-") for j in range(20)]
        np.testing.assert_allclose([float(v) for v in shown_z], z(), atol=0.0051)
    page.click("#again")
    np.testing.assert_array_equal(z(), page.js("Array.from(explorer.state.samples[1].z)"))
    page.click("#samples figure:nth-child(5) button")
    np.testing.assert_array_equal(z(), page.js("Array.from(explorer.state.zs[4])"))
    np.testing.assert_array_equal(
        picture(page, "#decoded"), picture(page, "#samples figure:nth-child(5) canvas")
    )


def test_the_ellipses_are_q_of_x(shown):
    """In the plane and beside a drawing, the centre is μ(x) and the radii are σ and 2 σ."""
    page = shown("plane")
    page.js(
        "window.ellipses = []; const draw = CanvasRenderingContext2D.prototype.ellipse;"
        "CanvasRenderingContext2D.prototype.ellipse = function (...numbers) {"
        "ellipses.push([this.canvas.id, this.canvas.width, ...numbers.slice(0, 4)]);"
        "return draw.apply(this, numbers); }; 0"
    )
    x, y, width, height = page.box("#grid")
    page.js("ellipses.length = 0")
    page.drag([(x + width * 0.5, y + height * (0.2 + 0.06 * i)) for i in range(11)])
    mu, sigma, reach = page.js(
        "(() => { const { mu, logvar } = explorer.encode(explorer.state.x);"
        "return [Array.from(mu), Array.from(logvar, (s) => Math.exp(s / 2)), Math.min(8,"
        "Math.max(3.3, ...explorer.codes.map(({ mu }) => 0.3 + Math.max(...mu.map(Math.abs))))"
        ")]; })()"
    )
    drawn = page.js("ellipses")
    for name in ("plane", "code"):
        last = [numbers for canvas, *numbers in drawn if canvas == name][-2:]
        for radius, (side, across, down, *radii) in zip((1, 2), last):
            z = np.array([2 * across / side - 1, 1 - 2 * down / side]) * reach
            np.testing.assert_allclose(z, mu, atol=1e-9)
            np.testing.assert_allclose(radii, radius * np.array(sigma) * side / 2 / reach)


def test_two_units_are_in_their_order(shown):
    """n_z = 2: z₁ is before z₂ in the table of units, whichever is more active."""
    page = shown("plane")
    rows = "Array.from(document.querySelectorAll('#units tbody tr'), (r) => r.cells[0].textContent)"
    assert page.js(rows) == ["z₁", "z₂"]


@pytest.mark.parametrize("name", ["plane", "twenty", "tall"])
def test_nothing_is_wider_than_a_phone(shown, name):
    """At 375 and at 320 pixels, the document is as wide as the window."""
    page = shown(name)
    for width in (375, 320):
        page.size(width, 800, phone=True)
        assert page.js("document.documentElement.scrollWidth") == width
