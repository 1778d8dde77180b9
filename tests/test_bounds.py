"""What `train` and `evaluate` say of their bounds, and the options of the decoders."""

import numpy as np
import pytest

from scratchvae import VAE, fit, load_mnist, load_model, save_model
from scratchvae.cli import main

FAR, IDLE = "the model fits its training data too closely", "no unit is active"


def bounds(capsys, tmp_path, vae, train, test, *more):
    """What evaluate prints of this model and data."""
    np.savez(tmp_path / "d.npz", x_train=train, x_test=test)
    save_model(vae, tmp_path / "m.npz")
    files = tmp_path / "m.npz", "--data", tmp_path / "d.npz", "--workers", 1
    assert main([*map(str, ("evaluate", *files, *more))]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    return said


def silent(**settings):
    """A model of three numbers without KL, whose z says nothing: θ = 0."""
    vae = VAE(3, (), 1, **settings)
    vae.params.theta[...] = 0
    return vae


@pytest.mark.parametrize(("nats", "far"), [(0.29, False), (0.31, True), (50.0, True)])
def test_a_density_whose_test_bound_is_far_below(capsys, tmp_path, nats, far):
    """log N(x; 0, I) is −2.76 for x = 0, and lower by 3 c² / 2 for x = (c, c, c). More than 0.1
    nats for each of the 3 numbers is said, with what to try.
    """
    vae, c = silent(decoder="gaussian", min_sigma=0.01), np.sqrt(nats * 2 / 3)
    near = np.tile([[1e-3], [-1e-3]], (20, 3))  # a column has to vary
    said = bounds(capsys, tmp_path, vae, near, c + near)
    assert (FAR in said) == far
    if far:
        words = f"is {nats:.2f} nats lower, more than 10% of 3.00", "--min-sigma than 0.01"
        assert all(word in said for word in words) and "--epochs" in said
    higher = bounds(capsys, tmp_path, vae, c + near, near)
    assert FAR not in higher


@pytest.mark.parametrize(("ones", "far"), [(9, False), (11, True)])
def test_bits_whose_test_bound_is_far_below(capsys, tmp_path, ones, far):
    """Logits −1: a pixel that is 0 has −0.31 nats, and one that is 1 has 1 nat less. With `ones`
    such pixels for each 100 images, the bound of 3 pixels is lower by ones / 100 nats; 10 % of
    3 · 0.31 are 0.094. A Bernoulli has no sigma.
    """
    vae = silent()
    vae.params.values["logits.b"][...] = -1
    test = np.zeros((100, 3), bool)
    test[:ones, 0] = True
    said = bounds(capsys, tmp_path, vae, np.zeros((100, 3), bool), test)
    assert (FAR in said) == far and "--min-sigma" not in said


@pytest.mark.parametrize("decoder", ["bernoulli", "isotropic"])
def test_units_that_are_all_inactive(capsys, tmp_path, decoder):
    """μ(x) = 0 for every x: it says what that means and what to try; for one σ, what σ is. With
    an active unit it says nothing.
    """
    vae, x = silent(decoder=decoder), np.eye(3, dtype=bool)
    said = bounds(capsys, tmp_path, vae, x, x)
    assert "active latent units: 0 of 1" in said and IDLE in said and "--beta" in said
    assert ("sigma began at 1 and is 1.00" in said) == (decoder == "isotropic")
    vae.params.values["mu.W"][...] = [[1], [0], [-1]]
    said = bounds(capsys, tmp_path, vae, x, x)
    assert "active latent units: 1 of 1" in said and IDLE not in said


def test_grey_pixels_of_a_bernoulli_have_a_remedy(capsys, tmp_path):
    """The note that a cross entropy is no likelihood names what is one."""
    x = np.random.default_rng(0).random((30, 3))
    said = bounds(capsys, tmp_path, silent(), x, x, "--pixels", "grey")
    assert "no likelihood" in said and "--pixels bits, --decoder sigmoid-gaussian or cont" in said
    said = bounds(capsys, tmp_path, silent(decoder="continuous-bernoulli"), x, x)
    assert "no likelihood" not in said


def test_a_healthy_model_is_told_nothing(capsys, tmp_path):
    """2000 digits, 3 epochs: the bounds and the active units alone."""
    images = load_mnist().train_images.reshape(-1, 28, 28)
    vae = VAE(784, (50,), 5, image_shape=(28, 28))
    fit(vae, images[:2000], epochs=3, progress=False)
    said = bounds(capsys, tmp_path, vae, images[:2000], images[2000:2500])
    assert len(said.splitlines()) == 4 and "active latent units: " in said


def test_the_floor_at_the_command_line(capsys, tmp_path):
    """--min-sigma is a setting of the model; without it there is the default. With another one a
    training does not go on.
    """
    np.savetxt(tmp_path / "t.csv", np.random.default_rng(0).standard_normal((30, 3)), delimiter=",")
    arguments = ["train", "--data", tmp_path / "t.csv", "--decoder", "gaussian", "--hidden", 4]
    arguments += ["--epochs", 1, "--workers", 1, "--quiet", "--out", tmp_path / "run"]
    for more, floor in (([], 1 / 255), (["--min-sigma", 0.5], 0.5), (["--min-sigma", 0], 0.0)):
        assert main([*map(str, [*arguments, *more, "--overwrite"])]) == 0
        assert load_model(tmp_path / "run" / "model.npz").min_sigma == floor
    assert main([*map(str, [*arguments, "--min-sigma", 0.1, "--resume"])]) == 2
    assert "min_sigma was 0.0 and is 0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --min-sigma 0", "--min-sigma is given; the decoder bernoulli has no sigma"),
        ("train --decoder continuous-bernoulli --min-sigma 0.1", "-bernoulli has no sigma"),
        ("gradcheck --min-sigma 0.1", "the decoder bernoulli has no sigma"),
        ("train --decoder gaussian --min-sigma -1", "min_sigma is -1.0; it should be finite, 0"),
        ("train --decoder isotropic --min-sigma nan", "min_sigma is nan; it should be finite, 0"),
        ("train --data t.csv --decoder continuous-bernoulli",
         "the decoder continuous-bernoulli needs them from 0 to 1"),
    ],
)  # fmt: skip
def test_what_the_decoder_cannot_have_is_refused(capsys, tmp_path, monkeypatch, arguments, message):
    """One sentence, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    np.savetxt("t.csv", np.arange(60.0).reshape(20, 3), delimiter=",")
    assert main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("decoder", ["gaussian", "continuous-bernoulli"])
def test_gradcheck_of_a_decoder(capsys, decoder):
    """Every gradient is close, at the default floor."""
    assert main(["gradcheck", "--decoder", decoder]) == 0
    assert "every gradient is close" in capsys.readouterr().out
