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

**What `backward` does to the gradient vector.** It overwrites: dW of this call replaces
dW of the call before. So a layer has one place in a model. In two places, its second
`forward` would replace what the first has stored, and its second dW would replace the
first, where the two should add. `weights_of` refuses such a layer. An *output* may be
used twice, as the VAE uses h for μ and for log σ²: then two dh come back, and whoever
used h twice adds them.

**A layer of your own** is a subclass of `Layer` with three methods: `forward`,
`backward_input`, `backward_weights`. Its `weights`, which the constructor may set, say
the shape of each weight, and how it begins. The model gives it the views: self.W and
self.dW for the weight W. Its x and y are (B, n_in) and (B, n_out): an image is reshaped
inside.

**Notation.** x W is the matrix product (in NumPy x @ W), a ⊙ b is the product entry by
entry (a * b), and f′ is the derivative of f.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scratchvae.parameters import FloatArray, Parameters, Shapes


class Weight(NamedTuple):
    """One weight of a layer: its shape, and how it begins (`initializers.glorot`).

    begins: (fan_in, fan_out) for random numbers, or the one number that every entry begins
    with. fan_in: how many inputs the sum of one output has. fan_out: how many outputs use one
    input.
    """

    shape: tuple[int, ...]
    begins: tuple[int, int] | float


class Layer:
    """What every layer can do. x and dx are (B, n_in), y and dy are (B, n_out).

    weights: by name, in their order in θ.
    """

    weights: Mapping[str, Weight] = {}

    def connect(self, params: Parameters, name: str) -> None:
        """Use the views of params: self.W is the weight `name`.W, and self.dW its gradient."""
        for key in self.weights:
            setattr(self, key, params.values[f"{name}.{key}"])
            setattr(self, f"d{key}", params.grads[f"{name}.{key}"])

    def __repr__(self) -> str:
        first = next((weight.shape for weight in self.weights.values()), ())
        return f"{type(self).__name__}({', '.join(map(str, first))})"

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

    Its weights are W, (n_in, n_out), and b, (n_out,), which begins with 0.

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

    W: FloatArray
    b: FloatArray
    dW: FloatArray
    db: FloatArray

    def __init__(self, n_in: int, n_out: int) -> None:
        self.weights = {"W": Weight((n_in, n_out), (n_in, n_out)), "b": Weight((n_out,), 0)}

    def forward(self, x: FloatArray) -> FloatArray:
        """y = x W + b. x: (B, n_in). Returns a new array y, (B, n_out).

        Stores x as `self.x`: the array itself, because `backward_weights` needs it.
        """
        self.x = x
        y = x @ self.W
        y += self.b
        return y

    def backward_weights(self, dy: FloatArray) -> None:
        """dW = xᵀ dy and db = Σ_n dy_n.

        dy: (B, n_out). x is `self.x` of the last `forward`. Writes into the arrays
        `self.dW`, (n_in, n_out), and `self.db`, (n_out,). They are views into the
        gradient vector, and their old numbers are lost.
        """
        np.matmul(self.x.T, dy, out=self.dW)  # ∂loss/∂W = xᵀ ∂loss/∂y
        np.sum(dy, axis=0, out=self.db)  # ∂loss/∂b = Σ over the rows of ∂loss/∂y

    def backward_input(self, dy: FloatArray) -> FloatArray:
        """dx = dy Wᵀ. dy: (B, n_out). Returns (B, n_in).

        It is computed as (W dyᵀ)ᵀ, which is the same. Now dy is transposed for the product,
        and not W. For n_in > B, W is the larger one. This took less time where it was
        measured.
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
        """dx = dy ⊙ (1 − y²), with y = `self.y` of the last `forward`.

        dy: any shape, that of `self.y`. Returns dx, a new array of this shape.
        """
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

    In both cases the denominator is 1 + e^(−|a|). The numerator is 1 or e^(−|a|): the larger one
    of e^(−|a|), which is at most 1, and of [a ≥ 0], which is 1 or 0:

        sigmoid(a) = max(e^(−|a|), [a ≥ 0]) / (1 + e^(−|a|))

    >>> sigmoid(np.array([-1000.0, 0.0, np.log(3)]))
    array([0.  , 0.5 , 0.75])
    """
    e = np.exp(-np.abs(a))
    return np.maximum(e, a >= 0) / (1 + e)


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


def hidden_layers(sizes: Sequence[int], activation: str) -> list[Layer]:
    """Affine layers from sizes[0] to sizes[1] numbers, from sizes[1] to sizes[2], and so on.

    An activation stands after each of them.
    """
    return [
        layer
        for n_in, n_out in pairwise(sizes)
        for layer in (Affine(n_in, n_out), ACTIVATIONS[activation]())
    ]


def named(name: str, chain: Sequence[Layer]) -> dict[str, Layer]:
    """The layers of a chain by name.

    Those with weights are name.0, name.1, ...; one without is named after the layer before
    it: name.0 tanh.

    >>> named("encoder", hidden_layers([784, 500, 20], "tanh"))  # doctest: +NORMALIZE_WHITESPACE
    {'encoder.0': Affine(784, 500), 'encoder.0 tanh': Tanh(),
     'encoder.1': Affine(500, 20), 'encoder.1 tanh': Tanh()}
    """
    found: dict[str, Layer] = {}
    last, i = name, 0
    for layer in chain:
        if layer.weights:
            last, i = f"{name}.{i}", i + 1
        else:
            last += f" {type(layer).__name__.lower()}"
        found[last] = layer
    return found


def weights_of(layers: Mapping[str, Layer]) -> dict[str, Weight]:
    """The weights of all these layers by their names in θ, and in their order in θ.

    ValueError for a layer that stands there twice: see the top of the file.

    >>> weights_of({"a": Affine(2, 3), "a tanh": Tanh()})
    {'a.W': Weight(shape=(2, 3), begins=(2, 3)), 'a.b': Weight(shape=(3,), begins=0)}
    """
    places = {id(layer): name for name, layer in layers.items()}
    for name, layer in layers.items():
        if (other := places[id(layer)]) != name:
            raise ValueError(f"{name} and {other} are one layer; there should be one for each")
    return {
        f"{name}.{key}".rstrip("."): weight  # the weight "" has the name of its layer
        for name, layer in layers.items()
        for key, weight in layer.weights.items()
    }


def shapes_of(layers: Mapping[str, Layer]) -> Shapes:
    """The shapes of the weights of all these layers, for `Parameters`."""
    return {name: weight.shape for name, weight in weights_of(layers).items()}


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
