"""How many processes a machine is given, and what is said when one of them ends."""

import multiprocessing
import multiprocessing.synchronize
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image_set
from test_parallel import children

from scratchvae import VAE, active_units, cli, evaluate, fit, log_likelihood, processes, save_model
from scratchvae.homework.cli import add_commands
from scratchvae.jobs import local
from scratchvae.processes import WorkerDied, check_workers, map_with

IMAGES = np.random.default_rng(0).integers(0, 256, (1100, 12)).astype(np.uint8)
ROOT = Path(__file__).parents[1]


@pytest.fixture
def no_process_starts(monkeypatch):
    """A process that is started fails the test."""

    def start(self):
        raise AssertionError("a process was started")

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", start)


CALLS = {
    "fit": lambda n: fit(VAE(12, (5,), 2), IMAGES, workers=n, progress=False),
    "evaluate": lambda n: evaluate(VAE(12, (5,), 2), IMAGES, workers=n),
    "active_units": lambda n: active_units(VAE(12, (5,), 2), IMAGES, workers=n),
    "log_likelihood": lambda n: log_likelihood(
        VAE(12, (5,), 2), IMAGES > 127, workers=n, progress=False
    ),
    "jobs": lambda n: local(n).__enter__(),
}


@pytest.mark.parametrize("call", [*CALLS])
def test_too_many_workers_are_refused_before_one_starts(call, no_process_starts, monkeypatch):
    """1000 are more than any machine is given; 3 are too many where the memory is too small."""
    monkeypatch.setattr(processes, "all_cores", lambda: 2)
    with pytest.raises(ValueError, match=r"is 1000; it should be at most 32 .* 2 cores"):
        CALLS[call](1000)
    monkeypatch.setattr(processes, "_free_memory", lambda: 2.5 * processes.PROCESS)
    with pytest.raises(ValueError, match=r"is 3; so many processes need .* GiB are free"):
        CALLS[call](3)


@pytest.mark.parametrize(("cores", "most"), [(1, 32), (2, 32), (8, 32), (9, 36), (64, 256)])
def test_the_rule_for_workers(monkeypatch, cores, most):
    """Four for each core, 32 at least, and one is never refused."""
    monkeypatch.setattr(processes, "all_cores", lambda: cores)
    monkeypatch.setattr(processes, "_free_memory", lambda: float("inf"))
    check_workers("workers", most)
    with pytest.raises(ValueError, match=f"at most {most}"):
        check_workers("workers", most + 1)
    monkeypatch.setattr(processes, "_free_memory", lambda: 0)
    check_workers("workers", 1)


def test_a_process_needs_the_memory_that_is_said():
    """A new process with the package has at most PROCESS bytes, and more than a quarter."""
    code = "import scratchvae.team; print(open('/proc/self/status').read())"
    if not Path("/proc/self/status").exists():
        pytest.skip("looks into /proc")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    ).stdout
    peak = next(1024 * int(x.split()[1]) for x in out.splitlines() if x.startswith("VmHWM"))
    assert processes.PROCESS / 4 < peak < processes.PROCESS


def group(monkeypatch, tmp_path, lines, files):
    """Control groups of a container: /proc/self/cgroup, and files under /sys/fs/cgroup."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "of-this-process").write_text(lines)
    monkeypatch.setattr(processes, "CGROUPS", tmp_path)
    monkeypatch.setattr(processes, "MY_CGROUPS", tmp_path / "of-this-process")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 16)


@pytest.mark.parametrize(
    ("lines", "files", "n"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "390000 100000\n"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "max 100000", "a/b/cpu.max": "500000 100000"}, 5),
        ("0::/\n", {"cpu.max": "what?"}, 8),
        ("0::/\n", {}, 8),
        (
            "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "400000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            4,
        ),
        (
            "4:cpu,cpuacct:/\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            8,
        ),
    ],
)
def test_cores_of_a_container(monkeypatch, tmp_path, lines, files, n):
    """The quota of the control groups, of version 2 and 1, rounded down; and the affinity."""
    group(monkeypatch, tmp_path, lines, files)
    assert processes.all_cores() == n and processes.cores() == min(n, 4)


def test_memory_of_a_container(monkeypatch, tmp_path):
    """What the group may take and has not taken, where it is less than the machine has."""
    group(monkeypatch, tmp_path, "0::/x\n", {"memory.max": "max", "memory.current": "5"})
    machine = processes._free_memory()
    assert machine > 2**20
    for name, text in {"memory.max": "3000000", "memory.current": "2000000"}.items():
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / name).write_text(text)
    assert processes._free_memory() == 1_000_000


@pytest.mark.parametrize(
    "arguments",
    [["evaluate", "model.npz"], ["train", "--epochs", "1"]],
)
def test_the_commands_refuse_a_thousand(
    tmp_path, monkeypatch, capsys, arguments, no_process_starts
):
    """One sentence and exit code 2, before a process starts."""
    monkeypatch.chdir(tmp_path)
    images = write_image_set(tmp_path / "images", height=2, width=6)
    save_model(VAE(12, (5,), 2, image_shape=(2, 6)), "model.npz")
    few = write_image_set(tmp_path / "more", n_train=1100, height=2, width=6)
    folder = images if arguments[0] == "train" else few
    assert cli.main([*arguments, "--data", str(folder), "--workers", "1000"]) == 2
    assert "workers is 1000; it should be at most" in capsys.readouterr().err


def test_grading_refuses_a_thousand(tmp_path, capsys):
    """`homework grade --jobs 1000`: one sentence, before a submission is read."""
    code = cli.main(
        ["homework", "grade", "--all", str(tmp_path), "--csv", "g.csv", "--jobs", "1000"],
        rooms=[add_commands],
    )
    assert code == 2 and "--jobs is 1000; it should be at most" in capsys.readouterr().err


# ---- a process that is killed ----


def made():
    """Nothing has to be made."""


def dies(_, i):
    """The task of a process that the system ends."""
    if i == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="sends SIGKILL")
def test_a_dead_worker_of_a_pool_is_a_sentence():
    """WorkerDied, which the commands say; and no traceback of a pool."""
    with pytest.raises(WorkerDied, match="a worker process ended before its part was computed"):
        list(map_with(made, (), dies, [(i,) for i in range(4)], 2))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("stage", ["evaluate", "train"])
def test_a_command_whose_pool_loses_a_worker(tmp_path, stage):
    """`evaluate`, and `train` after its last epoch: one sentence on stderr and exit code 2.

    The process of a pool kills itself at its first task. The training has finished then, and its
    model is written.
    """
    images = write_image_set(tmp_path / "images", n_train=1200, n_test=1200, height=2, width=6)
    code = f"""
        import os, signal, sys
        from scratchvae import VAE, cli, evaluation, processes, save_model
        def dies(model, images, i, seed, pixels):
            os.kill(os.getpid(), signal.SIGKILL)
        if __name__ == "__main__":
            evaluation.chunk_terms = dies
            save_model(VAE(12, (5,), 2, image_shape=(2, 6)), {str(tmp_path / "model.npz")!r})
            data = ["--data", {str(images)!r}, "--workers", "2", "--quiet"]
            train = ["train", "--epochs", "1", "--hidden", "5", "--out", {str(tmp_path / "run")!r}]
            evaluate = ["evaluate", {str(tmp_path / "model.npz")!r}]
            sys.exit(cli.main([*{stage}, *data]))
    """
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert last.startswith(f"scratchvae {stage}: error: a worker process ended before")
    assert stage == "evaluate" or (tmp_path / "run" / "model.npz").exists()


# ---- shared memory ----


@pytest.mark.parametrize("kind", [FileNotFoundError(2, "No such file"), PermissionError(13, "no")])
@pytest.mark.parametrize("where", ["memory", "semaphores"])
def test_no_shared_memory_says_one_worker(monkeypatch, kind, where):
    """No /dev/shm, or one that is read-only: the error says --workers 1."""

    def refused(*_, **__):
        raise kind

    if where == "memory":
        monkeypatch.setattr("scratchvae.team.SharedMemory", refused)
        calls = [CALLS["fit"]]
    else:
        monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refused)
        calls = [CALLS["fit"], CALLS["evaluate"], CALLS["log_likelihood"]]
    for call in calls:
        with pytest.raises(OSError, match=r"needs none of it: --workers 1 \(workers=1\)"):
            call(2)


TRAINING = """
    import numpy as np
    from scratchvae import VAE, epochs
    images = np.zeros((400, 1200), np.uint8)
    if __name__ == "__main__":
        for epoch in epochs(VAE(1200, (7,), 2), images, workers=2):
            print(epoch.number, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_a_killed_group_leaves_no_shared_memory():
    """Once all workers have it, the shared memory has no name: SIGKILL to the whole process
    group, whose resource tracker dies too, leaves none of it.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(TRAINING)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "1\n"
        lines = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
        shared = {line.split(None, 5)[5] for line in lines if "/dev/shm/psm_" in line}
        assert shared and all(name.endswith("(deleted)") for name in shared)
        assert len(children(process.pid)) >= 2
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    for name in shared:
        assert not Path(name.removesuffix(" (deleted)")).exists()


def test_the_memory_without_a_name_ends_quietly():
    """A training that ends, and one that fails: nothing of a resource tracker on stderr."""
    code = """
        import numpy as np
        from scratchvae import SGD, VAE, fit
        if __name__ == "__main__":
            vae = VAE(12, (5,), 2)
            images = np.full((40, 12), 200, np.uint8)
            fit(vae, images, epochs=1, workers=2, progress=False)
            try:
                sgd = SGD(vae.params, 1e30)
                fit(vae, images, batch_size=5, optimizer=sgd, workers=2, progress=False)
            except FloatingPointError:
                print("failed")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("failed\n", "")
