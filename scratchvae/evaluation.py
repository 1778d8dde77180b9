"""What a trained model reached: its bound on a data set, in two parts, and its active units."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scratchvae import checks, datasets, processes
from scratchvae.datasets import PIXELS, Draw, Images
from scratchvae.distributions import gaussian_kl
from scratchvae.history import Bound, Terms
from scratchvae.layers import Layer
from scratchvae.parameters import FloatArray, Parameters
from scratchvae.vae import VAE

Result = TypeVar("Result")
CHUNK = 500  # images at a time: few enough for the cache, enough for the matrix products
ACTIVE = 1e-2  # the least variance of μ_j(x), Burda, Grosse and Salakhutdinov 2015, section 5.2


@runtime_checkable
class Model(Protocol):
    """What `fit` and `evaluate` need of a model. A VAE has it, and an Autoencoder."""

    params: Parameters
    layers: dict[str, Layer]  # by name, in their order in θ
    n_x: int
    n_z: int
    dtype: np.dtype[Any]
    beta: float  # the weight of the KL in the objective

    @property
    def pixels(self) -> str:
        """What it models: one of `datasets.PIXELS`."""

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of its constructor, for another model of the same kind."""

    def connect(self) -> None:
        """Use params.theta and params.g as they are now, after `params.move_to`."""

    def noise(self, n: int, rng: np.random.Generator) -> Any:
        """ε for n data points."""

    def forward(self, x: ArrayLike, eps: Any) -> tuple[FloatArray, FloatArray]:
        """The two terms of the objective for each row, reconstruction and KL."""

    def backward(self) -> None:
        """The gradient of minus the mean objective, into params.g."""


def evaluate(
    model: Model, images: Images, *, seed: int = 0, pixels: str | None = None, workers: int = 1
) -> Bound:
    """The mean bound over the images, with one sample z of each (L = 1).

    images, pixels: as for `fit`.
    The same seed gives the same pixels for every model, so all models that are compared see
    the same bits. The noise too is the same for models with the same n_z and dtype.
    workers: processes. Each chunk of images has generators of its own, so the result does not
    depend on the number of processes. It is equal to the last bit if this process, as each
    of the others, uses one thread in NumPy's matrix products.
    """
    checks.instance("model", model, Model, "a model, such as a VAE")  # type: ignore[type-abstract]
    images = data_of(model, "images", images, pixels)
    return Bound.of(_of_chunks(chunk_terms, model, images, seed, pixels, workers))


def evaluate_part(model: Model, images: Images, pixels: str | None) -> Bound:
    """`evaluate` of some images of a data set that is checked already."""
    return Bound.of(_of_chunks(chunk_terms, model, images, 0, pixels, 1))


def active_units(
    vae: VAE, images: Images, *, seed: int = 0, pixels: str | None = None,
    threshold: float = ACTIVE, workers: int = 1,
) -> int:  # fmt: skip
    """How many latent dimensions tell something about x: Var_x( E_q(z|x)[z_j] ) > threshold.

    E_q(z|x)[z_j] is μ_j(x). When the encoder does not use dimension j, q(z_j|x) = N(0, 1) for
    every x, so μ_j does not vary. The definition and the threshold 0.01 are from Burda, Grosse
    and Salakhutdinov 2015, section 5.2.
    images: as for `fit`, N ≥ 2. workers: as for `evaluate`.
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.number_from_zero("threshold", threshold)
    images = data_of(vae, "images", images, pixels)
    if len(images) < 2:
        raise ValueError(f"images has shape {images.shape}; a variance should have 2 or more")
    mu = np.concatenate(_of_chunks(_chunk_mu, vae, images, seed, pixels, workers))
    return int((mu.var(axis=0, dtype=np.float64) > threshold).sum())


def units(vae: VAE, x: ArrayLike) -> tuple[FloatArray, NDArray[np.bool_]]:
    """For each unit j the mean of KL(q(z_j|x) ‖ p(z_j)) over x, and whether it is active.

    The KL of the bound is the sum of the first. Active: Var_x(μ_j(x)) > 0.01, see `active_units`.
    x: (N, n_x), N ≥ 2, what the model saw of the data. Returns (n_z,) in nats, and (n_z,).
    """
    mu, logvar = checks.instance("vae", vae, VAE, "a VAE").encode(x)
    if len(mu) < 2:
        raise ValueError(f"x has {len(mu)} row; a variance should have 2 or more")
    # `gaussian_kl` sums over the last axis, which has one unit here
    kl = gaussian_kl(mu[:, :, None], logvar[:, :, None]).mean(axis=0, dtype=np.float64)
    return kl, mu.var(axis=0, dtype=np.float64) > ACTIVE


def data_of(model: Model, name: str, images: ArrayLike, pixels: str | None) -> Images:
    """A whole data set for this model: `datasets.as_images`, in [0, 1] if the model needs it."""
    takes = model.n_x, model.dtype, model.pixels, pixels
    array = datasets.as_images(name, images, *takes)
    if array.dtype.kind == "f" and getattr(model, "confined", False):
        checks.unit_interval(name, array)
    return array


def seen_by(model: Model, pixels: str | None) -> Draw:
    """How images become the x that the model sees; pixels None is the model's own choice.

    ValueError for an unknown name, and for "dequantized" with a decoder that models bits.
    """
    chosen = checks.one_of("pixels", model.pixels if pixels is None else pixels, PIXELS)
    if (model.pixels, chosen) == ("bits", "dequantized"):
        raise ValueError(
            "pixels is 'dequantized'; for a decoder of bits it should be 'bits' or 'grey'"
        )
    return partial(PIXELS[chosen], part=True)  # the images are some of a data set


def check_rebuilt(name: str, model: Model) -> None:
    """Check that type(model)(**model.settings), made by another process and given θ, is this model.

    TypeError for what would not be there: an attribute that no setting tells, or a class that
    another process cannot import.
    """
    kind = type(model)
    if "<locals>" in kind.__qualname__:
        raise TypeError(
            f"{name} is of the class {kind.__qualname__}; it should be defined at the top of its "
            "module, where other processes find it"
        )
    try:
        twin = kind(**model.settings)
    except TypeError as error:
        raise TypeError(
            f"{name} cannot be made again: {kind.__name__}(**settings) says {error}. What the "
            "constructor needs should be in `settings`"
        ) from error
    if twin.params.shapes != model.params.shapes:
        raise TypeError(
            f"{name} has other weights than {kind.__name__}(**settings): its constructor should "
            "make them from `settings`"
        )
    checks.made_of_settings(name, model, twin, getattr(kind, "remembers", ("params",)))


def chunks(n: int) -> list[slice]:
    """0 ... n − 1 in stretches of CHUNK."""
    return [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]


def chunk_terms(model: Model, images: Images, i: int, seed: int, pixels: str | None) -> Terms:
    """The two terms of the bound for the images of chunk i, drawn by generators of its own."""
    x = _seen_chunk(model, images, i, seed, pixels)
    rng = checks.generator("seed", seed, "evaluation noise", i)
    return Terms(*model.forward(x, model.noise(len(x), rng)))


def _chunk_mu(vae: VAE, images: Images, i: int, seed: int, pixels: str | None) -> FloatArray:
    return vae.encode(_seen_chunk(vae, images, i, seed, pixels))[0]


def _seen_chunk(model: Model, images: Images, i: int, seed: int, pixels: str | None) -> FloatArray:
    rng = checks.generator("seed", seed, "evaluation pixels", i)
    return seen_by(model, pixels)(images, rng, model.dtype)


def _of_chunks(
    function: Callable[..., Result], model: Model, images: Images, seed: int, pixels: str | None,
    workers: int,
) -> list[Result]:  # fmt: skip
    """function(model, images of the chunk, i, seed, pixels) for every chunk i."""
    seed = checks.whole_seed("seed", seed)
    seen_by(model, pixels)
    tasks = [(images[rows], i, seed, pixels) for i, rows in enumerate(chunks(len(images)))]
    return list(map_over(model, function, tasks, workers))


def map_over(
    model: Model, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """function(model, *task) of each task in turn, by that many processes; 1 is this one."""
    if checks.positive_int("workers", workers) > 1:
        check_rebuilt("model", model)
        theta = model.params.theta
        processes.check_workers("workers", workers, 2 * theta.nbytes)  # θ and g
    if workers == 1 or len(tasks) < 2:
        return (function(model, *task) for task in tasks)
    made_of = (type(model), model.settings, theta)
    return processes.map_with(_made, made_of, function, tasks, workers)


def _made(kind: type[Model], settings: dict[str, Any], theta: FloatArray) -> Model:
    model = kind(**settings)
    model.params.theta[...] = theta
    return model
