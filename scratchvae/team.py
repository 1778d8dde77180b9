"""The processes of one training: `parallel.py` says what each of them does.

**Where things lie.** One block of shared memory holds θ, the optimizer's sums, the images, and two
arrays for what is exchanged. The parent, the process that started the others, makes no step. During
an epoch it waits, and wakes ten times a second to show the progress. At the beginning of an epoch
each process takes its parts of θ and of the sums, and at the end it gives them back. Then the same
processes evaluate: each has a whole model for that, whose θ is the shared one.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from math import prod
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import processes
from scratchvae.evaluation import Model, chunk_terms, chunks
from scratchvae.history import Bound, Terms
from scratchvae.optimizers import Optimizer
from scratchvae.parallel import Exchange, divide
from scratchvae.parameters import FloatArray, views
from scratchvae.processes import SPAWN, WorkerDied

Layout = Mapping[str, tuple[tuple[int, ...], str]]  # name -> shape and dtype
DIED = "a worker process ended; the model of the last whole epoch is kept"


class Job(NamedTuple):
    """What a worker needs to know, beside what lies in the shared memory."""

    steps: Callable[..., Any]  # the class of what `Team` is given, and its algorithm's class
    algorithm: Callable[..., Any]
    model: type[Model]
    model_settings: dict[str, Any]
    optimizer: type[Optimizer]
    optimizer_settings: dict[str, Any]
    batch_size: int
    pixels: str | None
    n: int  # workers
    layout: Layout
    memory: str  # the name of the shared memory


class Team:
    """The worker processes of one training, from the parent's side. Use it in a `with`.

    epoch: one pass over the images. evaluate: the bound of the test images.
    After each epoch the parent's model and optimizer hold the new θ, sums and t. A worker's rank is
    its number k, from 0. steps: the training by one process, `training.Steps`.
    """

    def __init__(self, steps: Any, workers: int) -> None:
        algorithm, images, test_images, batch_size, pixels = steps
        self.model, self.optimizer = model, optimizer = algorithm.model, algorithm.optimizer
        theta, dtype = model.params.theta, model.params.theta.dtype.str
        widest = max([model.n_x, *(max(shape) for shape in model.params.shapes.values())])
        room = min(batch_size, len(images)) * widest
        shapes = {
            "theta": (theta.shape, dtype), "progress": ((4,), "f8"),
            "exchanged": ((2, workers, room), dtype),
            "images": (images.shape, images.dtype.str),
            "test_images": (test_images.shape, test_images.dtype.str),
        }  # fmt: skip
        shapes |= dict.fromkeys(_sums(optimizer), (theta.shape, dtype))
        size = _places(shapes)[""]
        # θ, g and the first weights of two models
        processes.check_workers("workers", workers, 6 * theta.nbytes, size)
        _check_room(size)
        with processes.shared_memory_needed():
            self._memory = SharedMemory(create=True, size=size)
        self._has_name = True
        self._shared = _arrays(self._memory, shapes)
        self._shared["images"][...] = images
        self._shared["test_images"][...] = test_images
        self._job = Job(
            type(steps), type(algorithm), type(model), model.settings, type(optimizer),
            optimizer.as_set(), batch_size, pixels, workers, shapes, self._memory.name,
        )  # fmt: skip

    def __enter__(self) -> "Team":
        n, self._pipes, self._workers = self._job.n, [], []
        # the parent has to keep them: a semaphore ends with the parent's last reference
        try:
            with processes.shared_memory_needed():
                self._semaphores = [SPAWN.Semaphore(0) for _ in range(n)]
            with processes.one_thread_each(), processes.undisturbed():
                for rank in range(n):
                    here, there = SPAWN.Pipe()
                    worker = SPAWN.Process(
                        target=_work, args=(rank, self._semaphores, there, self._job), daemon=True
                    )
                    worker.start()
                    there.close()
                    self._pipes.append(here)
                    self._workers.append(worker)
            self._answers(lambda: None)  # all are ready
            if os.name == "posix":  # all have it open: when the last one ends, it is gone
                self._unlink()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:  # they hold nothing that has to be saved
            worker.kill()
        for worker in self._workers:
            worker.join()
        self._shared.clear()  # views keep the memory open
        self._memory.close()
        self._unlink()

    def _unlink(self) -> None:
        """Take the name of the shared memory away. A killed program then leaves nothing."""
        if self._has_name:
            self._memory.unlink()
            self._has_name = False

    def epoch(
        self, rng: np.random.Generator, report: Callable[[int, Bound], None]
    ) -> tuple[Bound, int]:
        """One pass over the images. Returns the mean bound and the number of the last minibatch.

        A bound that is not finite ends the pass.
        report: called now and then with the images seen so far and their mean bound.
        """
        mine = {"theta": self.model.params.theta, **_sums(self.optimizer)}
        for name, vector in mine.items():
            self._shared[name][...] = vector
        self._shared["progress"][...] = 0
        self._send("epoch", rng, self.optimizer.as_set(), self.optimizer.t, self.model.beta)
        answers = self._answers(lambda: self._report(report))
        mean, step, rng.bit_generator.state = answers[0]
        self.optimizer.t += step
        for name, vector in mine.items():
            vector[...] = self._shared[name]
        return Bound(*mean), step

    def evaluate(self, seed: int = 0) -> Bound:
        """The bound of the test images at the θ of the last epoch, as `evaluate` has it."""
        self._send("evaluate", seed)
        terms = dict(pair for part in self._answers(lambda: None) for pair in part)
        return Bound.of([terms[i] for i in sorted(terms)])

    def _report(self, report: Callable[[int, Bound], None]) -> None:
        seen, *mean = self._shared["progress"]  # no barrier: it is only shown
        if seen:
            report(int(seen), Bound(*mean))

    def _send(self, *message: Any) -> None:
        try:
            for pipe in self._pipes:
                pipe.send(message)
        except (BrokenPipeError, ConnectionError) as error:
            raise WorkerDied(DIED) from error

    def _answers(self, meanwhile: Callable[[], None]) -> list[Any]:
        """One answer of each worker, by rank. The parent sleeps, and wakes ten times a second."""
        answers: dict[Any, Any] = {}
        while len(answers) < len(self._pipes):
            todo = [pipe for pipe in self._pipes if pipe not in answers]
            ready = wait(todo, timeout=0.1)
            try:
                answers |= {pipe: pipe.recv() for pipe in todo if pipe in ready}
            except (EOFError, ConnectionError) as error:
                raise WorkerDied(DIED) from error
            meanwhile()
        return [answers[pipe] for pipe in self._pipes]


# ---- what runs in a worker ----


def _work(rank: int, semaphores: list[Any], pipe: Connection, job: Job) -> None:
    """Worker number `rank`, from 0: wait for a command, do it, answer; until it is ended."""
    processes.live_with_the_parent()
    memory = SharedMemory(job.memory)
    worker = _Worker(rank, semaphores, job, _arrays(memory, job.layout))
    pipe.send("ready")
    while True:
        command, *arguments = pipe.recv()
        pipe.send(worker.epoch(*arguments) if command == "epoch" else worker.evaluate(*arguments))


class _Worker:
    def __init__(self, rank: int, semaphores: list[Any], job: Job, shared: dict[str, Any]) -> None:
        self.rank, self.job, self.shared = rank, job, shared
        self.whole, self.model = job.model(**job.model_settings), job.model(**job.model_settings)
        self.whole.params.move_to(shared["theta"], self.whole.params.g)
        self.whole.connect()
        self.places = divide(self.model, Exchange(rank, semaphores, shared["exchanged"]))
        self.optimizer = job.optimizer(self.model.params, **job.optimizer_settings)
        images, test_images = shared["images"], shared["test_images"]
        algorithm = job.algorithm(self.model, self.optimizer, len(images))
        self.steps = job.steps(algorithm, images, test_images, job.batch_size, job.pixels)

    def epoch(self, rng: np.random.Generator, settings: dict[str, Any], t: int, beta: float) -> Any:
        """Algorithm 1 over all minibatches. All workers have the same answer."""
        self.model.beta = beta
        for name, value in {**settings, "t": t}.items():
            setattr(self.optimizer, name, value)
        for mine, shared in self._parts():
            mine[...] = shared
        mean, step = self.steps.epoch(rng, self._report)
        for mine, shared in self._parts():
            shared[...] = mine
        return tuple(mean), step, rng.bit_generator.state

    def _parts(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """This worker's part of each weight and each of the sums, here and in the shared memory."""
        for name, vector in {"theta": self.model.params.theta, **_sums(self.optimizer)}.items():
            whole = views(self.shared[name], self.whole.params.shapes)
            for weight, part in views(vector, self.model.params.shapes).items():
                yield part, whole[weight][self.places.get(weight, ...)]

    def _report(self, seen: int, mean: Bound) -> None:
        if self.rank == 0:
            self.shared["progress"][...] = seen, *mean

    def evaluate(self, seed: int) -> list[tuple[int, Terms]]:
        """The two terms of every n-th chunk of the test images."""
        images, pixels = self.shared["test_images"], self.job.pixels
        mine = list(enumerate(chunks(len(images))))[self.rank :: self.job.n]
        with np.errstate(over="ignore", invalid="ignore"):
            return [(i, chunk_terms(self.whole, images[rows], i, seed, pixels)) for i, rows in mine]


def _sums(optimizer: Optimizer) -> dict[str, FloatArray]:
    """The vectors that the optimizer keeps, by name."""
    return {name: getattr(optimizer, name) for name in optimizer.sums}


# ---- the shared memory ----


def _check_room(size: int) -> None:
    """OSError when Linux has less shared memory: a write into what is not there ends a process."""
    place = "/dev/shm"
    free = shutil.disk_usage(place).free if os.path.isdir(place) else size
    if size > free:
        raise OSError(
            f"several workers share {size / 1e6:.0f} MB, and {place} has {free / 1e6:.0f} MB free; "
            "one worker needs none of it: --workers 1 (workers=1)"
        )


def _places(layout: Layout) -> dict[str, int]:
    """Where each array begins, at multiples of 64 bytes. The key "" has the size of all."""
    places, start = {}, 0
    for name, (shape, dtype) in layout.items():
        places[name] = start
        start += -(-prod(shape) * np.dtype(dtype).itemsize // 64) * 64
    return places | {"": start}


def _arrays(memory: SharedMemory, layout: Layout) -> dict[str, NDArray[Any]]:
    places = _places(layout)
    return {
        name: np.ndarray(shape, dtype, memory.buf, places[name])
        for name, (shape, dtype) in layout.items()
    }
