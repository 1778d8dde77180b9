"""Tables: columns that are standardized, the way back to their units, and rows on stdout."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image_set

from scratchvae import (
    VAE,
    Adam,
    FileFormatError,
    ImageSet,
    evaluate,
    fit,
    load_images,
    load_model,
    log_likelihood,
    save_model,
)
from scratchvae.archive import write_arrays
from scratchvae.checkpoint import trained_on
from scratchvae.cli import main
from scratchvae.datasets import Units
from scratchvae.mcem import MCEM
from scratchvae.wake_sleep import WakeSleep

Z = np.random.default_rng(0).standard_normal((2000, 3))
CORRELATED = Z @ np.array([[1, 0.7, 0.5], [0, 0.71, 0.3], [0, 0, 0.81]])  # variances of about 1
NAMES = "height", "weight", "income, net"


def people(n: int, seed: int) -> np.ndarray:
    """Height in cm, weight in tonnes, and an income that is skewed: all three correlated."""
    rng = np.random.default_rng(seed)
    taller = rng.normal(0, 10, n)
    weight = (65 + 0.9 * taller + rng.normal(0, 7, n)) / 1000
    income = 800 * (rng.gamma(4, 1, n) + 0.08 * taller) + 1500
    return np.stack([170 + taller, weight, income], axis=1)


def write_table(path: Path, rows: np.ndarray, names: tuple[str, ...] | None = NAMES) -> Path:
    header = "" if names is None else ",".join(f'"{name}"' for name in names)
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.17g")
    return path


def numbers(lines: list[str]) -> np.ndarray:
    return np.array([line.split(",") for line in lines], np.float64)


def run(*arguments: object) -> int:
    return main([*map(str, arguments)])


TRAIN = "--epochs", 2, "--n-z", 2, "--hidden", 5, "--workers", 1, "--quiet"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with people.csv, a standardized model of it, and what train printed."""
    folder = tmp_path_factory.mktemp("trained")
    table = write_table(folder / "people.csv", people(200, 0))
    more = "--decoder", "gaussian", "--standardize", "--out", folder, *TRAIN
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert run("train", "--data", table, *more) == 0
    (folder / "out").write_text(out.getvalue())
    (folder / "err").write_text(err.getvalue())
    return folder


# ---- mean 0, standard deviation 1, and back ----


def test_columns_are_standardized_by_the_training_rows_alone(tmp_path):
    """Each column of the training rows has mean 0 and standard deviation 1; the test rows are
    moved and scaled by the same numbers, so theirs are others; in_units is the way back.
    """
    path = write_table(tmp_path / "t.csv", people(50, 1))
    data, raw = load_images(path, standardize=True), load_images(path)
    np.testing.assert_allclose(data.train_images.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train_images.std(axis=0), 1, rtol=1e-12)
    for rows, standardized in (
        (raw.train_images, data.train_images),
        (raw.test_images, data.test_images),
    ):
        by_hand = (rows - raw.train_images.mean(axis=0)) / raw.train_images.std(axis=0)
        np.testing.assert_allclose(standardized, by_hand, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(data.in_units(standardized), rows, rtol=1e-13)
    np.testing.assert_array_equal(raw.in_units(raw.test_images), raw.test_images)
    assert raw.units is None and raw.columns == data.columns == NAMES


def test_a_density_changes_by_the_scales():
    """The bound of a standardized row minus Σ log scale is the bound of the row itself, under the
    model that is the same but for the units: its encoder divides by scale, and its decoder has
    the mean m + scale μ and the deviation scale σ. σ has no floor: it would be one in the data's
    units.
    """
    raw = people(40, 2)
    units = ImageSet(raw, None, raw[:5], None, None).standardized().units
    assert units is not None
    mean, scale = np.array(units.mean), np.array(units.scale)
    settings = {"decoder": "gaussian", "dtype": np.float64, "min_sigma": 0}
    inside, outside = VAE(3, (4,), 2, seed=1, **settings), VAE(3, (4,), 2, seed=1, **settings)
    weights = outside.params.values
    weights["encoder.0.W"][...] /= scale[:, None]
    weights["encoder.0.b"][...] -= mean @ weights["encoder.0.W"]
    weights["x_mu.W"][...] *= scale
    weights["x_mu.b"][...] = mean + scale * weights["x_mu.b"]
    weights["x_logvar.b"][...] += 2 * np.log(scale)
    eps = np.random.default_rng(3).standard_normal((1, 40, 2))
    np.testing.assert_allclose(
        inside.elbo(units.standardized(raw), eps) - units.log_scale, outside.elbo(raw, eps)
    )


def test_the_scale_of_one_column_is_a_probability_per_width():
    """p(row) = p(x) / scale: its integral over rows is 1, as that of p(x) is over x."""
    units = Units((5.0,), (0.01,))
    rows = np.linspace(4.9, 5.1, 100_001)
    x = units.standardized(rows[:, None])[:, 0]
    log_p = -0.5 * (np.log(2 * np.pi) + x**2) - units.log_scale
    assert np.exp(log_p).sum() * (rows[1] - rows[0]) == pytest.approx(1, rel=1e-8)


WRONG = {
    "pictures": (np.random.default_rng(0).random((9, 4, 3)), "holds pictures; to be standardized"),
    "levels": (np.arange(60).reshape(20, 3).astype(np.uint8), "numbers of type uint8"),
    "too large": (np.array([[1.0, 1e200], [2, -1e200]] * 9), "column 2 of .* deviation inf in"),
    "too small": (np.array([[1.0, 1e-200], [2, -1e-200]] * 9), "column 2 of .* deviation 0 in"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_standardized_is_refused(tmp_path, kind):
    """Pictures, levels, and a column whose deviation float64 does not hold."""
    array, message = WRONG[kind]
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=message):
        load_images(tmp_path / "x.npy", standardize=True)


def test_a_column_that_is_constant_in_the_training_rows_is_refused():
    """0.1 three times has a mean that rounds, so its computed deviation is not 0."""
    train, test = np.array([[0.1, 1], [0.1, 2], [0.1, 3]]), np.array([[0.2, 1]])
    assert 0 < train.std(axis=0)[0] < 1e-15
    with pytest.raises(ValueError, match="column 1 of t has the standard deviation 0 in the train"):
        ImageSet(train, None, test, None, None, "t").standardized()


def test_a_table_is_standardized_once():
    """A second time would lose the first units."""
    data = ImageSet(people(9, 0), None, people(9, 1), None, None, "t").standardized()
    with pytest.raises(ValueError, match="t holds standardized numbers"):
        data.standardized()


# ---- the model's file ----


def test_units_and_columns_belong_to_the_models_file(tmp_path):
    """They come back to the bit; a model of another number of columns does not take them."""
    data = load_images(write_table(tmp_path / "t.csv", people(30, 0)), standardize=True)
    save_model(VAE(3, (4,), 2, decoder="gaussian"), tmp_path / "m.npz", data.identity)
    known = trained_on(tmp_path / "m.npz")
    assert known == data.identity and known.units == data.units and known.columns == NAMES
    with pytest.raises(ValueError, match="its data set has 3 columns; the model has 4"):
        save_model(VAE(4), tmp_path / "m.npz", data.identity)


def test_a_table_of_many_columns_has_a_file(tmp_path):
    """30,000 columns, as in genetics: what is written is read."""
    n_x = 30_000
    data = ImageSet(
        np.random.default_rng(0).standard_normal((3, n_x)), None, np.zeros((1, n_x)), None, None,
        columns=tuple(f"a gene with the number {j}" for j in range(n_x)),
    ).standardized()  # fmt: skip
    save_model(VAE(n_x, (1,), 1), tmp_path / "m.npz", data.identity)
    assert trained_on(tmp_path / "m.npz") == data.identity


GOOD = {"name": "t", "image_shape": None, "checksum": "c", "ink": False}
BAD_UNITS = {
    "NaN": {"units": [[float("nan"), 0], [1, 1]]},
    "an infinite mean": {"units": [[0, float("inf")], [1, 1]]},
    "an infinite scale": {"units": [[0, 0], [1, float("inf")]]},
    "a scale of 0": {"units": [[0, 0], [1, 0]]},
    "a negative scale": {"units": [[0, 0], [-1, 1]]},
    "a truth": {"units": [[0, True], [1, 1]]},
    "a word": {"units": [[0, "1"], [1, 1]]},
    "too few": {"units": [[0], [1, 1]]},
    "too many": {"units": [[0, 0], [1, 1, 1]]},
    "a scale alone": {"units": [[1, 1]]},
    "a number": {"units": 3},
    "a text": {"units": ["ab", "cd"]},
    "columns without a name": {"columns": ["a", None]},
    "one column": {"columns": ["a"]},
    "a text for columns": {"columns": "ab"},
    "a long name": {"columns": ["a", "b" * 1001]},
}


@pytest.mark.parametrize("kind", [None, *BAD_UNITS])
def test_what_a_file_says_of_units_is_checked(tmp_path, kind):
    """Finite means, positive finite scales, names: as many as the model has columns. A file
    without any, from before, is read.
    """
    vae = VAE(2, (3,), 1, decoder="gaussian")
    data = {**GOOD, **({} if kind is None else BAD_UNITS[kind])}
    arrays = {"format": "scratchvae.VAE", "version": 3, "config": json.dumps(vae.settings)}
    write_arrays(
        tmp_path / "m.npz", {**arrays, "data": json.dumps(data), "theta": vae.params.theta}
    )
    if kind is None:
        known = trained_on(tmp_path / "m.npz")
        assert known is not None and known.units is None and known.columns is None
    else:
        with pytest.raises(FileFormatError, match="is no model that save_model wrote"):
            trained_on(tmp_path / "m.npz")


def test_a_column_has_a_short_name(tmp_path):
    """What the model's file would refuse is refused before training."""
    (tmp_path / "t.csv").write_text(f"a,{'b' * 1001}\n1,2\n2,3\n")
    with pytest.raises(FileFormatError, match="a column has a name of 1001 letters; it should be"):
        load_images(tmp_path / "t.csv")


# ---- the command line ----


def test_train_keeps_the_units_and_says_what_the_bounds_are_of(trained):
    """The file has those of the training rows. No note of scales. The constant is −Σ log sd."""
    data = load_images(trained / "people.csv", standardize=True)
    assert trained_on(trained / "model.npz") == data.identity and data.units is not None
    said, error = (trained / "out").read_text(), (trained / "err").read_text()
    assert (
        f"add {-np.log(data.units.scale).sum():.2f}, minus the sum of log sd, for rows in" in said
    )
    assert "nats per row" in said and "image/" not in said and "note" not in error


def test_samples_are_rows_in_the_tables_units(trained, tmp_path, capsys):
    """sample prints the names of the columns, and mean + scale x for draws x ~ p(x|z). They can be
    read again.
    """
    assert run("sample", trained / "model.npz", "--n", 20, "--seed", 7) == 0
    printed = capsys.readouterr().out
    header, *lines = printed.splitlines()
    raw = load_images(trained / "people.csv").train_images
    x = load_model(trained / "model.npz").sample(20, 7, draw=True)
    np.testing.assert_allclose(numbers(lines), raw.mean(axis=0) + raw.std(axis=0) * x, rtol=1e-7)
    assert header == 'height,weight,"income, net"'
    (tmp_path / "new.csv").write_text(printed)
    assert load_images(tmp_path / "new.csv").columns == NAMES


def test_evaluate_standardizes_by_the_models_units(trained, tmp_path, capsys):
    """Other rows are moved and scaled as those of the training were, never by their own mean."""
    model, vae = trained / "model.npz", load_model(trained / "model.npz")
    assert run("evaluate", model, "--data", trained / "people.csv", "--workers", 1) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[:3] == (trained / "out").read_text().splitlines()[2:5]
    others = write_table(tmp_path / "others.csv", people(50, 5) + np.array([5, 0, 0]))
    assert run("evaluate", model, "--data", others, "--workers", 1) == 0
    captured = capsys.readouterr()
    raw, units = load_images(others), trained_on(model).units
    bound = evaluate(vae, (raw.train_images - units.mean) / units.scale).elbo
    assert captured.out.splitlines()[1].split()[1] == f"{bound:.2f}"
    assert "trained on people.csv; the images are others.csv" in captured.err


def test_log_p_says_what_it_is_of(trained, capsys):
    """evaluate --likelihood too."""
    few = "--images", 3, "--n-samples", 20, "--workers", 1, "--quiet"
    data = "--data", trained / "people.csv"
    assert run("evaluate", trained / "model.npz", *data, "--likelihood", "importance", *few) == 0
    printed = capsys.readouterr().out
    assert "first 3 test rows, nats per row" in printed and "minus the sum of log sd" in printed


def test_reconstructions_of_a_table_are_rows(trained, capsys):
    """Each line is a test row as it is in the file, and beside it its reconstruction, in its units;
    the first line says which.
    """
    data = "--data", trained / "people.csv"
    assert run("reconstruct", trained / "model.npz", *data, "--n", 4) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == (
        'height,weight,"income, net",'
        'height reconstructed,weight reconstructed,"income, net reconstructed"'
    )
    rows, means = np.split(numbers(lines), 2, axis=1)
    there = load_images(trained / "people.csv", standardize=True)
    vae, test = load_model(trained / "model.npz"), there.in_units(there.test_images)
    for row, mean in zip(rows, means):
        i = np.abs(test - row).sum(axis=1).argmin()
        np.testing.assert_allclose(row, test[i], rtol=1e-8)
        np.testing.assert_allclose(
            mean, there.in_units(vae.reconstruct(there.test_images[[i]]))[0], rtol=1e-6
        )


def test_a_table_without_names_or_units(tmp_path, capsys):
    """sample prints no header, and reconstruct calls the columns x1, x2, ..."""
    path = write_table(tmp_path / "t.csv", CORRELATED[:40], None)
    more = "--decoder", "isotropic", "--out", tmp_path / "out", *TRAIN
    assert run("train", "--data", path, *more) == 0
    captured = capsys.readouterr()
    assert "sum of log sd" not in captured.out and "note" not in captured.err
    model = tmp_path / "out" / "model.npz"
    assert run("sample", model, "--n", 5) == 0
    assert numbers(capsys.readouterr().out.splitlines()).shape == (5, 3)
    assert run("reconstruct", model, "--data", path) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "x1,x2,x3,x1 reconstructed,x2 reconstructed,x3 reconstructed"
    together = np.sort(numbers(lines)[:, :3], axis=0)
    np.testing.assert_allclose(together, np.sort(load_images(path).test_images, axis=0), rtol=1e-8)


def test_a_table_of_bits(tmp_path, capsys):
    """Rows of a Bernoulli decoder are bits; evaluate knows the table by its number of columns,
    though 4 numbers could be a square image.
    """
    for n_x in (3, 4):
        np.save(tmp_path / "bits.npy", np.hstack([CORRELATED, Z])[:40, :n_x] > 0)
        data, model = load_images(tmp_path / "bits.npy"), tmp_path / f"{n_x}.npz"
        save_model(VAE(n_x, (4,), 2), model, data.identity)
        assert run("evaluate", model, "--data", tmp_path / "bits.npy", "--workers", 1) == 0
    assert capsys.readouterr().err == ""
    assert run("sample", tmp_path / "3.npz", "--n", 5) == 0
    assert {*capsys.readouterr().out} == {*"01,\n"}


@pytest.mark.parametrize("command", ["manifold", "interpolate", "sample"])
def test_what_needs_pictures_says_so(trained, capsys, command):
    """One sentence, for a command that draws and a model of a table."""
    data = ("--data", trained / "people.csv") if command == "interpolate" else ()
    out = ("--out", trained / "x.png") if command == "sample" else ()
    assert run(command, trained / "model.npz", *data, *out) == 2
    error = capsys.readouterr().err
    assert "the model is of 3 numbers and has no image_shape; a picture needs one" in error
    assert error.count("\n") == 1


def test_the_explorer_needs_pictures(trained, capsys):
    """explore says so too."""
    from scratchvae.explorer.cli import add_commands

    assert main(["explore", str(trained / "model.npz")], [add_commands]) == 2
    assert "the explorer needs a model of pictures" in capsys.readouterr().err


def test_train_of_a_table_draws_what_it_can(trained):
    """The learning curve, and the plane of z for n_z = 2."""
    drawn = sorted(path.name for path in trained.glob("*.png"))
    assert drawn == ["latent_scatter.png", "learning_curve.png"]


@pytest.mark.parametrize("decoder", ["bernoulli", "sigmoid-gaussian"])
def test_standardize_needs_a_decoder_of_real_numbers(trained, capsys, decoder):
    """A mean from 0 to 1 is none of a standardized column. It is said before the file is read."""
    assert run("train", "--data", "nowhere.csv", "--standardize", "--decoder", decoder) == 2
    error = capsys.readouterr().err
    assert f"--decoder is {decoder}, whose mean is from 0 to 1; with --standardize it sh" in error


def test_standardize_needs_a_table(tmp_path, capsys):
    """Pictures are refused."""
    folder = write_image_set(tmp_path / "images")
    assert run("train", "--data", folder, "--standardize", "--decoder", "gaussian") == 2
    assert "images holds pictures; to be standardized (--standardize)" in capsys.readouterr().err


def test_rows_are_draws_without_draw(trained, capsys):
    """--draw would do nothing."""
    assert run("sample", trained / "model.npz", "--draw") == 2
    assert "--draw is given; it is for pictures" in capsys.readouterr().err


# ---- when train suggests it ----


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ((0, 1), None),
        ((4.8, 1), None),
        ((-4.8, 1), None),
        ((0, 4.8), None),
        ((0, 0.32), None),
        ((5.2, 1), "mean 5.2 and standard deviation 1"),
        ((-5.2, 1), "mean -5.2 and standard deviation 1"),
        ((0, 5.2), "deviation 5.2"),
        ((0, 0.28), "deviation 0.28"),
    ],
)
def test_train_suggests_standardize(tmp_path, capsys, moved, said):
    """One line on stderr if a column has |mean| > 5, or a deviation outside of 0.3 to 5."""
    train, test = CORRELATED[:30].copy(), CORRELATED[30:40]
    train = (train - train.mean(axis=0)) / train.std(axis=0)
    train[:, 1] = moved[0] + moved[1] * train[:, 1]
    np.savez(tmp_path / "t.npz", x_train=train, x_test=test)
    for decoder in ("gaussian", "isotropic"):
        notes = notes_of_train(tmp_path / "t.npz", "--decoder", decoder, capsys=capsys)
        if said is None:
            assert notes == []
        else:
            assert len(notes) == 1 and "note: column 2 of t.npz has" in notes[0]
            assert said in notes[0] and "--standardize" in notes[0]


def test_no_suggestion_for_pictures_and_bits(tmp_path, capsys):
    """They are on one scale."""
    folder, p = write_image_set(tmp_path / "images"), np.linspace(0.4, 0.5, 60).reshape(20, 3)
    np.save(tmp_path / "p.npy", p)
    assert notes_of_train(folder, "--decoder", "gaussian", capsys=capsys) == []
    np.save(tmp_path / "pictures.npy", p[..., None])
    pictures = tmp_path / "pictures.npy"
    assert notes_of_train(pictures, "--decoder", "gaussian", capsys=capsys) == []
    assert notes_of_train(tmp_path / "p.npy", capsys=capsys) == []
    assert notes_of_train(tmp_path / "p.npy", "--decoder", "gaussian", capsys=capsys)


def notes_of_train(path: Path, *more: object, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What train says before it finds that --out is a file."""
    assert run("train", "--data", path, "--out", path if path.is_file() else __file__, *more) == 2
    *notes, error = capsys.readouterr().err.splitlines()
    assert "error" in error
    return notes


@pytest.mark.parametrize(
    ("mean", "scale", "least", "most"),
    [(5, 1, 0, 0.25), (0, 5, -0.1, 0.25), (0, 0.3, -0.1, 0.25), (10, 1, 1, 2), (0, 30, 1, 2)],
)
def test_the_measure_of_the_suggestion(mean, scale, least, most):
    """Nats per column that a Gaussian decoder loses in 20 epochs of 2000 rows against standardized
    columns: little at the limits of the measure, and more than 1 beyond.
    """

    lost = bound_of_standardized_rows(0, 1) - bound_of_standardized_rows(mean, scale)
    assert least <= lost / 3 <= most


@cache
def bound_of_standardized_rows(mean: float, scale: float) -> float:
    vae, rows = VAE(3, n_z=2, decoder="gaussian"), mean + scale * CORRELATED
    fit(vae, rows, epochs=20, progress=False)
    return evaluate(vae, rows).elbo + 3 * np.log(scale)


# ---- what it reaches ----


@pytest.mark.parametrize("decoder", ["gaussian", "isotropic"])
def test_samples_have_the_covariance_of_the_table(decoder):
    """Three correlated columns of different units, one of them skewed, 2000 rows, 20 epochs: train
    and test bounds are within 10 %, and the covariance of 20,000 draws x ~ p(x|z), each
    column divided by the data's deviation, is that of the data within 10 % (Frobenius norm of
    the difference over that of the data's).
    """
    rows = people(2000, 0)
    data = ImageSet(rows[200:], None, rows[:200], None, None).standardized()
    vae = VAE(3, (50,), 3, decoder=decoder)
    fit(vae, data.train_images, epochs=20, optimizer=Adam(vae.params, lr=0.005), progress=False)
    train, test = evaluate(vae, data.train_images).elbo, evaluate(vae, data.test_images).elbo
    assert abs(train - test) < 0.1 * abs(train)
    drawn = data.in_units(vae.sample(20_000, 1, draw=True)) / data.units.scale
    ours, theirs = np.cov(drawn.T), np.cov(rows[200:].T / np.array(data.units.scale)[:, None])
    assert np.linalg.norm(ours - theirs) < 0.1 * np.linalg.norm(theirs)


@pytest.mark.parametrize("decoder", ["gaussian", "isotropic"])
def test_every_algorithm_takes_real_numbers(decoder):
    """Wake-sleep, Monte Carlo EM and the three estimates of log p(x), of rows around −5."""
    x = -5 + 2 * CORRELATED[:60]
    for algorithm in (WakeSleep, MCEM):
        vae = VAE(3, (4,), 2, decoder=decoder)
        fit(vae, x, epochs=1, algorithm=algorithm, progress=False)
        assert np.isfinite(evaluate(vae, x).elbo)
    for method in ("importance", "ais", "hmc"):
        log_p = log_likelihood(vae, x[:3], 20, method=method, n_temperatures=5).log_p
        assert np.isfinite(log_p).all()
