"""The weights in 8 or 16 bits, rounded so that the outputs of each layer change little.

**8 bits.** Column j of a matrix W, (n_in, n_out), has one step s_j and one offset l_j. Its
weights become whole numbers k_ij from 0 to 255:

    l_j = min_i W_ij          s_j = (max_i W_ij − l_j) / 255          W_ij ≈ l_j + s_j k_ij

Rounded to the nearest k, each weight has an error of up to s_j / 2. An output
y_j = Σ_i x_i W_ij adds n_in such errors.

**The error of one row can be taken back by the next rows.** Let H = E[x xᵀ] be the second
moments of the layer's input, (n_in, n_in). If the rows of W change by D, the mean squared
change of the outputs is

    E |xᵀ D|² = Σ_j D_jᵀ H D_j                               D_j: column j of D

Round row 1 and keep its error e = W_1 − Q_1. Which change of the other rows makes up best
for it? The minimum of a quadratic form over its other coordinates is a formula with H⁻¹:

    W_i ← W_i − e (H⁻¹)_i1 / (H⁻¹)_11                        for all i > 1

Then the same for row 2 with the rows that are left, and so on. With H⁻¹ = Uᵀ U, U upper
triangular, all these formulas are rows of U:

    W_i ← W_i − e U_ri / U_rr                                for all i > r, after row r

This is the method of Frantar and others 2022 (GPTQ, arXiv 2210.17323). Rows with a large
H_rr come first: their errors cost most, and most rows are left to make up for them.

**Two bits more** go to the encoder's first layer. Its inputs are pixels. A pixel that is a
drawn bit has noise of its own, so no other row can make up for its error. The rows with
H_rr above a fifth of the mean, half of MNIST's, are the pixels that are not almost
always off. Their steps are s_j / 4:

    W_ij ≈ l_j + s_j (k_ij + f_ij / 4)                        f_ij = 0, 1, 2, 3

**16 bits** are NumPy's float16, with the same method. The layers beside z always have 16
bits: they have few weights, and an error in z is seen in every pixel.
"""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchvae import checks
from scratchvae.distributions import reparameterize
from scratchvae.layers import ACTIVATIONS
from scratchvae.parameters import FloatArray
from scratchvae.vae import VAE

USED = 0.2  # of the mean of H's diagonal: a row above it is fine
BLOCK = 1024  # rows that are rounded together: an image of 32 x 32
DAMPING = 1e-2  # of the mean of H's diagonal: the least weight that every input has


def packed(
    vae: VAE, x: FloatArray, *, precise: bool = False, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """All weights as JSON can hold them: name of the layer -> its numbers in base64.

    x: (B, n_x), data that the model sees, for the second moments H. precise: 16 bits for
    all layers.
    """
    values = vae.params.values
    layers: dict[str, dict[str, Any]] = {}
    rng = checks.generator("seed", seed, "explorer moments")
    for name, h in layer_inputs(vae, x, rng).items():
        W = values[f"{name}.W"].astype(np.float64)
        beside_z = name in ("mu", "logvar") or h.shape[1] == vae.n_z
        layers[name] = {
            "shape": list(W.shape),
            "b": text(values[f"{name}.b"].astype("<f4")),
            **(halves(W, h) if precise or beside_z else bytes_(W, h, fine=name == "encoder.0")),
        }
    if "x_logvar" in values:  # the isotropic decoder's one number
        layers["x_logvar"] = {"b": text(values["x_logvar"].astype("<f4"))}
    return layers


def layer_inputs(vae: VAE, x: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Each affine layer's input, by its name.

    x: (B, n_x). z is drawn from q(z|x), and as many times from p(z): (2 B, n_z).
    """
    values, inputs = vae.params.values, {}

    def hidden(part: str, h: FloatArray) -> FloatArray:
        for i in range(len(vae.hidden)):
            name = f"{part}.{i}"
            inputs[name] = h
            affine = h @ values[f"{name}.W"] + values[f"{name}.b"]
            h = ACTIVATIONS[vae.activation]().forward(affine)
        return h

    inputs["mu"] = inputs["logvar"] = hidden("encoder", x)
    prior = vae.noise(len(x), rng)
    z = reparameterize(*vae.encode(x), vae.noise(len(x), rng))
    h = hidden("decoder", np.concatenate([z, prior]))
    for name in ("logits", "x_mu", "x_logvar"):
        if f"{name}.W" in values:
            inputs[name] = h
    return inputs


def bytes_(W: FloatArray, x: FloatArray, fine: bool = False) -> dict[str, Any]:
    """W in 8 bits: k, (n_in, n_out) of uint8; low and step, (n_out,) each. x: its input.

    fine: two bits more for the rows with H_rr above USED of the mean. Then `rows` are
    their indices, and f has their rows of f_ij, four of them in a byte.
    """
    low = W.min(axis=0).astype(np.float32)
    step = ((W.max(axis=0) - low) / 255).astype(np.float32)
    step[step == 0] = 1
    squares = (x.astype(np.float64) ** 2).mean(axis=0)  # H_rr
    parts = np.where(fine & (squares > USED * squares.mean()), 4, 1)  # of a step

    def quarters(w: FloatArray, parts: Any) -> FloatArray:
        """4 k + f, the place of w on the grid of steps / 4."""
        whole = np.clip(np.round(parts * (w - low) / step), 0, 256 * parts - 1)
        return whole * (4 // parts)

    def nearest(w: FloatArray, row: int) -> FloatArray:
        return low + step * (quarters(w, parts[row]) / 4)

    places = quarters(rounded(W, x, nearest), parts[:, None]).astype(np.uint16)
    stored = {"k": text((places // 4).astype(np.uint8)), "low": text(low), "step": text(step)}
    if not fine:
        return stored
    rows = np.flatnonzero(parts == 4)
    f = np.zeros(-(-len(rows) * W.shape[1] // 4) * 4, np.uint8)
    f[: len(rows) * W.shape[1]] = places[rows].ravel() % 4
    fours = f.reshape(-1, 4) << np.array([6, 4, 2, 0], np.uint8)
    return {**stored, "rows": rows.tolist(), "f": text(fours.sum(axis=1).astype(np.uint8))}


def halves(W: FloatArray, x: FloatArray) -> dict[str, str]:
    """W in 16 bits: half, (n_in, n_out) of float16. x: its input.

    ValueError when a weight is too large for float16.
    """
    largest = float(np.finfo(np.float16).max)
    if np.abs(W).max() > largest:
        raise ValueError(f"a weight is {np.abs(W).max():.3g}; float16 ends at {largest:.0f}")

    def half(w: FloatArray, row: int) -> FloatArray:
        return np.clip(w, -largest, largest).astype(np.float16).astype(np.float64)

    return {"half": text(rounded(W, x, half).astype("<f2"))}


def rounded(
    W: FloatArray, x: FloatArray, nearest: Callable[[FloatArray, int], FloatArray]
) -> FloatArray:
    """W row by row to the nearest numbers that can be stored; the rows left take the error back.

    W: (n_in, n_out), float64. x: (B, n_in). nearest: a row (n_out,) and its
    index to the nearest row. The time grows with n_in³, so BLOCK rows at most take part
    together: an error is taken back by the rows of its own block.
    """
    starts = range(0, len(W), BLOCK)
    return np.concatenate(
        [_block(W[i : i + BLOCK], x[:, i : i + BLOCK], nearest, i) for i in starts]
    )


def _block(
    W: FloatArray, x: FloatArray, nearest: Callable[[FloatArray, int], FloatArray], start: int
) -> FloatArray:
    """`rounded` of the rows from `start` on, which take part together."""
    H = x.T.astype(np.float64) @ x.astype(np.float64) / len(x)
    H += (DAMPING * np.trace(H) / len(H) + 1e-12) * np.eye(len(H))
    order = np.argsort(-np.diag(H), kind="stable")
    W, Q = W[order], np.empty_like(W)
    U = np.linalg.cholesky(np.linalg.inv(H[np.ix_(order, order)])).T  # H⁻¹ = Uᵀ U
    for r in range(len(W)):
        Q[r] = nearest(W[r], start + int(order[r]))
        e = (W[r] - Q[r]) / U[r, r]
        W[r + 1 :] -= np.outer(U[r, r + 1 :], e)  # W_i ← W_i − e U_ri / U_rr
    in_place = np.empty_like(Q)
    in_place[order] = Q
    return in_place


def unpacked(vae: VAE, layers: dict[str, dict[str, Any]]) -> VAE:
    """The model with the weights that `packed` wrote, as the browser reads them."""
    other = VAE(**vae.settings)
    for name, layer in layers.items():
        if name == "x_logvar" and "shape" not in layer:
            other.params.values[name][...] = numbers(layer["b"], "<f4")
            continue
        shape = layer["shape"]
        if "half" in layer:
            W = numbers(layer["half"], "<f2").reshape(shape)
        else:
            k = numbers(layer["k"], "u1").reshape(shape).astype(np.float32)
            if "f" in layer:
                f = numbers(layer["f"], "u1")[:, None] >> np.array([6, 4, 2, 0], np.uint8) & 3
                n_out, rows = shape[1], layer["rows"]
                k[rows] += f.ravel()[: len(rows) * n_out].reshape(len(rows), n_out) / 4
            W = numbers(layer["low"], "<f4") + numbers(layer["step"], "<f4") * k
        other.params.values[f"{name}.W"][...] = W
        other.params.values[f"{name}.b"][...] = numbers(layer["b"], "<f4")
    return other


def text(array: np.ndarray[Any, Any]) -> str:
    """The array's bytes in base64."""
    return base64.b64encode(array.tobytes()).decode()


def numbers(base64_text: str, dtype: str) -> np.ndarray[Any, Any]:
    """The array that `text` wrote, flat."""
    return np.frombuffer(base64.b64decode(base64_text), dtype)
