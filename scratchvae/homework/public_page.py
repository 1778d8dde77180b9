"""The public tests of the page: `pytest -m exercise_page_4` runs those of exercise page.4."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest


def loss_and_gradient(*arguments: Any) -> Any:
    """The page's own: it is in the handout, and nowhere else in the package."""
    return import_module("scratchvae.one_page").loss_and_gradient(*arguments)


# the layers in the order of the weights, and the exercise of each
EXERCISES = enumerate((5, 3, 4, 2, 1))
MARKED = [pytest.param(i, marks=getattr(pytest.mark, f"exercise_page_{n}")) for i, n in EXERCISES]
each = pytest.mark.parametrize("layer", MARKED)


@each
def test_gradient_is_the_slope_of_the_loss(layer: int) -> None:
    """By central differences, whose error is below 1e-8 here."""
    rng, sizes = np.random.default_rng(0), ((4, 3), (3, 2), (3, 2), (2, 3), (3, 4))
    theta = [rng.standard_normal(shape) for size in sizes for shape in (size, size[1:])]
    x, eps, h = np.eye(4)[:3], rng.standard_normal((3, 2)), 1e-5
    found = loss_and_gradient(theta, x, eps)[1]
    for W, gradient in [*zip(theta, found)][2 * layer :][:2]:
        slope = np.zeros_like(W)
        for at in np.ndindex(W.shape):
            for step in (h, -h):
                W[at] += step
                slope[at] += loss_and_gradient(theta, x, eps)[0] / (2 * step)
                W[at] -= step
        np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-8)


@each
def test_gradient_by_hand(layer: int) -> None:
    """Two images x = 1, ε = −1; the weights are such that h1 = z = h2 = a = 0 and σ = 1."""
    theta = [np.array(W) for W in ([[0.0]], [0.0], [[1.0]], [1.0], [[2.0]], [0.0], [[3.0]], [0.0])]
    theta += [np.array([[2.0]]), np.array([0.0])]
    _, gradient = loss_and_gradient(theta, np.ones((2, 1)), -np.ones((2, 1)))
    dW, db = ((1, 1), (0, -2), (0, 1.5), (0, -1), (0, -0.5))[layer]
    np.testing.assert_allclose(gradient[2 * layer], [[dW]], atol=1e-15)
    np.testing.assert_allclose(gradient[2 * layer + 1], [db], atol=1e-15)
