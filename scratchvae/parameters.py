"""All the weights of a model as one vector θ, and their gradient as one vector g.

A network has many weight matrices and biases. But the mathematics has one θ, and one
gradient ∇_θ of the loss. Both are possible at once. There are two vectors, θ and g, and
every weight is a *view* into them. A view is a NumPy array with its own shape that uses
the memory of the vector: a number that is written into the view is in the vector.

    θ = [ encoder.0.W | encoder.0.b | mu.W | mu.b | ... ]     values["mu.W"] is this part of θ
    g = [      ·      |      ·      |  ·   |  ·   | ... ]     grads["mu.W"] is this part of g

A layer uses its matrices, and does not need the vectors. The rest of the program uses
the vectors, and does not need the layers:

- an optimizer computes with one vector;
- a saved model is one array;
- a gradient check changes θ[i] for i = 0, 1, 2, ...;
- gradients of two parts of a minibatch give the gradient of the whole. The loss is a
  mean over data points. If the parts have B₁ and B₂ data points, and the gradients g₁
  and g₂, then g = (B₁ g₁ + B₂ g₂) / (B₁ + B₂).
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from scratchvae import checks

FloatArray = NDArray[np.floating]
Shapes = Mapping[str, tuple[int, ...]]  # of weights, by name


class Parameters:
    """θ and g, with a named view into each for every weight.

    shapes: the name and the shape of every weight, in their order in θ.
    dtype: float32 or float64, for both vectors.

    theta, g: the vectors. Their length is the number of entries of all weights
    together. values, grads: dictionaries from a weight's name to its view, into theta
    and into g. Both vectors start as zeros. `initializers.py` draws θ.

    Write numbers into a view: `grads[name][...] = d`. Do not replace it: after
    `grads[name] = d`, grads[name] is d, and g has not changed.
    """

    def __init__(self, shapes: Shapes, dtype: DTypeLike = np.float32) -> None:
        if not (isinstance(shapes, Mapping) and all(isinstance(name, str) for name in shapes)):
            raise TypeError(f"shapes is {checks.shown(shapes)}; it should be a dict of names")
        self.shapes = {name: checks.sizes(f"shapes[{name!r}]", s) for name, s in shapes.items()}
        dtype = checks.float_dtype(dtype)
        size = sum(prod(shape) for shape in self.shapes.values())
        self.move_to(np.zeros(size, dtype), np.zeros(size, dtype))

    def move_to(self, theta: FloatArray, g: FloatArray) -> None:
        """Use these two vectors from now on. Old views still show the old vectors."""
        self.theta, self.g = theta, g
        self.values: Mapping[str, FloatArray] = views(theta, self.shapes)
        self.grads: Mapping[str, FloatArray] = views(g, self.shapes)

    def __repr__(self) -> str:
        return f"Parameters({self.theta.size:,} in {len(self.shapes)} arrays)"


def bytes_of(shapes: Shapes, dtype: np.dtype[Any]) -> int:
    """At most the memory of θ, of g, and of the float64 numbers with which θ begins."""
    return sum(prod(shape) for shape in shapes.values()) * (2 * dtype.itemsize + 8)


def views(vector: FloatArray, shapes: Shapes) -> dict[str, FloatArray]:
    """Views into the vector, one after the other, each in its shape. No copies."""
    ends = np.cumsum([prod(shape) for shape in shapes.values()], dtype=int)
    parts = np.split(vector, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts)}
