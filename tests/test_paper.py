"""`scratchvae paper`: the paper's numbers, the jobs of each figure, and what is made of them."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import unread, write_image_set

from scratchvae import (
    VAE,
    Bound,
    Epoch,
    active_units,
    checks,
    cli,
    evaluate,
    figures,
    load_mnist,
    load_model,
    log_likelihood,
    paper,
    runs,
)  # fmt: skip
from scratchvae import jobs as jobs_module
from scratchvae.checkpoint import save_model
from scratchvae.jobs import run_job
from scratchvae.mcem import best_encoder
from scratchvae.optimizers import Optimizer
from scratchvae.paper import Point, at, digitised
from scratchvae.runs import ENCODERS, STEP_SIZES, Likelihood, Training

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder with a small image set."""
    return write_image_set(tmp_path_factory.mktemp("data") / "images")


def run(images, out, *options):
    """The command in this process. Returns its exit code."""
    return cli.main(
        ["paper", *options, "--data", str(images), "--out", str(out), "--quiet", "--jobs", "1"],
        rooms=[paper.add_commands],
    )


def test_the_digitised_curves():
    """The table of the paper's test bounds: N_z = 3, 5, 10, 20, 200 at 1e6, 1e7 and 1e8."""
    table = {
        3: (-152.9, -138.0, -133.4), 5: (-138.9, -124.1, -119.1), 10: (-128.3, -108.5, -103.7),
        20: (-124.2, -104.8, -100.2), 200: (-119.9, -103.9, -100.2),
    }  # fmt: skip
    points = digitised(2)
    for n_z, values in table.items():
        curve = [p for p in points if (p.n_z, p.algorithm, p.split) == (n_z, "aevb", "test")]
        assert tuple(at(samples, curve) for samples in (10**6, 10**7, 10**8)) == values
    marginal = [p for p in digitised(3) if (p.n_train, p.split) == (1000, "train")]
    ends = {p.algorithm: p.nats for p in marginal if p.samples == 60_000_000}
    assert ends == {"wake-sleep": -125.5, "mcem": -109.2, "aevb": -109.1}


def test_between_two_points_and_outside():
    """A straight line over log samples between two points; None outside of them."""
    curve = [Point(3, 1, "aevb", "test", 100, -8.0), Point(3, 1, "aevb", "test", 10_000, -6.0)]
    assert at(1000, curve) == pytest.approx(-7.0)
    assert at(99, curve) is None and at(10_001, curve) is None and at(5, []) is None


def test_points_of_a_curve():
    """1, 2, 3, 5 times the powers of ten from 1e5 on, and the end, each after a whole epoch."""
    assert Training(samples=1_000_000).points(50_000) == [2, 4, 6, 10, 20]
    assert Training(samples=120_000).points(50_000) == [2, 3]
    assert Training(samples=10).points(60) == [1]


def test_a_training_is_what_the_paper_states(images, tmp_path):
    """Adagrad, one of three step sizes, weight decay 1/N, N(0, 0.01), minibatches of 100. The
    curve's last point is the bound of the model that is written.
    """
    job = Training(n_z=2, hidden=(6,), n_train=60, samples=600, data=str(images))
    vae, optimizer = job._model(0.02, load_mnist(images).train_images)
    assert type(optimizer).__name__ == "Adagrad" and optimizer.weight_decay == 1 / 60
    assert job.batch_size == 100 and vae.activation == "tanh"
    big = VAE(784, (500,), 20, init=job.init).params.theta
    assert abs(big.std() - 0.1) < 1e-3 and abs(big.mean()) < 1e-3
    result = run_job(job, str(tmp_path))
    assert result["lr"] in STEP_SIZES and result["samples"] == [600]
    model = load_model(tmp_path / f"{job.name}.npz")
    assert result["test"] == [evaluate(model, load_mnist(images).test_images).elbo]


def test_the_step_size_with_the_best_start_is_taken(images, tmp_path):
    """The chosen lr has the highest trial objective of the three; a second call reads it."""
    data = load_mnist(images).train_images
    job = Training(n_z=2, hidden=(6,), n_train=60, samples=6000, data=str(images))
    objectives = {lr: job._trial(lr, data) for lr in STEP_SIZES}
    assert len(set(objectives.values())) == 3
    assert job._lr(tmp_path, data) == max(objectives, key=objectives.get)
    note = tmp_path / f".{job.name}.lr"
    note.write_text(f"{job!r}\n0.5\n")
    assert job._lr(tmp_path, data) == 0.5
    note.write_text(f"{replace(job, seed=1)!r}\n0.5\n")  # of another job: it is not used
    assert job._lr(tmp_path, data) == max(objectives, key=objectives.get)


class Momentum(Optimizer):
    """v ← μ v + g, θ ← θ − α v: an optimizer without epsilon, as somebody adds it."""

    settings, sums = ("lr", "mu", "weight_decay"), ("v",)

    def __init__(self, params, lr=0.001, *, mu=0.9, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self.mu, self.v = mu, np.zeros_like(params.theta)

    def update(self, theta, g, block, work):
        v = self.v[block]
        v *= self.mu
        v += g
        theta -= self.lr * v


def test_an_optimizer_of_ones_own_makes_a_figure(images, tmp_path, monkeypatch):
    """Once it is in OPTIMIZERS, `paper --optimizer` takes it."""
    monkeypatch.setitem(runs.OPTIMIZERS, "momentum", Momentum)
    options = ("--n-z", "2", "--samples", "120", "--optimizer", "momentum", "--quiet")
    assert run(images, tmp_path, "figure2", *options) == 0
    assert list(tmp_path.glob("*-momentum-*.json"))


@pytest.mark.parametrize("n", [60, 1000, 12_000])
@pytest.mark.parametrize(("samples", "tried"), [(9, 1), (300_000, 30_000), (10**7, 100_000)])
def test_a_trial_is_the_beginning_of_a_training(images, monkeypatch, n, samples, tried):
    """It trains for 100,000 samples, or a tenth of the training, or a few more, on 5,000 images at
    most, and gives the mean objective of the second half of the epochs. A bound that is not
    finite is the worst.
    """
    data, asked = np.resize(load_mnist(images).train_images, (n, 30)), []

    def told(vae, part, count, **others):
        asked.append((len(part), count))
        for number in range(1, count + 1):
            yield Epoch(number, Bound(float(number**2), 0.0, 0.0), None, 0.0, 1.0)

    job = Training(n_z=2, hidden=(6,), n_train=n, samples=samples, data=str(images))
    monkeypatch.setattr(runs, "epochs", told)
    found = job._trial(0.02, data)
    ((part, count),) = asked
    assert part == min(n, 5000) and (count == 2 or tried <= part * count < tried + part)
    assert count >= 2 and part * (count - 1) < max(tried, 2 * part)
    assert found == np.mean([i**2 for i in range(count // 2 + 1, count + 1)])

    def diverges(*arguments, **others):
        raise FloatingPointError
        yield

    monkeypatch.setattr(runs, "epochs", diverges)
    assert job._trial(0.1, data) == -np.inf


def test_a_picture_has_the_papers_range(tmp_path, monkeypatch):
    """From where the paper's curves begin, if ours reach so far, and no panel without ours."""
    drawn = []
    monkeypatch.setattr(figures, "published", lambda panels, **how: drawn.append((panels, how)))
    trainings = [Training(n_z=n_z) for n_z in (3, 5, 10)]

    def draw(*samples):
        ours = [paper.Point(5, 50_000, "aevb", "test", n, -120.0) for n in samples]
        paper._publish(
            trainings, ours, tmp_path / "figure2.png", by="n_z", panel="n_z", table="", ylabel="",
            ylim=(-150, -95),
        )  # fmt: skip
        panels, how = drawn.pop()
        return [title for title, _ in panels], how["xlim"]

    first, last = (f(p.samples for p in paper.digitised(2)) for f in (min, max))
    assert draw(100_000, 10**6) == (["n_z = 5"], (0.9 * first, 1.1 * last))
    assert draw(10_000, 20_000) == (["n_z = 5"], (9_000, 1.1 * last))
    assert draw() == ([f"n_z = {n}" for n in (3, 5, 10)], (0.9 * first, 1.1 * last))


def test_likelihood_in_parts_is_that_of_the_whole(tmp_path):
    """The sum over the parts' images is the sum of log p(x) with the same bits, seeds and model."""
    images = write_image_set(tmp_path / "images")
    training = Training(n_z=2, hidden=(6,), n_train=60, samples=60, data=str(images), models=True)
    vae = VAE(30, (6,), 2, seed=3, image_shape=(6, 5))
    save_model(vae, training.model_files(tmp_path, 60)[0])
    job = Likelihood(training, 60, "test", 5, 15, "importance", 300)
    result = run_job(job, str(tmp_path))
    x = paper.load_images(images).test_images[5:15]
    rng = checks.generator("seed", training.seed, "log p(x)", False, 5)
    bits = (rng.integers(0, 255, x.shape, np.uint8) < x) * 1.0
    assert (best_encoder([vae], bits, rng) == 0).all()
    expected = log_likelihood(vae, bits, 300, seed=rng)
    assert result["images"] == 10
    assert np.isclose(result["sum"], expected.log_p.sum(), rtol=1e-6)


def test_each_image_has_the_encoder_with_the_best_bound(tmp_path):
    """Monte Carlo EM's Likelihood: two encoders of one decoder, each the other with wrong means for
    half of the images. log p(x) is what the right encoder gives for each half.
    """
    images = write_image_set(tmp_path / "images")
    training = Training("mcem", 2, (), 60, 60, data=str(images), models=True)
    files, x = training.model_files(tmp_path, 60), paper.load_images(images).test_images[:16]
    assert len(files) == ENCODERS and len(set(files)) == ENCODERS
    vae = VAE(30, (), 2, seed=3, image_shape=(6, 5))
    values = vae.params.values
    values["logits.W"] *= 2
    values["mu.W"][...] = 0
    values["mu.W"][0] = 8  # wrong where the first pixel is 1
    for path in files:
        save_model(vae, path)
        values["mu.b"] += 8 * (path == files[0])
        values["mu.W"][0] *= -1  # then wrong where it is 0
    job = Likelihood(training, 60, "test", 0, len(x), "importance", 2000)
    result = run_job(job, str(tmp_path))
    rng = checks.generator("seed", training.seed, "log p(x)", False, 0)
    bits = (rng.integers(0, 255, x.shape, np.uint8) < x) * 1.0
    assert 0 < bits[:, 0].sum() < len(bits)
    values["mu.W"][...] = values["mu.b"][...] = 0  # right for all
    truth = log_likelihood(vae, bits, 2000).log_p.sum()
    alone = [log_likelihood(load_model(path), bits, 2000).log_p.sum() for path in files[:2]]
    assert abs(result["sum"] - truth) < 0.5
    assert max(alone) < truth - 5


def test_figure2(images, tmp_path, capsys):
    """Jobs, table, CSV and picture; a second call runs nothing and gives the same files; --draw
    shows what is there.
    """
    options = ("figure2", "--samples", "300", "--n-z", "2,3")
    assert run(images, tmp_path, "figure2", "--draw", "--samples", "300", "--n-z", "2,3") == 0
    assert len((tmp_path / "figure2.csv").read_text().splitlines()) == 1
    assert run(images, tmp_path, *options) == 0
    lines = capsys.readouterr().out.splitlines()
    table = [line.split() for line in lines if "aevb" in line or "wake-sleep" in line]
    with open(tmp_path / "figure2.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row[0], row[1]) for row in table] == [
        ("2", "aevb"), ("2", "wake-sleep"), ("3", "aevb"), ("3", "wake-sleep")
    ]  # fmt: skip
    for row in rows:
        path = next(tmp_path.glob(f"{row['algorithm']}-h500-z{row['n_z']}-*.json"))
        assert float(row["nats"]) == json.loads(path.read_text())["result"][row["split"]][-1]
    assert (tmp_path / "figure2.png").read_bytes().startswith(PNG)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.json")}
    assert len(before) == 4 and run(images, tmp_path, *options) == 0
    assert before == {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.json")}


def test_figure3(images, tmp_path, capsys, monkeypatch):
    """Three algorithms, each measured on training and test images; one picture and one CSV."""
    monkeypatch.setattr(runs, "ENCODER_STEPS", 200)
    options = ("figure3", "--samples", "120", "--n-train", "40", "--images", "3", "--lr", "0.02")
    assert run(images, tmp_path, *options) == 0
    out = capsys.readouterr().out
    assert all(out.count(f" {name} ") == 2 for name in ("aevb", "wake-sleep", "mcem"))
    with open(tmp_path / "figure3.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and all(-30 < float(row["nats"]) < -2 for row in rows)
    assert (tmp_path / "figure3.png").read_bytes().startswith(PNG)


def test_the_trainings_of_each_figure(tmp_path, monkeypatch):
    """By default those of the paper: its n_z, its N, its algorithms, hidden units and length."""
    wanted = []
    monkeypatch.setattr(paper, "run_jobs", lambda jobs, *rest, **how: wanted.extend(jobs))
    for figure, n_z, n_train, algorithms, hidden in (
        ("figure2", (3, 5, 10, 20), (50_000,), ("aevb", "wake-sleep"), (500,)),
        ("figure3", (3,), (1000, 50_000), ("aevb", "wake-sleep", "mcem"), (100,)),
        ("figure4", (2,), (50_000,), ("aevb",), (500,)),
        ("figure5", (2, 5, 10, 20), (50_000,), ("aevb",), (500,)),
        ("iwae-row", (50,), (60_000,), ("aevb",), (200, 200)),
    ):
        wanted.clear()
        command = ["paper", figure, "--out", str(tmp_path), "--quiet", "--jobs", "1"]
        assert cli.main(command, [paper.add_commands]) == 0
        found = {(job.algorithm, job.n_z, job.n_train) for job in wanted}
        assert found == {(a, z, n) for a in algorithms for z in n_z for n in n_train}
        assert {job.hidden for job in wanted} == {hidden}
        assert {job.samples for job in wanted} == {600_000 if figure == "iwae-row" else 10**6}


def test_the_table_shows_the_end_of_each_curve(capsys):
    """The last point of a curve, the paper's value at as many samples, the difference, and the
    paper's last; a training curve has no row in a table by n_z.
    """
    ours = [
        Point(3, 50_000, "aevb", split, samples, nats)
        for split, samples, nats in (
            ("test", 100, -9.0), ("test", 10_000, -7.0), ("test", 1000, -8.0), ("train", 1000, -1.0)
        )
    ]  # fmt: skip
    theirs = [
        Point(3, 50_000, "aevb", "test", samples, nats)
        for samples, nats in ((10**6, -4.0), (1000, -8.5), (10**5, -6.5))
    ]
    paper._table("title", ours, theirs, "n_z")
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split() for row in rows] == [
        ["3", "aevb", "test", "10,000", "-7.0", "-7.5", "+0.5", "-4.0"]
    ]


def test_figures_4_and_5(images, tmp_path):
    """The manifold, and four sheets of samples; they share the job of n_z = 2."""
    assert run(images, tmp_path, "figure4", "--samples", "60") == 0
    assert run(images, tmp_path, "figure5", "--samples", "60") == 0
    for name in ("figure4.png", "figure5.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)
    assert len(list(tmp_path.glob("*.json"))) == 4


def test_iwae_row(images, tmp_path, capsys):
    """784-200-200-50 with the paper's schedule; the command says how far it is from the paper."""
    assert run(images, tmp_path, "iwae-row", "--epochs", "2", "--images", "4") == 0
    out = capsys.readouterr().out
    assert "86.76" in out and "3280" in out and "first 4 test images" in out
    model = load_model(next(tmp_path.glob("aevb-h200x200-z50-*adam-120.npz")))
    units = active_units(model, load_mnist(images).test_images)
    assert re.search(rf"^active units of 50 +{units} +19$", out, re.M)
    assert model.hidden == (200, 200) and model.n_z == 50
    job = json.loads(next(tmp_path.glob("aevb-h200x200-z50-*adam-120.json")).read_text())["job"]
    assert (job["schedule"], job["epsilon"], job["lr"]) == ("iwae", 1e-4, 1e-3)


@pytest.mark.parametrize(
    "result",
    [
        {}, {"samples": []}, {"samples": 3}, {"samples": [60], "train": [], "test": [-1.0]},
        {"samples": [60], "train": ["x"], "test": [-1.0]},
        {"samples": [60, 70], "train": [-1.0], "test": [-1.0, -2.0]}, None,
    ],
)  # fmt: skip
def test_a_result_that_no_job_gives_is_refused(images, tmp_path, capsys, result):
    """One sentence with the file's name, exit code 2; None: a list nested 100,000 deep."""
    assert run(images, tmp_path, "figure2", "--n-z", "2", "--samples", "60", "--lr", "0.01") == 0
    path = next(tmp_path.glob("aevb-*.json"))
    content = json.loads(path.read_text())
    if result is None:
        path.write_text("[" * 100_000)
    else:
        content["result"] = result
        content.pop("sha256")
        path.write_text(json.dumps({**content, "sha256": jobs_module._checksum(content)}))
    capsys.readouterr()
    assert run(images, tmp_path, "figure2", "--n-z", "2", "--samples", "60", "--lr", "0.01") == 2
    error = capsys.readouterr().err
    assert path.name in error and "move it away" in error and error.count("\n") == 1


def test_iwae_row_measures_with_the_seed_that_was_asked_for(images, tmp_path, capsys):
    """Minus the bound that it prints is that of `evaluate` with the same seed, and no other."""
    seed = ("--seed", "5")
    assert run(images, tmp_path, "iwae-row", "--epochs", "1", "--images", "4", *seed) == 0
    model = load_model(next(tmp_path.glob("aevb-h200x200-z50-*adam-60.npz")))
    bounds = [
        f"{-evaluate(model, load_mnist(images).test_images, seed=of).elbo:.2f}" for of in (5, 0)
    ]
    assert bounds[0] != bounds[1]
    assert f"minus the bound of all 20: {bounds[0]}." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("figure2", "--samples", "60", "--lr", "-1"), "lr is -1.0"),
        (("figure2", "--dask", "tcp://x", "--mpi"), "--dask and --mpi are both given"),
        (("figure4", "--samples", "60", "--data", "/nowhere"), "/nowhere"),
    ],
)
def test_bad_input(images, tmp_path, capsys, options, message):
    """One sentence on stderr, exit code 2."""
    assert run(images, tmp_path, *options) == 2 or "--data" in options
    if "--data" in options:  # the last one counts
        assert cli.main(["paper", *options, "--out", str(tmp_path)], [paper.add_commands]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("scratchvae paper: error: ") and message in last


def test_results_of_another_configuration_and_damage(images, tmp_path, capsys):
    """Another seed in the same folder, and a damaged result: one sentence, code 2, nothing lost."""
    options = ("figure4", "--samples", "60")
    assert run(images, tmp_path, *options) == 0
    path = next(tmp_path.glob("*.json"))
    content = path.read_bytes()
    assert run(images, tmp_path, *options, "--seed", "1") == 2
    assert "another configuration: seed was 0 and is 1" in capsys.readouterr().err
    assert path.read_bytes() == content
    path.write_bytes(content[:100])
    assert run(images, tmp_path, *options) == 2
    assert "is no result of a job" in capsys.readouterr().err
    assert path.read_bytes() == content[:100]


@pytest.mark.parametrize("named", [True, False])
def test_results_of_another_data_set(images, tmp_path, capsys, monkeypatch, named):
    """Other images in the same folder, or behind $SCRATCHVAE_DATA: refused, nothing is drawn."""
    data, out = tmp_path / "data", tmp_path / "out"
    options = ["paper", "figure4", "--samples", "60", "--out", str(out), "--quiet", "--jobs", "1"]
    options += ["--data", str(data)] if named else []
    write_image_set(data)
    monkeypatch.setenv("SCRATCHVAE_DATA", str(data))
    assert cli.main(options, [paper.add_commands]) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write_image_set(data, n_test=19)
    for draw in ([], ["--draw"]):
        assert cli.main([*options, *draw], [paper.add_commands]) == 2
        assert "another configuration: checksum was" in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_job_takes_no_other_data_set(images, tmp_path):
    """A worker whose folder holds other images than those that were asked for refuses the job."""
    checksum = load_mnist(images).identity.checksum
    other = write_image_set(tmp_path / "other", n_test=19)
    job = Training(n_z=2, hidden=(6,), n_train=60, samples=60, lr=0.02, checksum=checksum)
    assert run_job(replace(job, data=str(images)), str(tmp_path))["samples"] == [60]
    with pytest.raises(ValueError, match=f"the images of other have the checksum .* {checksum}"):
        run_job(replace(job, data=str(other), seed=1), str(tmp_path / "other"))


def test_whole_epochs_are_said_before_the_training(images, tmp_path, capsys, monkeypatch):
    """--samples 100 of 60 images trains 120: it is said before any job begins. 120 is not said."""
    said = []
    monkeypatch.setattr(paper, "run_jobs", lambda *jobs, **how: said.append(capsys.readouterr()))
    assert run(images, tmp_path, "figure4", "--samples", "100") == 0
    assert run(images, tmp_path, "figure4", "--samples", "120") == 0
    assert "--samples is 100; a training is of whole epochs of 60 images, so it has 120" in (
        said[0].out
    )
    assert said[1].out == ""


def test_settings_that_a_figure_does_not_have(images, tmp_path, capsys):
    """Exit code 2 for each, with what the figure has; more images than there are too."""
    for arguments, message in (
        (("figure4", "--n-z", "5"), "--n-z is given; figure4 has only --samples --optimizer --lr"),
        (("figure2", "--epochs", "5"), "--epochs is given"),
        (("figure2", "--images", "5"), "--images is given"),
        (("figure2", "--n-train", "5"), "--n-train is given"),
        (("iwae-row", "--samples", "60"), "--samples is given; iwae-row has only --epochs"),
        (("iwae-row", "--optimizer", "sgd"), "--optimizer is given"),
        (("iwae-row", "--images", "21"), "--images is 21; there are 20 test images"),
        (("figure3", "--n-train", "10,61"), "--n-train is 61; there are 60 training images"),
        (("figure3", "--n-train", "10", "--images", "11"), "and 10 training images"),
    ):
        assert run(images, tmp_path, *arguments) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_output_that_goes_away_loses_no_file(images, tmp_path):
    """Nobody reads what is printed: the jobs run, the picture and the table are written."""
    command = ["paper", "figure2", "--n-z", "2", "--samples", "100", "--data", images]
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        assert unread(*command, "--out", out, "--jobs", jobs, cwd=tmp_path) == 0
        assert {"figure2.png", "figure2.csv"} <= {path.name for path in out.iterdir()}


def test_the_command_is_there():
    """`python -m scratchvae paper --help` names the figures; Matplotlib is not imported for it."""
    code = (
        "import sys; from scratchvae import __main__, paper; "
        "assert 'matplotlib' not in sys.modules and 'distributed' not in sys.modules"
    )
    root = {"cwd": Path(__file__).parents[1]}
    assert subprocess.run([sys.executable, "-c", code], **root).returncode == 0
    shown = subprocess.run(
        [sys.executable, "-m", "scratchvae", "paper", "--help"],
        capture_output=True, text=True, **root,
    )  # fmt: skip
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in paper.FIGURES)


@pytest.mark.parametrize(("option", "module"), [("--dask", "distributed"), ("--mpi", "mpi4py")])
def test_the_extra_is_missing(images, tmp_path, capsys, monkeypatch, option, module):
    """Without the extra `cluster`: one sentence that says how to install it, exit code 2."""
    monkeypatch.setitem(sys.modules, module, None)
    arguments = [option, "tcp://127.0.0.1:9"] if option == "--dask" else [option]
    assert run(images, tmp_path, "figure4", "--samples", "60", *arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{option} needs {module}" in error and "scratchvae[cluster]" in error
