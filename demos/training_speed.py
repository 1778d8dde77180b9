# %% [markdown]
"""Where the time of an epoch goes: the phases of a step and the matrix products.

The phases are binarize, forward, bound, backward and optimizer. A step of Algorithm 1
cannot be faster than its matrix products. There are eleven when the two heads, μ and
log σ², count as one. They are timed by themselves, on arrays of the same sizes. A
training step and the products take turns, so that both are timed under the same
conditions. What a step takes more than its products is the cost of everything else.

Run it on an idle machine:

    python demos/training_speed.py --steps 300
"""

# %%
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import scratchvae.decoders
import scratchvae.vae
from scratchvae import VAE, Adam, binarize, load_mnist
from scratchvae.options import Parser

N_X, H, N_Z, B = 784, 500, 20, 100  # the paper's sizes for MNIST


# %% The matrix products that a step needs: four forward, seven backward
def matrix_products(rng: np.random.Generator) -> Callable[[], None]:
    """A function that computes the eleven products once."""

    def some(*shape: int) -> Any:
        return rng.random(shape, dtype=np.float32)

    x, h, z, a, heads = some(B, N_X), some(B, H), some(B, N_Z), some(B, N_X), some(B, 2 * N_Z)
    W1, W2, W3, W4 = some(N_X, H), some(H, 2 * N_Z), some(N_Z, H), some(H, N_X)
    forward = [(x, W1), (h, W2), (z, W3), (h, W4)]
    backward = [(h.T, a), (a, W4.T), (z.T, h), (h, W3.T), (h.T, heads), (heads, W2.T), (x.T, h)]
    products = [
        (left, right, np.empty((len(left), right.shape[1]), np.float32))
        for left, right in forward + backward
    ]

    def once() -> None:
        for left, right, out in products:
            np.matmul(left, right, out=out)

    return once


# %% A stopwatch for each phase
spent: dict[str, float] = {}


def timed(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and its seconds added to spent[phase]."""

    def wrapped(*args: Any) -> Any:
        start = time.perf_counter()
        result = function(*args)
        spent[phase] = spent.get(phase, 0.0) + time.perf_counter() - start
        return result

    return wrapped


def measure(steps: int) -> dict[str, float]:
    """Seconds per epoch of 60,000 images, for each phase and the products alone."""
    rng, images = np.random.default_rng(0), load_mnist().train_images
    vae = VAE(N_X, (H,), N_Z)
    adam = Adam(vae.params)
    # the bound is a part of vae.forward: its time is taken off "forward" at the end
    terms = [(scratchvae.decoders, "bernoulli_log_likelihood"), (scratchvae.vae, "gaussian_kl")]
    untimed = [getattr(module, name) for module, name in terms]
    for (module, name), function in zip(terms, untimed):
        setattr(module, name, timed("bound", function))

    def bits_and_noise(rows: Any) -> Any:
        return binarize(images[rows], rng), rng.standard_normal((B, N_Z), np.float32)

    draw = timed("binarize", bits_and_noise)
    forward, backward = timed("forward", vae.forward), timed("backward", vae.backward)
    optimize = timed("optimizer", adam.step)
    products = timed("products", matrix_products(rng))
    order = rng.permutation(len(images))
    for step in range(-20, steps):
        if step == 0:
            spent.clear()  # the first steps warm up
        start = step * B % len(images)
        x, eps = draw(order[start : start + B])
        forward(x, eps)
        backward()
        optimize()
        products()
    for (module, name), function in zip(terms, untimed):
        setattr(module, name, function)
    spent["forward"] -= spent["bound"]
    return {phase: seconds / steps * 60_000 / B for phase, seconds in spent.items()}


def main() -> None:
    """Print the table."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="minibatches of 100 images (300)")
    steps = parser.parse_args().steps
    if steps < 1:
        parser.error(f"--steps is {steps}; it should be 1 or more")
    seconds = measure(steps)
    products = seconds.pop("products")
    total = sum(seconds.values())
    print(f"BLAS threads: {os.environ.get('OPENBLAS_NUM_THREADS', 'as many as the library takes')}")
    print(f"{'phase':18}{'s / epoch':>10}{'share':>8}{'x products':>12}")
    for phase in ("binarize", "forward", "bound", "backward", "optimizer"):
        s = seconds[phase]
        print(f"{phase:18}{s:10.2f}{s / total:8.0%}{s / products:12.2f}")
    print(f"{'epoch':18}{total:10.2f}{1:8.0%}{total / products:12.2f}")
    print(f"{'products alone':18}{products:10.2f}{products / total:8.0%}{1:12.2f}")


if __name__ == "__main__":
    main()
