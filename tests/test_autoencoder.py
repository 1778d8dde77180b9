"""The autoencoder and PCA: gradient, and the theorem that the linear autoencoder finds
PCA's subspace.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchvae import PCA, Adam, Autoencoder, check_gradient, fit, load_mnist


@settings(max_examples=20)
@given(
    hidden=st.lists(st.integers(1, 5), max_size=2),
    n_x=st.integers(1, 6),
    n_z=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient(hidden, n_x, n_z, seed):
    """∂/∂θ (1/B) Σ ‖x − x̂‖² of every weight: relative error ≤ 1e-7 against central
    differences, and dx̂ = 2 (x̂ − x) / B.
    """
    rng = np.random.default_rng(seed)
    model = Autoencoder(n_x, hidden, n_z, dtype=np.float64, seed=rng)
    model.params.theta[...] = rng.uniform(0.2, 0.8, model.params.theta.size) * rng.choice(
        [-1, 1], model.params.theta.size
    )
    x = rng.random((3, n_x))
    loss = model.loss_and_grad(x)
    assert loss == pytest.approx(
        np.mean(np.sum((x - model.reconstruct(x)) ** 2, axis=1)), rel=1e-12
    )
    for comparison in check_gradient(
        lambda: -float(model.forward(x)[0].mean()), model.params, tolerance=1e-7
    ):
        assert comparison.close or comparison.largest_difference < 1e-9, comparison


@given(n=st.integers(4, 12), n_x=st.integers(2, 4), seed=st.integers(0, 2**32 - 1))
def test_pca(n, n_x, seed):
    """Orthonormal components, uncorrelated codes of the stated variances, and a loss of Σ
    s_k² over the dropped directions. The largest entry of a component is positive.
    """
    X = np.random.default_rng(seed).standard_normal((n, n_x)) * np.arange(1, n_x + 1)
    k = n_x - 1
    pca = PCA(k).fit(X)
    Z = pca.transform(X)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(Z.T @ Z / n, np.diag(pca.variances), atol=1e-10)
    eigenvalues = np.linalg.eigvalsh(np.cov(X.T, bias=True))
    lost = np.sum((X - pca.inverse_transform(Z)) ** 2) / n
    assert lost == pytest.approx(eigenvalues[0], rel=1e-8, abs=1e-10)
    np.testing.assert_allclose(pca.variances, eigenvalues[::-1][:k], rtol=1e-8, atol=1e-10)
    for component in pca.components:
        assert max(component, key=abs) > 0


def test_pca_may_have_as_many_components_as_there_are():
    """n_components = n_x = N: the reconstruction is X. One more is refused (below)."""
    X = np.random.default_rng(0).standard_normal((3, 3))
    pca = PCA(3).fit(X)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-12)
    np.testing.assert_allclose(pca.mean, X.sum(axis=0) / 3, atol=1e-12)


def test_linear_autoencoder_finds_the_subspace_of_pca():
    """On real digits of 14 x 14 pixels: principal angles of the decoder's rows with PCA's
    components ≤ 1e-2 rad, loss within 0.1 % of PCA's.
    """
    images = load_mnist().train_images[:1000].reshape(-1, 14, 2, 14, 2)
    X = images.mean(axis=(2, 4)).reshape(-1, 196) / 255
    k = 4
    pca = PCA(k).fit(X)
    best = np.mean(np.sum((X - pca.inverse_transform(pca.transform(X))) ** 2, axis=1))
    model = Autoencoder(196, (), k, dtype=np.float64)
    for lr in (1e-2, 3e-3, 1e-3, 3e-4):
        optimizer = Adam(model.params, lr=lr)
        # the whole data set is one minibatch, so the gradient is exact
        fit(model, X, epochs=300, batch_size=1000, optimizer=optimizer, progress=False)
    Q, _ = np.linalg.qr(model.params.values["x_hat.W"].T)
    cosines = np.linalg.svd(pca.components @ Q, compute_uv=False)
    angles = np.arccos(np.clip(cosines, -1, 1))
    assert angles.max() <= 1e-2
    assert best * (1 - 1e-12) <= model.loss_and_grad(X) <= best * 1.001


def refused(call, *arguments):
    """A call with bad input, which raises before it ends."""
    with pytest.raises(ValueError):
        call(*arguments)


BETWEEN = {
    "encode": lambda model, x: model.encode(1 - x),
    "decode": lambda model, x: model.decode(np.zeros((3, 2))),
    "reconstruct": lambda model, x: model.reconstruct(1 - x),
    "forward": lambda model, x: model.forward(1 - x),
    "loss_and_grad": lambda model, x: model.loss_and_grad(1 - x),
    "encoder_only": lambda model, x: model.encoder_only()(1 - x),
    "backward": lambda model, x: model.backward(),
    "a refused forward": lambda model, x: refused(model.forward, x[0]),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_a_call_in_between_gives_no_wrong_gradient(between):
    """forward, any call, backward: refused, or the gradient of the last forward."""
    model, x = Autoencoder(5, (4,), 2, dtype=np.float64), np.random.default_rng(0).random((3, 5))
    last = 1 - x if between in ("forward", "loss_and_grad") else x
    model.loss_and_grad(last)
    right = model.params.g.copy()
    model.forward(x)
    BETWEEN[between](model, x)
    if between in ("forward", "loss_and_grad", "encoder_only", "backward"):
        model.backward()
        np.testing.assert_array_equal(model.params.g, right)
    else:
        with pytest.raises(RuntimeError, match="backward should follow forward"):
            model.backward()


def test_nothing_is_drawn_in_training():
    """An autoencoder has no noise: the generator stays as it was."""
    rng = np.random.default_rng(3)
    assert Autoencoder(5).noise(4, rng) is None
    assert rng.random() == np.random.default_rng(3).random()


def test_encoder_only_is_the_encoder():
    """What is kept after training encodes as the whole did, also when the whole goes on
    learning.
    """
    model = Autoencoder(6, (5,), 2)
    x = np.random.default_rng(0).random((4, 6))
    encode, before = model.encoder_only(), model.encode(x)
    model.params.theta[...] = 0
    np.testing.assert_array_equal(encode(x), before)


def test_fit_trains_it():
    """fit serves the autoencoder: the loss falls, and the KL is 0."""
    images = np.random.default_rng(0).integers(0, 2, (200, 1), np.uint8) * np.full(
        (1, 9), 255, np.uint8
    )
    model = Autoencoder(9, (4,), 1)
    history = fit(
        model,
        images,
        epochs=60,
        batch_size=20,
        optimizer=Adam(model.params, lr=1e-2),
        progress=False,
    )
    assert -history.elbo[-1] < 0.05 < 1 < -history.elbo[0] and set(history.kl) == {0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PCA(0), "n_components is 0"),
        (lambda: PCA(3).fit(np.zeros((5, 2))), r"X has shape \(5, 2\)"),
        (lambda: PCA(1).fit([[0.0, np.nan], [1, 2]]), r"X\[0, 1\] is nan"),
        (lambda: PCA(1).fit(np.eye(3)).transform(np.zeros((2, 4))), r"X has shape \(2, 4\)"),
        (lambda: Autoencoder(4).encode(np.zeros((2, 3))), r"x has shape \(2, 3\)"),
        (lambda: Autoencoder(4).decode(np.full((1, 20), np.nan)), r"z\[0, 0\] is nan"),
        (lambda: Autoencoder(0), "n_x is 0"),
    ],
)
def test_bad_input_is_named(call, message):
    """ValueError that names the argument."""
    with pytest.raises(ValueError, match=message):
        call()
