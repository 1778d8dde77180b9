"""All the weights of a model as one vector θ, and their gradient as one vector g.

A network has many weight matrices and biases, but the mathematics speaks of one θ and of one gradient ∇_θ of the loss.
Both can be had at once. Two vectors are allocated, θ and g, and every weight is a *view* into them: a NumPy array with
a shape of its own that shares the vector's memory.

    θ = [ encoder.0.W | encoder.0.b | mu.W | mu.b | ... ]          values["mu.W"] looks into this stretch of θ
    g = [     ·       |      ·      |  ·   |  ·   | ... ]          grads["mu.W"] looks into the same stretch of g

A layer works with its matrices and never sees the vectors; whoever needs the vectors never sees the layers. So an optimizer
is one pass over one vector, a saved model is one array, a gradient check perturbs θ[i] for i = 0, 1, 2, ..., and the
gradients of two parts of a minibatch make that of the whole, g = (B₁ g₁ + B₂ g₂) / (B₁ + B₂), as vectors do.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
from numpy.typing import DTypeLike, NDArray

FloatArray = NDArray[np.floating]


class Parameters:
    """θ and g, with a named view into each for every weight.

    shapes: the name and shape of every weight, in the order in which they lie in θ.
    dtype: float32 or float64, of both vectors.

    theta, g: vectors of length Σ (entries of each weight). values, grads: name -> view of the given shape.
    θ starts as zeros; `initializers.py` draws it.

    A view must be written through (`grads[name][...] = d`), not replaced (`grads[name] = d` would unhook it from g).
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float32
    ) -> None:
        size = sum(prod(shape) for shape in shapes.values())
        self.theta: FloatArray = np.zeros(size, dtype)
        self.g: FloatArray = np.zeros(size, dtype)
        self.values: Mapping[str, FloatArray] = _views(self.theta, shapes)
        self.grads: Mapping[str, FloatArray] = _views(self.g, shapes)


def _views(vector: FloatArray, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """Cut the vector into consecutive stretches, each seen in its shape: no copies."""
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + prod(shape)
        views[name] = vector[start:stop].reshape(shape)
        start = stop
    return views
