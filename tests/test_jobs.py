"""Jobs: run once, anywhere, and go on after a kill, always to the same numbers."""

import ctypes
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import HANG, until, write_image_set

from scratchvae import FileFormatError, processes
from scratchvae.jobs import Board, local, result_of, run_job, run_jobs
from scratchvae.runs import ALGORITHMS, Training

SMALL = {"n_z": 2, "hidden": (6,), "n_train": 60, "batch_size": 20, "lr": 0.02}


@dataclass(frozen=True)
class Toy:
    """Writes a line whenever it runs. It can also fail, or take its process with it once."""

    number: int = 1
    fails: bool = False
    dies: bool = False

    @property
    def name(self):
        return f"toy{self.number}"

    size = 1.0

    def run(self, folder, report):
        with open(folder / "runs", "a") as file:
            file.write(f"{self.number}\n")
        if self.fails:
            raise ValueError(f"number {self.number} is wrong")
        if self.dies and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        report(0.5)
        return {"square": self.number**2}


def runs(folder):
    path = folder / "runs"
    return sorted(path.read_text().split()) if path.exists() else []


def trainings(images, samples=360):
    """A small training of each algorithm."""
    return [
        Training(algorithm, samples=samples, data=str(images), **SMALL) for algorithm in ALGORITHMS
    ]


def test_a_finished_job_is_not_run_again(tmp_path):
    """Two calls, one run. The result is a file with the configuration in it."""
    jobs = [Toy(2), Toy(3), Toy(2)]
    for _ in range(2):
        results = run_jobs(jobs, None, tmp_path, progress=False)
        assert results == [{"square": 4}, {"square": 9}, {"square": 4}]
    assert runs(tmp_path) == ["2", "3"]
    assert run_job(Toy(3), str(tmp_path)) == {"square": 9}  # a cluster may start a job again
    assert runs(tmp_path) == ["2", "3"]
    content = json.loads((tmp_path / "toy3.json").read_text())
    assert content["job"] == {"kind": "Toy", "number": 3, "fails": False, "dies": False}
    assert content["result"] == {"square": 9}


def test_a_result_of_another_configuration_is_refused(tmp_path):
    """Before any job runs; the error says what differs; the file stays."""
    run_jobs([Toy(2)], None, tmp_path, progress=False)
    before = (tmp_path / "toy2.json").read_bytes()
    with pytest.raises(ValueError, match=r"fails was False and is True\. Choose another folder"):
        run_jobs([Toy(5), Toy(2, fails=True)], None, tmp_path, progress=False)
    assert runs(tmp_path) == ["2"] and (tmp_path / "toy2.json").read_bytes() == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "x", "version": 1}', '{"job": 1}'])
def test_a_damaged_result_is_refused(tmp_path, content):
    """FileFormatError with the file's name and what to do; the file stays."""
    (tmp_path / "toy2.json").write_text(content)
    with pytest.raises(FileFormatError, match=r"toy2\.json is no result of a job .* move it away"):
        run_jobs([Toy(2)], None, tmp_path, progress=False)
    assert (tmp_path / "toy2.json").read_text() == content and runs(tmp_path) == []


def test_one_wrong_digit_is_seen(tmp_path):
    """A result with another number in it is damaged, since its checksum is another one."""
    run_jobs([Toy(2)], None, tmp_path, progress=False)
    path = tmp_path / "toy2.json"
    path.write_text(path.read_text().replace('"square": 4', '"square": 5'))
    with pytest.raises(FileFormatError, match="its checksum is wrong"):
        run_jobs([Toy(2)], None, tmp_path, progress=False)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_does_not_stop_the_others(tmp_path, workers):
    """The other jobs finish, then the first exception is raised."""
    jobs = [Toy(1), Toy(2, fails=True), Toy(3)]
    wrong = pytest.raises(ValueError, match="number 2 is wrong")
    with wrong, local(workers) as executor:
        run_jobs(jobs, executor, tmp_path, progress=False)
    assert [result_of(job, tmp_path) for job in jobs] == [{"square": 1}, None, {"square": 9}]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="sends SIGKILL")
def test_a_worker_that_dies(tmp_path):
    """ChildProcessError that says how to go on; the same call again completes the list."""
    jobs = [Toy(number, dies=number == 2) for number in range(1, 5)]
    died = pytest.raises(ChildProcessError, match=r"a worker process died .* goes on from there")
    with died, local(2) as executor:
        run_jobs(jobs, executor, tmp_path, progress=False)
    with local(2) as executor:
        results = run_jobs(jobs, executor, tmp_path, progress=False)
    assert [result["square"] for result in results] == [1, 4, 9, 16]


def test_every_executor_gives_the_same_numbers(tmp_path):
    """All three algorithms, in this process, in threads, in spawned and in forked processes: equal
    value by value, and the models have the same bits.
    """
    images = write_image_set(tmp_path / "images")
    jobs = trainings(images)
    executors = {
        "here": None,
        "threads": ThreadPoolExecutor(1),
        "spawn": ProcessPoolExecutor(2, multiprocessing.get_context("spawn")),
    }
    if "fork" in multiprocessing.get_all_start_methods():
        executors["fork"] = ProcessPoolExecutor(2, multiprocessing.get_context("fork"))
    seen = {}
    for name, executor in executors.items():
        (tmp_path / name).mkdir()
        results = run_jobs(jobs, executor, tmp_path / name, progress=False)
        models = [np.load(tmp_path / name / f"{job.name}.npz")["theta"].tobytes() for job in jobs]
        seen[name] = (results, models)
        if executor:
            executor.shutdown()
        assert not list((tmp_path / name).glob(".*"))  # no state is left
    assert all(outcome == seen["here"] for outcome in seen.values())
    assert len(seen["here"][0][0]["test"]) == 1


def threads_after_a_job(folder):
    """How many BLAS threads this process has after a job; None when the library does not say."""
    run_job(Toy(7), folder)
    library = ctypes.CDLL(np._core._multiarray_umath.__file__)
    for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_"):
        getter = getattr(library, name, None)
        if getter is not None:
            return getter()
    return None


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_job_has_one_blas_thread(tmp_path, method, monkeypatch):
    """Even where the environment asks for more, and NumPy was loaded before."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, context) as pool:
        threads = pool.submit(threads_after_a_job, str(tmp_path)).result()
    if threads is None:
        pytest.skip("not NumPy's own OpenBLAS")
    assert threads == 1 and processes.blas_threads("set", 1) is not None


def test_interrupted_and_resumed_to_the_bit(tmp_path, monkeypatch):
    """A training that is stopped in the middle goes on from its state, and not from the start."""
    images = write_image_set(tmp_path / "images")
    monkeypatch.setattr("scratchvae.runs.SECONDS", 0.0)  # state after every epoch
    for job in trainings(images, samples=600):
        whole = tmp_path / f"whole-{job.algorithm}"
        broken = tmp_path / f"broken-{job.algorithm}"
        whole.mkdir()
        broken.mkdir()
        expected = run_job(job, str(whole))

        def stop(share):
            if share > 0.55:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            job.run(broken, stop)
        begun = []
        resumed = job.run(broken, begun.append)
        assert resumed == expected and min(begun) > 0.45
        theta = [np.load(place / f"{job.name}.npz")["theta"] for place in (whole, broken)]
        assert theta[0].tobytes() == theta[1].tobytes()
        with pytest.raises(ValueError, match="job was"):
            replace(job, batch_size=30).run(broken, begun.append)


def test_board_plain_lines(tmp_path, capsys):
    """Where stderr is no terminal: a line for each job that ends, with how much is left."""
    run_jobs([Toy(1), Toy(2)], None, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("toy1 done; 1 of 2 jobs done, 50% of the work, 0:00 left")
    assert lines[1].startswith("toy2 done; 2 of 2 jobs done, 100% of the work")


def test_board_on_a_terminal(tmp_path, monkeypatch, capsys):
    """On a terminal: a line for each running job, one for the whole, redrawn in place."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    jobs = [Toy(1), Toy(2), Toy(3)]
    (tmp_path / ".toy1.share").write_text("0.25")
    (tmp_path / ".toy2.share").write_text("0.5")
    board = Board(jobs, jobs, tmp_path, True)
    board.draw()
    board.draw()
    text = capsys.readouterr().err
    assert "toy1   25%" in text and "toy2   50%" in text and "0 of 3 jobs done, 25%" in text
    assert "\x1b[3A" in text  # three lines up before they are written again


def paper(out, images, *options):
    """`scratchvae paper figure2` on small images, as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [
            sys.executable, "-m", "scratchvae", "paper", "figure2", "--data", str(images),
            "--out", str(out), "--n-z", "2,3", "--quiet", *options,
        ],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


TWO = ["--jobs", "2"]


def shares(out):
    """What the workers of a figure have said: how far each job is, and when it said so."""
    found = set()
    for path in out.glob(".*.share"):
        with suppress(FileNotFoundError):  # its job has just ended
            found.add((path.name, path.stat().st_mtime_ns))
    return found


def curves(out):
    """The result files of a figure, without anything that depends on time."""
    return {path.name: path.read_text() for path in out.glob("*.json")}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="sends SIGKILL")
def test_a_figure_killed_at_random_moments(tmp_path, interrupt):
    """SIGKILL to the command while its two workers run; at the end the curves equal, value by
    value, those of an undisturbed run. KILLS in the environment: how many.

    A kill waits until a worker says how far it is, and then for a random part of the time that
    this took. Where the figure is complete before all kills, a longer one is tried.
    """
    kills, images = int(os.environ.get("KILLS", "3")), write_image_set(tmp_path / "images")
    samples, moments = 6_000 * (kills + 1), random.Random(0)

    def killed(out, *options):
        for _ in range(kills):
            before, start = shares(out), time.monotonic()
            process = paper(out, images, *options)
            until(lambda before=before: shares(out) - before, process)
            time.sleep(0.5 * moments.random() * (time.monotonic() - start))
            if not interrupt(process, signal.SIGKILL):
                assert process.returncode == 0, process.stderr.read()
                return False
        return True

    while not killed(tmp_path / f"{samples}", *(options := ["--samples", f"{samples}", *TWO])):
        samples *= 4
    out = tmp_path / f"{samples}"
    last = paper(out, images, *options)
    assert last.wait(timeout=HANG) == 0, last.stderr.read()
    whole = paper(tmp_path / "whole", images, *options)
    assert whole.wait(timeout=HANG) == 0, whole.stderr.read()
    assert curves(tmp_path / "whole") == curves(out)
    csv = [(run / "figure2.csv").read_text() for run in (tmp_path / "whole", out)]
    assert csv[0] == csv[1] and len(csv[0].splitlines()) > 8
    assert not list(out.glob(".*.part"))
