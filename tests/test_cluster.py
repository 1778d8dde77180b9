"""The paper's figures on a real Dask cluster (the extra `cluster`)."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import pytest
from conftest import HANG, until, write_image_set

import scratchvae
from scratchvae import cli, paper

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
JOB = 3  # seconds of one job whose worker is killed
MPI = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore"),  # of Dask
]


def figure2(images, out, *options):
    """`scratchvae paper figure2` on small images, in this process."""
    return cli.main(
        [
            "paper", "figure2", "--data", str(images), "--out", str(out), "--n-z", "2,3",
            "--samples", "18000", "--quiet", *options,
        ],
        rooms=[paper.add_commands],
    )  # fmt: skip


@contextmanager
def two_workers():
    """A cluster's address, a function that kills a busy worker of it, and a thread beside."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        ThreadPoolExecutor(1) as beside,
    ):

        def kill_a_busy_one():
            def busy():
                return sorted(worker for worker, tasks in client.processing().items() if tasks)

            first = until(busy)[0]
            pid = client.run(os.getpid, workers=[first])[first]
            os.kill(pid, signal.SIGSTOP)  # it does not end its task between a look and the kill
            assert first in busy()
            os.kill(pid, signal.SIGKILL)

        yield cluster.scheduler_address, kill_a_busy_one, beside


def test_a_cluster_that_loses_a_worker(tmp_path):
    """Two worker processes; one is killed while it runs a job. The figure is complete, and equals
    the one made in this process, value by value. A job takes seconds on this machine, as fast or
    slow as it is: so there is one to be killed.
    """
    images = write_image_set(tmp_path / "images")
    start = time.monotonic()
    assert figure2(images, tmp_path / "short", "--jobs", "1") == 0
    samples = 18_000 * math.ceil(4 * JOB / (time.monotonic() - start))  # of four jobs
    assert figure2(images, tmp_path / "here", "--jobs", "1", "--samples", str(samples)) == 0
    out = tmp_path / "cluster"
    out.mkdir()
    with two_workers() as (address, kill_a_busy_one, beside):
        running = beside.submit(figure2, images, out, "--dask", address, "--samples", str(samples))
        until(lambda: running.done() or list(out.glob(".*.share")))
        assert not running.done()
        kill_a_busy_one()
        assert running.result(timeout=HANG) == 0
    for path in (tmp_path / "here").glob("*.json"):
        assert (out / path.name).read_text() == path.read_text()
    assert (out / "figure2.csv").read_bytes() == (tmp_path / "here" / "figure2.csv").read_bytes()
    assert len(list(out.glob("*.json"))) == 4 and (out / "figure2.png").exists()


@pytest.mark.parametrize("version", [None, "0.0.1"])
def test_a_worker_without_the_package(version, tmp_path, capsys):
    """Without it, or with another version of it: one sentence, exit code 2."""
    images = write_image_set(tmp_path / "images")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if version:
        (tmp_path / "scratchvae").mkdir()
        (tmp_path / "scratchvae" / "__init__.py").write_text(f"__version__ = {version!r}")
        environment["PYTHONPATH"] = str(tmp_path)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        worker = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address,
             "--nthreads", "1", "--no-dashboard", "--no-nanny"],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with distributed.Client(cluster) as client:
                client.wait_for_workers(1, timeout=HANG)
                if version is None and all(client.run(find_spec, "scratchvae").values()):
                    pytest.skip("the package is installed for all Python processes here")
            assert figure2(images, tmp_path / "out", "--dask", cluster.scheduler_address) == 2
        finally:
            worker.kill()
    last = capsys.readouterr().err.strip().splitlines()[-1]
    has = f"has scratchvae {version}" if version else "has no scratchvae"
    assert f"{has}; it should be installed there, in the version {scratchvae.__version__}" in last


def test_an_unreachable_scheduler(tmp_path, capsys):
    """One sentence with the address, exit code 2, and nothing is lost."""
    images = write_image_set(tmp_path / "images")
    assert figure2(images, tmp_path / "out", "--dask", "tcp://127.0.0.1:9") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in error


def test_a_scheduler_without_workers(tmp_path, capsys):
    """One sentence, exit code 2."""
    images = write_image_set(tmp_path / "images")
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        assert figure2(images, tmp_path / "out", "--dask", cluster.scheduler_address) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith("has no workers")


@pytest.mark.skipif(shutil.which("mpiexec", path=MPI) is None, reason="there is no mpiexec")
def test_mpi(tmp_path):
    """`mpiexec -n 3 python -m mpi4py.futures -m scratchvae paper ... --mpi`: the same results."""
    pytest.importorskip("mpi4py.futures", reason="mpi4py is not installed")
    images = write_image_set(tmp_path / "images")
    assert figure2(images, tmp_path / "here", "--jobs", "1", "--samples", "3000") == 0
    done = subprocess.run(
        [
            shutil.which("mpiexec", path=MPI), "-n", "3", sys.executable, "-m", "mpi4py.futures",
            "-m", "scratchvae", "paper", "figure2", "--data", str(images), "--out",
            str(tmp_path / "mpi"), "--n-z", "2,3", "--samples", "3000", "--quiet", "--mpi",
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}, timeout=HANG,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "here").glob("*.json"):
        assert (tmp_path / "mpi" / path.name).read_text() == path.read_text()


def test_a_cluster_whose_scheduler_is_killed(tmp_path, capsys):
    """The scheduler ends while a job runs: one sentence that says what is kept, exit code 2."""
    images = write_image_set(tmp_path / "images")
    program = (
        "import asyncio, distributed\n"
        "async def main():\n"
        "    async with distributed.Scheduler(port=0, dashboard_address=None) as scheduler:\n"
        "        async with distributed.Worker(scheduler.address, nthreads=1):\n"
        "            print(scheduler.address, flush=True)\n"
        "            await scheduler.finished()\n"
        "asyncio.run(main())\n"
    )
    root = str(Path(scratchvae.__file__).parents[1])
    scheduler = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    killed, over = [], Event()
    try:
        address = scheduler.stdout.readline().strip()
        with ThreadPoolExecutor(1) as beside:

            def kill_it():
                until(lambda: over.is_set() or [*(tmp_path / "out").glob(".*.share")])
                killed.append(not over.is_set() and scheduler.poll() is None)
                scheduler.kill()

            beside.submit(kill_it)
            try:
                code = figure2(images, tmp_path / "out", "--dask", address, "--samples", "1e8")
            finally:
                over.set()
    finally:
        scheduler.kill()
        scheduler.wait()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert killed == [True] and code == 2
    assert "scheduler went away during" in error and "goes on from there" in error
