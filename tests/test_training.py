"""Algorithm 1 and what it reports: minibatches that do not divide N, same seed same bits,
stops that lose nothing.
"""

import io
import itertools
import json
import math
import multiprocessing
import sys

import numpy as np
import pytest

from scratchvae import (
    AEVB,
    SGD,
    VAE,
    Adam,
    Bound,
    Epoch,
    History,
    active_units,
    checks,
    epochs,
    evaluate,
    fit,
    info,
    training,
)  # fmt: skip
from scratchvae.evaluation import CHUNK, units

RNG = np.random.default_rng(0)
STRIPES = np.where(RNG.random((70, 1)) < 0.5, [[250] * 6 + [5] * 6], [[5] * 6 + [250] * 6]).astype(
    np.uint8
)


def model(**arguments):
    return VAE(12, (8,), 2, **arguments)


def test_one_epoch_is_algorithm_1():
    """fit = shuffle, cut, binarize, draw ε, gradient, update: the same θ to the bit as the
    loop written out.
    """
    by_fit, by_hand = model(), model()
    fit(
        by_fit,
        STRIPES,
        epochs=1,
        batch_size=32,
        optimizer=SGD(by_fit.params, lr=0.1),
        seed=5,
        progress=False,
    )
    rng = checks.generator("seed", 5, "training")
    order = rng.permutation(70)
    for rows in (order[:32], order[32:64], order[64:]):
        x = (rng.integers(0, 255, (len(rows), 12), np.uint8) < STRIPES[rows]).astype(np.float32)
        by_hand.loss_and_grad(x, rng.standard_normal((len(rows), 2), np.float32))
        by_hand.params.theta -= np.float32(0.1) * by_hand.params.g
    assert by_fit.params.theta.tobytes() == by_hand.params.theta.tobytes()


def test_training_raises_the_bound():
    """On images of two kinds the bound comes near the best that there is: −log 2 − the
    entropy of the pixels.
    """
    vae = model()
    history = fit(
        vae, STRIPES, epochs=300, batch_size=20, optimizer=Adam(vae.params, lr=1e-2), progress=False
    )
    p = np.array([5, 250]) / 255
    pixel_entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    best = -math.log(2) - 12 * pixel_entropy
    assert history.elbo[0] < -8
    assert best - 0.8 < np.mean(history.elbo[-20:]) < best + 0.3


def test_every_image_weighs_the_same():
    """The epoch's bound is the mean over images, also when the last minibatch is shorter:
    N = 70 in 32s, 70s and 1s.
    """
    for batch_size in (32, 70, 1):
        vae = model(dtype=np.float64)
        theta = vae.params.theta.copy()
        optimizer = SGD(
            vae.params, lr=1e-300
        )  # so that θ stays, and every minibatch is seen by the same model
        history = fit(
            vae,
            STRIPES,
            epochs=1,
            batch_size=batch_size,
            optimizer=optimizer,
            seed=3,
            progress=False,
        )
        np.testing.assert_allclose(vae.params.theta, theta, atol=1e-290)
        rng = checks.generator("seed", 3, "training")
        order, bounds = rng.permutation(70), []
        for start in range(0, 70, batch_size):
            rows = order[start : start + batch_size]
            x = (rng.integers(0, 255, (len(rows), 12), np.uint8) < STRIPES[rows]).astype(float)
            bounds.extend(vae.elbo(x, rng.standard_normal((len(rows), 2))))
        assert len(bounds) == 70
        assert history.elbo[0] == pytest.approx(np.mean(bounds), rel=1e-12)


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_evaluate_is_the_mean_over_all_images(n):
    """evaluate's bound is (1/N) Σ 𝓛(x) for any N, and elbo = reconstruction − kl."""
    vae = model(dtype=np.float64)
    images = np.tile(STRIPES, (20, 1))[:n]
    bounds = []
    for i, start in enumerate(range(0, n, CHUNK)):
        bits, noise = (
            checks.generator("seed", 7, purpose, i)
            for purpose in ("evaluation pixels", "evaluation noise")
        )
        part = images[start : start + CHUNK]
        x = (bits.integers(0, 255, part.shape, np.uint8) < part).astype(float)
        bounds.extend(vae.elbo(x, noise.standard_normal((len(x), 2))))
    bound = evaluate(vae, images, seed=7)
    assert bound.elbo == pytest.approx(np.mean(bounds), rel=1e-12)
    assert bound.elbo == pytest.approx(bound.reconstruction - bound.kl, rel=1e-12)
    assert bound == evaluate(vae, images, seed=7) != evaluate(vae, images, seed=8)


def test_same_seed_same_bits():
    """Two trainings with the same seed give the same θ to the bit, another seed another θ."""
    thetas = []
    for seed in (1, 1, 2):
        vae = model()
        fit(vae, STRIPES, epochs=3, seed=seed, batch_size=16, progress=False)
        thetas.append(vae.params.theta.tobytes())
    assert thetas[0] == thetas[1] != thetas[2]


def test_test_images_and_progress_do_not_touch_the_training():
    """Evaluating test images, or showing progress, draws nothing from the training's randomness."""
    thetas = []
    for arguments in ({}, {"test_images": STRIPES[:10]}, {"progress": True}):
        vae = model()
        fit(vae, STRIPES, **{"epochs": 2, "progress": False, **arguments})
        thetas.append(vae.params.theta.tobytes())
    assert len(set(thetas)) == 1


def test_grey_pixels_on_request():
    """pixels="grey" trains on pixel / 255; the bound's ceiling is then minus the entropy
    of the grey pixels, not 0.
    """
    vae = VAE(1, (), 1, dtype=np.float64)
    images = np.full((10, 1), 51, np.uint8)
    history = fit(
        vae,
        images,
        epochs=2000,
        optimizer=Adam(vae.params, lr=1e-2),
        pixels="grey",
        progress=False,
    )
    assert history.elbo[-1] == pytest.approx(0.2 * math.log(0.2) + 0.8 * math.log(0.8), abs=1e-3)


def test_the_kl_of_the_units_adds_up_to_that_of_the_bound():
    """Σ_j of the mean KL of unit j is the mean KL. A unit is active where its μ varies by more
    than 0.01.
    """
    vae, x = VAE(4, (3,), 5, dtype=np.float64), np.eye(4)
    vae.params.values["mu.W"][:, 2:] *= 0.05  # √Var μ is still above 0.01
    kl, active = units(vae, x)
    mu, logvar = vae.encode(x)
    np.testing.assert_allclose(kl.sum(), vae.forward(x, np.zeros((4, 5)))[1].mean())
    one = np.zeros((4, 1))
    q = [info.gaussian_kl(mu[:, [j]], logvar[:, [j]], one, one, base=np.e) for j in range(5)]
    np.testing.assert_allclose(kl, np.mean(q, axis=1))
    assert active.tolist() == [bool(mu[:, j].var() > 0.01) for j in range(5)]
    assert active.any() and not active.all()
    with pytest.raises(ValueError, match="x has 1 row"):
        units(vae, x[:1])


def test_active_units_are_those_whose_mean_varies():
    """Of μ₁ = x₁, μ₂ = 0.05 x₁ and μ₃ = 7, only the first has Var μ > 0.01 when x₁ is 0 or 1."""
    vae = VAE(2, (), 3, dtype=np.float64)
    vae.params.values["mu.W"][...] = [[1, 0.05, 0], [0, 0, 0]]
    vae.params.values["mu.b"][...] = [0, 0, 7]
    assert active_units(vae, np.array([[0, 255], [255, 0]] * 10, np.uint8)) == 1


def test_divergence_stops_at_once_and_keeps_the_last_good_model():
    """A bound that is NaN raises with step, epoch and advice; θ is that of the last whole
    epoch, which was reported.
    """
    vae = model(seed=1)
    optimizer = SGD(vae.params, lr=0.01)
    reported = []

    with pytest.raises(
        FloatingPointError,
        match=r"the bound is nan at step 2 of epoch 2; .*Try a new optimizer with a smaller "
        r"learning rate than lr = 1e\+30",
    ):
        for _ in epochs(vae, STRIPES, 5, batch_size=32, optimizer=optimizer):
            reported.append(vae.params.theta.copy())
            optimizer.lr = 1e30
    assert len(reported) == 1
    np.testing.assert_array_equal(vae.params.theta, reported[0])


def test_ctrl_c_leaves_the_last_whole_epoch(monkeypatch):
    """KeyboardInterrupt goes on to the caller; the model is that of the last whole epoch."""
    vae, calls, thetas = model(), [], []
    forward = vae.forward

    def interrupted(x, eps):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return forward(x, eps)

    monkeypatch.setattr(vae, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for _ in epochs(vae, STRIPES, batch_size=32):
            thetas.append(vae.params.theta.copy())
    np.testing.assert_array_equal(vae.params.theta, thetas[-1])
    assert len(thetas) == 1  # three minibatches an epoch: the fifth is in the second


@pytest.mark.parametrize(("seed", "bound"), [(0, "-inf"), (1, "nan")])
def test_a_last_step_that_diverges_is_not_kept(seed, bound):
    """One minibatch an epoch: the step that ruins the model is the epoch's last, and is
    found out after it. Nothing of it is kept.
    """
    vae = model(seed=seed)
    theta = vae.params.theta.copy()
    with pytest.raises(FloatingPointError, match=f"the bound is {bound} after epoch 1"):
        fit(
            vae,
            STRIPES,
            epochs=1,
            batch_size=100,
            optimizer=SGD(vae.params, lr=1e30),
            progress=False,
        )
    np.testing.assert_array_equal(vae.params.theta, theta)


def test_the_bits_of_an_evaluation_do_not_depend_on_the_model(monkeypatch):
    """The same seed binarises a data set in the same way for models of other sizes and
    dtypes, beyond the first chunk too.
    """
    images, seen = np.tile(STRIPES, (20, 1)), []
    for vae in (VAE(12, (3,), 1), VAE(12, (), 7, dtype=np.float64)):
        forward = vae.forward
        monkeypatch.setattr(
            vae, "forward", lambda x, eps, forward=forward: (seen.append(x), forward(x, eps))[1]
        )
        evaluate(vae, images, seed=3)
    half = len(seen) // 2
    np.testing.assert_array_equal(np.concatenate(seen[:half]), np.concatenate(seen[half:]))


def test_two_calls_with_one_generator_are_one_longer_call():
    """With one Generator and one optimizer, fit for 1 epoch and then 2 gives the θ of fit
    for 3, to the bit.
    """
    whole, parts = model(), model()
    fit(whole, STRIPES, epochs=3, seed=np.random.default_rng(4), progress=False)
    rng, adam = np.random.default_rng(4), Adam(parts.params)
    fit(parts, STRIPES, epochs=1, seed=rng, optimizer=adam, progress=False)
    fit(parts, STRIPES, epochs=2, seed=rng, optimizer=adam, progress=False)
    assert whole.params.theta.tobytes() == parts.params.theta.tobytes()


def test_history_is_written_as_json(tmp_path):
    """The history's JSON holds a list for every quantity, one entry an epoch."""
    vae = model()
    history = fit(vae, STRIPES, epochs=2, test_images=STRIPES[:9], progress=False)
    history.save(tmp_path / "history.json")
    read = json.loads((tmp_path / "history.json").read_text())
    assert {name: len(values) for name, values in read.items()} == dict.fromkeys(vars(History()), 2)
    assert read["test_elbo"][-1] == evaluate(vae, STRIPES[:9]).elbo
    assert read["elbo"][0] == pytest.approx(read["reconstruction"][0] - read["kl"][0])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_plain_when_no_terminal(monkeypatch):
    """Elsewhere than on a terminal: one line for each epoch, no control characters;
    nothing when silent.
    """
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    fit(model(), STRIPES, epochs=3, test_images=STRIPES, progress=True)
    lines = sys.stderr.getvalue().splitlines()
    assert (
        len(lines) == 3
        and "\r" not in sys.stderr.getvalue()
        and "\x1b" not in sys.stderr.getvalue()
    )
    assert (
        lines[0].startswith("epoch 1/3  bound -")
        and "KL" in lines[0]
        and "images/s" in lines[0]
        and "left" in lines[0]
        and "test -" in lines[0]
    )

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    fit(model(), STRIPES, epochs=3, progress=False)
    assert sys.stderr.getvalue() == ""


def test_progress_rewrites_its_line_on_a_terminal(monkeypatch):
    """On a terminal the line is rewritten in place, and each epoch's last state stays."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    clock = itertools.count(0, 0.06)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    fit(model(), STRIPES, epochs=2, batch_size=5, progress=True)
    text = sys.stderr.getvalue()
    assert text.count("\n") == 2 and 10 < text.count("\r\x1b[K") < 28
    assert "0:00 left" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("images", "arguments", "message"),
    [
        (np.zeros((5, 13), np.uint8), {}, r"images has shape \(5, 13\); it should be \(N, 12\)"),
        (np.zeros((0, 12), np.uint8), {}, r"images has shape \(0, 12\)"),
        (STRIPES, {"epochs": 0}, "epochs is 0"),
        (STRIPES, {"batch_size": -1}, "batch_size is -1"),
        (STRIPES, {"epochs": 1.5}, "epochs is 1.5"),
        (STRIPES / 100, {}, "images.*should be in"),
        (STRIPES.astype(int), {}, "images is of type int64"),
        (STRIPES.tolist(), {}, "images is of type int64 with numbers from 5 to 250; it should"),
        (STRIPES, {"pixels": "dequantized"}, "pixels is 'dequantized'"),
        (STRIPES, {"pixels": "colour"}, "pixels is 'colour'; it should be one of bits, grey"),
        (STRIPES, {"test_images": STRIPES[:, :3]}, "test_images has shape"),
        (
            STRIPES,
            {"optimizer": Adam(model().params)},
            "optimizer holds the parameters of another model",
        ),
    ],
)
def test_bad_input_is_named_before_any_step(images, arguments, message):
    """ValueError or TypeError before θ is touched."""
    vae = model()
    theta = vae.params.theta.copy()
    with pytest.raises((ValueError, TypeError), match=message):
        fit(vae, images, progress=False, **arguments)
    np.testing.assert_array_equal(vae.params.theta, theta)


def test_a_resumed_training_counts_from_its_first_epoch(monkeypatch):
    """8 of 10 epochs of 100 images are in the file, and 10 s later half of the next is done:
    that is 5 images a second, and 150 images are left, which take 30 s.
    """
    clock = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: clock[0])
    line = training.EpochLine(model(), 10, 100, 8, show=False)
    clock[0] = 10.0
    text = line._text(9, 50, Bound(-3.0, -2.0, 1.0), 1.0)
    assert "epoch  9/10" in text and "  5 images/s  0:30 left" in text
    line = training.EpochLine(model(), 10, 100, 0, show=False)  # nothing was done before
    clock[0] = 20.0
    assert "  15 images/s  0:57 left" in line._text(2, 50, Bound(-3.0, -2.0, 1.0), 1.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_epochs_are_those_of_fit(workers):
    """The loop over `epochs`, recorded, is the history of `fit`, and θ has the same bits."""
    by_fit, by_hand, ours = model(), model(), History()
    arguments = {"batch_size": 16, "test_images": STRIPES[:9], "workers": workers}
    theirs = fit(by_fit, STRIPES, epochs=3, progress=False, **arguments)
    for epoch in epochs(by_hand, STRIPES, 3, **arguments):
        ours.record(epoch)
    ours.seconds = theirs.seconds
    assert ours == theirs
    assert by_fit.params.theta.tobytes() == by_hand.params.theta.tobytes()


@pytest.mark.parametrize("end", ["break", "exception"])
def test_a_loop_that_is_left_gives_everything_back(end):
    """After `break`, or an exception in the body, no worker runs, and θ is that of the body."""
    vae = model()
    try:
        for epoch in epochs(vae, STRIPES, workers=2):  # without an end
            assert len(multiprocessing.active_children()) == 2
            vae.params.theta[0] = 7
            if epoch.number == 2:
                if end == "break":
                    break
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert multiprocessing.active_children() == [] and vae.params.theta[0] == 7


def test_errors_of_epochs_come_before_the_first_epoch():
    """The call raises, not the first turn of the loop."""
    with pytest.raises(ValueError, match="n is 0"):
        epochs(model(), STRIPES, 0)
    with pytest.raises(ValueError, match="n is None; for the schedule 'cosine'"):
        epochs(model(), STRIPES, schedule="cosine")
    with pytest.raises(TypeError, match=r"saved is 't.npz'; it should be a resume\.Saved"):
        epochs(model(), STRIPES, 1, saved="t.npz")
    with pytest.raises(TypeError, match="report is 3; it should be a function"):
        epochs(model(), STRIPES, 1, report=3)


def test_a_history_prints_as_a_table():
    """The first three epochs and the last three; test bounds where there are some."""
    history = History()
    for number in range(1, 9):
        train = Bound(-number, -number - 1.0, 1.0)
        history.record(Epoch(number, train, Bound(-9.0, -8.0, 1.0), 0.5, 1.0))
    lines = repr(history).splitlines()
    assert lines[0].split() == ["epoch", "elbo", "reconstruction", "kl", "test_elbo"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "...", "6", "7", "8"]
    assert lines[-1].split() == ["8", "-8.00", "-9.00", "1.00", "-9.00"]


class Weighted(AEVB):
    """An algorithm with a number of its own."""

    beta = 4.0


def test_numbers_of_an_algorithm_have_to_be_the_same(tmp_path, monkeypatch):
    """A training with β = 4 does not go on with β = 8."""
    fit(model(), STRIPES, epochs=1, algorithm=Weighted, resume=tmp_path / "t.npz", progress=False)
    monkeypatch.setattr(Weighted, "beta", 8.0)
    with pytest.raises(ValueError, match=r"Weighted.beta was 4.0 and is 8.0"):
        fit(model(), STRIPES, algorithm=Weighted, resume=tmp_path / "t.npz", progress=False)


def test_what_an_algorithm_of_ones_own_forgets_is_said():
    """A state that is no array, and a step that returns nothing: an error that names it."""

    class Counts(AEVB):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.state = {"k": 0}

    class Silent(AEVB):
        def step(self, rows, x, rng):
            pass

    with pytest.raises(TypeError, match=r"state\['k'\] of Counts is 0; it should be an array"):
        epochs(model(), STRIPES, 1, algorithm=Counts)
    with pytest.raises(TypeError, match="what step returns is None; it should be the minibatch's"):
        next(epochs(model(), STRIPES, 1, algorithm=Silent))
