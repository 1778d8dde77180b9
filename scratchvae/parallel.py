"""One training on several cores: each process does a part of every step, and θ is shared.

**The gradient can be divided.** The loss is a mean over the B data points of a minibatch.
Let process k have B_k of them, with the mean loss ℓ_k and its gradient g_k. Then

    loss = Σ_k (B_k / B) ℓ_k        g = Σ_k (B_k / B) g_k        the gradient of a sum

**The update can be divided.** Every optimizer here works entry by entry: the new θ_i
depends on θ_i, g_i and the sums kept for i, and on no other entry. So process k updates
its own stretch of θ, and keeps the optimizer's sums of that stretch.

**What has to be waited for.** g_k is complete before others read it, and θ is complete
before others use it. These are two barriers in each step:

    each process:   draw X^M and ε        all draw the same numbers from equal generators
                    g_k                   from its own rows of the minibatch
                    ── barrier ──         all g_k are there
                    g[mine] ← Σ_k (B_k / B) g_k[mine]
                    θ[mine] ← update with g[mine]
                    ── barrier ──         all of θ is there

The sums over k run in the same order everywhere, so the same seed and the same number of
processes give the same bits. Another number of processes rounds differently.

**Where things lie.** θ, all g_k, the optimizer's sums and the images lie in one block of
shared memory. The parent does none of the steps. It sleeps during an epoch, and evaluates
by the same processes after it.
"""

import time
from collections.abc import Callable, Mapping
from math import prod
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import processes
from scratchvae.datasets import Images, minibatches
from scratchvae.evaluation import Bound, Model, Terms, chunk_terms, chunks, seen_by
from scratchvae.optimizers import Optimizer
from scratchvae.parameters import Parameters
from scratchvae.processes import SPAWN

Layout = Mapping[str, tuple[tuple[int, ...], str]]  # name -> shape and dtype
SPINS = 2000  # looks at a barrier before it lets others run


class Job(NamedTuple):
    """What a worker needs to know, beside what lies in the shared memory."""

    model: type[Model]
    model_settings: dict[str, Any]
    optimizer: type[Optimizer]
    optimizer_settings: dict[str, Any]
    pixels: str | None
    batch_size: int
    n: int  # workers
    layout: Layout
    memory: str  # the name of the shared memory


class WorkerDied(RuntimeError):
    """A worker process ended in the middle of its work."""


class Team:
    """The worker processes of one training, from the parent's side. Use it in a `with`.

    epoch: one pass over the images. evaluate: the bound of the test images.
    After each epoch the parent's model and optimizer hold the new θ, sums and t.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        images: Images,
        test_images: Images,
        *,
        batch_size: int,
        pixels: str | None,
        workers: int,
    ) -> None:
        self.model, self.optimizer = model, optimizer
        theta = model.params.theta
        shapes = {
            "theta": (theta.shape, theta.dtype.str),
            "g": ((workers, theta.size), theta.dtype.str),
            "terms": ((workers, 2), "f8"),
            "progress": ((4,), "f8"),
            "images": (images.shape, images.dtype.str),
            "test_images": (test_images.shape, test_images.dtype.str),
        }
        shapes |= {f"sum {name}": (theta.shape, theta.dtype.str) for name in optimizer.sums}
        self._memory = SharedMemory(create=True, size=_size(shapes))
        self._shared = _arrays(self._memory, shapes)
        self._shared["images"][...] = images
        self._shared["test_images"][...] = test_images
        self._n_chunks = len(chunks(len(test_images)))
        self._job = Job(
            type(model),
            model.settings,
            type(optimizer),
            {name: getattr(optimizer, name) for name in optimizer.settings},
            pixels,
            batch_size,
            workers,
            shapes,
            self._memory.name,
        )

    def __enter__(self) -> "Team":
        n, self._pipes, self._workers = self._job.n, [], []
        self._bells = [
            SPAWN.Semaphore(0) for _ in range(n)
        ]  # they live as long as the parent keeps them
        try:
            with processes.one_thread_each():
                for rank in range(n):
                    here, there = SPAWN.Pipe()
                    worker = SPAWN.Process(
                        target=_work, args=(rank, self._bells, there, self._job), daemon=True
                    )
                    worker.start()
                    there.close()
                    self._pipes.append(here)
                    self._workers.append(worker)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:  # they hold nothing that has to be saved
            worker.kill()
        for worker in self._workers:
            worker.join()
        self._shared.clear()  # views keep the memory open
        self._memory.close()
        self._memory.unlink()

    def epoch(
        self, rng: np.random.Generator, report: Callable[[int, Bound], None]
    ) -> tuple[Bound, int]:
        """One pass over the images. Returns the mean bound and the number of the last minibatch.

        A bound that is not finite ends the pass.
        report: called now and then with the images seen so far and their mean bound.
        """
        self._shared["theta"][...] = self.model.params.theta
        for name in self.optimizer.sums:
            self._shared[f"sum {name}"][...] = getattr(self.optimizer, name)
        self._shared["progress"][...] = 0
        self._send("epoch", rng, self.optimizer.lr, self.optimizer.t)
        answers = self._answers(lambda: self._report(report))
        mean, step, self.optimizer.t, rng.bit_generator.state = answers[0]
        self.model.params.theta[...] = self._shared["theta"]
        for name in self.optimizer.sums:
            getattr(self.optimizer, name)[...] = self._shared[f"sum {name}"]
        return Bound(*mean), step

    def evaluate(self, seed: int = 0) -> Bound:
        """The bound of the test images at the θ of the last epoch, as `evaluate` has it."""
        self._send("evaluate", seed)
        terms = [Terms(np.empty(0), np.empty(0))] * self._n_chunks
        for part in self._answers(lambda: None):
            for i, of_chunk in part:
                terms[i] = of_chunk
        return Bound.of(terms)

    def _report(self, report: Callable[[int, Bound], None]) -> None:
        seen, *mean = self._shared["progress"]
        if seen:
            report(int(seen), Bound(*mean))

    def _send(self, *message: Any) -> None:
        try:
            for pipe in self._pipes:
                pipe.send(message)
        except (BrokenPipeError, ConnectionError) as error:
            raise WorkerDied("a worker process ended; run the training again") from error

    def _answers(self, meanwhile: Callable[[], None]) -> list[Any]:
        """One answer of each worker, by rank. The parent sleeps, and wakes ten times a second."""
        answers: dict[int, Any] = {}
        while len(answers) < len(self._pipes):
            todo = [rank for rank in range(len(self._pipes)) if rank not in answers]
            ready = wait([self._pipes[rank] for rank in todo], timeout=0.1)
            for rank in todo:
                if self._pipes[rank] in ready:
                    try:
                        answers[rank] = self._pipes[rank].recv()
                    except (EOFError, ConnectionError) as error:
                        raise WorkerDied(
                            "a worker process ended; the model of the last whole epoch is kept"
                        ) from error
            meanwhile()
        return [answers[rank] for rank in range(len(self._pipes))]


# ---- what runs in a worker ----


def _work(rank: int, bells: list[Any], pipe: Connection, job: Job) -> None:
    """One worker: wait for a command, do it, answer; until it is ended."""
    processes.live_with_the_parent()
    memory = SharedMemory(job.memory)
    worker = _Worker(rank, bells, job, _arrays(memory, job.layout))
    while True:
        command, *arguments = pipe.recv()
        pipe.send(worker.epoch(*arguments) if command == "epoch" else worker.evaluate(*arguments))


class _Worker:
    def __init__(self, rank: int, bells: list[Any], job: Job, shared: dict[str, Any]) -> None:
        self.rank, self.bells, self.job, self.shared = rank, bells, job, shared
        theta, g = shared["theta"], shared["g"]
        self.model = job.model(**job.model_settings)
        self.model.params.move_to(theta, g[rank])
        self.model.connect()
        self.draw = seen_by(self.model, job.pixels)

        # an optimizer of this worker's stretch of θ alone
        self.mine = _part(theta.size, rank, job.n)
        stretch = Parameters({"stretch": theta[self.mine].shape}, theta.dtype)
        stretch.move_to(theta[self.mine], stretch.g)
        self.optimizer = job.optimizer(stretch, **job.optimizer_settings)
        for name in self.optimizer.sums:
            setattr(self.optimizer, name, shared[f"sum {name}"][self.mine])

    def epoch(self, rng: np.random.Generator, lr: float, t: int) -> Any:
        """Algorithm 1 over all minibatches. Worker 0 answers for all."""
        self.optimizer.lr, self.optimizer.t = lr, t
        images, sums, seen, step = self.shared["images"], np.zeros(3), 0, 0
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in minibatches(len(images), self.job.batch_size, rng):
                step += 1
                x = self.draw(images[rows], rng, self.model.dtype)
                eps = self.model.noise(len(x), rng)
                bound = self._step(x, eps)
                sums += np.multiply(bound, len(x))
                seen += len(x)
                if not np.isfinite(bound.elbo):
                    break
                if self.rank == 0:
                    self.shared["progress"][...] = seen, *(sums / seen)
        if self.rank != 0:
            return None
        return (sums / seen).tolist(), step, self.optimizer.t, rng.bit_generator.state

    def _step(self, x: NDArray[Any], eps: Any) -> Bound:
        """One step on the minibatch, of which this worker does its own rows."""
        g, terms, B = self.shared["g"], self.shared["terms"], len(x)
        parts = [_part(B, rank, self.job.n) for rank in range(self.job.n)]
        rows = parts[self.rank]
        if rows.stop > rows.start:
            reconstruction, kl = self.model.forward(x[rows], None if eps is None else eps[rows])
            self.model.backward()  # g_k, of the mean over this worker's rows
            terms[self.rank] = reconstruction.sum(dtype=np.float64), kl.sum(dtype=np.float64)
        else:  # fewer rows than workers
            g[self.rank], terms[self.rank] = 0, 0
        self._barrier()  # all g_k are there

        reconstruction_mean, kl_mean = terms.sum(axis=0) / B
        bound = Bound(reconstruction_mean - kl_mean, reconstruction_mean, kl_mean)
        if np.isfinite(bound.elbo):  # all workers see the same bound, so all agree
            mine, total = self.mine, self.optimizer.params.g
            weights = [(part.stop - part.start) / B for part in parts]
            np.multiply(g[0][mine], weights[0], out=total)
            for rank in range(1, self.job.n):
                total += weights[rank] * g[rank][mine]  # g ← Σ_k (B_k / B) g_k
            self.optimizer.step()  # θ[mine] ← update
        self._barrier()  # all of θ is there
        return bound

    def _barrier(self) -> None:
        """Wait until all are here: ring every other worker's bell, and hear as many rings.

        A ring is a release of a semaphore, which also makes earlier writes visible. A worker
        looks often before it sleeps, since waking up takes longer than most waits.
        """
        for rank, bell in enumerate(self.bells):
            if rank != self.rank:
                bell.release()
        mine = self.bells[self.rank]
        for _ in range(self.job.n - 1):
            for spin in range(SPINS):
                if mine.acquire(False):
                    break
                if spin % 50 == 49:
                    time.sleep(0)  # lets another process have the core
            else:
                mine.acquire()

    def evaluate(self, seed: int) -> list[tuple[int, Terms]]:
        """The two terms of every n-th chunk of the test images."""
        images = self.shared["test_images"]
        mine = list(enumerate(chunks(len(images))))[self.rank :: self.job.n]
        return [
            (i, chunk_terms(self.model, images[rows], i, seed, self.job.pixels)) for i, rows in mine
        ]


def _part(size: int, rank: int, n: int) -> slice:
    """The rank-th of n stretches of 0 ... size − 1."""
    return slice(size * rank // n, size * (rank + 1) // n)


# ---- the shared memory ----


def _places(layout: Layout) -> dict[str, int]:
    """Where each array begins: one after the other, at multiples of 64 bytes."""
    places, start = {}, 0
    for name, (shape, dtype) in layout.items():
        places[name] = start
        start += -(-prod(shape) * np.dtype(dtype).itemsize // 64) * 64
    return places | {"": start}


def _size(layout: Layout) -> int:
    return _places(layout)[""]


def _arrays(memory: SharedMemory, layout: Layout) -> dict[str, NDArray[Any]]:
    places = _places(layout)
    return {
        name: np.ndarray(shape, dtype, memory.buf, places[name])
        for name, (shape, dtype) in layout.items()
    }
