"""A training that was stopped goes on to the same bits, and its files never disagree."""

import ast
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import HANG, until, write_image_set

from scratchvae import (
    SGD,
    VAE,
    Adagrad,
    Adam,
    FileFormatError,
    History,
    cli,
    epochs,
    fit,
    load_model,
    resume,
)  # fmt: skip
from scratchvae.files import locked
from scratchvae.processes import THREADS, arithmetic

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 12)).astype(np.uint8)


def trained(epochs, resume=None, optimizer=Adam, seed=5, images=IMAGES, **keywords):
    """Model, optimizer and history after a training in minibatches of 16."""
    model = VAE(12, (7,), 2, seed=1)
    steps = optimizer(model.params, lr=keywords.pop("lr", 1e-2))
    history = fit(
        model, images, epochs=epochs, batch_size=keywords.pop("batch_size", 16), optimizer=steps,
        seed=seed, test_images=images, resume=resume, progress=False, **keywords,
    )  # fmt: skip
    return model, steps, history


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("optimizer", [Adam, Adagrad, SGD])
def test_resumed_is_undisturbed_to_the_bit(tmp_path, optimizer, workers):
    """2 epochs, then 5 from the file: θ, sums, t and bounds are those of 5 at once."""
    if workers == 2 and optimizer is not Adam:
        pytest.skip("one optimizer shows it for two workers")
    path = tmp_path / "training.npz"
    trained(2, path, optimizer, workers=workers)
    model, steps, history = trained(5, path, optimizer, workers=workers)
    whole, whole_steps, whole_history = trained(5, None, optimizer, workers=workers)
    assert model.params.theta.tobytes() == whole.params.theta.tobytes()
    for name in optimizer.sums:
        assert getattr(steps, name).tobytes() == getattr(whole_steps, name).tobytes()
    assert steps.t == whole_steps.t
    assert history.elbo == whole_history.elbo and history.test_elbo == whole_history.test_elbo


def test_a_finished_training_is_not_run_again(tmp_path):
    """As many epochs as the file has: the model is that of the file, and the file stays."""
    path = tmp_path / "training.npz"
    model, _, _ = trained(2, path)
    content = path.read_bytes()
    again, _, history = trained(2, path)
    assert again.params.theta.tobytes() == model.params.theta.tobytes()
    assert len(history.elbo) == 2 and path.read_bytes() == content


def test_overwrite_begins_anew(tmp_path):
    """With overwrite=True a training of other settings is replaced, to the bits of one without a
    file. Without a file there is nothing to overwrite: ValueError.
    """
    path = tmp_path / "training.npz"
    trained(3, path)
    model, _, history = trained(2, path, SGD, overwrite=True)
    assert len(history.elbo) == 2
    assert model.params.theta.tobytes() == trained(2, None, SGD)[0].params.theta.tobytes()
    gone_on, _, _ = trained(4, path, SGD)
    assert gone_on.params.theta.tobytes() == trained(4, None, SGD)[0].params.theta.tobytes()
    with pytest.raises(ValueError, match="overwrite is True; it needs a file"):
        trained(1, overwrite=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 2e-2}, "lr was 0.01 and is 0.02"),
        ({"optimizer": SGD}, "optimizer was 'Adam' and is 'SGD'"),
        ({"batch_size": 17}, "batch_size was 16 and is 17"),
        ({"pixels": "grey"}, "pixels was 'bits' and is 'grey'"),
        ({"seed": 6}, "seed was 5 and is 6"),
        ({"images": IMAGES[:60]}, "images was '70 x 12 uint8"),
        ({"workers": 2}, "workers was 1 and is 2"),
    ],
)
def test_other_settings_are_refused(tmp_path, change, message):
    """A training goes on with its own settings alone; the error says what differs."""
    path = tmp_path / "training.npz"
    trained(1, path)
    with pytest.raises(ValueError, match=message):
        trained(2, path, **change)


def test_a_damaged_file_is_refused(tmp_path):
    """No zip, cut short, another kind: FileFormatError with the file's name."""
    path = tmp_path / "training.npz"
    trained(1, path)
    whole = path.read_bytes()
    for content in (b"", whole[:2000], b"PK" + whole[2:300]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"training\.npz"):
            trained(2, path)
    with open(path, "wb") as file:
        np.savez(file, format="scratchvae.VAE", version=1)
    with pytest.raises(FileFormatError, match=r"scratchvae\.VAE"):
        trained(2, path)


def command(folder, images, epochs, workers):
    """`scratchvae train --resume` as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    return subprocess.Popen(
        [
            sys.executable, "-m", "scratchvae", "train", "--resume", "--data", str(images),
            "--out", str(folder), "--epochs", str(epochs), "--workers", str(workers),
            "--hidden", "8", "--batch-size", "16", "--quiet",
        ],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="sends SIGKILL")
@pytest.mark.parametrize("workers", [1, 2])
def test_kills_lose_nothing(tmp_path, workers, interrupt):
    """SIGKILL at random moments, resumed each time: model and bounds have the bits of an
    undisturbed run, and no part of a file is left. KILLS in the environment: how many.

    What is killed has no end of its own. A kill waits for one to three epochs of its process,
    and then for a random part of the time that these took.
    """
    kills, images = int(os.environ.get("KILLS", "3")), write_image_set(tmp_path / "images")
    history, moments = tmp_path / "killed" / "history.json", random.Random(workers)

    def epochs():
        return len(json.loads(history.read_text())["elbo"]) if history.exists() else 0

    for _ in range(kills):
        before, more = epochs(), moments.randint(1, 3)
        process = command(tmp_path / "killed", images, 10**9, workers)
        until(lambda before=before: epochs() > before, process)
        start = time.monotonic()
        until(lambda end=before + 1 + more: epochs() >= end, process)
        time.sleep(moments.random() * (time.monotonic() - start))
        assert interrupt(process, signal.SIGKILL), process.stderr.read()
        assert epochs() > before
    whole = epochs() + 3
    last = command(tmp_path / "killed", images, whole, workers)
    assert last.wait(timeout=HANG) == 0, last.stderr.read()
    undisturbed = command(tmp_path / "whole", images, whole, workers)
    assert undisturbed.wait(timeout=HANG) == 0, undisturbed.stderr.read()
    whole, killed = (load_model(tmp_path / run / "model.npz") for run in ("whole", "killed"))
    assert whole.params.theta.tobytes() == killed.params.theta.tobytes()
    histories = [
        json.loads((tmp_path / run / "history.json").read_text()) for run in ("whole", "killed")
    ]
    assert histories[0]["test_elbo"] == histories[1]["test_elbo"]
    assert not list((tmp_path / "killed").glob(".*.part"))


def test_two_trainings_in_one_folder(tmp_path):
    """The second is refused, and told the number of the first process."""
    in_use = pytest.raises(OSError, match=f"in use by process {os.getpid()}")
    with locked(tmp_path), in_use, locked(tmp_path):
        pass
    with locked(tmp_path):  # given back
        pass


def test_a_locked_folder_has_no_dead_parts(tmp_path):
    """Parts that a killed process left go away; other files stay."""
    for name in (f".scratchvae-{'0' * 16}.part", "model.npz", ".lock"):
        (tmp_path / name).touch()
    with locked(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "model.npz"]


def halved(path, optimizer, schedule, stop=None):
    """θ and the settings after 6 epochs, after each of which the learning rate is halved."""
    model = VAE(12, (7,), 2, seed=1)
    steps = optimizer(model.params, lr=1e-2)

    saved = None if path is None else resume.Saved(path, History())
    for epoch in epochs(
        model, IMAGES, 6, batch_size=16, optimizer=steps, seed=5, schedule=schedule, saved=saved
    ):
        if epoch.number == stop:
            break
        steps.lr /= 2
        steps.weight_decay = 1e-3 * epoch.number
    return model.params.theta.tobytes(), steps.as_set()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("optimizer", [Adam, SGD])
def test_settings_that_change_are_state(tmp_path, optimizer, schedule):
    """The loop's body halves the learning rate and sets the weight decay: stopped in the third
    body and resumed to 6, θ and the settings are those of 6 at once, to the bit.
    """
    path = tmp_path / "training.npz"
    halved(path, optimizer, schedule, stop=3)
    assert halved(path, optimizer, schedule) == halved(None, optimizer, schedule)


@pytest.mark.parametrize(
    ("name", "here", "message"),
    [
        ("NumPy", "0.0", "NumPy was .* and is 0.0"),
        ("BLAS threads", 77, "BLAS threads was .* and is 77"),
        ("BLAS", "abacus 1", "BLAS was .* and is abacus 1"),
    ],
)
def test_other_bits_are_said(tmp_path, monkeypatch, name, here, message):
    """Another NumPy, BLAS or number of its threads: the training goes on with a warning that
    says what differs; the same ones: without a word.
    """
    path = tmp_path / "training.npz"
    trained(1, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(2, path)
    monkeypatch.setattr(resume, "arithmetic", lambda: {**arithmetic(), name: here})
    with pytest.warns(resume.OtherArithmetic, match=message):
        _, _, history = trained(3, path)
    assert len(history.elbo) == 3


def test_the_threads_of_workers_are_one(tmp_path, monkeypatch):
    """Each worker process has one BLAS thread, so the parent's number is none of its business."""
    path = tmp_path / "training.npz"
    trained(1, path, workers=2)
    monkeypatch.setattr(resume, "arithmetic", lambda: {**arithmetic(), "BLAS threads": 77})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(2, path, workers=2)


def test_the_command_says_other_bits(tmp_path, monkeypatch, capsys):
    """`train --resume` says it on stderr, in one line, and goes on."""
    images = write_image_set(tmp_path / "images")
    train = [
        "train", "--data", str(images), "--out", str(tmp_path / "run"), "--hidden", "4",
        "--n-z", "3", "--workers", "1", "--quiet", "--resume", "--epochs",
    ]  # fmt: skip
    assert cli.main([*train, "1"]) == 0 and "note" not in capsys.readouterr().err
    monkeypatch.setattr(resume, "arithmetic", lambda: {**arithmetic(), "NumPy": "0.0"})
    assert cli.main([*train, "2"]) == 0
    assert "scratchvae train: note: " in capsys.readouterr().err


def test_arithmetic_is_what_rounds():
    """The version of NumPy, and the BLAS threads of a process that was told how many."""
    code = "from scratchvae.processes import arithmetic; print(arithmetic())"
    for threads in ("1", "2"):
        environment = {
            **os.environ, "PYTHONPATH": str(Path(__file__).parents[1]),
            **dict.fromkeys(THREADS, threads),
        }  # fmt: skip
        out = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        ).stdout
        found = ast.literal_eval(out)
        assert found["NumPy"] == np.__version__
        if found["BLAS threads"] is None:
            pytest.skip("this BLAS does not say how many threads it has")
        ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert found["BLAS threads"] == min(int(threads), ours)


@pytest.mark.parametrize(("every", "written"), [(0, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (99, [5])])
def test_a_file_is_written_at_most_so_often_and_at_the_end(tmp_path, monkeypatch, every, written):
    """With a second for each epoch, `every` seconds lie between two writes; the last epoch is
    always there.
    """
    path, clock, seen = tmp_path / "training.npz", [0.0], []
    monkeypatch.setattr(resume.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(
        resume, "write_arrays", lambda _, arrays: seen.append(json.loads(arrays["state"])["epoch"])
    )
    saved = resume.Saved(path, History(), every=every)
    for _ in epochs(VAE(12, (7,), 2), IMAGES, 5, batch_size=70, saved=saved):
        clock[0] += 1
    assert seen == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("t.npz", []), "history is .*; it should be a History"),
        (("t.npz", History(), -1), "every is -1"),
        ((3, History()), "path is 3"),
    ],
)
def test_bad_arguments_of_saved_are_named(arguments, message):
    """TypeError or ValueError that names the argument."""
    path, history, *every = arguments
    with pytest.raises((TypeError, ValueError), match=message):
        resume.Saved(path, history, **({"every": every[0]} if every else {}))
