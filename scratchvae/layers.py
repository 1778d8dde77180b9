"""Layers: forward, and the backward pass derived by hand.

A layer computes y = f(x; W) on the way forward. On the way back it receives dy = ∂J/∂y, the gradient of the loss J with
respect to what it gave, and owes two things: the gradient with respect to its own weights, which it writes into the
gradient vector, and dx = ∂J/∂x, which it returns: the `dy` of the layer before it. That is the chain rule,

    ∂J/∂x_i = Σ_j ∂J/∂y_j · ∂y_j/∂x_i

and it is all there is to backpropagation. A gradient has the shape of the thing that it belongs to: dx that of x, dW
that of W. Rows are data points, so x is (B, n_in) and y is (B, n_out). Each layer remembers from `forward` what its `backward` needs.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from scratchvae.parameters import FloatArray, Parameters


class Layer:
    """What every layer can do. x and dx are (B, n_in), y and dy are (B, n_out)."""

    def forward(self, x: FloatArray) -> FloatArray:
        """y = f(x)."""
        raise NotImplementedError

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = ∂J/∂x, given dy = ∂J/∂y at the last `forward`."""
        raise NotImplementedError

    def backward_weights(self, dy: FloatArray) -> None:
        """∂J/∂weights, written into the gradient vector. Nothing to do for a layer without weights."""

    def backward(self, dy: FloatArray) -> FloatArray:
        """Both of the above. Returns dx."""
        self.backward_weights(dy)
        return self.backward_input(dy)


class Affine(Layer):
    """y = x W + b, each row of x by itself.

    The weights are `name`.W, (n_in, n_out), and `name`.b, (n_out,), of the parameters.

    In indices y_nj = Σ_i x_ni W_ij + b_j, where n counts the rows. The loss depends on W_ij through y_nj of every row, and

        ∂J/∂W_ij = Σ_n dy_nj · ∂y_nj/∂W_ij = Σ_n x_ni dy_nj           dW = xᵀ dy
        ∂J/∂b_j  = Σ_n dy_nj · 1                                      db = Σ_n dy_n
        ∂J/∂x_ni = Σ_j dy_nj · ∂y_nj/∂x_ni = Σ_j dy_nj W_ij           dx = dy Wᵀ
    """

    def __init__(self, params: Parameters, name: str) -> None:
        self.W, self.b = params.values[f"{name}.W"], params.values[f"{name}.b"]
        self.dW, self.db = params.grads[f"{name}.W"], params.grads[f"{name}.b"]

    def forward(self, x: FloatArray) -> FloatArray:
        """y = x W + b. x: (B, n_in). Returns (B, n_out)."""
        self.x = x
        y = x @ self.W
        y += self.b
        return y

    def backward_weights(self, dy: FloatArray) -> None:
        """dW = xᵀ dy and db = Σ_n dy_n, written into the gradient vector. dy: (B, n_out)."""
        np.matmul(self.x.T, dy, out=self.dW)  # ∂J/∂W = xᵀ ∂J/∂y
        np.sum(dy, axis=0, out=self.db)  # ∂J/∂b = Σ over the rows of ∂J/∂y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy Wᵀ. dy: (B, n_out). Returns (B, n_in)."""
        return dy @ self.W.T  # ∂J/∂x = ∂J/∂y Wᵀ


class Tanh(Layer):
    """y = tanh x, entry by entry.

    tanh = sinh / cosh, so by the quotient rule tanh′ = (cosh² − sinh²) / cosh² = 1 − tanh²: the derivative can be had from y alone.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = tanh x. Any shape."""
        self.y = np.tanh(x)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy ⊙ (1 − y²)."""
        return dy * (1 - self.y * self.y)


class ReLU(Layer):
    """y = max(x, 0), entry by entry.

    The slope is 1 where x > 0 and 0 where x < 0. At x = 0 there is none; 0 is taken, one of the subgradients.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = max(x, 0). Any shape."""
        self.y = np.maximum(x, 0)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy where x > 0 (there y > 0 too), else 0."""
        return dy * (self.y > 0)


def sigmoid(a: FloatArray) -> FloatArray:
    """σ(a) = 1 / (1 + e^(−a)), for any a without overflow, to the last digits even where σ(a) is tiny.

    For a ≥ 0 that formula is safe: e^(−a) ≤ 1. For a < 0 multiply above and below by e^a: σ(a) = e^a / (1 + e^a). Both
    are e^min(a, 0) / (1 + e^−|a|).
    """
    return np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))


class Sigmoid(Layer):
    """y = σ(x) = 1 / (1 + e^(−x)), entry by entry.

    σ′ = e^(−x) / (1 + e^(−x))² = σ · e^(−x) / (1 + e^(−x)) = σ · (1 − σ): again from y alone.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = σ(x). Any shape."""
        self.y = sigmoid(x)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy ⊙ y ⊙ (1 − y)."""
        return dy * self.y * (1 - self.y)


ACTIVATIONS: dict[str, type[Layer]] = {"tanh": Tanh, "relu": ReLU, "sigmoid": Sigmoid}


def affine_shapes(name: str, n_in: int, n_out: int) -> dict[str, tuple[int, ...]]:
    """The weights of an affine layer: name.W (n_in, n_out) and name.b (n_out,)."""
    return {f"{name}.W": (n_in, n_out), f"{name}.b": (n_out,)}


def hidden_shapes(name: str, sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The weights of name.0 from sizes[0] to sizes[1], name.1 from sizes[1] to sizes[2], and so on."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shapes.update(affine_shapes(f"{name}.{i}", n_in, n_out))
    return shapes


def hidden_layers(params: Parameters, name: str, n: int, activation: str) -> list[Layer]:
    """The affine layers name.0 ... name.(n − 1), each followed by its activation."""
    return [
        layer
        for i in range(n)
        for layer in (Affine(params, f"{name}.{i}"), ACTIVATIONS[activation]())
    ]


def forward(layers: Sequence[Layer], x: FloatArray) -> FloatArray:
    """y = f_n(... f_2(f_1(x))): one layer after the other."""
    for layer in layers:
        x = layer.forward(x)
    return x


def backward(layers: Sequence[Layer], dy: FloatArray) -> FloatArray:
    """dx of the whole chain: the chain rule from the last layer to the first."""
    for layer in reversed(layers):
        dy = layer.backward(dy)
    return dy


def backward_input(layers: Sequence[Layer], dy: FloatArray) -> FloatArray:
    """dx of the whole chain, and nothing written into the gradient vector: for a derivative with respect to x alone."""
    for layer in reversed(layers):
        dy = layer.backward_input(dy)
    return dy


def backward_weights(layers: Sequence[Layer], dy: FloatArray) -> None:
    """As `backward`, but without dx, for a chain that begins at the data: their gradient is wanted by nobody, and dear."""
    if layers:
        layers[0].backward_weights(backward(layers[1:], dy))
