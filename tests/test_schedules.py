"""Learning-rate schedules: their boundaries, and a training that goes on with the right one."""

import math

import numpy as np
import pytest
from conftest import write_image_set

from scratchvae import SGD, VAE, History, epochs
from scratchvae.cli import main
from scratchvae.resume import Saved
from scratchvae.schedules import SCHEDULES, cosine, iwae

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 12)).astype(np.uint8)


def trained(n, resume=None, schedule="constant", workers=1):
    """The model, and the learning rate in each epoch, after a training with SGD(lr=0.01)."""
    vae = VAE(12, (5,), 2, seed=1)
    sgd = SGD(vae.params, lr=0.01)
    used = {}

    def report(epoch, seen, mean):
        used[epoch] = sgd.lr

    for _ in epochs(
        vae, IMAGES, n, batch_size=10, optimizer=sgd, schedule=schedule, seed=3,
        saved=None if resume is None else Saved(resume, History()), workers=workers, report=report,
    ):  # fmt: skip
        assert sgd.lr == 0.01
    return vae, used


def test_the_stages_of_the_iwae_paper():
    """Stage i has 3^i epochs of the factor 10^(−i/7), and all stages have 3280 epochs."""
    stages = [10 ** (-i / 7) for i in range(8) for _ in range(3**i)]
    assert len(stages) == 3280
    assert [iwae(epoch, 1) for epoch in range(1, 3281)] == stages
    assert iwae(3281, 1) == iwae(10**6, 1) == stages[-1]


def test_constant_is_one():
    """The learning rate is α in every epoch, also where the factor is used for all schedules."""
    assert {SCHEDULES["constant"](epoch, 5) for epoch in range(1, 6)} == {1.0}


def test_cosine_begins_at_one_falls_and_would_end_at_zero():
    """factor(1) = 1, factor(E/2 + 1) = ½, factor(E + 1) = 0, and it falls all the way."""
    factors = [cosine(epoch, 10) for epoch in range(1, 12)]
    assert factors[0] == 1 and math.isclose(factors[5], 0.5) and abs(factors[10]) < 1e-15
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_uses_the_factor_of_each_epoch(workers):
    """lr in epoch e is α · factor(e, E), in this process and in two; α again afterwards."""
    _, used = trained(6, schedule="iwae", workers=workers)
    assert used == {epoch: 0.01 * iwae(epoch, 6) for epoch in used}
    assert workers == 2 or len(used) == 6  # a report of workers comes when there is time


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_resumed_in_the_middle_of_a_schedule(tmp_path, schedule):
    """Stopped in epoch 3 of 6 and resumed: the bits of θ are those of 6 epochs at once."""
    path = tmp_path / "training.npz"

    vae = VAE(12, (5,), 2, seed=1)
    sgd = SGD(vae.params, lr=0.01)
    for epoch in epochs(
        vae, IMAGES, 6, batch_size=10, optimizer=sgd, schedule=schedule, seed=3,
        saved=Saved(path, History()),
    ):  # fmt: skip
        if epoch.number == 3:
            break
    resumed, _ = trained(6, path, schedule)
    whole, used = trained(6, None, schedule)
    assert resumed.params.theta.tobytes() == whole.params.theta.tobytes()
    assert (len(set(used.values())) > 1) == (schedule != "constant")


@pytest.mark.parametrize(("first", "second"), [(4, 6), (6, 4)])
def test_a_cosine_of_another_length_is_refused(tmp_path, first, second):
    """The factors of 4 epochs are not those of 6, so a cosine goes on with its own E alone."""
    path = tmp_path / "training.npz"
    trained(first, path, "cosine")
    with pytest.raises(ValueError, match=f"cosine over {first} epochs"):
        trained(second, path, "cosine")


def test_an_unknown_schedule_is_refused():
    """ValueError with the names there are."""
    with pytest.raises(ValueError, match=r"schedule is 'linear'; .* constant, iwae, cosine"):
        trained(1, schedule="linear")


def test_the_command_has_schedules(tmp_path, capsys):
    """`train --schedule cosine` trains by it: going on with another schedule is refused."""
    images = write_image_set(tmp_path / "images")

    def train(schedule, *more):
        quick = ["--epochs", "2", "--batch-size", "16", "--hidden", "8", "--quiet"]
        place = ["--data", str(images), "--out", str(tmp_path / "run"), "--workers", "1"]
        return main(["train", *place, *quick, "--schedule", schedule, *more])

    assert train("cosine") == 0
    assert train("iwae", "--resume") == 2
    assert "schedule was 'cosine over 2 epochs' and is 'iwae'" in capsys.readouterr().err
