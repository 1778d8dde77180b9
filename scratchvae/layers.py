"""Layers: forward, and the backward pass, derived by hand.

**Forward.** A layer computes y = f(x; W). x is its input, W are its weights, y is its
output. A network is a chain of layers: the output of one layer is the input of the
next. The loss is one number. It is computed from the output of the last layer.

**Backward.** A layer receives dy = ∂loss/∂y. It must compute two things:

    dW = ∂loss/∂W     for its own weights
    dx = ∂loss/∂x     for its input

It writes dW into the gradient vector (see parameters.py), and it returns dx. The input
x is the output of the layer before. So dx is the `dy` of the layer before. In this way
the gradient passes from the last layer to the first. This is backpropagation.

dW and dx both follow from the chain rule. Take x_i, entry i of one data point. The loss
depends on x_i through all outputs y_j. So the chain rule is a sum over j:

    ∂loss/∂x_i = Σ_j ∂loss/∂y_j · ∂y_j/∂x_i = Σ_j dy_j · ∂y_j/∂x_i

**Shapes.** A minibatch has B data points, one in each row. So x has the shape
(B, n_in), and y has the shape (B, n_out). A gradient has the shape of its variable: dx
has the shape of x, dW has the shape of W.

**Types.** A result has the dtype of the arguments: float32 stays float32. No argument
is changed.

**What a layer stores.** `backward` needs numbers from `forward`, so `forward` stores
them. `Affine` stores its input as `self.x`. `Tanh`, `ReLU` and `Sigmoid` store their
output as `self.y`. They store the array itself, not a copy. So do not change this array
before `backward`. `backward` always belongs to the last call of `forward`.

**Notation.** x W is the matrix product (in NumPy x @ W), a ⊙ b is the product entry by
entry (a * b), and f′ is the derivative of f.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from scratchvae.parameters import FloatArray, Parameters


class Layer:
    """What every layer can do. x and dx are (B, n_in), y and dy are (B, n_out)."""

    def forward(self, x: FloatArray) -> FloatArray:
        """y = f(x). Stores what `backward` needs."""
        raise NotImplementedError

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = ∂loss/∂x, given dy = ∂loss/∂y."""
        raise NotImplementedError

    def backward_weights(self, dy: FloatArray) -> None:
        """dW = ∂loss/∂W, given dy = ∂loss/∂y; written into the gradient vector.

        A layer without weights has nothing to write.
        """

    def backward(self, dy: FloatArray) -> FloatArray:
        """`backward_weights`, then `backward_input`. Returns dx."""
        self.backward_weights(dy)
        return self.backward_input(dy)


class Affine(Layer):
    """y = x W + b, for each row of x.

    The parameters hold the weights under the names `name`.W, (n_in, n_out), and
    `name`.b, (n_out,).

    Written in indices, with n for the row, i for the input and j for the output:

        y_nj = Σ_i x_ni W_ij + b_j

        ∂y_nj/∂W_ij = x_ni          ∂y_nj/∂b_j = 1          ∂y_nj/∂x_ni = W_ij

    The loss depends on W_ij through the output y_nj of every row n. So the chain rule
    for W_ij is a sum over n. The same is true of b_j. But the loss depends on x_ni
    through every output j of one row, n. So the chain rule for x_ni is a sum over j:

        ∂loss/∂W_ij = Σ_n dy_nj x_ni = Σ_n (xᵀ)_{i,n} dy_nj        dW = xᵀ dy
        ∂loss/∂b_j  = Σ_n dy_nj · 1                                db = Σ_n dy_n
        ∂loss/∂x_ni = Σ_j dy_nj W_ij = Σ_j dy_nj (Wᵀ)_{j,i}        dx = dy Wᵀ

    The right column has the same three equations, written with whole arrays. dy_n is
    row n of dy.
    """

    def __init__(self, params: Parameters, name: str) -> None:
        self.W, self.b = params.values[f"{name}.W"], params.values[f"{name}.b"]
        self.dW, self.db = params.grads[f"{name}.W"], params.grads[f"{name}.b"]
        params.affine[name] = self

    def forward(self, x: FloatArray) -> FloatArray:
        """y = x W + b. x: (B, n_in). Returns a new array y, (B, n_out).

        Stores x as `self.x`: the array itself, because `backward_weights` needs it.
        """
        self.x = x
        y = x @ self.W
        y += self.b
        return y

    def backward_weights(self, dy: FloatArray) -> None:
        """dW = xᵀ dy and db = Σ_n dy_n, with x = `self.x` of the last `forward`.

        dy: (B, n_out). Writes into the arrays `self.dW`, (n_in, n_out), and `self.db`,
        (n_out,). They are views into the gradient vector, and their old numbers are
        lost.
        """
        np.matmul(self.x.T, dy, out=self.dW)  # ∂loss/∂W = xᵀ ∂loss/∂y
        np.sum(dy, axis=0, out=self.db)  # ∂loss/∂b = Σ over the rows of ∂loss/∂y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy Wᵀ. dy: (B, n_out). Returns (B, n_in).

        It is computed as (W dyᵀ)ᵀ, which is the same: so dy is transposed for the product,
        and not W, which is the larger one unless n_in < B, as in the decoder's first layer.
        This took less time where it was measured.
        """
        return (self.W @ dy.T).T  # ∂loss/∂x = ∂loss/∂y Wᵀ


class Tanh(Layer):
    """y = tanh x, entry by entry.

    tanh = sinh / cosh, with sinh′ = cosh and cosh′ = sinh. The quotient rule gives

        tanh′ = (cosh · cosh − sinh · sinh) / cosh² = 1 − sinh² / cosh² = 1 − tanh²

    So the derivative is 1 − y². `backward_input` needs y, but not x. y_i depends on x_i
    alone, so the chain rule has one term: dx_i = dy_i (1 − y_i²).
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = tanh x. x: any shape. Stores y as `self.y`."""
        self.y = np.tanh(x)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy ⊙ (1 − y²), with y = `self.y` of the last `forward`."""
        return dy * (1 - self.y * self.y)


class ReLU(Layer):
    """y = max(x, 0), entry by entry.

    The derivative is 1 where x > 0, and 0 where x < 0. At x = 0 there is no derivative,
    and the code uses 0.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = max(x, 0). x: any shape. Stores y as `self.y`."""
        self.y = np.maximum(x, 0)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy where x > 0, else 0. x > 0 and y > 0 are the same test."""
        return dy * (self.y > 0)


def sigmoid(a: FloatArray) -> FloatArray:
    """sigmoid(a) = 1 / (1 + e^(−a)), the logistic function, without overflow.

    a: any shape. Returns the same shape, numbers from 0 to 1.

    For a ≥ 0 this form is safe, because e^(−a) ≤ 1. For a = −1000 it is not: e^1000
    overflows. So for a < 0 multiply the numerator and the denominator by e^a:

        a ≥ 0:  1 / (1 + e^(−a))          a < 0:  e^a / (1 + e^a)

    In both cases the denominator is 1 + e^(−|a|), and the numerator is e^min(a, 0):

        sigmoid(a) = e^min(a, 0) / (1 + e^(−|a|))

    >>> sigmoid(np.array([-1000.0, 0.0, np.log(3)]))
    array([0.  , 0.5 , 0.75])
    """
    return np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))


class Sigmoid(Layer):
    """y = sigmoid(x) = 1 / (1 + e^(−x)), entry by entry.

    As for tanh, y is enough for the derivative:

        1 − y = (1 + e^(−x) − 1) / (1 + e^(−x)) = e^(−x) / (1 + e^(−x))
        sigmoid′(x) = e^(−x) / (1 + e^(−x))² = y (1 − y)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        """y = sigmoid(x). x: any shape. Stores y as `self.y`."""
        self.y = sigmoid(x)
        return self.y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy ⊙ y ⊙ (1 − y), with y = `self.y` of the last `forward`."""
        return dy * self.y * (1 - self.y)


ACTIVATIONS: dict[str, type[Layer]] = {"tanh": Tanh, "relu": ReLU, "sigmoid": Sigmoid}


def affine_shapes(name: str, n_in: int, n_out: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of one affine layer: name.W, (n_in, n_out); name.b, (n_out,)."""
    return {f"{name}.W": (n_in, n_out), f"{name}.b": (n_out,)}


def hidden_shapes(name: str, sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a chain of affine layers.

    Layer name.0 has sizes[0] inputs and sizes[1] outputs, name.1 has sizes[1] inputs
    and sizes[2] outputs, and so on.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shapes.update(affine_shapes(f"{name}.{i}", n_in, n_out))
    return shapes


def hidden_layers(params: Parameters, name: str, n: int, activation: str) -> list[Layer]:
    """n affine layers, name.0 to name.(n − 1), and an activation after each of them."""
    return [
        layer
        for i in range(n)
        for layer in (Affine(params, f"{name}.{i}"), ACTIVATIONS[activation]())
    ]


def forward(layers: Sequence[Layer], x: FloatArray) -> FloatArray:
    """y = f_n(... f_2(f_1(x))), where f_1 is the first of the n layers."""
    for layer in layers:
        x = layer.forward(x)
    return x


def backward(layers: Sequence[Layer], dy: FloatArray) -> FloatArray:
    """dx of the whole chain, from the dy of its last layer.

    Each layer computes its dx from its dy, and its dx is the dy of the layer before.
    Each layer also writes its dW into the gradient vector.
    """
    for layer in reversed(layers):
        dy = layer.backward(dy)
    return dy


def backward_input(layers: Sequence[Layer], dy: FloatArray) -> FloatArray:
    """dx of the whole chain, as `backward`, but without the gradients of the weights.

    It does not change the gradient vector. It is for a derivative with respect to x
    alone.
    """
    for layer in reversed(layers):
        dy = layer.backward_input(dy)
    return dy


def backward_weights(layers: Sequence[Layer], dy: FloatArray) -> None:
    """The gradients of all weights, as `backward`, but without dx.

    It is for a chain whose input is the data. Nobody needs the gradient of the data,
    and it is expensive. So the first layer computes only its dW.
    """
    if layers:
        layers[0].backward_weights(backward(layers[1:], dy))
