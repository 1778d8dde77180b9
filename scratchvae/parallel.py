"""One training on several cores: each process does a part of every step, and θ is shared.

**The passes can be divided by data points.** A layer works data point by data point. So a
process that has some of the minibatch computes x and dy of every layer for its own data
points, and needs no other. Process k has B_k of the B data points. loss_k is the mean over
them, and the whole loss is the mean over all:

    loss = Σ_k (B_k / B) loss_k

Data point n belongs to one process k. So with y_n of any layer

    ∂loss/∂y_n = (B_k / B) ∂loss_k/∂y_n

The backward pass of process k computes the right side without the factor. Each layer's dy
is multiplied by B_k / B when it is written into the shared memory.

**The gradient can be divided by weights.** An affine layer has dW = xᵀ dy and db = Σ_n dy_n
(`layers.py`):

    dW_ij = Σ_n x_ni dy_nj        row i of dW needs column i of x, and dy, of all n

So when x and dy of all data points are there, a process computes its own rows of dW. No
entry of dW is computed twice. x and dy are smaller than dW: for 100 data points, 784
inputs and 500 units they have 128,400 numbers, and dW has 392,000.

**The update can be divided by weights.** Every optimizer here works entry by entry: the
new θ_i depends on θ_i, g_i and the sums kept for i, and on no other entry. So process k
updates its own stretch of θ, and keeps the optimizer's sums of that stretch. A stretch is
made of whole rows of the weights. A row of a bias is one entry.

**What has to be waited for.** x and dy are complete before others read them, and θ is
complete before others use it. So each step has two barriers. At a barrier each process waits
until all have come:

    each process:   draw x and ε           all draw the same numbers from equal generators
                    x, dy of every layer   of its own data points, dy times B_k / B
                    ── barrier ──          x and dy of all data points are there
                    the bound              if it is not finite, the epoch ends here for all
                    g[mine] ← xᵀ dy        from all data points
                    θ[mine] ← update with g[mine]
                    ── barrier ──          all of θ is there

A weight of another layer, such as the one s of the isotropic decoder, has no such x and
dy. Process k computes g_k, the gradient of loss_k, and g = Σ_k (B_k / B) g_k.

The same seed and the same number of processes give the same bits. Another number of
processes rounds differently.

**Where things lie.** One block of shared memory holds θ, x and dy of the layers, the
optimizer's sums and the images. It also holds the terms of the bound, and the g_k of the
weights that belong to no affine layer. Each process has a g of its own, and fills its stretch
of it. The parent, the process that started the others, makes no step. During an epoch it
waits, and wakes ten times a second to show the progress. After the epoch the same processes
evaluate.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import processes
from scratchvae.datasets import Images, minibatches
from scratchvae.evaluation import Model, chunk_terms, chunks, seen_by
from scratchvae.history import Bound, Terms
from scratchvae.layers import Affine, shapes_of
from scratchvae.optimizers import Optimizer
from scratchvae.parameters import Parameters
from scratchvae.processes import SPAWN, WorkerDied

Layout = Mapping[str, tuple[tuple[int, ...], str]]  # name -> shape and dtype
SPINS = 2000  # tries at a barrier before a worker sleeps
LET_OTHERS_RUN = getattr(os, "sched_yield", partial(time.sleep, 0))  # Windows has no sched_yield


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


DIED = "a worker process ended; the model of the last whole epoch is kept"


class Team:
    """The worker processes of one training, from the parent's side. Use it in a `with`.

    epoch: one pass over the images. evaluate: the bound of the test images.
    After each epoch the parent's model and optimizer hold the new θ, sums and t. A worker's rank is
    its number k, from 0.
    """

    def __init__(
        self, model: Model, optimizer: Optimizer, images: Images, test_images: Images,
        batch_size: int, pixels: str | None, workers: int,
    ) -> None:  # fmt: skip
        self.model, self.optimizer = model, optimizer
        theta, dtype = model.params.theta, model.params.theta.dtype.str
        B = min(batch_size, len(images))
        shapes = {
            "theta": (theta.shape, dtype), "terms": ((workers, 2), "f8"), "progress": ((4,), "f8"),
            "images": (images.shape, images.dtype.str),
            "test_images": (test_images.shape, test_images.dtype.str),
        }  # fmt: skip
        shapes |= {f"sum {name}": (theta.shape, dtype) for name in optimizer.sums}
        for name, layer in _affine(model).items():
            n_in, n_out = layer.W.shape
            shapes |= {f"x {name}": ((B, n_in), dtype), f"dy {name}": ((B, n_out), dtype)}
        for name in _others(model):
            shapes[f"g {name}"] = (workers, *model.params.shapes[name]), dtype
        size = _places(shapes)[""]
        # θ, g and the first weights of each worker's model
        processes.check_workers("workers", workers, 3 * theta.nbytes, size)
        _check_room(size)
        with processes.shared_memory_needed():
            self._memory = SharedMemory(create=True, size=size)
        self._has_name = True
        self._shared = _arrays(self._memory, shapes)
        self._shared["images"][...] = images
        self._shared["test_images"][...] = test_images
        self._job = Job(
            type(model), model.settings, type(optimizer), optimizer.as_set(), pixels, batch_size,
            workers, shapes, self._memory.name,
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
        self._shared["theta"][...] = self.model.params.theta
        for name in self.optimizer.sums:
            self._shared[f"sum {name}"][...] = getattr(self.optimizer, name)
        self._shared["progress"][...] = 0
        self._send("epoch", rng, self.optimizer.as_set(), self.optimizer.t, self.model.beta)
        answers = self._answers(lambda: self._report(report))
        mean, step, rng.bit_generator.state = answers[0]
        self.optimizer.t += step
        self.model.params.theta[...] = self._shared["theta"]
        for name in self.optimizer.sums:
            getattr(self.optimizer, name)[...] = self._shared[f"sum {name}"]
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
        self.rank, self.semaphores, self.job, self.shared = rank, semaphores, job, shared
        self.model = job.model(**job.model_settings)
        self.params = params = self.model.params
        params.move_to(shared["theta"], params.g)
        self.model.connect()
        self.draw = seen_by(self.model, job.pixels)
        self.affine, self.others = _affine(self.model), _others(self.model)
        for name, layer in self.affine.items():  # in place of dW and db
            layer.backward_weights = partial(self._write_rows, name)  # type: ignore[method-assign]

        # this worker's stretch of θ, and an optimizer of it alone. It may be empty: a small model
        # may have fewer rows of weights than workers
        mine = _stretch(params.shapes, rank, job.n)
        self.weight_rows = _weight_rows(params.shapes, mine)
        stretch = Parameters({}, params.theta.dtype)
        stretch.move_to(params.theta[mine], params.g[mine])
        self.optimizer = job.optimizer(stretch, **job.optimizer_settings)
        for name in self.optimizer.sums:
            setattr(self.optimizer, name, shared[f"sum {name}"][mine])

    def epoch(self, rng: np.random.Generator, settings: dict[str, Any], t: int, beta: float) -> Any:
        """Algorithm 1 over all minibatches. All workers have the same answer."""
        self.model.beta = beta
        for name, value in {**settings, "t": t}.items():
            setattr(self.optimizer, name, value)
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
        return (sums / seen).tolist(), step, rng.bit_generator.state

    def _step(self, x: NDArray[Any], eps: Any) -> Bound:
        """One step on the minibatch, of which this worker does its own data points."""
        terms, B = self.shared["terms"], len(x)
        self.points = points = _part(B, self.rank, self.job.n)
        self.fraction = (points.stop - points.start) / B  # B_k / B
        terms[self.rank] = 0
        if self.fraction:  # there may be fewer data points than workers
            reconstruction, kl = self.model.forward(x[points], None if eps is None else eps[points])
            self.model.backward()  # the affine layers call _write_rows
            terms[self.rank] = reconstruction.sum(dtype=np.float64), kl.sum(dtype=np.float64)
        for name in self.others:  # (B_k / B) g_k
            g_k = self.fraction * self.params.grads[name] if self.fraction else 0
            self.shared[f"g {name}"][self.rank] = g_k
        self._barrier()  # x and dy of all data points are there

        reconstruction_mean, kl_mean = terms.sum(axis=0) / B
        bound = Bound(reconstruction_mean - kl_mean, reconstruction_mean, kl_mean)
        if np.isfinite(bound.elbo):
            self._gradient(B)
            self.optimizer.step()  # θ[mine] ← update
        self._barrier()  # all of θ is there
        return bound

    def _write_rows(self, name: str, dy: NDArray[Any]) -> None:
        """In place of `Affine.backward_weights`: x and dy of this worker's data points."""
        x, n = self.affine[name].x, self.points.stop - self.points.start
        if len(x) != n:
            raise ValueError(
                f"layer {name} has {len(x)} rows for {n} data points; with several workers "
                "there should be one for each"
            )
        self.shared[f"x {name}"][self.points] = x
        np.multiply(dy, self.fraction, out=self.shared[f"dy {name}"][self.points])

    def _gradient(self, B: int) -> None:
        """g[mine], from the x and dy of all B data points."""
        for name, layer in self.affine.items():
            x, dy = self.shared[f"x {name}"][:B], self.shared[f"dy {name}"][:B]
            i, j = self.weight_rows[f"{name}.W"], self.weight_rows[f"{name}.b"]
            np.matmul(x[:, i].T, dy, out=layer.dW[i])  # this worker's rows of dW = xᵀ dy
            np.sum(dy[:, j], axis=0, out=layer.db[j])  # its entries of db = Σ_n dy_n
        for name in self.others:
            np.sum(self.shared[f"g {name}"], axis=0, out=self.params.grads[name])

    def _barrier(self) -> None:
        """Wait until all are here: release the semaphore of every other worker, then acquire
        one's own as often.

        A semaphore counts, and does not know who released it. This is enough. Take the first of
        n workers that has passed m barriers. Its semaphore was acquired m (n − 1) times. The other
        n − 1 workers have not passed m barriers yet, so each of them has released it at most m
        times, and hence exactly m times: all have come to barrier m.

        A release also makes earlier writes visible. A worker tries often before it sleeps, since
        waking up takes longer than most waits.
        """
        for rank, semaphore in enumerate(self.semaphores):
            if rank != self.rank:
                semaphore.release()
        mine = self.semaphores[self.rank]
        for _ in range(self.job.n - 1):
            for spin in range(SPINS):
                if mine.acquire(False):
                    break
                if spin % 50 == 49:
                    LET_OTHERS_RUN()
            else:
                mine.acquire()

    def evaluate(self, seed: int) -> list[tuple[int, Terms]]:
        """The two terms of every n-th chunk of the test images."""
        images, pixels = self.shared["test_images"], self.job.pixels
        mine = list(enumerate(chunks(len(images))))[self.rank :: self.job.n]
        with np.errstate(over="ignore", invalid="ignore"):
            return [(i, chunk_terms(self.model, images[rows], i, seed, pixels)) for i, rows in mine]


def _part(size: int, rank: int, n: int) -> slice:
    """The rank-th of n stretches of 0 ... size − 1."""
    return slice(size * rank // n, size * (rank + 1) // n)


def _stretch(shapes: Mapping[str, tuple[int, ...]], rank: int, n: int) -> slice:
    """The rank-th of n stretches of θ, about as long as the others: whole rows of the weights."""
    part = _part(sum(prod(shape) for shape in shapes.values()), rank, n)
    return slice(_next_row(shapes, part.start), _next_row(shapes, part.stop))


def _next_row(shapes: Mapping[str, tuple[int, ...]], i: int) -> int:
    """The first entry of θ, at i or after it, with which a row of a weight begins; or the end."""
    start = 0
    for shape in shapes.values():
        width = prod(shape[1:])
        if i < start + prod(shape):
            return start + _rounded_up(i - start, width)
        start += prod(shape)
    return start


def _weight_rows(shapes: Mapping[str, tuple[int, ...]], mine: slice) -> dict[str, slice]:
    """The rows of each weight that lie in this stretch of θ."""
    rows, start = {}, 0
    for name, shape in shapes.items():
        size, width = prod(shape), prod(shape[1:])
        begin, end = (min(max(i - start, 0), size) // width for i in (mine.start, mine.stop))
        rows[name] = slice(begin, end)
        start += size
    return rows


def _affine(model: Model) -> dict[str, Affine]:
    """The layers whose gradient is xᵀ dy; a subclass of `Affine` may have another."""
    return {name: layer for name, layer in model.layers.items() if type(layer) is Affine}


def _others(model: Model) -> list[str]:
    """The weights that belong to no affine layer."""
    of_affine = shapes_of(_affine(model))
    return [name for name in model.params.shapes if name not in of_affine]


def _rounded_up(a: int, unit: int) -> int:
    """The first multiple of the unit that is a or more."""
    return -(-a // unit) * unit


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
        start += _rounded_up(prod(shape) * np.dtype(dtype).itemsize, 64)
    return places | {"": start}


def _arrays(memory: SharedMemory, layout: Layout) -> dict[str, NDArray[Any]]:
    places = _places(layout)
    return {
        name: np.ndarray(shape, dtype, memory.buf, places[name])
        for name, (shape, dtype) in layout.items()
    }
