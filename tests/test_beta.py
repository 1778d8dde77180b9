"""The weight of the KL: the objective and its gradient, warm-up, files, and the best model kept."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image_set
from hypothesis import given
from hypothesis import strategies as st

from scratchvae import (
    VAE,
    Adam,
    FileFormatError,
    History,
    check_gradient,
    cli,
    epochs,
    evaluate,
    fit,
    load_images,
    load_model,
    save_model,
)
from scratchvae.archive import ArrayFile, write_arrays
from scratchvae.cli import main
from scratchvae.decoders import OUTPUTS
from scratchvae.distributions import gaussian_kl
from scratchvae.mcem import MCEM
from scratchvae.resume import Saved
from scratchvae.wake_sleep import WakeSleep

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((60, 6)) < 0.4).astype(np.uint8) * 255
QUICK = ["--batch-size", "16", "--hidden", "6", "--n-z", "2", "--workers", "1", "--quiet"]


def model(**settings) -> VAE:
    return VAE(6, (5,), 2, **settings)


@given(
    beta=st.sampled_from([0.0, 0.5, 1.0, 4.0]) | st.floats(0, 100),
    decoder=st.sampled_from(sorted(OUTPUTS)),
    seed=st.integers(0, 2**32),
    L=st.integers(1, 3),
)
def test_the_gradient_is_that_of_the_objective(beta, decoder, seed, L):
    """params.g is the derivative of −mean(E_q[log p(x|z)] − β KL), by central differences; the
    bound does not know β, and the objective is its two terms with this weight.
    """
    rng = np.random.default_rng(seed)
    vae = VAE(4, (3,), 2, decoder=decoder, dtype=np.float64, seed=rng, beta=beta)
    vae.params.theta += 0.1 * rng.standard_normal(vae.params.theta.size)
    x, eps = (rng.random((3, 4)) < 0.5).astype(float), rng.standard_normal((L, 3, 2))
    loss = vae.loss_and_grad(x, eps)
    for comparison in check_gradient(lambda: -float(vae.objective(x, eps).mean()), vae.params):
        assert comparison.close, comparison
    kl = gaussian_kl(*vae.encode(x))
    np.testing.assert_allclose(vae.objective(x, eps), vae.elbo(x, eps) + (1 - beta) * kl, 1e-9)
    np.testing.assert_allclose(loss, -vae.objective(x, eps).mean(), rtol=1e-12)
    twin = VAE(**{**vae.settings, "beta": 1.0})
    twin.params.theta[...] = vae.params.theta
    np.testing.assert_array_equal(twin.elbo(x, eps), vae.elbo(x, eps))
    np.testing.assert_array_equal(twin.objective(x, eps), vae.elbo(x, eps))


@pytest.mark.parametrize("workers", [1, 2])
def test_warm_up_is_a_loop_that_sets_beta(workers):
    """warmup=3 with β = 2: the weights are ½, 1, 1½, 2, 2, and θ has the bits of a training whose
    loop sets them. The history has them, and the bound as if there were none.
    """
    warm, by_hand, weights = model(beta=2), model(beta=0.5), [0.5, 1.0, 1.5, 2.0, 2.0]
    arguments = {"batch_size": 16, "workers": workers}
    history = fit(warm, IMAGES, epochs=5, warmup=3, progress=False, **arguments)
    for epoch, later in zip(epochs(by_hand, IMAGES, 5, **arguments), [*weights[1:], 2.0]):
        elbo, reconstruction, kl = epoch.train
        assert abs(elbo - (reconstruction - kl)) < 1e-12
        by_hand.beta = later
    assert history.beta == weights and warm.beta == 2
    assert warm.params.theta.tobytes() == by_hand.params.theta.tobytes()
    bounds = np.subtract(history.reconstruction, history.kl)
    np.testing.assert_allclose(history.elbo, bounds, rtol=1e-12)
    objective = np.subtract(history.reconstruction, np.multiply(weights, history.kl))
    np.testing.assert_allclose(history.objective, objective, rtol=1e-12)
    plain = model()
    fit(plain, IMAGES, epochs=5, progress=False, **arguments)
    assert plain.params.theta.tobytes() != warm.params.theta.tobytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_warm_up_goes_on_to_the_bit(tmp_path, workers):
    """A training of 5 epochs that ended in the middle of its warm-up has, after it went on, the
    bits and the history of one that did not end; so has one whose loop sets β.
    """
    arguments = {"warmup": 3, "batch_size": 16, "workers": workers, "progress": False}
    whole, parts = model(beta=2), [model(beta=2), model(beta=2)]
    undisturbed = fit(whole, IMAGES, epochs=5, **arguments)
    for part, n in zip(parts, (2, 5)):
        history = fit(part, IMAGES, epochs=n, resume=tmp_path / "t.npz", **arguments)
    assert parts[1].params.theta.tobytes() == whole.params.theta.tobytes()
    assert history.beta == undisturbed.beta and history.elbo == undisturbed.elbo
    for changed, name in (({"warmup": 4}, "warmup"), ({}, "beta")):
        with pytest.raises(ValueError, match=f"other settings: {name} was"):
            other = model(beta=2 if changed else 3)
            fit(other, IMAGES, epochs=9, resume=tmp_path / "t.npz", **{**arguments, **changed})


def test_a_beta_set_by_the_loop_is_kept(tmp_path):
    """β belongs to the state after an epoch, as the learning rate does."""

    def trained(*stops: int) -> tuple[VAE, list[float]]:
        for n in stops:
            vae, weights = model(beta=8), []
            saved = Saved(tmp_path / f"{len(stops)}.npz", History())
            for epoch in epochs(vae, IMAGES, n, saved=saved):
                weights.append(epoch.beta)
                vae.beta /= 2
        return vae, weights

    whole, parts = trained(4), trained(2, 4)
    assert whole[1] == [8, 4, 2, 1] and parts[1] == [2, 1]
    assert whole[0].params.theta.tobytes() == parts[0].params.theta.tobytes()


def test_an_interrupted_epoch_gives_beta_back():
    """An exception in an epoch of the warm-up leaves the model's own β and learning rate."""
    vae = model(beta=2)
    adam = Adam(vae.params, 1e-2)

    def stop(*seen):
        assert vae.beta == 1.0
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(epochs(vae, IMAGES, 2, warmup=1, optimizer=adam, report=stop))
    assert vae.beta == 2 and adam.lr == 1e-2


@pytest.mark.parametrize("algorithm", [WakeSleep, MCEM])
def test_what_does_not_climb_the_bound_has_no_beta(algorithm):
    """Wake-sleep and Monte Carlo EM do not use the KL's gradient: β and a warm-up are refused."""
    for vae, warmup in ((model(beta=2), 0), (model(), 3)):
        with pytest.raises(ValueError, match=f"for {algorithm.__name__}, which does not climb"):
            fit(vae, IMAGES, algorithm=algorithm, warmup=warmup, progress=False)


@pytest.mark.parametrize("beta", [-1, np.nan, np.inf, "1", None, True])
def test_a_beta_is_a_number_from_zero(beta):
    """Anything else is refused by name."""
    with pytest.raises((ValueError, TypeError), match="beta is"):
        model(beta=beta)


def test_a_file_keeps_beta_and_older_files_have_one(tmp_path):
    """load_model gives the β that was saved; a file of version 3 has none, which is β = 1."""
    path = tmp_path / "model.npz"
    save_model(model(beta=4), path)
    assert load_model(path).beta == 4
    with open(path, "rb") as file:
        arrays = ArrayFile(file)
        config = json.loads(arrays.text("config"))
        theta = model(beta=4).params.theta
    del config["beta"]
    content = {"format": "scratchvae.VAE", "config": json.dumps(config), "data": "null"}
    write_arrays(path, {**content, "version": 3, "theta": theta})
    assert load_model(path).beta == 1
    write_arrays(path, {**content, "version": 4, "theta": theta})
    with pytest.raises(FileFormatError, match="its settings have"):
        load_model(path)


# ---- at the command line ----


def test_train_with_beta_says_the_bound_and_the_objective(tmp_path, capsys):
    """The progress line has both while β is not 1; the table is the bound; the model keeps β."""
    data, out = write_image_set(tmp_path / "x"), tmp_path / "out"
    arguments = ["train", "--data", str(data), "--out", str(out), *QUICK[:-1]]
    assert main([*arguments, "--epochs", "2", "--beta", "4", "--warmup", "1"]) == 0
    printed, progress = capsys.readouterr()
    assert "trained with beta 4; this is the bound" in printed
    history = json.loads((out / "history.json").read_text())
    assert history["beta"] == [2.0, 4.0]
    last = f"(beta 4: {history['reconstruction'][1] - 4 * history['kl'][1]:.2f})"
    assert last in progress and f"bound {history['elbo'][1]:.2f}" in progress
    vae = load_model(out / "model.npz")
    assert vae.beta == 4
    assert main(["evaluate", str(out / "model.npz"), "--data", str(data)]) == 0
    assert "trained with beta 4" in capsys.readouterr().out
    assert main(["gradcheck", "--beta", "0.5"]) == 0


def _elbos(folder: Path) -> list[float]:
    return json.loads((folder / "history.json").read_text())["test_elbo"]


def test_patience_keeps_the_best_model(tmp_path, capsys, monkeypatch):
    """With --patience 2 the training ends after two epochs that are no better than the best one,
    and model.npz is that of the best: its bound is the best of the history. --resume with it
    gives the same as a training that was not stopped.
    """
    monkeypatch.setattr(cli, "_train_pictures", lambda *arguments: [])
    data, out = write_image_set(tmp_path / "x"), tmp_path / "out"
    run = ["train", "--data", str(data), *QUICK, "--lr", "0.3"]  # so large that it jumps
    assert main([*run, "--out", str(out), "--epochs", "40", "--patience", "2"]) == 0
    elbos = _elbos(out)
    best = int(np.argmax(elbos))
    assert len(elbos) == best + 3 < 40
    assert f"the model is that of epoch {best + 1}, " in capsys.readouterr().out
    bound = evaluate(load_model(out / "model.npz"), load_images(data).test_images)
    assert bound.elbo == elbos[best]

    again = [*run, "--out", str(tmp_path / "parts"), "--patience", "2"]
    assert main([*again, "--epochs", str(best + 2)]) == 0  # the last epoch is not the best
    assert main([*again, "--epochs", "40", "--resume"]) == 0
    assert _elbos(tmp_path / "parts") == elbos
    theta = load_model(tmp_path / "parts" / "model.npz").params.theta
    assert theta.tobytes() == load_model(out / "model.npz").params.theta.tobytes()
    capsys.readouterr()
    (tmp_path / "parts" / "model.npz").unlink()  # the only place of the best weights
    told = [argument for argument in again if argument != "--quiet"]
    assert main([*told, "--epochs", "40", "--resume"]) == 2
    error = capsys.readouterr().err
    assert "model.npz" in error and "images/s" not in error  # before an epoch is trained
    assert main([*run, "--out", str(out), "--epochs", "40", "--resume"]) == 2
    assert "the_best_is_kept was True and is False" in capsys.readouterr().err


def test_patience_waits_for_the_warm_up_and_takes_the_objective():
    """In the warm-up the last model is kept; after it the one of the highest objective of test
    images, with the full weight of the KL. For β = 1 this is the bound.
    """
    history = History(
        elbo=[0.0] * 5,
        test_reconstruction=[-5.0, -4.0, -9.0, -8.0, -6.0],
        test_kl=[0.0, 0.0, 1.0, 0.0, 3.0],
    )
    for beta, best in ((1.0, 4), (0.0, 5), (2.0, 4)):
        args = argparse.Namespace(patience=3, warmup=2, beta=beta)
        assert cli._kept(history, args) == best
    for n in (1, 2):
        first = History([0.0] * n, test_reconstruction=[-5.0, -9.0][:n], test_kl=[0.0, 1.0][:n])
        assert cli._kept(first, argparse.Namespace(patience=3, warmup=2, beta=1.0)) == n
    assert cli._kept(history, argparse.Namespace(patience=None, warmup=0, beta=1.0)) == 5
    assert cli._kept(history, argparse.Namespace(patience=3, warmup=0, beta=1.0)) == 2


def test_few_steps_and_an_endless_warm_up_are_said(tmp_path, capsys, monkeypatch):
    """A line for fewer than 200 steps, and a note for a warm-up as long as the training."""
    monkeypatch.setattr(cli, "_train_pictures", lambda *arguments: [])
    data = write_image_set(tmp_path / "x")
    run = ["train", "--data", str(data), *QUICK, "--overwrite", "--out", str(tmp_path / "out")]
    assert main([*run, "--epochs", "2", "--warmup", "2"]) == 0
    printed, said = capsys.readouterr()
    assert "8 steps are few: try a smaller --batch-size or more --epochs" in printed
    assert "--warmup is 2 and --epochs 2: the weight of the KL does not reach beta" in said
    assert main([*run, "--epochs", "2", "--batch-size", "1", "--warmup", "1"]) == 0
    printed, said = capsys.readouterr()
    assert said == "" and "steps are few" not in printed
    run[-1] = str(data)
    assert main(run) == 2
    assert "the folder of the data; it should be another one" in capsys.readouterr().err
