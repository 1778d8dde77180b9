"""Derivatives by the complex step, through the package's own forward pass.

    ∂f/∂θ_k ≈ Im f(θ + i h e_k) / h,  h = 10⁻²⁰             derived in `gradient_check.py`

No formula is written a second time. The weights are complex numbers for a moment, and
the forward pass of the model computes with them.

**|a|, max and min.** The complex step needs an analytic f, and the safe form of the
Bernoulli has |a| and max(a, 0). NumPy's |a| of a complex number is its length, which has
no derivative of this kind. But for real a ≠ 0

    |a| = a where a > 0, and −a where a < 0

and each of the two is analytic. So `Analytic`, an array that the package's code cannot
tell from another, takes |a|, max and min in this way: by the real part of a.

**Inside of the model.** The same step gives the derivative with respect to any number on
the way: `of_input` and `of_output` add i h to the input or to the output of one layer,
and `of_argument` to an argument of one function. So also ∂loss/∂z is compared.
"""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.gradient_check import complex_step
from scratchvae.layers import Layer
from scratchvae.parameters import FloatArray
from scratchvae.vae import VAE

Complex = NDArray[np.complex128]
Change = Callable[[Any], Any]


class Analytic(np.ndarray[Any, Any]):
    """A complex array whose |a|, max and min go by the real part, so that they are analytic."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """The ufunc of the plain arrays; the result is Analytic again."""
        plain = [_plain(value) for value in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(_plain(value) for value in kwargs["out"])
        if method == "__call__" and ufunc in _BY_THE_REAL_PART:
            result = _BY_THE_REAL_PART[ufunc](*plain)
        else:
            result = getattr(ufunc, method)(*plain, **kwargs)
        return result.view(Analytic) if isinstance(result, np.ndarray) else result


_BY_THE_REAL_PART: dict[Any, Callable[..., Any]] = {
    np.absolute: lambda a: np.where(np.real(a) < 0, -a, a),
    np.maximum: lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
    np.minimum: lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
}


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Analytic) else value


class Derivatives:
    """Derivatives of the loss of `vae` at x, (B, n_x), and eps, (B, n_z) or (L, B, n_z).

    The model is complex inside of `with`, and as before afterwards:

        with Derivatives(vae, x, eps) as derivatives:
            g = derivatives.of_weights()
    """

    def __init__(self, vae: VAE, x: FloatArray, eps: FloatArray) -> None:
        self.vae, self.x, self.eps = vae, x, eps

    def __enter__(self) -> "Derivatives":
        params = self.vae.params
        self._kept = params.theta, params.g, self.vae.dtype
        theta = params.theta.astype(np.complex128).view(Analytic)
        params.move_to(theta, np.zeros_like(theta))
        self.vae.dtype = np.dtype(np.complex128)
        self.vae.connect()
        return self

    def __exit__(self, *error: object) -> None:
        theta, g, self.vae.dtype = self._kept
        self.vae.params.move_to(theta, g)
        self.vae.connect()

    def loss(self) -> complex:
        """−(1/B) Σ_b objective(x_b), from the model's own `objective`."""
        return complex(-np.asarray(self.vae.objective(self.x, self.eps)).mean())

    def of_weights(self) -> FloatArray:
        """∂loss/∂θ, as long as θ."""
        theta, kept = self.vae.params.theta, self._kept[0]

        def f(moved: Complex) -> complex:
            theta[...] = moved
            return self.loss()

        gradient = complex_step(f, kept)
        theta[...] = kept
        return gradient

    def of_input(self, layer: Layer, shape: tuple[int, ...]) -> FloatArray:
        """∂loss/∂x of one layer: what this layer alone would see. Returns `shape`."""
        return self._inside(shape, lambda change: _changed(layer, before=change))

    def of_output(self, layer: Layer, shape: tuple[int, ...]) -> FloatArray:
        """∂loss/∂y of one layer. Returns `shape`."""
        return self._inside(shape, lambda change: _changed(layer, after=change))

    def of_argument(
        self,
        user: str,
        function: str,
        place: int,
        shape: tuple[int, ...],
        *,
        of_loss: bool,
    ) -> FloatArray:
        """The derivative with respect to an argument of a function that a module uses.

        user: the module, as "vae". function: its name there, as "reparameterize". place: of
        the argument: 0 for the first. of_loss: the derivative of the loss; otherwise of the
        sum of what the function returns. Returns `shape`.
        """
        module = importlib.import_module(f"scratchvae.{user}")
        sums: list[complex] = []

        def result() -> complex:
            sums.clear()
            loss = self.loss()
            return loss if of_loss else sums[0]

        return self._inside(
            shape, lambda change: _replaced(module, function, place, change, sums), result
        )

    def _inside(
        self,
        shape: tuple[int, ...],
        place: Callable[[Change], Any],
        result: Callable[[], complex] | None = None,
    ) -> FloatArray:
        def f(moved: Complex) -> complex:
            step = 1j * moved.imag  # the derivative where nothing has moved
            with place(lambda value: value + step.reshape(value.shape)):
                return (result or self.loss)()

        return complex_step(f, np.zeros(int(np.prod(shape)))).reshape(shape)


@contextmanager
def _changed(
    layer: Any, before: Change | None = None, after: Change | None = None
) -> Iterator[Any]:
    """The layer's `forward` with another input or output."""
    forward = layer.forward

    def other(x: Any) -> Any:
        y = forward(before(x) if before else x)
        return after(y) if after else y

    layer.forward = other
    try:
        yield
    finally:
        del layer.forward


@contextmanager
def _replaced(
    module: ModuleType, name: str, place: int, change: Change, sums: list[complex]
) -> Iterator[Any]:
    """The function with another argument, for what the module calls."""
    function = getattr(module, name)

    def other(*arguments: Any) -> Any:
        changed = list(arguments)
        changed[place] = change(np.asanyarray(changed[place]))
        value = function(*changed)
        sums.append(complex(np.sum(np.asarray(value))))
        return value

    setattr(module, name, other)
    try:
        yield
    finally:
        setattr(module, name, function)
