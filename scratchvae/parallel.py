"""One training on several cores: each process does a part of every step, and θ is shared.

**The passes can be divided by rows.** A layer works row by row, and each data point of the
minibatch is a row. So a process that has some of the rows computes x and dy of every
layer for these rows, and needs no other row. Its loss is a mean over its own B_k rows,
the whole loss is a mean over all B. So it multiplies its dy by B_k / B.

**The gradient can be divided by weights.** An affine layer has dW = xᵀ dy and db = Σ_n dy_n
(`layers.py`):

    dW_ij = Σ_n x_ni dy_nj        row i of dW needs column i of x, and dy, of all rows n

So when x and dy of all rows are there, a process computes its own rows i of dW. No
number is computed twice. x and dy are small: a number for each data point and unit. dW
has a number for each pair of units.

**The update can be divided by weights.** Every optimizer here works entry by entry: the
new θ_i depends on θ_i, g_i and the sums kept for i, and on no other entry. So process k
updates its own stretch of θ, and keeps the optimizer's sums of that stretch.

**What has to be waited for.** x and dy are complete before others read them, and θ is
complete before others use it. These are two barriers in each step:

    each process:   draw X^M and ε         all draw the same numbers from equal generators
                    x, dy of every layer   of its own rows, dy times B_k / B
                    ── barrier ──          all rows are there
                    g[mine] ← xᵀ dy        from all rows
                    θ[mine] ← update with g[mine]
                    ── barrier ──          all of θ is there

A weight of no affine layer, such as the one log σ² of the isotropic decoder, takes another
way: the gradient of a sum is the sum of gradients, g = Σ_k (B_k / B) g_k.

The same seed and the same number of processes give the same bits. Another number of
processes rounds differently.

**Where things lie.** θ, the x and dy of the layers, the optimizer's sums and the images lie
in one block of shared memory. The parent does none of the steps. It sleeps during an
epoch, and evaluates by the same processes after it.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
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
        theta, dtype = model.params.theta, model.params.theta.dtype.str
        B = min(batch_size, len(images))
        shapes = {
            "theta": (theta.shape, dtype),
            "terms": ((workers, 2), "f8"),
            "progress": ((4,), "f8"),
            "images": (images.shape, images.dtype.str),
            "test_images": (test_images.shape, test_images.dtype.str),
        }
        shapes |= {f"sum {name}": (theta.shape, dtype) for name in optimizer.sums}
        for name, layer in model.params.affine.items():
            n_in, n_out = layer.W.shape
            shapes |= {f"x {name}": ((B, n_in), dtype), f"dy {name}": ((B, n_out), dtype)}
        for name in _others(model.params):
            shapes[f"g {name}"] = (workers, *model.params.shapes[name]), dtype
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
        self.model = job.model(**job.model_settings)
        self.params = params = self.model.params
        params.move_to(shared["theta"], params.g)
        self.model.connect()
        self.draw = seen_by(self.model, job.pixels)
        for name, layer in params.affine.items():
            layer.backward_weights = partial(self._show, name)  # in place of dW and db
        self.others = _others(params)

        # this worker's stretch of θ, and an optimizer of it alone
        mine = _stretch(params.shapes, rank, job.n)
        self.rows_of = _rows(params.shapes, mine)
        stretch = Parameters({"stretch": params.theta[mine].shape}, params.theta.dtype)
        stretch.move_to(params.theta[mine], params.g[mine])
        self.optimizer = job.optimizer(stretch, **job.optimizer_settings)
        for name in self.optimizer.sums:
            setattr(self.optimizer, name, shared[f"sum {name}"][mine])

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
        terms, B = self.shared["terms"], len(x)
        self.rows = _part(B, self.rank, self.job.n)
        self.share = (self.rows.stop - self.rows.start) / B  # B_k / B
        terms[self.rank] = 0
        if self.share:  # there may be fewer rows than workers
            eps = None if eps is None else eps[self.rows]
            reconstruction, kl = self.model.forward(x[self.rows], eps)
            self.model.backward()  # the layers call _show
            terms[self.rank] = reconstruction.sum(dtype=np.float64), kl.sum(dtype=np.float64)
        for name in self.others:
            g = self.params.grads[name]
            self.shared[f"g {name}"][self.rank] = self.share * g if self.share else 0
        self._barrier()  # all rows are there

        reconstruction_mean, kl_mean = terms.sum(axis=0) / B
        bound = Bound(reconstruction_mean - kl_mean, reconstruction_mean, kl_mean)
        if np.isfinite(bound.elbo):  # all workers see the same bound, so all agree
            self._gradient(B)
            self.optimizer.step()  # θ[mine] ← update
        self._barrier()  # all of θ is there
        return bound

    def _show(self, name: str, dy: NDArray[Any]) -> None:
        """In place of `Affine.backward_weights`: this worker's rows of x and dy, for all to see."""
        x, rows = self.params.affine[name].x, self.rows
        if len(x) != rows.stop - rows.start:
            raise ValueError(
                f"layer {name} has {len(x)} rows for {rows.stop - rows.start} data points; with "
                "several workers there should be one for each"
            )
        self.shared[f"x {name}"][rows] = x
        np.multiply(dy, self.share, out=self.shared[f"dy {name}"][rows])

    def _gradient(self, B: int) -> None:
        """g[mine], from the x and dy of all B rows."""
        for name, layer in self.params.affine.items():
            x, dy = self.shared[f"x {name}"][:B], self.shared[f"dy {name}"][:B]
            i, j = self.rows_of[f"{name}.W"], self.rows_of[f"{name}.b"]
            np.matmul(x[:, i].T, dy, out=layer.dW[i])  # dW_i = Σ_n x_ni dy_n
            np.sum(dy[:, j], axis=0, out=layer.db[j])  # db_j = Σ_n dy_nj
        for name in self.others:
            np.sum(self.shared[f"g {name}"], axis=0, out=self.params.grads[name])

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


def _stretch(shapes: Mapping[str, tuple[int, ...]], rank: int, n: int) -> slice:
    """The rank-th of n stretches of θ, about as long as the others: whole rows of the weights."""
    size = sum(prod(shape) for shape in shapes.values())
    return slice(_next_row(shapes, size * rank // n), _next_row(shapes, size * (rank + 1) // n))


def _next_row(shapes: Mapping[str, tuple[int, ...]], i: int) -> int:
    """The first entry of θ, at i or after it, with which a row of a weight begins; or the end."""
    start = 0
    for shape in shapes.values():
        width = prod(shape[1:])
        if i < start + prod(shape):
            return start + -(-(i - start) // width) * width
        start += prod(shape)
    return start


def _rows(shapes: Mapping[str, tuple[int, ...]], mine: slice) -> dict[str, slice]:
    """The rows of each weight that lie in this stretch of θ."""
    rows, start = {}, 0
    for name, shape in shapes.items():
        size, width = prod(shape), prod(shape[1:])
        begin, end = (min(max(i - start, 0), size) // width for i in (mine.start, mine.stop))
        rows[name] = slice(begin, end)
        start += size
    return rows


def _others(params: Parameters) -> list[str]:
    """The weights of no affine layer."""
    return [name for name in params.shapes if name.rpartition(".")[0] not in params.affine]


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
