"""Wake-sleep: its two gradients, and that the second belongs to the other KL."""

import numpy as np
import pytest

from scratchvae import SGD, VAE, Adam, evaluate, fit
from scratchvae.distributions import gaussian_log_density
from scratchvae.gradient_check import central_difference, check_gradient
from scratchvae.wake_sleep import WakeSleep

N_X, N_Z = 3, 1
ALL_X = np.array([[a, b, c] for a in (0.0, 1) for b in (0.0, 1) for c in (0.0, 1)])


def small_vae(n_x=N_X, n_z=N_Z, decoder="bernoulli", hidden=(4,), seed=0):
    """A VAE in float64 with large weights, so that posteriors differ from the prior."""
    rng = np.random.default_rng(seed)
    vae = VAE(n_x, hidden, n_z, decoder=decoder, dtype=np.float64, seed=rng)
    vae.params.theta += 0.7 * rng.standard_normal(vae.params.theta.size)
    return vae


def parts(vae):
    """Which entries of θ are the encoder's (φ): True there."""
    names = [name.split(".")[0] in ("encoder", "mu", "logvar") for name in vae.params.shapes]
    sizes = [value.size for value in vae.params.values.values()]
    return np.repeat(names, sizes)


@pytest.mark.parametrize(
    "decoder", ["bernoulli", "gaussian", "sigmoid-gaussian", "isotropic", "continuous-bernoulli"]
)
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
def test_both_gradients_against_central_differences(decoder, hidden):
    """g of −(1/B) Σ [log p(x_b, z_b) + log q(z̃_b|x̃_b)], z, z̃ and x̃ fixed: 1e-7, float64."""
    vae, rng = small_vae(5, 2, decoder, hidden), np.random.default_rng(1)
    x = rng.integers(0, 2, (6, 5)).astype(float)
    z = rng.standard_normal((6, 2))
    z_dreamt, x_dreamt = vae.dream(7, rng)

    def loss():
        mu, logvar = vae.encode(x_dreamt)
        log_q = gaussian_log_density(z_dreamt, mu, logvar)
        return -float(vae.log_joint(x, z).mean() + log_q.mean())

    vae.log_joint(x, z)
    vae.decoder_gradient()
    vae.encoder_gradient(x_dreamt, z_dreamt)
    assert all(comparison.close for comparison in check_gradient(loss, vae.params))


def test_each_phase_leaves_the_other_part_alone():
    """Wake writes the decoder's part of g and no other; sleep the encoder's and no other."""
    vae, rng = small_vae(), np.random.default_rng(2)
    z, x = vae.dream(5, rng)
    phi = parts(vae)
    vae.params.g[...] = np.nan
    vae.encoder_gradient(x, z)
    assert (np.isfinite(vae.params.g) == phi).all()
    vae.params.g[...] = np.nan
    vae.log_joint(x, z)
    vae.decoder_gradient()
    assert (np.isfinite(vae.params.g) == ~phi).all()


def test_a_wake_phase_without_its_forward_is_refused():
    """After a dream the decoder has other rows: an error, and g stays."""
    vae, rng = small_vae(), np.random.default_rng(2)
    vae.loss_and_grad(ALL_X, vae.noise(8, rng))
    g = vae.params.g.copy()
    vae.dream(5, rng)
    with pytest.raises(RuntimeError, match="decoder_gradient should follow forward"):
        vae.decoder_gradient()
    np.testing.assert_array_equal(vae.params.g, g)


def joint_on_a_grid(vae, n=400, reach=9.0):
    """p(x, z) dz for all eight x and a grid of z: rows x (8 n, 3), z (8 n, 1), weights (8 n,)."""
    z, dz = np.linspace(-reach, reach, n, retstep=True)
    x = np.repeat(ALL_X, n, axis=0)
    z = np.tile(z, len(ALL_X))[:, None]
    weights = np.exp(vae.log_joint(x, z)[0]) * dz
    assert np.isclose(weights.sum(), 1, rtol=1e-9)  # of all x and z together
    return x, z, weights


def test_the_sleep_phase_descends_on_the_other_kl():
    """E_p(x,z)[−∇_φ log q(z|x)], summed over all eight x and a grid of z, is the central
    difference of E_p(x)[KL(p(z|x) ‖ q(z|x))] by the same quadrature.
    """
    vae = small_vae()
    x, z, weights = joint_on_a_grid(vae)
    g = np.zeros_like(vae.params.g)
    for row in range(len(x)):  # one point at a time, so that each has its own weight
        if weights[row] > 1e-14:
            vae.params.g[...] = 0
            vae.encoder_gradient(x[row : row + 1], z[row : row + 1])
            g += weights[row] * vae.params.g

    log_joint = vae.log_joint(x, z)[0].reshape(8, -1)
    of_x = weights.reshape(8, -1).sum(axis=1)
    log_posterior = log_joint - np.log(of_x)[:, None]

    def other_kl(theta):
        vae.params.theta[phi] = theta
        mu, logvar = vae.encode(x)
        log_q = gaussian_log_density(z, mu, logvar).reshape(8, -1)
        return float((weights.reshape(8, -1) * (log_posterior - log_q)).sum())

    phi = parts(vae)
    theirs = central_difference(other_kl, vae.params.theta[phi].copy())
    np.testing.assert_allclose(g[phi], theirs, rtol=1e-6, atol=1e-8)
    assert (g[~phi] == 0).all() and np.abs(theirs).max() > 0.1


def test_the_sleep_phase_leaves_the_best_bound():
    """Where the encoder's last layers have the best bound of x ~ p(x), the sleep phase is not at
    rest: its gradient is a hundred times that of the bound, and along it the bound falls.
    """
    vae = small_vae(seed=3)
    x, z, weights = joint_on_a_grid(vae)
    heads = np.repeat(
        [name.split(".")[0] in ("mu", "logvar") for name in vae.params.shapes],
        [value.size for value in vae.params.values.values()],
    )
    of_x, dz = weights.reshape(8, -1).sum(axis=1), z[1, 0] - z[0, 0]
    log_p = np.log(weights.reshape(8, -1) / dz) - np.log(of_x)[:, None]  # log p(z|x)

    def lost(theta):  # E_p(x)[log p(x) − 𝓛(x)] = E_p(x)[KL(q ‖ p(z|x))]
        vae.params.theta[heads] = theta
        log_q = gaussian_log_density(z, *vae.encode(x)).reshape(8, -1)
        return float(of_x @ (np.exp(log_q) * (log_q - log_p)).sum(axis=1) * dz)

    def asleep(theta):  # E_p(x)[KL(p(z|x) ‖ q)]
        vae.params.theta[heads] = theta
        log_q = gaussian_log_density(z, *vae.encode(x)).reshape(8, -1)
        return float((weights.reshape(8, -1) * (log_p - log_q)).sum())

    best = vae.params.theta[heads].copy()
    hessian = np.eye(len(best))  # its inverse, by BFGS, from the gradients
    g = central_difference(lost, best)
    for _ in range(100):
        step = -hessian @ g
        while lost(best + step) > lost(best) + 1e-4 * (step @ g):
            step = step / 2
            if np.abs(step).max() < 1e-12:
                break
        best = best + step
        new = central_difference(lost, best)
        y, g = new - g, new
        if y @ step > 1e-14:
            r = np.eye(len(best)) - np.outer(step, y) / (y @ step)
            hessian = r @ hessian @ r.T + np.outer(step, step) / (y @ step)
    elsewhere = central_difference(asleep, best)
    assert np.linalg.norm(elsewhere) > 100 * np.linalg.norm(g)
    moved = best - 0.02 * elsewhere / np.linalg.norm(elsewhere)
    assert asleep(moved) < asleep(best) and lost(moved) > lost(best) + 1e-6


def test_the_wake_gradient_is_the_theta_part_of_the_vae():
    """With the same ε, L = 3, the wake phase's g is the decoder's part of `VAE.backward`, by
    `forward` and by `log_joint`.
    """
    vae, rng = small_vae(5, 2), np.random.default_rng(3)
    x, eps = rng.integers(0, 2, (6, 5)).astype(float), rng.standard_normal((3, 6, 2))
    vae.loss_and_grad(x, eps)
    theirs, phi = vae.params.g.copy(), parts(vae)
    mu, logvar = vae.encode(x)
    for remember in (
        lambda: vae.forward(x, eps),
        lambda: vae.log_joint(x, mu + np.exp(0.5 * logvar) * eps),
    ):
        vae.params.g[...] = 0
        remember()
        vae.decoder_gradient()
        np.testing.assert_allclose(vae.params.g[~phi], theirs[~phi], rtol=1e-12, atol=1e-15)


def test_dreams_come_from_the_joint():
    """z̃ ~ N(0, I), and the frequency of each x̃ is p(x), by quadrature: within five standard
    errors.
    """
    vae, n = small_vae(), 40_000
    z, x = vae.dream(n, np.random.default_rng(4))
    assert abs(z.mean()) < 5 / np.sqrt(n) and abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    p = joint_on_a_grid(vae)[2].reshape(8, -1).sum(axis=1)
    frequency = np.bincount((x @ [4, 2, 1]).astype(int), minlength=8) / n
    assert (np.abs(frequency - p) < 5 * np.sqrt(p * (1 - p) / n)).all()


def test_one_step_is_the_two_gradients_and_one_update():
    """WakeSleep.step with SGD: θ moves by −α g of both phases, taken before the update."""
    vae = small_vae()
    before = vae.params.theta.copy()
    x, sgd = ALL_X, SGD(vae.params, lr=0.1)
    steps = WakeSleep(vae, sgd, 8)
    bound = steps.step(np.arange(8), x, np.random.default_rng(5))
    moved = vae.params.theta - before

    vae.params.theta[...], rng = before, np.random.default_rng(5)
    eps = vae.noise(8, rng)
    reconstruction, kl = vae.forward(x, eps)
    assert np.isclose(bound.reconstruction, reconstruction.mean()) and np.isclose(
        bound.kl, kl.mean()
    )
    vae.decoder_gradient()
    z_dreamt, x_dreamt = vae.dream(8, rng)
    vae.encoder_gradient(x_dreamt, z_dreamt)
    np.testing.assert_allclose(moved, -0.1 * vae.params.g, rtol=1e-12, atol=1e-15)


def test_fit_trains_by_wake_sleep_and_goes_on_to_the_bit(tmp_path):
    """fit by wake-sleep raises the bound; resumed after 2 of 30 epochs it has the same bits."""
    images = (np.random.default_rng(6).random((80, 1)) < [[0.5] * 6] * 80) * np.uint8(255)
    images = images.astype(np.uint8)

    def run(epochs, path=None):
        vae = VAE(6, (8,), 2, seed=1)
        history = fit(
            vae, images, epochs=epochs, batch_size=10, optimizer=Adam(vae.params, 1e-2), seed=2,
            algorithm=WakeSleep, resume=path, progress=False,
        )  # fmt: skip
        return vae, history

    run(2, tmp_path / "t.npz")
    resumed, _ = run(30, tmp_path / "t.npz")
    whole, history = run(30)
    assert resumed.params.theta.tobytes() == whole.params.theta.tobytes()
    assert evaluate(whole, images).elbo > evaluate(VAE(6, (8,), 2, seed=1), images).elbo + 1
    assert history.elbo[-1] > history.elbo[0]
    with pytest.raises(ValueError, match="algorithm was 'WakeSleep' and is 'AEVB'"):
        fit(whole, images, epochs=31, batch_size=10, resume=tmp_path / "t.npz", seed=2,
            optimizer=Adam(whole.params, 1e-2), progress=False)  # fmt: skip
    with pytest.raises(ValueError, match="workers is 2; it should be 1 for WakeSleep"):
        fit(whole, images, algorithm=WakeSleep, workers=2)
    with pytest.raises(TypeError, match="algorithm is 'mcem'; it should be a class as AEVB"):
        fit(whole, images, algorithm="mcem")
