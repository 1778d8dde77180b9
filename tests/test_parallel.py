"""One training by several processes: the same numbers, and nothing is left behind."""

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import HANG, until

from scratchvae import (
    SGD,
    VAE,
    Adagrad,
    Adam,
    Autoencoder,
    Parameters,
    active_units,
    epochs,
    evaluate,
    fit,
    log_likelihood,
)
from scratchvae.processes import WorkerDied, undisturbed

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (130, 12)).astype(np.uint8)
TEST = RNG.integers(0, 256, (1100, 12)).astype(np.uint8)
ROOT = Path(__file__).parents[1]


def trained(workers, kind=VAE, optimizer=Adam, epochs=3, **keywords):
    """θ, the history, the optimizer and the generator after a training on 130 images in 33s."""
    settings = {k: keywords.pop(k) for k in ("decoder", "min_sigma") if k in keywords}
    model = kind(12, (7,), 2, dtype=np.float64, seed=1, **settings)
    steps, rng = optimizer(model.params, lr=1e-2, **keywords), np.random.default_rng(5)
    history = fit(
        model, IMAGES, epochs=epochs, batch_size=33, optimizer=steps, seed=rng,
        test_images=TEST, workers=workers, progress=False,
    )  # fmt: skip
    return model.params.theta, history, steps, rng


@pytest.mark.parametrize(
    ("kind", "optimizer", "keywords"),
    [
        (VAE, Adam, {}),
        (VAE, Adagrad, {"weight_decay": 0.01, "decoder": "gaussian", "min_sigma": 0.3}),
        (VAE, Adam, {"decoder": "isotropic"}),  # its log σ² is in no affine layer
        (Autoencoder, SGD, {}),
    ],
)
def test_two_workers_make_the_steps_of_one(kind, optimizer, keywords):
    """Each has a part of the units: θ, bounds, the optimizer's sums and t, and
    the generator's next number, as by one process, to rounding. Minibatches of 33 divide unevenly.
    """
    theta, history, steps, rng = trained(1, kind, optimizer, **keywords)
    theta2, history2, steps2, rng2 = trained(2, kind, optimizer, **keywords)
    np.testing.assert_allclose(theta2, theta, rtol=0, atol=1e-10)
    np.testing.assert_allclose(history2.elbo, history.elbo, rtol=1e-12)
    np.testing.assert_allclose(history2.test_elbo, history.test_elbo, rtol=1e-10)
    for name in optimizer.sums:
        np.testing.assert_allclose(getattr(steps2, name), getattr(steps, name), atol=1e-10)
    assert steps.t == steps2.t == 12 and rng.random() == rng2.random()


def test_the_same_seed_and_workers_give_the_same_bits():
    """Three workers, some of them without rows in a minibatch of 2: equal to the bit, twice."""
    thetas = []
    for _ in range(2):
        model = VAE(12, (7,), 2, seed=1)
        fit(model, IMAGES[:20], epochs=2, batch_size=2, workers=3, progress=False)
        thetas.append(model.params.theta.tobytes())
    assert thetas[0] == thetas[1]


@pytest.mark.parametrize("workers", [6, 20])
def test_more_workers_than_rows_of_weights(workers):
    """A worker without weights does its data points only: θ and t as by one process."""
    thetas = []
    for n in (1, workers):
        model = Autoencoder(12, (), 1, dtype=np.float64, seed=1)
        steps = Adam(model.params)
        fit(model, IMAGES[:40], epochs=2, batch_size=9, optimizer=steps, workers=n, progress=False)
        thetas.append(model.params.theta)
        assert steps.t == 10
    np.testing.assert_allclose(*thetas, rtol=0, atol=1e-12)


class Scaled(VAE):
    """A weight beside an affine layer, under its name: log p(x|z) has the factor mu.scale."""

    def connect(self):
        if "mu.scale" not in self.params.shapes:
            shapes = {**self.params.shapes, "mu.scale": (3,)}
            theta = np.append(self.params.theta, np.ones(3))
            self.params = Parameters(shapes, self.dtype)
            self.params.theta[...] = theta
        super().connect()

    def forward(self, x, eps):
        reconstruction, kl = super().forward(x, eps)
        self.terms = reconstruction
        return reconstruction * self.params.values["mu.scale"].mean(), kl

    def backward(self):
        super().backward()
        self.params.grads["mu.scale"][...] = -self.terms.mean() / 3


def test_a_weight_beside_an_affine_layer():
    """The gradient of a weight that is no W and no b is the sum of the workers' gradients."""
    scales = []
    for n in (1, 2):
        model = Scaled(12, (7,), 2, dtype=np.float64, seed=1)
        fit(
            model, IMAGES, batch_size=33, epochs=1, optimizer=SGD(model.params, 1e-3),
            workers=n, progress=False,
        )  # fmt: skip
        scales.append(model.params.values["mu.scale"])
    np.testing.assert_allclose(*scales, rtol=1e-12)


def test_settings_of_the_optimizer_may_change_after_an_epoch():
    """What the loop's body sets is obeyed by all workers."""
    thetas = []
    for n in (1, 2):
        model = VAE(12, (7,), 2, dtype=np.float64, seed=1)
        steps = SGD(model.params, 1e-2)

        for _ in epochs(model, IMAGES, 2, batch_size=33, optimizer=steps, workers=n):
            steps.weight_decay = 0.5
        thetas.append(model.params.theta)
    np.testing.assert_allclose(*thetas, rtol=0, atol=1e-10)


def test_too_little_shared_memory(monkeypatch):
    """Said before any work: a write into memory that is not there would end the process."""
    little = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: little)
    monkeypatch.setattr(os.path, "isdir", lambda place: True)
    with pytest.raises(OSError, match=r"/dev/shm has 0 MB free"):
        fit(VAE(12, (7,), 2), IMAGES, workers=2, progress=False)


class TenRows(Autoencoder):
    """A model whose layers see ten rows for each data point."""

    def forward(self, x, eps=None):
        terms = super().forward(np.repeat(x, 10, axis=0))
        return tuple(term.reshape(-1, 10).mean(axis=1) for term in terms)


def test_a_layer_with_too_many_rows_is_refused(capfd):
    """There is room for the rows of the data points: the worker says so."""
    with pytest.raises(WorkerDied):
        fit(TenRows(12, (3,), 2), IMAGES, epochs=1, workers=2, progress=False)
    assert "a layer has more rows than there are data points" in capfd.readouterr().err


def test_divergence_is_reported_as_by_one_process():
    """A bound that is no number: the step is named, and θ is that of the last whole epoch."""
    for workers in (1, 2):
        model = VAE(12, (7,), 2)
        before = model.params.theta.copy()
        with pytest.raises(FloatingPointError, match="at step 2 of epoch 1"):
            fit(
                model, IMAGES, batch_size=33, optimizer=SGD(model.params, lr=1e30),
                workers=workers, progress=False,
            )  # fmt: skip
        np.testing.assert_array_equal(model.params.theta, before)


def python(code, **keywords):
    """A Python program of its own, with one BLAS thread and this checkout's package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords,
    )  # fmt: skip


def test_results_do_not_depend_on_the_number_of_processes():
    """evaluate, active_units, log_likelihood by each method: equal to the bit for 1, 2, 3 workers,
    where this process has one BLAS thread as the workers have.
    """
    code = """
        import numpy as np
        from scratchvae import VAE, active_units, evaluate, log_likelihood
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (1200, 12)).astype(np.uint8)
        x = (images[:5] > 127).astype(np.float32)
        vae = VAE(12, (7,), 2, seed=1)
        def all_of(n):
            parts = [evaluate(vae, images, workers=n), active_units(vae, images, workers=n)]
            for method, samples in (("importance", 3000), ("ais", 2000), ("hmc", 1500)):
                of_rows = log_likelihood(
                    vae, x, samples, method=method, n_temperatures=3, seed=4, workers=n
                )
                parts += [of_rows.log_p.tobytes(), of_rows.acceptance]
            return repr(parts)
        if __name__ == "__main__":
            assert all_of(1) == all_of(2) == all_of(3)
            print("equal")
    """
    out, error = python(code).communicate(timeout=HANG)
    assert out == "equal\n", error


TRAINING = """
    import numpy as np
    from scratchvae import VAE, epochs
    images = np.random.default_rng(0).integers(0, 256, (400, 12)).astype(np.uint8)
    if __name__ == "__main__":
        for epoch in epochs(VAE(12, (7,), 2), images, workers=2):
            print(epoch.number, flush=True)
"""


def test_a_stop_waits_until_a_process_is_started():
    """In `undisturbed` Ctrl-C waits for the end of the block; the handler is as before. A process
    that is born in it has all stops blocked, until it has begun to live with its parent.
    """
    handler, reached = signal.getsignal(signal.SIGINT), []
    blocked = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    with pytest.raises(KeyboardInterrupt):
        with undisturbed():
            assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= blocked
            signal.raise_signal(signal.SIGINT)  # to this thread: another one takes it when it likes
            reached.append(True)
        reached.append(False)
    assert reached == [True] and signal.getsignal(signal.SIGINT) is handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & blocked


def children(pid):
    """The processes whose parent it is, and theirs."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found, todo = [], [pid]
    while todo:
        of = todo.pop()
        more = [child for child, parent in pairs if parent == of]
        found += more
        todo += more
    return found


def shared_memory(pid):
    """The files of shared memory that the process has mapped; they may be unlinked already."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/dev/shm/\S+", maps))


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL", "a worker"])
def test_nothing_is_left_behind(how, interrupt, record_property):
    """Whatever ends a training: soon no worker runs, and no shared memory of it is left."""
    process = python(TRAINING, start_new_session=True)
    process.stdout.readline()  # one epoch is done
    workers, memory = children(process.pid), shared_memory(process.pid)
    assert len(workers) >= 2 and memory
    if how == "a worker":
        spawned = [
            pid for pid in workers if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(spawned[0], signal.SIGKILL)
        record_property("interrupted", 1)
        assert process.wait(timeout=HANG) == 1
        assert "the model of the last whole epoch is kept" in process.stderr.read()
    else:
        assert interrupt(process, getattr(signal, how))
    until(lambda: not any(map(alive, workers)))
    until(lambda: not any(map(os.path.exists, memory)))


def test_a_dead_worker_ends_the_training_with_a_sentence():
    """WorkerDied says what is kept; θ is that of the last whole epoch."""
    vae, kept = VAE(12, (7,), 2), []
    with pytest.raises(WorkerDied, match="worker process ended"):
        for _ in epochs(vae, IMAGES, 3, workers=2):
            kept.append(vae.params.theta.copy())
            for worker in multiprocessing.active_children():
                worker.kill()
    assert len(kept) == 1
    np.testing.assert_array_equal(vae.params.theta, kept[0])


def test_workers_is_named_when_it_is_wrong():
    """0 or 1.5 processes: an error that names the argument."""
    for call in (
        lambda: fit(VAE(12, (7,), 2), IMAGES, workers=0, progress=False),
        lambda: evaluate(VAE(12, (7,), 2), IMAGES, workers=0),
        lambda: active_units(VAE(12, (7,), 2), IMAGES, workers=0),
        lambda: log_likelihood(VAE(12, (7,), 2), IMAGES[:1] > 127, workers=0),
    ):
        with pytest.raises(ValueError, match="workers is 0"):
            call()
