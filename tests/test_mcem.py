"""Monte Carlo EM: its gradient, its chains on a posterior that is known, its step size."""

import numpy as np
import pytest
from test_wake_sleep import ALL_X, joint_on_a_grid, parts, small_vae

from scratchvae import SGD, VAE, Adagrad, History, binarize, fit, minibatches
from scratchvae.files import FileFormatError
from scratchvae.gradient_check import central_difference
from scratchvae.mcem import LEAPFROGS, MCEM, UPDATES, best_encoder, fit_encoder
from scratchvae.resume import Saved


def test_its_gradient_is_that_of_log_p():
    """E_p(z|x)[∇_θ log p(x, z)], summed over a grid of z, is the central difference of
    log p(x) by the same quadrature: 1e-7.
    """
    vae = small_vae()
    grid_x, z, weights = joint_on_a_grid(vae)
    n, k = len(z) // len(ALL_X), 5
    x, z, weights = grid_x[k * n : (k + 1) * n], z[:n], weights[k * n : (k + 1) * n]
    posterior, phi = weights / weights.sum(), parts(vae)
    g = np.zeros_like(vae.params.g)
    for row in range(n):
        vae.params.g[...] = 0
        vae.log_joint(x[row : row + 1], z[row : row + 1])
        vae.decoder_gradient()
        g -= posterior[row] * vae.params.g

    def log_p(theta):
        vae.params.theta[~phi] = theta
        return float(np.log(np.exp(vae.log_joint(x, z)[0]).sum() * (z[1, 0] - z[0, 0])))

    theirs = central_difference(log_p, vae.params.theta[~phi].copy())
    np.testing.assert_allclose(g[~phi], theirs, rtol=1e-7, atol=1e-8)
    assert (g[phi] == 0).all() and np.abs(theirs).max() > 0.1


def linear_model(n, n_z=2, n_x=6, seed=0):
    """A linear VAE and n times one x, with the mean and the covariance of p(z|x)."""
    rng = np.random.default_rng(seed)
    vae = VAE(n_x, (), n_z, decoder="isotropic", dtype=np.float64, seed=rng)
    W, b, sigma2 = rng.normal(0, 0.8, (n_z, n_x)), rng.uniform(0.2, 0.8, n_x), 0.3
    values = vae.params.values
    values["x_mu.W"][...], values["x_mu.b"][...] = W, b
    values["x_logvar"][...] = np.log(sigma2)
    x = rng.uniform(0, 1, n_x)
    M_inverse = np.linalg.inv(W @ W.T + sigma2 * np.eye(n_z))
    return vae, np.tile(x, (n, 1)), M_inverse @ W @ (x - b), sigma2 * M_inverse


def chains_of(vae, x, epochs):
    """An MCEM whose θ stands still, after some epochs."""
    steps = MCEM(vae, SGD(vae.params, lr=1e-300), len(x))
    rng, shares = np.random.default_rng(1), []
    for _ in range(epochs):
        before = steps.chains.copy()
        for rows in minibatches(len(x), 100, rng):
            steps.step(rows, x[rows].astype(vae.dtype), rng)
        shares.append((steps.chains != before).any(axis=1).mean())
    return steps, shares


def test_the_chains_have_the_posterior_of_ppca():
    """2000 chains on one x, whose posterior is N(M⁻¹ W (x − b), σ² M⁻¹) (probabilistic PCA): mean
    and covariance within five standard errors; 90 % of the moves are accepted, ± 3 %.
    """
    n = 2000
    vae, x, mean, covariance = linear_model(n)
    steps, shares = chains_of(vae, x, 25)
    z = steps.chains
    error = np.sqrt(np.diag(covariance) / n)
    assert (np.abs(z.mean(axis=0) - mean) < 5 * error).all()
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(
        np.cov(z.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=5 * np.sqrt(2 / n)
    )
    assert abs(np.mean(shares[10:]) - 0.9) < 0.03


def test_each_data_point_has_a_step_size_of_its_own():
    """The decoder is flat for z < 1 and steep at 3. So half of the x have a posterior near the
    prior, and half a narrow one: their δ differ 5 times, and 90 % of all moves are accepted.
    """
    vae = VAE(1, (1,), 1, decoder="isotropic", dtype=np.float64, seed=0)
    values = vae.params.values
    values["decoder.0.W"][...], values["decoder.0.b"][...] = 1, -3  # flat for z < 1, steep at 3
    values["x_mu.W"][...], values["x_mu.b"][...], values["x_logvar"][...] = 0.5, 0.5, np.log(1e-3)
    x = np.where(np.arange(200) % 2, 0, 0.5)[:, None]  # flat: nearly the prior; steep: sd 0.06
    steps, shares = chains_of(vae, x, 400)
    flat, steep = steps.delta[1::2], steps.delta[::2]
    assert np.median(flat) > 5 * np.median(steep)
    assert abs(np.mean(shares[200:]) - 0.9) < 0.03


def test_the_chains_begin_at_their_first_visit():
    """Before it, z is NaN; then it is drawn by the generator of the training, so another seed gives
    other chains.
    """
    vae, x, *_ = linear_model(10)
    steps = MCEM(vae, SGD(vae.params, lr=1e-300), 10)
    assert np.isnan(steps.chains).all()
    steps.step(np.arange(5), x[:5], np.random.default_rng(0))
    assert np.isfinite(steps.chains[:5]).all() and np.isnan(steps.chains[5:]).all()
    other = MCEM(vae, SGD(vae.params, lr=1e-300), 10)
    other.step(np.arange(5), x[:5], np.random.default_rng(1))
    assert (other.chains[:5] != steps.chains[:5]).all()


def test_acceptance_while_the_weights_learn():
    """On images, while θ learns: the accepted share is 0.9 ± 0.03 too."""
    rng = np.random.default_rng(0)
    images = (255 * (rng.random((400, 1)) < 0.5) * np.ones((1, 20))).astype(np.uint8)
    images[:, 10:] = 255 * (rng.random((400, 1)) < 0.5)
    vae = VAE(20, (10,), 2, init="normal", seed=0)
    steps = MCEM(vae, Adagrad(vae.params, 0.02), len(images))
    generator, shares = np.random.default_rng(1), []
    for _ in range(30):
        before = steps.chains.copy()
        for rows in minibatches(len(images), 20, generator):
            steps.step(rows, binarize(images[rows], generator), generator)
        shares.append((steps.chains != before).any(axis=1).mean())
    assert abs(np.mean(shares[-15:]) - 0.9) < 0.03


def test_one_step_is_one_move_and_five_updates():
    """The chains of these rows move and no others; θ gets 5 updates; φ stays; the report is
    log p(x, z).
    """
    assert (LEAPFROGS, UPDATES) == (10, 5)
    vae = small_vae(3, 2)
    images = np.repeat((255 * ALL_X).astype(np.uint8), 4, axis=0)
    sgd = SGD(vae.params, lr=1e-3)
    steps = MCEM(vae, sgd, len(images))
    steps.chains[...] = np.random.default_rng(1).standard_normal((len(images), 2))
    chains, theta, phi = steps.chains.copy(), vae.params.theta.copy(), parts(vae)
    rows = np.array([3, 30, 8])
    x = images[rows] / 255.0
    bound = steps.step(rows, x, np.random.default_rng(0))
    moved = (steps.chains != chains).any(axis=1)
    assert set(np.flatnonzero(moved)) <= set(rows) and moved.any()
    assert np.isclose(steps.acceptance, 0.9 + 0.02 * (moved[rows].mean() - 0.9))
    assert sgd.t == UPDATES
    assert (vae.params.theta[phi] == theta[phi]).all()
    after, z = vae.params.theta.copy(), steps.chains[rows]
    vae.params.theta[...] = theta
    assert np.isclose(bound.elbo, vae.log_joint(x, z).mean())
    assert bound.kl == 0 and bound.reconstruction == bound.elbo
    for _ in range(UPDATES):
        vae.log_joint(x, z)
        vae.decoder_gradient()
        vae.params.theta[~phi] -= 1e-3 * vae.params.g[~phi]
    np.testing.assert_allclose(vae.params.theta, after, rtol=1e-12, atol=1e-15)


def test_fit_by_mcem_goes_on_to_the_bit(tmp_path):
    """Stopped after 2 of 5 epochs and resumed, θ has the bits of 5 at once: the chains and the
    step sizes are in the file.
    """
    images = np.random.default_rng(0).integers(0, 256, (40, 6)).astype(np.uint8)

    def run(epochs, path=None):
        vae = VAE(6, (5,), 2, seed=1)
        fit(
            vae, images, epochs=epochs, batch_size=8, optimizer=Adagrad(vae.params), seed=2,
            algorithm=MCEM, resume=path, progress=False,
        )  # fmt: skip
        return vae.params.theta.tobytes()

    run(2, tmp_path / "t.npz")
    assert run(5, tmp_path / "t.npz") == run(5)


def test_a_checkpoint_of_other_images_is_refused(tmp_path):
    """The chains belong to their data points: another number of them is an error."""
    images = np.random.default_rng(0).integers(0, 256, (40, 6)).astype(np.uint8)

    def run(n):
        vae = VAE(6, (5,), 2, seed=1)
        fit(
            vae, images[:n], epochs=2, batch_size=8, optimizer=Adagrad(vae.params), seed=2,
            algorithm=MCEM, resume=tmp_path / "t.npz", progress=False,
        )  # fmt: skip

    run(40)
    with pytest.raises(ValueError, match="images was '40 x 6"):
        run(30)


def test_a_state_with_one_step_size_for_all_is_refused(tmp_path):
    """A file of version 0.2 has `tuned`, two numbers: one sentence, and nothing is changed."""
    vae = small_vae()
    steps = MCEM(vae, SGD(vae.params), 10)
    old = {"chains": np.zeros((10, 1)), "tuned": np.array([0.1, 0.9])}
    saved, state = Saved(tmp_path / "t.npz", History()), (vae, steps.optimizer)
    saved.save(*state, np.random.default_rng(0), old, 1)
    with pytest.raises(FileFormatError, match=r"t.npz is no training that can go on: .*delta"):
        saved.load(*state, np.random.default_rng(0), steps.state, {})
    assert np.isnan(steps.chains).all()


def test_the_encoder_starts_afresh():
    """φ comes from the seed alone, whatever it was: two encoders fit from different φ are equal to
    the bit, and another seed gives another.
    """
    images, fitted = np.random.default_rng(0).random((50, 6)), []
    for before, seed in ((1, 0), (2, 0), (2, 1)):
        vae = small_vae()
        vae.params.theta[parts(vae)] = before
        fit_encoder(vae, (255 * images[:, : vae.n_x]).astype(np.uint8), 3, seed=seed)
        fitted.append(vae.params.theta[parts(vae)])
    np.testing.assert_array_equal(fitted[0], fitted[1])
    assert (fitted[0] != fitted[2]).any()
    vae = VAE(784, (10,), 2, init="normal", dtype=np.float64)  # Glorot: W to √(6 / 794), b = 0
    fit_encoder(vae, np.zeros((1, 784), np.uint8), 1, lr=1e-300)
    W, b = (vae.params.values[f"encoder.0.{name}"] for name in "Wb")
    assert 0.99 < np.abs(W).max() / np.sqrt(6 / 794) <= 1 and np.abs(b).max() < 1e-200


def test_the_best_encoder_has_the_least_kl():
    """Of three encoders of one linear model, the one whose bound is highest for an x is the one
    whose mean is nearest to that of p(z|x).
    """
    vaes, points = [], np.random.default_rng(0).uniform(-1, 2, (30, 6))
    for shift in (-0.6, 0.0, 0.6):
        vae, _, _, covariance = linear_model(1)
        vae.params.values["mu.W"][...] = vae.params.values["mu.b"][...] = 0
        vae.params.values["mu.b"][0] = shift
        vae.params.values["logvar.W"][...] = 0
        vae.params.values["logvar.b"][...] = -np.log(np.diag(np.linalg.inv(covariance)))
        vaes.append(vae)
    W, b = vae.params.values["x_mu.W"], vae.params.values["x_mu.b"]
    mean = (points - b) @ W.T @ np.linalg.inv(W @ W.T + 0.3 * np.eye(2))
    r = np.array([vae.encode(points)[0] for vae in vaes]) - mean  # KL is ½ rᵀ C⁻¹ r + a constant
    kl = 0.5 * np.einsum("kbi,ij,kbj->kb", r, np.linalg.inv(covariance), r)
    # where the two least differ by more than the noise of the difference of two bounds
    clear = np.sort(kl, axis=0)[1] - kl.min(axis=0) > 0.5
    assert set(kl.argmin(axis=0)[clear]) == {0, 1, 2}
    np.testing.assert_array_equal(best_encoder(vaes, points)[clear], kl.argmin(axis=0)[clear])


def test_an_encoder_for_a_given_decoder():
    """For a linear decoder p(z|x) is Gaussian, N(m, v) with v = σ² / (W Wᵀ + σ²) and
    m = W (x − b)ᵀ / (W Wᵀ + σ²). `fit_encoder` leads a linear encoder there; the decoder stays.
    """
    vae = VAE(3, (), 1, decoder="isotropic", dtype=np.float64, seed=0)
    W, b, sigma2 = np.array([[0.8, -0.5, 0.3]]), np.array([0.2, 0.4, 0.1]), 0.5
    values = vae.params.values
    values["x_mu.W"][...], values["x_mu.b"][...] = W, b
    values["x_logvar"][...] = np.log(sigma2)
    images = np.random.default_rng(0).random((500, 3))
    fit_encoder(vae, images, 3000, lr=1e-2, seed=1)
    precision = (W @ W.T).item() + sigma2
    mu, logvar = vae.encode(images)
    np.testing.assert_allclose(mu, (images - b) @ W.T / precision, atol=0.03)
    np.testing.assert_allclose(np.exp(logvar), sigma2 / precision, rtol=0.1)
    assert (values["x_mu.W"] == W).all() and (values["x_logvar"] == np.log(sigma2)).all()


def test_an_old_gradient_moves_no_encoder():
    """A gradient of φ that was there before the training is no part of it: φ stays."""
    vae = small_vae()
    vae.params.g[...] = 1
    phi, before = parts(vae), vae.params.theta.copy()
    steps = MCEM(vae, SGD(vae.params, lr=0.1), len(ALL_X))
    steps.step(np.arange(len(ALL_X)), ALL_X, np.random.default_rng(0))
    assert (vae.params.theta[phi] == before[phi]).all()
    assert (vae.params.theta[~phi] != before[~phi]).any()
