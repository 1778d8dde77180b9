"""How numbers, shapes and distributions are drawn."""

from typing import Any

import numpy as np

Array = Any
Inputs = dict[str, Any]


class Draws:
    """What is drawn, from this generator. turn: of its kind, which call this is."""

    def __init__(self, rng: np.random.Generator, turn: int) -> None:
        self.rng, self.turn = rng, turn
        self.drawn = 0
        self.digits: tuple[float, float] | None = None  # rtol and atol of this call, if its own

    def next(self, *options: Any) -> Any:
        """These in turn."""
        return options[self.turn % len(options)]

    def one(self, *options: Any) -> Any:
        """One of these."""
        return options[int(self.rng.random() * len(options))]

    def shape(self, most: int = 3) -> tuple[int, ...]:
        """0 to `most` sizes from 1 to 4; often none."""
        return tuple(self.one(1, 2, 3, 4) for _ in range(self.one(0, 0, *range(most + 1))))

    def weights(self, shape: tuple[int, ...], kind: str) -> Array:
        """Numbers > 0, or ≥ 0 for extremes: uniform, few and equal ones, tiny, certain."""
        w = self.rng.random(shape) + 0.05
        if self.one(0, 1):
            w = np.ceil(4 * w - 0.2)
        if kind == "extremes":
            style = ("zeros", "tiny", "zeros", "certain")[(self.turn + self.drawn) % 4]
            self.drawn += 1
            if style == "zeros":
                w = np.where(self.rng.random(shape) < 0.4, 0, w)
            elif style == "tiny":
                w *= 10.0 ** -self.of(shape, 0, 0, 9, 20, 150, 290)
            w[..., 0] += w.sum(axis=-1) == 0
            if style == "certain":
                w = (np.arange(shape[-1]) == int(self.rng.random() * shape[-1])) + 0 * w
        return w

    def distributions(self, shape: tuple[int, ...], kind: str) -> Array:
        """Along the last axis."""
        w = self.weights(shape, kind)
        return w / w.sum(axis=-1, keepdims=True)

    def typed(self, arrays: list[Array]) -> list[Any]:
        """As float32, or as lists."""
        if self.turn % 2:
            return [a.astype(np.float32) for a in arrays]
        return [a.tolist() for a in arrays]

    def base(self, *bases: float) -> Inputs:
        """Often none."""
        base = self.one(None, None, *bases)
        return {} if base is None else {"base": base}

    def with_axis(self, arrays: list[Array]) -> tuple[list[Array], Inputs]:
        """The distributions along another axis, which is named; often along the last."""
        n = arrays[0].ndim
        axis = self.one(None, *range(-n, n))
        if axis is None:
            return arrays, {}
        return [np.ascontiguousarray(np.moveaxis(a, -1, axis)) for a in arrays], {"axis": axis}

    def spoiled(self, array: Array, *values: float) -> Array:
        """One entry is another number."""
        array = np.array(array, float)
        array.flat[int(self.rng.random() * array.size)] = self.one(*values)
        return array

    def numbers(self, shape: tuple[int, ...], scale: float = 1.0) -> Array:
        """Ordinary numbers of both signs; often multiples of ½, with zeros and equal ones."""
        found = scale * self.rng.standard_normal(shape)
        return np.asarray(np.round(2 * found) / 2 if self.one(0, 0, 1) else found)

    def of(self, shape: tuple[int, ...], *values: float) -> Array:
        """Each entry one of these."""
        n = int(np.prod(shape))
        return np.array([self.one(*values) for _ in range(n)], float).reshape(shape)
