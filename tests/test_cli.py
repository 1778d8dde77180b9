"""The commands, run as a user runs them."""

import dataclasses
import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import HANG, until, write_idx, write_image_set
from test_parallel import children

from scratchvae import VAE, evaluate, figures, files, load_mnist, load_model, save_model, training
from scratchvae.cli import main

PNG = b"\x89PNG\r\n\x1a\n"
QUICK = ["--epochs", "2", "--batch-size", "16", "--hidden", "8"]


def run(*arguments, cwd=None, **keywords):
    """The command in a process of its own, with this checkout's package."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "scratchvae", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=HANG, **keywords
    )


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """A small model of n_z = 2, trained once, on what is in every test's `image_set`."""
    place = tmp_path_factory.mktemp("trained")
    data = ["--data", str(write_image_set(place / "images"))]
    assert main(["train", *data, "--out", str(place / "run"), "--n-z", "2", "--quiet", *QUICK]) == 0
    return place / "run"


@pytest.fixture
def trained(trained_once, tmp_path):
    """A folder of the test's own with the small trained model."""
    return shutil.copytree(trained_once, tmp_path / "run")


def test_train_says_what_it_reached_and_leaves_its_files(image_set, tmp_path):
    """train prints bounds with their parts, active units and the folder; model, history
    and pictures are there.
    """
    result = run("train", "--data", image_set, "--n-z", 2, *QUICK, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "runs" / "images"
    pictures = [
        f"{name}.png"
        for name in ("latent_scatter", "learning_curve", "manifold", "reconstructions", "samples")
    ]
    names = sorted([".lock", "history.json", "model.npz", "training.npz", *pictures])
    assert sorted(file.name for file in folder.iterdir()) == names
    assert all((folder / name).read_bytes().startswith(PNG) for name in pictures)
    for words in (
        "2 epochs",
        "images/s",
        "train",
        "test",
        "bound",
        "reconstruction",
        "KL",
        "active latent units",
        "runs/images",
    ):
        assert words in result.stdout
    assert len(result.stderr.splitlines()) == 2  # plain progress lines, one an epoch

    vae, data = load_model(folder / "model.npz"), load_mnist(image_set)
    bound = evaluate(vae, data.test_images)
    assert f"{bound.elbo:.2f} = {bound.reconstruction:14.2f} - {bound.kl:6.2f}" in result.stdout
    assert json.loads((folder / "history.json").read_text())["test_elbo"][-1] == bound.elbo
    assert vae.image_shape == (6, 5)


def test_grey_and_the_gaussian_decoder(image_set, tmp_path, monkeypatch):
    """--pixels says what the model sees; without it bits for a Bernoulli, grey for a Gaussian."""
    seen = {}
    forward = VAE.forward
    for name, options in {
        "bits": [],
        "grey": ["--pixels", "grey"],
        "gaussian": ["--decoder", "gaussian"],
        "noise": ["--decoder", "gaussian", "--pixels", "dequantized"],
    }.items():
        values = seen.setdefault(name, set())
        monkeypatch.setattr(
            VAE,
            "forward",
            lambda self, x, eps, values=values: (
                values.update(np.unique(x)),
                forward(self, x, eps),
            )[1],
        )
        assert (
            main(
                [
                    "train",
                    "--data",
                    str(image_set),
                    "--out",
                    str(tmp_path / name),
                    "--quiet",
                    *QUICK,
                    *options,
                ]
            )
            == 0
        )
    assert seen["bits"] == {0, 1} and seen["grey"] == seen["gaussian"] == {
        np.float32(10) / 255,
        np.float32(240) / 255,
    }
    assert (
        len(seen["noise"]) > 1000
        and load_model(tmp_path / "gaussian" / "model.npz").decoder == "gaussian"
    )


def test_a_picture_of_an_earlier_model_does_not_stay(trained, image_set):
    """Training n_z = 3 where n_z = 2 was trained removes the pictures of the plane, which
    are not the new model's.
    """
    again = ["train", "--data", str(image_set), "--out", str(trained), "--overwrite"]
    assert main([*again, "--n-z", "3", "--quiet", *QUICK]) == 0
    assert not (trained / "manifold.png").exists() and (trained / "samples.png").exists()


def test_a_training_is_not_replaced_in_silence(trained, image_set, capsys):
    """train into a folder with a training: exit code 2, three choices named, no file changed.

    --overwrite and --resume together are refused.
    """
    again = ["train", "--data", str(image_set), "--out", str(trained), "--quiet", *QUICK]
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    for there in (("model.npz", "training.npz"), ("model.npz",), ("training.npz",)):
        for name in {"model.npz", "training.npz"} - {*there}:
            (trained / name).unlink()
        assert main([*again, "--n-z", "3"]) == 2
        error = capsys.readouterr().err
        assert f"{trained} holds {' and '.join(there)} of an earlier training" in error
        assert "--overwrite" in error and "--out" in error
        assert ("--resume" in error) == ("training.npz" in there)
        after = {path.name: path.read_bytes() for path in trained.iterdir()}
        assert after == {name: before[name] for name in after}
        for name, content in before.items():
            (trained / name).write_bytes(content)
    with pytest.raises(SystemExit):
        main([*again, "--resume", "--overwrite"])
    assert "not allowed with" in capsys.readouterr().err


def test_resume_without_a_state_does_not_replace_the_model(trained, image_set, capsys):
    """A model.npz without its training.npz: --resume has nothing to go on from, and says so."""
    (trained / "training.npz").unlink()
    model = (trained / "model.npz").read_bytes()
    again = ["train", "--data", str(image_set), "--out", str(trained), "--resume", "--quiet"]
    assert main([*again, *QUICK]) == 2
    assert "no training.npz to go on from" in capsys.readouterr().err
    assert (trained / "model.npz").read_bytes() == model


def test_a_finished_training_goes_on(trained, image_set, tmp_path):
    """--resume with more epochs gives the bits of one training of as many."""
    data = ["--data", str(image_set), "--n-z", "2", "--quiet", *QUICK, "--epochs", "4"]
    assert main(["train", *data, "--out", str(trained), "--resume"]) == 0
    assert main(["train", *data, "--out", str(tmp_path / "whole")]) == 0
    models = [load_model(folder / "model.npz") for folder in (trained, tmp_path / "whole")]
    assert models[0].params.theta.tobytes() == models[1].params.theta.tobytes()


def test_overwrite_keeps_the_old_state_until_an_epoch_is_whole(trained, image_set, monkeypatch):
    """Stopped in its first epoch, --overwrite has changed neither model nor state; after its
    first epoch both are of the new training.
    """
    again = ["train", "--data", str(image_set), "--out", str(trained), "--overwrite", "--quiet"]
    again += [*QUICK, "--n-z", "3", "--workers", "1"]
    names = ("model.npz", "training.npz", "history.json")
    before = [(trained / name).read_bytes() for name in names]
    step, steps = training.training_step, []

    def stopped(*arguments):
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(training, "training_step", stopped)
    assert main(again) == 130 and len(steps) == 2
    assert before == [(trained / name).read_bytes() for name in names]
    assert main(again) == 0
    assert not {*before} & {(trained / name).read_bytes() for name in names}
    assert load_model(trained / "model.npz").n_z == 3
    again[again.index("--overwrite")] = "--resume"
    assert main(again) == 0  # the state is of n_z = 3


@pytest.mark.parametrize("command", ["sample", "reconstruct"])
def test_seed_reaches_the_picture(trained, image_set, tmp_path, command):
    """Another --seed, another picture; the same, the same."""
    data = ["--data", str(image_set)] if command == "reconstruct" else []
    pictures = []
    for i, seed in enumerate("334"):
        main(
            [
                command,
                str(trained / "model.npz"),
                "--n",
                "4",
                "--out",
                str(tmp_path / f"{i}.png"),
                "--seed",
                seed,
                *data,
            ]
        )
        pictures.append((tmp_path / f"{i}.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


@pytest.mark.parametrize("method", ["importance", "ais", "hmc"])
def test_evaluate_with_likelihood(trained, image_set, method, capsys):
    """evaluate --likelihood prints the bound below log p(x) with its error, and the
    acceptance rate where there are moves.
    """
    options = [
        "--likelihood",
        method,
        "--images",
        "5",
        "--n-samples",
        "40",
        *(["--temperatures", "5"] if method == "ais" else []),
        "--quiet",
    ]
    assert main(["evaluate", str(trained / "model.npz"), "--data", str(image_set), *options]) == 0
    printed = capsys.readouterr().out
    assert "bound" in printed and "log p(x)" in printed and f"by {method}, 40 samples" in printed
    assert ("acceptance rate" in printed) == (method != "importance")


def test_evaluate_refuses_more_images_than_there_are(trained, image_set, capsys):
    """--images beyond the test set is an error, not a smaller number of them."""
    assert (
        main(
            [
                "evaluate",
                str(trained / "model.npz"),
                "--data",
                str(image_set),
                "--likelihood",
                "ais",
            ]
        )
        == 2
    )
    assert "--images is 1000; there are 20" in capsys.readouterr().err


def test_train_options_reach_the_model(image_set, tmp_path):
    """The options of train are those of the model, and n_z other than 2 draws no plane."""
    options = "--n-z 3 --hidden 7,5 --activation relu --init normal --optimizer adagrad --lr 0.05"
    options += " --weight-decay 0.01 --pixels grey --seed 4"
    assert (
        main(
            [
                "train",
                "--data",
                str(image_set),
                "--out",
                str(tmp_path / "run"),
                "--epochs",
                "1",
                "--quiet",
                *options.split(),
            ]
        )
        == 0
    )
    vae = load_model(tmp_path / "run" / "model.npz")
    assert (vae.n_z, vae.hidden, vae.activation, vae.init) == (3, (7, 5), "relu", "normal")
    assert not (tmp_path / "run" / "manifold.png").exists()


def test_same_seed_same_model(image_set, tmp_path):
    """train twice with the same seed gives identical bits of θ."""
    for name in "ab":
        main(
            [
                "train",
                "--data",
                str(image_set),
                "--out",
                str(tmp_path / name),
                "--quiet",
                "--seed",
                "3",
                *QUICK,
            ]
        )
    a, b = (load_model(tmp_path / name / "model.npz").params.theta for name in "ab")
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("command", ["sample", "reconstruct", "manifold"])
def test_pictures_from_a_saved_model(trained, image_set, tmp_path, command, capsys):
    """sample, reconstruct and manifold write one PNG from a saved model, where --out says."""
    out = tmp_path / f"{command}.png"
    data = ["--data", str(image_set)] if command == "reconstruct" else []
    assert main([command, str(trained / "model.npz"), "--n", "5", "--out", str(out), *data]) == 0
    assert out.read_bytes().startswith(PNG)
    assert f"wrote {out}" in capsys.readouterr().out


def test_sample_draws_both_samplings(trained, capsys):
    """sample --draw writes two_samplings.png beside the model, and leaves samples.png as it is."""
    samples = (trained / "samples.png").read_bytes()
    assert main(["sample", str(trained / "model.npz"), "--draw"]) == 0
    assert f"wrote {trained / 'two_samplings.png'}" in capsys.readouterr().out
    assert (trained / "two_samplings.png").read_bytes().startswith(PNG)
    assert (trained / "samples.png").read_bytes() == samples


def test_numbers_that_cannot_be_met_are_refused(trained, image_set, capsys, tmp_path):
    """A number or an option that the command would not obey: exit code 2, and nothing is drawn."""
    model, data = str(trained / "model.npz"), ["--data", str(image_set)]
    before = sorted(trained.iterdir())
    for command, message in (
        (["sample", model, "--draw", "--n", "9"], "--n is 9; with --draw it should be 8 or less"),
        (["reconstruct", model, *data, "--n", "21"], "--n is 21; there are 20 test images"),
        (["evaluate", model, *data, "--images", "5"], "--images is given; it needs --likelihood"),
        (["evaluate", model, *data, "--n-samples", "5"], "--n-samples is given"),
        (
            ["evaluate", model, *data, "--likelihood", "importance", "--temperatures", "9"],
            "--temperatures is given; it needs --likelihood ais",
        ),
    ):
        assert main(command) == 2
        assert message in capsys.readouterr().err
    assert sorted(trained.iterdir()) == before
    assert main(["reconstruct", model, *data]) == 0  # all 20, where nobody asked for 48


@pytest.mark.parametrize("command", ["sample", "reconstruct", "manifold", "interpolate"])
@pytest.mark.parametrize("name", ["x.jpg", "x", "model.npz", "x.png.bak"])
def test_a_picture_has_the_suffix_of_what_it_is(trained, capsys, tmp_path, command, name):
    """--out of a picture is a .png or a folder that is there; another name is refused."""
    with pytest.raises(SystemExit, match="2"):
        main([command, str(trained / "model.npz"), "--out", str(tmp_path / name)])
    assert "should end in .png" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_reconstructions_show_the_images_and_their_bits(trained, image_set, monkeypatch):
    """reconstruct and train draw the grey images, the bits that the model saw of each, and the
    means for these bits.
    """
    drawn = []
    monkeypatch.setattr(figures, "reconstructions", lambda *arguments, **_: drawn.append(arguments))
    images = load_mnist(image_set).test_images / np.float32(255)
    again = ["--data", str(image_set), "--quiet", *QUICK, "--out"]
    assert main(["train", *again, str(trained.parent / "again")]) == 0
    assert main(["reconstruct", str(trained / "model.npz"), "--data", str(image_set)]) == 0
    vaes = [load_model(path / "model.npz") for path in (trained.parent / "again", trained)]
    for vae, (originals, seen, means, shape) in zip(vaes, drawn, strict=True):
        assert sorted(map(bytes, originals)) == sorted(map(bytes, images)) and shape == (6, 5)
        assert set(np.unique(seen)) == {0, 1}
        # the seed of the images' grey levels 10 and 240: most bits are the nearer value
        assert 0.9 < (seen == originals.round()).mean() < 1
        np.testing.assert_array_equal(means, vae.reconstruct(seen))


def test_evaluate_prints_what_train_printed(trained, image_set, capsys):
    """evaluate gives the same bound as train did: the test set is binarised in one way."""
    main(["evaluate", str(trained / "model.npz"), "--data", str(image_set)])
    printed = capsys.readouterr().out
    history = json.loads((trained / "history.json").read_text())
    assert f"{history['test_elbo'][-1]:.2f}" in printed


@pytest.mark.parametrize(
    "options", [[], ["--hidden", "6,5", "--samples", "3", "--activation", "sigmoid", "--seed", "2"]]
)
def test_gradcheck_prints_every_weight(options, capsys):
    """gradcheck prints close / largest difference for every weight, and ends with 0: a right
    gradient has no "no" in its row.
    """
    assert main(["gradcheck", *options]) == 0
    printed = capsys.readouterr().out
    for name in (
        "encoder.0.W",
        "mu.b",
        "logvar.W",
        "decoder.0.b",
        "logits.W",
        "close",
        "largest difference",
    ):
        assert name in printed
    assert "no" not in printed.split()


def test_gradcheck_sees_a_wrong_gradient(monkeypatch, capsys):
    """A wrong backward pass is named, and the exit code is 1."""
    monkeypatch.setattr("scratchvae.layers.Tanh.backward_input", lambda self, dy: dy * (1 - self.y))
    assert main(["gradcheck"]) == 1
    assert "wrong: encoder.0.W" in capsys.readouterr().out


def test_help_has_an_example_everywhere():
    """--help of the program and of every command ends with an example."""
    assert "example: scratchvae train" in run("--help").stdout
    for command in ("train", "sample", "reconstruct", "manifold", "evaluate", "gradcheck"):
        text = run(command, "--help").stdout
        assert f"example: scratchvae {command}" in text and "--seed" in text


def test_import_is_light():
    """`import scratchvae` does not import Matplotlib, nor Pillow."""
    code = "import sys, scratchvae; print({'matplotlib', 'PIL'} & {*sys.modules} or [])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        ).stdout.strip()
        == "[]"
    )


def _truncated(folder):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    return folder


def _fewer_labels(folder):
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.zeros(3))
    return folder


BAD_DATA = {
    "missing": (lambda folder: folder / "nowhere", "looked in"),
    "truncated": (_truncated, "train-images-idx3-ubyte.gz"),
    "labels": (_fewer_labels, "each image should have one label"),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_data_is_an_error_and_nothing_is_written(image_set, tmp_path, kind):
    """Exit code 2, one sentence, no traceback, no output folder."""
    spoil, message = BAD_DATA[kind]
    result = run("train", "--data", spoil(image_set), "--out", tmp_path / "run", *QUICK)
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


BAD_OPTIONS = [
    (["train", "--epochs", "0"], "--epochs"),
    (["train", "--n-z", "-3"], "--n-z"),
    (["train", "--hidden", "5,x"], "--hidden"),
    (["train", "--batch-size", "1.5"], "--batch-size"),
    (["train", "--lr", "-1"], "lr is -1.0"),
    (["train", "--lr", "nan"], "lr is nan"),
    (["train", "--weight-decay", "-1"], "weight_decay is -1.0"),
    (["train", "--seed", "-1"], "--seed"),
    (["train", "--optimizer", "lbfgs"], "--optimizer"),
    (["train", "--speed", "9"], "unrecognized arguments: --speed"),
    (["train", "--epoch", "9"], "unrecognized arguments: --epoch"),
    (["destroy"], "invalid choice: 'destroy'"),
    ([], "COMMAND"),
    (["sample", "nowhere.npz"], "nowhere.npz"),
    (["train", "--decoder", "gaussian", "--pixels", "dequantized", "--n-z", "0"], "--n-z"),
    (["train", "--pixels", "dequantized"], "bits"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_OPTIONS)
def test_bad_options_are_an_error_and_nothing_is_written(
    image_set, tmp_path, arguments, message, monkeypatch, capsys
):
    """Exit code 2, the option named, nothing written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCRATCHVAE_DATA", str(image_set))
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_an_output_folder_that_cannot_be_is_an_error(image_set, tmp_path):
    """Before the training, not after it."""
    (tmp_path / "file").write_text("")
    result = run(
        "train", "--data", image_set, "--out", tmp_path / "file" / "run", "--epochs", "100000"
    )
    assert result.returncode == 2 and "file" in result.stderr and "Traceback" not in result.stderr


def test_a_model_of_other_pixels_is_an_error(trained, tmp_path, capsys):
    """evaluate and reconstruct on images of another size: exit code 2, both sizes named."""
    other = write_image_set(tmp_path / "other", height=4, width=4)
    for command in ("evaluate", "reconstruct"):
        assert main([command, str(trained / "model.npz"), "--data", str(other)]) == 2
        assert "the images are 4 x 4 pixels; the model is of 6 x 5" in capsys.readouterr().err


def test_manifold_needs_two_dimensions(image_set, tmp_path, capsys):
    """manifold of a model with n_z = 3 is refused, and no picture is written."""
    main(
        [
            "train",
            "--data",
            str(image_set),
            "--out",
            str(tmp_path / "run"),
            "--n-z",
            "3",
            "--quiet",
            *QUICK,
        ]
    )
    assert main(["manifold", str(tmp_path / "run" / "model.npz")]) == 2
    assert (
        "n_z is 3" in capsys.readouterr().err and not (tmp_path / "run" / "manifold.png").exists()
    )


def test_divergence_says_what_to_try(image_set, tmp_path):
    """A learning rate that is far too large: exit code 2, step and advice, no traceback."""
    result = run(
        "train",
        "--data",
        image_set,
        "--out",
        tmp_path / "run",
        "--optimizer",
        "sgd",
        "--lr",
        "1e35",
        *QUICK,
    )
    assert (
        result.returncode == 2
        and "smaller learning rate" in result.stderr
        and "at step" in result.stderr
    )
    assert "Traceback" not in result.stderr and "Warning" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_the_last_whole_epoch(image_set, tmp_path, interrupt):
    """Ctrl-C: exit code 130, no traceback, and the named model is that of the last whole epoch."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [
        sys.executable,
        "-m",
        "scratchvae",
        "train",
        "--data",
        image_set,
        "--out",
        tmp_path / "run",
        "--epochs",
        "1000000",
    ]
    # a shell may have had SIGINT ignored; a terminal has not
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    model = tmp_path / "run" / "model.npz"
    until(model.exists, process)
    assert interrupt(process, signal.SIGINT)
    error = process.stderr.read()
    assert process.returncode == 130 and "Traceback" not in error
    epochs = len(json.loads((tmp_path / "run" / "history.json").read_text())["elbo"])
    assert f"stopped: the model of epoch {epochs} is in {model}" in error
    load_model(model)


@pytest.mark.parametrize("write", range(1, 7))
def test_a_full_disk_keeps_the_last_whole_epoch(image_set, tmp_path, monkeypatch, capsys, write):
    """The disk is full at any of an epoch's three writes, in the first epoch or the second: exit
    code 2, and the sentence names the epoch whose model is there. With space again, --resume
    gives the bits of a training that had it, if the first epoch's three files were written.
    """
    train = ["train", "--data", str(image_set), "--quiet", "--workers", "1", *QUICK]
    models = []
    for epochs in (1, 2):
        out = tmp_path / f"{epochs}"
        assert main([*train, "--out", str(out), "--epochs", str(epochs)]) == 0
        models.append(load_model(out / "model.npz").params.theta.tobytes())
    to_disk, written = files._to_disk, []

    def full(descriptor):
        written.append(1)
        if len(written) == 1 + write:  # the first one tries whether the folder is writable
            raise OSError(errno.ENOSPC, "no")
        to_disk(descriptor)

    monkeypatch.setattr(files, "_to_disk", full)
    capsys.readouterr()
    run = tmp_path / "run"
    assert main([*train, "--out", str(run)]) == 2 and len(written) == 1 + write
    error, model = capsys.readouterr().err, run / "model.npz"
    assert " is not written: " in error and "Traceback" not in error
    if model.exists():
        epoch = models.index(load_model(model).params.theta.tobytes()) + 1
        assert f"the model of epoch {epoch} is in {model}" in error
    else:
        assert "no epoch was finished, so no model was written" in error
    assert ("--resume goes on" in error) == (run / "training.npz").exists() == (write > 3)
    assert not list(run.glob(".*.part"))
    go_on = "--resume" if write > 3 else "--overwrite"
    assert main([*train, "--out", str(run), go_on]) == 0
    assert load_model(model).params.theta.tobytes() == models[1]
    assert len(json.loads((run / "history.json").read_text())["elbo"]) == 2


def test_a_full_disk_does_not_promise_to_go_on_with_what_is_replaced(
    image_set, tmp_path, monkeypatch, capsys
):
    """--overwrite, and the disk is full before a first state: the earlier training's stays, and
    nothing is said of --resume.
    """
    out = tmp_path / "run"
    train = ["train", "--data", str(image_set), "--quiet", "--workers", "1", *QUICK]
    assert main([*train, "--out", str(out)]) == 0
    before, to_disk, written = (out / "training.npz").read_bytes(), files._to_disk, []

    def full(descriptor):
        written.append(1)
        if len(written) > 1:  # the first one tries whether the folder is writable
            raise OSError(errno.ENOSPC, "no")
        to_disk(descriptor)

    monkeypatch.setattr(files, "_to_disk", full)
    capsys.readouterr()
    assert main([*train, "--out", str(out), "--overwrite", "--seed", "1"]) == 2
    error = capsys.readouterr().err
    assert " is not written: " in error and "--resume" not in error
    assert (out / "training.npz").read_bytes() == before


def endless(image_set, folder, workers, handler):
    """A training without an end, in a session of its own, after its first epoch.

    Returns the process, and a function that counts the epochs in its history.
    """
    command = [
        sys.executable, "-m", "scratchvae", "train", "--data", image_set, "--out", folder,
        "--epochs", "1000000", "--workers", str(workers), "--quiet", *QUICK[2:],
    ]  # fmt: skip

    def signals():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, handler)

    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=signals,
        start_new_session=True,
    )  # fmt: skip
    history = folder / "history.json"

    def epochs():
        return len(json.loads(history.read_text())["elbo"]) if history.exists() else 0

    assert until(epochs, process), process.stderr.read()
    return process, epochs


@pytest.mark.skipif(os.name == "nt", reason="sends SIGHUP")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_terminal_that_hangs_up_is_ctrl_c(image_set, tmp_path, workers):
    """SIGHUP: exit code 130, and the named model is that of the last whole epoch."""
    process, epochs = endless(image_set, tmp_path / "run", workers, signal.SIG_DFL)
    os.killpg(process.pid, signal.SIGHUP)  # to the workers too, as a terminal does
    error = process.communicate(timeout=HANG)[1]
    model = tmp_path / "run" / "model.npz"
    assert process.returncode == 130 and "Traceback" not in error, error
    assert f"stopped: the model of epoch {epochs()} is in {model}" in error
    load_model(model)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGHUP")
@pytest.mark.parametrize("workers", [1, 2])
def test_nohup_goes_on(image_set, tmp_path, workers, interrupt):
    """Where SIGHUP is ignored, three more epochs follow it, and Ctrl-C still stops."""
    process, epochs = endless(image_set, tmp_path / "run", workers, signal.SIG_IGN)
    os.killpg(process.pid, signal.SIGHUP)
    end = epochs() + 3
    until(lambda: epochs() >= end, process)
    assert process.poll() is None, process.stderr.read()
    assert interrupt(process, signal.SIGINT)
    assert process.returncode == 130 and "Traceback" not in process.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGHUP")
def test_a_hang_up_is_left_to_the_parent(image_set, tmp_path, interrupt):
    """SIGHUP to every process but the parent: the same processes go on for three epochs more."""
    process, epochs = endless(image_set, tmp_path / "run", 2, signal.SIG_DFL)
    others = children(process.pid)
    assert len(others) >= 2
    for other in others:
        os.kill(other, signal.SIGHUP)
    end = epochs() + 3
    until(lambda: epochs() >= end, process)
    assert process.poll() is None, process.stderr.read()
    assert children(process.pid) == others
    assert interrupt(process, signal.SIGINT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("output", ["| head -1", "> /dev/full", ">&-", "2>&-", "2> /dev/full"])
def test_output_that_goes_away_loses_no_file(image_set, tmp_path, output):
    """A reader that stops, a full disk, a closed stream: train ends with 0 and writes all files."""
    python, root = shlex.quote(sys.executable), Path(__file__).parents[1]
    data, out = shlex.quote(str(image_set)), shlex.quote(str(tmp_path / "run"))
    command = f"{python} -m scratchvae train --data {data} --out {out}"
    options = " ".join([*QUICK, "--workers", "1"])
    shell = f"{command} {options} {output}; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, timeout=HANG
    )
    assert ended.returncode == 0 and b"Traceback" not in ended.stderr
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {"model.npz", "history.json", "learning_curve.png", "samples.png"}


def test_another_data_set_is_said(trained, image_set, tmp_path, monkeypatch, capsys):
    """The model knows its data set. Others are used only when --data names them, and it is said."""
    other = write_image_set(tmp_path / "other")
    write_idx(other / "t10k-labels-idx1-ubyte.gz", np.ones(20))
    model = str(trained / "model.npz")
    for command in ("evaluate", "reconstruct"):
        number = ["--n", "3"] if command == "reconstruct" else []
        assert main([command, model, "--data", str(image_set), *number]) == 0
        assert "note" not in capsys.readouterr().err
        assert main([command, model, "--data", str(other), *number]) == 0
        assert "trained on images; the images are other, others" in capsys.readouterr().err
        monkeypatch.setenv("SCRATCHVAE_DATA", str(other))
        assert main([command, model, *number]) == 2
        assert "should be named by --data" in capsys.readouterr().err


def test_a_model_that_does_not_know_its_data_set(trained, image_set, capsys):
    """A model that a program saved: evaluate says which images it uses."""
    vae = load_model(trained / "model.npz")
    save_model(vae, trained / "model.npz")
    assert main(["evaluate", str(trained / "model.npz"), "--data", str(image_set)]) == 0
    assert "does not say what it was trained on; the images are images" in capsys.readouterr().err


def test_a_picture_has_one_name(trained, image_set, capsys):
    """A command writes the picture of one kind alone, under the name that train gave it: that of
    the function of `figures`. It says that it replaced the earlier one, and changes no other file.
    """
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    model, data = str(trained / "model.npz"), ["--data", str(image_set), "--n", "3"]
    for name, earlier, command in (
        ("samples", True, ["sample", model, "--seed", "1"]),
        ("two_samplings", False, ["sample", model, "--draw"]),
        ("manifold", True, ["manifold", model, "--n", "3"]),
        ("reconstructions", True, ["reconstruct", model, *data]),
        ("traversals", False, ["traverse", model, *data]),
        ("morph", False, ["interpolate", model, *data]),
    ):
        capsys.readouterr()
        assert main(command) == 0 and hasattr(figures, name)
        wrote = capsys.readouterr().out.splitlines()[0]
        assert (wrote == f"wrote {trained / name}.png") is not earlier
        assert wrote.endswith(", in place of an earlier one") is earlier
        after = {path.name: path.read_bytes() for path in trained.iterdir()}
        assert {file for file in after if after[file] != before.get(file)} == {f"{name}.png"}
        before = after


def test_pictures_know_their_data(image_set, tmp_path, monkeypatch, capsys):
    """Each command tells its picture whether the data are ink on paper: those of a model that does
    not know its data are. Images are named by their class, in the pictures and on stdout.
    """
    data, drawn = load_mnist(image_set), []
    assert not data.ink
    labels, names = data.test_labels, [f"class {'abcdefghij'[k]}" for k in range(10)]
    named = dataclasses.replace(data, class_names=tuple(names))
    monkeypatch.setattr("scratchvae.cli.load_images", lambda *_, **__: named)
    for name in ("samples", "two_samplings", "reconstructions", "manifold", "traversals", "morph"):
        monkeypatch.setattr(figures, name, lambda *_, **how: drawn.append(how))
    model, those = str(tmp_path / "model.npz"), ["--data", str(image_set)]
    save_model(VAE(30, (4,), 2, image_shape=(6, 5)), model, data.identity)
    for command in (["sample", model], ["sample", model, "--draw"], ["manifold", model],
                    ["reconstruct", model, *those], ["traverse", model, "--image", "3", *those],
                    ["interpolate", model, "--pair", "4,5", *those]):  # fmt: skip
        assert main(command) == 0
    assert [how["ink"] for how in drawn] == 6 * [False]
    said = [f"test image {i} ({names[labels[i]]})" for i in (3, 4, 5)]
    assert [drawn[4]["name"], *drawn[5]["names"]] == said
    assert f"the units that are held are those of {said[0]}\n" in capsys.readouterr().out
    save_model(load_model(model), model)
    assert main(["sample", model]) == 0 and drawn[-1]["ink"] is True


def test_traverse_says_when_no_unit_is_active(image_set, tmp_path, capsys):
    """An encoder whose μ does not depend on x. An image that is not there is refused."""
    vae, command = VAE(30, (4,), 2, image_shape=(6, 5)), ["traverse", str(tmp_path / "model.npz")]
    vae.params.values["mu.W"][:] = 0
    save_model(vae, tmp_path / "model.npz")
    assert main([*command, "--data", str(image_set), "--n", "2"]) == 0
    said = capsys.readouterr().out
    assert "active latent units: 0 of 2: z says nothing about x\n" in said
    assert main([*command, "--data", str(image_set), "--image", "20"]) == 2
    assert "--image is 20; there are 20 test images, from 0" in capsys.readouterr().err


def test_out_may_be_a_folder(trained, tmp_path, monkeypatch):
    """--out . writes into the folder."""
    monkeypatch.chdir(tmp_path)
    assert main(["sample", str(trained / "model.npz"), "--n", "2", "--out", "."]) == 0
    assert (tmp_path / "samples.png").read_bytes().startswith(PNG)


def test_one_test_image(tmp_path, capsys):
    """A data set with one test image: train, evaluate and reconstruct end well."""
    data = ["--data", str(write_image_set(tmp_path / "one", n_test=1))]
    run_folder = ["--out", str(tmp_path / "run"), "--n-z", "2", "--quiet", *QUICK]
    assert main(["train", *data, *run_folder]) == 0
    assert "active latent units: not known from one test image" in capsys.readouterr().out
    for command in (["evaluate"], ["reconstruct", "--n", "1"]):
        assert main([command[0], str(tmp_path / "run" / "model.npz"), *data, *command[1:]]) == 0


def test_letters_that_the_terminal_does_not_have():
    """latin-1 has no Σ: the output has its name there and no question mark, and the command ends
    well.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment["PYTHONIOENCODING"] = "latin-1"
    command = [sys.executable, "-m", "scratchvae", "homework", "list"]
    result = subprocess.run(command, env=environment, capture_output=True, timeout=HANG)
    assert result.returncode == 0, result.stderr
    printed = result.stdout.decode("latin-1")
    assert "H(p) = -sum p log p  (notes §1.2)" in printed and "?" not in printed


def test_few_effective_samples_are_said(trained, image_set, capsys):
    """q wider than the posterior: nothing is said. q far too narrow: the command says that the
    estimate is too low, and what to use.
    """
    vae = load_model(trained / "model.npz")
    vae.params.values["logvar.b"][...] += 1
    save_model(vae, trained / "model.npz")
    options = ["--data", str(image_set), "--likelihood", "importance", "--images", "9", "--quiet"]
    assert main(["evaluate", str(trained / "model.npz"), *options]) == 0
    printed = capsys.readouterr().out
    assert "effective samples: median" in printed and "may be too low" not in printed
    vae.params.values["logvar.b"][...] -= 16
    save_model(vae, trained / "model.npz")
    assert main(["evaluate", str(trained / "model.npz"), *options]) == 0
    printed = capsys.readouterr().out
    assert "may be too low" in printed and "use --likelihood ais" in printed


def test_max_memory(trained, image_set, capsys):
    """--max-memory limits models and data files; an unusable limit is an error of its own."""
    model = str(trained / "model.npz")
    data = ["--data", str(image_set)]
    for command, what in ((["sample", model], "the model needs"), (["train", *data], ""),
                          (["interpolate", model], "the model needs")):  # fmt: skip
        assert main([*command, "--max-memory", "1e-7"]) == 2
        error = capsys.readouterr().err
        assert "--max-memory" in error and what in error
    with pytest.raises(SystemExit):
        main(["sample", model, "--max-memory", "nan"])
    assert "--max-memory" in capsys.readouterr().err
