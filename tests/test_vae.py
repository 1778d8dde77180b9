"""The model: the bound's value, its gradient, its place below log p(x), extremes, and what
bad input gets.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchvae import VAE, Adam, Autoencoder, check_gradient
from scratchvae.decoders import OUTPUTS
from scratchvae.gradient_check import central_difference, complex_step

ARCHITECTURES = [((4,), 1), ((4,), 3), ((4, 3), 1), ((4, 3), 3), ((), 2)]


def small(
    hidden=(4,), n_z=2, n_x=6, batch=3, L=None, activation="tanh", seed=0, decoder="bernoulli"
):
    """A float64 model with no weight at zero (zeros can hide a wrong gradient), data and noise."""
    rng = np.random.default_rng(seed)
    vae = VAE(n_x, hidden, n_z, decoder=decoder, activation=activation, dtype=np.float64, seed=rng)
    vae.params.theta[...] = rng.uniform(0.1, 0.7, vae.params.theta.size) * rng.choice(
        [-1, 1], vae.params.theta.size
    )
    x = (rng.random((batch, n_x)) < 0.5).astype(float)
    eps = rng.standard_normal((batch, n_z) if L is None else (L, batch, n_z))
    return vae, x, eps


def loss_by_the_formula(vae, theta, x, eps):
    """−(1/B) Σ_b eq. (10), written with plain logarithms and exponentials: analytic, so θ
    may be complex. tanh only.
    """
    weights, start = {}, 0
    for name, value in vae.params.values.items():
        weights[name] = theta[start : start + value.size].reshape(value.shape)
        start += value.size
    h = x
    for i in range(len(vae.hidden)):
        h = np.tanh(h @ weights[f"encoder.{i}.W"] + weights[f"encoder.{i}.b"])
    mu, s = h @ weights["mu.W"] + weights["mu.b"], h @ weights["logvar.W"] + weights["logvar.b"]
    total = 0
    for noise in eps if eps.ndim == 3 else [eps]:
        g = mu + np.sqrt(np.exp(s)) * noise
        for i in range(len(vae.hidden)):
            g = np.tanh(g @ weights[f"decoder.{i}.W"] + weights[f"decoder.{i}.b"])
        p = 1 / (1 + np.exp(-(g @ weights["logits.W"] + weights["logits.b"])))
        total += np.sum(x * np.log(p) + (1 - x) * np.log(1 - p)) / (
            len(eps) if eps.ndim == 3 else 1
        )
    kl = -0.5 * np.sum(1 + s - mu**2 - np.exp(s))
    return -(total - kl) / len(x)


@pytest.mark.parametrize(("hidden", "L"), ARCHITECTURES)
def test_loss_and_gradient_against_the_formula(hidden, L):
    """loss = −(1/B) Σ_b 𝓛(x_b), and ∂loss/∂θ of every weight: against the complex step of
    the formula, relative error ≤ 1e-10.
    """
    vae, x, eps = small(hidden, L=L)
    assert vae.loss_and_grad(x, eps) == pytest.approx(
        loss_by_the_formula(vae, vae.params.theta, x, eps), rel=1e-13
    )
    theirs = complex_step(lambda theta: loss_by_the_formula(vae, theta, x, eps), vae.params.theta)
    start = 0
    for name, ours in vae.params.grads.items():
        block = theirs[start : start + ours.size].reshape(ours.shape)
        assert np.abs(ours - block).max() <= 1e-10 * np.abs(block).max(), name
        start += ours.size


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize(("hidden", "L"), ARCHITECTURES)
def test_gradient_against_central_differences(hidden, L, activation):
    """∂loss/∂θ of every weight, for every activation: relative error ≤ 1e-7."""
    vae, x, eps = small(hidden, L=L, activation=activation, seed=1)
    vae.loss_and_grad(x, eps)
    for comparison in check_gradient(lambda: -float(vae.elbo(x, eps).mean()), vae.params):
        assert comparison.relative_error <= 1e-7, comparison


@pytest.mark.parametrize("decoder", ["gaussian", "sigmoid-gaussian", "isotropic"])
@pytest.mark.parametrize(("hidden", "L"), ARCHITECTURES)
def test_gradient_of_the_gaussian_decoders(hidden, L, decoder):
    """∂loss/∂θ of every weight with log p(x|z) = log N(x; μ(z), σ²(z)), σ² = 1/255² + e^s:
    relative error ≤ 1e-7; the loss is the formula.
    """
    vae, x, eps = small(hidden, L=L, decoder=decoder)
    x = np.random.default_rng(1).random(x.shape)
    loss = vae.loss_and_grad(x, eps)
    for comparison in check_gradient(lambda: -float(vae.elbo(x, eps).mean()), vae.params):
        assert comparison.relative_error <= 1e-7, comparison

    w, (mu, logvar) = vae.params.values, vae.encode(x)
    log_px_z = []
    for noise in eps if eps.ndim == 3 else [eps]:
        h = mu + np.exp(logvar / 2) * noise
        for i in range(len(vae.hidden)):
            h = np.tanh(h @ w[f"decoder.{i}.W"] + w[f"decoder.{i}.b"])
        a = h @ w["x_mu.W"] + w["x_mu.b"]
        mean = 1 / (1 + np.exp(-a)) if decoder == "sigmoid-gaussian" else a
        variance = (1 / 255) ** 2 + (
            np.exp(h @ w["x_logvar.W"] + w["x_logvar.b"])
            if decoder != "isotropic"
            else np.exp(w["x_logvar"])
        )
        log_px_z.append(
            np.sum(-0.5 * np.log(2 * np.pi * variance) - (x - mean) ** 2 / (2 * variance), axis=1)
        )
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)
    assert loss == pytest.approx(-np.mean(np.mean(log_px_z, axis=0) - kl), rel=1e-12)


@pytest.mark.parametrize("decoder", OUTPUTS)
def test_gradient_of_the_log_joint_in_z(decoder):
    """∂ log p(x, z) / ∂z = the decoder's backward pass − z: relative error ≤ 1e-7, and
    params.g is not touched.
    """
    vae, x, _ = small((4, 3), n_z=2, decoder=decoder)
    z = np.random.default_rng(2).standard_normal((2, len(x), 2))
    vae.params.g[...] = 7
    vae.log_joint(x, z)
    ours = vae.log_joint_backward()
    theirs = central_difference(
        lambda flat: float(vae.log_joint(x, flat.reshape(z.shape)).sum()), z.ravel()
    )
    np.testing.assert_allclose(ours.ravel(), theirs, rtol=1e-7, atol=1e-8)
    assert set(vae.params.g) == {7}


def test_a_density_can_exceed_1():
    """σ = 0.01 at the mean of three pixels: log p(x|z) = −½ · 3 · log(2π · 10⁻⁴) = 11.1
    nats, positive.
    """
    vae = VAE(3, (), 1, decoder="isotropic", dtype=np.float64, min_sigma=0)
    vae.params.theta[...] = 0
    vae.params.values["x_logvar"][...] = math.log(1e-4)
    reconstruction, _ = vae.forward(np.zeros((1, 3)), np.zeros((1, 1)))
    assert (
        reconstruction[0] == pytest.approx(-1.5 * math.log(2 * math.pi * 1e-4), rel=1e-13)
        and reconstruction[0] > 11
    )


@settings(max_examples=20)
@given(
    n_x=st.integers(1, 8), hidden=st.lists(st.integers(1, 6), max_size=2), n_z=st.integers(1, 4),
    batch=st.integers(1, 4), L=st.integers(1, 3), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_directional_derivative_for_any_shape(n_x, hidden, n_z, batch, L, seed):
    """g · v = d/dh loss(θ + h v) at h = 0, along a random v, for any sizes."""
    vae, x, eps = small(hidden, n_z, n_x, batch, L, seed=seed)
    vae.loss_and_grad(x, eps)
    theta, g = vae.params.theta.copy(), vae.params.g.copy()
    v = np.random.default_rng(seed).standard_normal(theta.size)
    slope = loss_by_the_formula(vae, theta + 1e-20j * v, x, eps).imag / 1e-20
    assert g @ v == pytest.approx(slope, rel=1e-9, abs=1e-10)


def test_bound_worked_by_hand():
    """One pixel, one latent dimension, no hidden layer: every number on paper.

    μ = 2·1 + 0.5 = 2.5, log σ² = 0·1 + log 4, σ = 2, z = 2.5 + 2·(−0.75) = 1, a = 3·1 − 1 = 2.
    log p(x=1|z) = −log(1 + e^−2); KL = −½ (1 + log 4 − 6.25 − 4). These are sums over
    pixels, not means: nothing is divided by n_x.
    """
    vae = VAE(1, (), 1, dtype=np.float64)
    for name, value in {
        "mu.W": 2,
        "mu.b": 0.5,
        "logvar.W": 0,
        "logvar.b": math.log(4),
        "logits.W": 3,
        "logits.b": -1,
    }.items():
        vae.params.values[name][...] = value
    by_hand = -math.log(1 + math.exp(-2)) + 0.5 * (1 + math.log(4) - 6.25 - 4)
    assert vae.elbo([[1.0]], [[-0.75]])[0] == pytest.approx(by_hand, rel=1e-14)
    assert vae.loss_and_grad([[1.0]], [[-0.75]]) == pytest.approx(-by_hand, rel=1e-14)


def test_sums_over_pixels_mean_over_the_minibatch():
    """The bound of twice the same pixels is twice the reconstruction; the loss of twice
    the same rows is the same loss.
    """
    one, x, eps = small(hidden=(), n_z=2, n_x=3)
    two = VAE(6, (), 2, dtype=np.float64)
    for name, value in one.params.values.items():
        axis = 0 if name in ("mu.W", "logvar.W") else -1
        twice = name.startswith("logits") or axis == 0
        two.params.values[name][...] = (
            np.concatenate([value, value], axis) * (0.5 if axis == 0 else 1) if twice else value
        )
    reconstruction, kl = one.forward(x, eps)
    reconstruction_two, kl_two = two.forward(np.concatenate([x, x], axis=1), eps)
    np.testing.assert_allclose(reconstruction_two, 2 * reconstruction, rtol=1e-12)
    np.testing.assert_allclose(kl_two, kl, rtol=1e-12)
    loss = one.loss_and_grad(x, eps)
    g = one.params.g.copy()
    assert one.loss_and_grad(np.concatenate([x, x]), np.concatenate([eps, eps])) == pytest.approx(
        loss, rel=1e-13
    )
    np.testing.assert_allclose(one.params.g, g, rtol=1e-11, atol=1e-14)


def test_bound_is_below_log_p_by_the_posterior_kl():
    """log p(x) = KL(q(z|x) ‖ p(z|x)) + 𝓛(x), eq. (1): all three by quadrature over z, n_z
    = 1, for one x of every kind.
    """
    vae, _, _ = small(hidden=(4,), n_z=1, n_x=3, seed=3)
    x = np.array([[i >> k & 1 for k in range(3)] for i in range(8)], float)
    z = np.linspace(-12, 12, 20_001)[:, None]
    dz = z[1, 0] - z[0, 0]
    p = vae.decode(z)
    log_px_z = np.log(p) @ x.T + np.log(1 - p) @ (1 - x).T  # (z, x)
    log_joint = log_px_z - 0.5 * (z**2 + math.log(2 * math.pi))
    log_px = np.log(np.exp(log_joint).sum(axis=0) * dz)
    assert np.exp(log_px).sum() == pytest.approx(1, abs=1e-9)  # the eight x are all there are

    mu, logvar = (part[:, 0] for part in vae.encode(x))
    log_q = -0.5 * (math.log(2 * math.pi) + logvar + (z - mu) ** 2 / np.exp(logvar))
    posterior_kl = (np.exp(log_q) * (log_q - (log_joint - log_px))).sum(axis=0) * dz
    bound = (np.exp(log_q) * (log_joint - log_q)).sum(axis=0) * dz
    np.testing.assert_allclose(posterior_kl + bound, log_px, atol=1e-9)
    assert (posterior_kl > 0).all()

    rng = np.random.default_rng(0)
    draws = np.array([vae.elbo(x, rng.standard_normal((8, 1))) for _ in range(20_000)])
    assert (
        np.abs(draws.mean(axis=0) - bound) < 5 * draws.std(axis=0) / math.sqrt(len(draws))
    ).all()


def test_both_estimators_have_one_mean():
    """E[estimator A, eq. (6)] = E[estimator B, eq. (10)]. Here, untrained, Var A > Var B."""
    vae, x, _ = small(hidden=(4,), n_z=3, seed=5)
    eps = np.random.default_rng(0).standard_normal((20_000, *x.shape[:1], 3))
    sampled = np.array([vae.elbo_sampled(x, e) for e in eps])
    closed = np.array([vae.elbo(x, e) for e in eps])
    error = (sampled - closed).std(axis=0) / math.sqrt(len(eps))
    assert (np.abs(sampled.mean(axis=0) - closed.mean(axis=0)) < 5 * error).all()
    assert (sampled.var(axis=0) > closed.var(axis=0)).all()


def test_the_gradient_is_unbiased():
    """E_ε[∇_θ of eq. (10)] = ∇_θ 𝓛: the mean of g over many ε against central differences
    of the bound's integral, n_z = 1.
    """
    vae, x, _ = small((3,), n_z=1, n_x=4, seed=11)
    nodes, weights = np.polynomial.hermite_e.hermegauss(
        60
    )  # E_ε[f(ε)] = Σ w f(node) / √2π for ε ~ N(0, 1)

    def bound(theta):
        vae.params.theta[...] = theta
        return -float(
            sum(w * vae.elbo(x, np.full((3, 1), node)).mean() for node, w in zip(nodes, weights))
            / math.sqrt(2 * math.pi)
        )

    theta = vae.params.theta.copy()
    truth = central_difference(bound, theta)
    vae.params.theta[...] = theta
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(100):
        vae.loss_and_grad(x, rng.standard_normal((200, 3, 1)))
        draws.append(vae.params.g.copy())
    error = np.std(draws, axis=0) / 10
    assert (np.abs(np.mean(draws, axis=0) - truth) <= 5 * error + 1e-7).all()


def refused(call, *arguments):
    """A call with bad input, which raises before it ends."""
    with pytest.raises(ValueError):
        call(*arguments)


CALLS = {
    "encode": lambda vae, x, eps: vae.encode(x),
    "decode": lambda vae, x, eps: vae.decode(eps),
    "sample": lambda vae, x, eps: vae.sample(2),
    "reconstruct": lambda vae, x, eps: vae.reconstruct(1 - x),
    "forward": lambda vae, x, eps: vae.forward(1 - x, -eps),
    "elbo": lambda vae, x, eps: vae.elbo(1 - x, -eps),
    "elbo_sampled": lambda vae, x, eps: vae.elbo_sampled(1 - x, -eps),
    "log_weights": lambda vae, x, eps: vae.log_weights(1 - x, -eps),
    "log_joint": lambda vae, x, eps: vae.log_joint(1 - x, -eps),
    "loss_and_grad": lambda vae, x, eps: vae.loss_and_grad(1 - x, -eps),
    "dream": lambda vae, x, eps: vae.dream(3, np.random.default_rng(0)),
    "decoder_gradient": lambda vae, x, eps: (
        vae.remembered in ("forward", "log_joint") and vae.decoder_gradient()
    ),
    "encoder_gradient": lambda vae, x, eps: vae.encoder_gradient(x, np.ones((len(x), vae.n_z))),
    "a refused forward": lambda vae, x, eps: refused(vae.forward, x, eps[:1]),
    "a refused log_joint": lambda vae, x, eps: refused(vae.log_joint, x, eps[:1]),
    "backward": lambda vae, x, eps: vae.remembered == "forward" and vae.backward(),
    "log_joint_backward": lambda vae, x, eps: (
        vae.remembered == "log_joint" and vae.log_joint_backward()
    ),
}


BACKWARD = "backward", "log_joint_backward", "decoder_gradient"


@pytest.mark.parametrize("decoder", OUTPUTS)
@pytest.mark.parametrize("between", CALLS)
def test_a_call_in_between_gives_no_wrong_gradient(between, decoder):
    """forward, any call, backward: refused, or the gradient of the last forward. So for
    log_joint.
    """
    vae, x, eps = small(decoder=decoder)
    after = (1 - x, -eps) if between in ("forward", "elbo", "loss_and_grad") else (x, eps)
    vae.loss_and_grad(*after)
    right = vae.params.g.copy()
    vae.forward(x, eps)
    CALLS[between](vae, x, eps)
    if between in ("forward", "elbo", "loss_and_grad", *BACKWARD):
        vae.backward()
        np.testing.assert_array_equal(vae.params.g, right)
    else:
        with pytest.raises(RuntimeError, match="backward should follow forward"):
            vae.backward()

    vae.log_joint(*((1 - x, -eps) if between == "log_joint" else (x, eps)))
    right = vae.log_joint_backward()
    vae.log_joint(x, eps)
    CALLS[between](vae, x, eps)
    if between in ("log_joint", *BACKWARD):
        np.testing.assert_array_equal(vae.log_joint_backward(), right)
    else:
        with pytest.raises(RuntimeError, match="log_joint_backward should follow log_joint"):
            vae.log_joint_backward()


def test_backward_needs_a_forward():
    """A new model has nothing to differentiate: both backwards refuse."""
    vae, _, _ = small()
    for backward in (vae.backward, vae.log_joint_backward):
        with pytest.raises(RuntimeError, match="should follow"):
            backward()


def test_log_weights():
    """log w = log p(x|z) + log p(z) − log q(z|x), each term written out; 𝓛 ≃ their mean over L."""
    vae, x, eps = small(L=3)
    mu, logvar = vae.encode(x)
    z = mu + np.exp(logvar / 2) * eps
    p = np.stack([vae.decode(z_l) for z_l in z])
    log_px_z = np.where(x == 1, np.log(p), np.log(1 - p)).sum(axis=2)
    log_pz = -0.5 * (np.log(2 * np.pi) + z**2).sum(axis=2)
    log_qz = (-0.5 * np.log(2 * np.pi) - logvar / 2 - eps**2 / 2).sum(axis=2)
    log_w = vae.log_weights(x, eps)
    np.testing.assert_allclose(log_w, log_px_z + log_pz - log_qz, rtol=1e-12)
    np.testing.assert_allclose(vae.elbo_sampled(x, eps), log_w.mean(axis=0), rtol=1e-14)


def test_data_points_are_independent():
    """log p(x₁, ..., x_N) = Σ_i log p(x_i): the bound of a row does not depend on the others."""
    vae, x, eps = small(batch=5)
    together = vae.elbo(x, eps)
    alone = [vae.elbo(x[i : i + 1], eps[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("decoder", ["bernoulli", "gaussian", "sigmoid-gaussian", "isotropic"])
def test_draws_of_x_have_the_moments_of_the_decoder(decoder):
    """sample(draw=True) is z ~ p(z), x ~ p(x|z): for a decoder without z, E[x] and Var[x]
    of p(x).
    """
    vae = VAE(2, (), 1, decoder=decoder, dtype=np.float64)
    vae.params.theta[...] = 0
    n, values = 40_000, vae.params.values
    if decoder == "bernoulli":
        values["logits.b"][...] = [math.log(3), -math.log(3)]  # p = ¾ and ¼
        mean, variance = np.array([0.75, 0.25]), np.array([3 / 16, 3 / 16])
    else:
        values["x_mu.b"][...] = [0, math.log(3)]
        squashed, real = np.array([0.5, 0.75]), np.array([0, math.log(3)])
        mean = squashed if decoder == "sigmoid-gaussian" else real
        logvar = "x_logvar" if decoder == "isotropic" else "x_logvar.b"
        values[logvar][...] = math.log(0.04)
        variance = np.array([0.04, 0.04])
    x = vae.sample(n, seed=1, draw=True)
    assert (np.abs(x.mean(axis=0) - mean) < 5 * np.sqrt(variance / n)).all()
    np.testing.assert_allclose(x.var(axis=0), variance, rtol=0.05)
    np.testing.assert_allclose(vae.sample(3), np.tile(mean, (3, 1)), rtol=1e-14)
    if decoder == "bernoulli":
        assert set(np.unique(x)) == {0, 1}


@pytest.mark.parametrize("estimator", ["elbo", "elbo_sampled"])
def test_L_samples_are_averaged(estimator):
    """The bound of L samples is the mean of the bounds of each: eq. (10)'s 1/L."""
    vae, x, eps = small(L=4)
    bound = getattr(vae, estimator)
    np.testing.assert_allclose(
        bound(x, eps), np.mean([bound(x, e) for e in eps], axis=0), rtol=1e-12
    )


def test_decode_is_the_sigmoid_once():
    """p = 1 / (1 + e^(−a)): logits 0, log 3, −log 3 decode to ½, ¾, ¼."""
    vae = VAE(3, (), 1, dtype=np.float64)
    vae.params.values["logits.W"][...] = [[0, math.log(3), -math.log(3)]]
    np.testing.assert_allclose(vae.decode([[1.0]]), [[0.5, 0.75, 0.25]], rtol=1e-15)
    np.testing.assert_allclose(vae.decode([[2.0]]), [[0.5, 0.9, 0.1]], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logvar", [-50.0, 0.0, 50.0])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extremes_stay_finite(dtype, logvar, logit):
    """Logits of ±1e4 and log σ² of ±50 give finite bounds and gradients; nothing
    overflows, nothing is clamped.
    """
    vae = VAE(6, (4,), 2, dtype=dtype)
    vae.params.values["logvar.W"][...] = 0
    vae.params.values["logvar.b"][...] = logvar
    vae.params.values["logits.b"][...] = logit
    x, eps = np.array([[0, 1, 0, 1, 1, 0]], dtype), np.array([[0.5, -1.0]])
    with np.errstate(all="raise", under="ignore"):
        loss = vae.loss_and_grad(x, eps)
    assert math.isfinite(loss) and np.isfinite(vae.params.g).all()
    kl = 0.5 * (vae.encode(x)[0][0] ** 2).sum() + (math.exp(logvar) - 1 - logvar)
    W, W_a = (vae.params.values[name] for name in ("decoder.0.W", "logits.W"))
    h = np.tanh((vae.encode(x)[0] + math.exp(logvar / 2) * eps) @ W)
    a = logit + h[0] @ W_a
    wrong = np.abs(a[x[0] != (logit > 0)]).sum()  # three of six pixels, by 1e4 each
    assert loss == pytest.approx(wrong + kl, rel=1e-5) and wrong == pytest.approx(3e4, rel=1e-3)
    dz = ((((logit > 0) - x) @ W_a.T) * (1 - h**2)) @ W.T  # all p are 1, or all are 0
    dlogvar = 0.5 * math.expm1(logvar) + (dz * eps * 0.5 * math.exp(logvar / 2))[0]
    np.testing.assert_allclose(vae.params.grads["logvar.b"], dlogvar, rtol=1e-5, atol=1e-5)


def test_gradient_at_large_logvar_is_not_clamped():
    """The gradient matches central differences at log σ² = 8 and −8 too, where a clamp in
    the loss alone would show.
    """
    for logvar in (8.0, -8.0):
        vae, x, eps = small()
        vae.params.values["logvar.b"][...] = logvar
        vae.loss_and_grad(x, eps)
        for comparison in check_gradient(
            lambda m=(vae, x, eps): -float(m[0].elbo(*m[1:]).mean()), vae.params, tolerance=1e-6
        ):
            assert comparison.close, comparison


def test_names_and_shapes_of_the_weights():
    """The weights have the names and the (n_in, n_out) shapes that scripts rely on, and
    are views into θ and g.
    """
    vae = VAE(784, (200, 100), 5)
    assert {name: value.shape for name, value in vae.params.values.items()} == {
        "encoder.0.W": (784, 200), "encoder.0.b": (200,),
        "encoder.1.W": (200, 100), "encoder.1.b": (100,),
        "mu.W": (100, 5), "mu.b": (5,), "logvar.W": (100, 5), "logvar.b": (5,),
        "decoder.0.W": (5, 100), "decoder.0.b": (100,),
        "decoder.1.W": (100, 200), "decoder.1.b": (200,),
        "logits.W": (200, 784), "logits.b": (784,),
    }  # fmt: skip
    assert vae.params.theta.dtype == vae.params.g.dtype == np.float32
    assert (
        sum(value.size for value in vae.params.values.values())
        == vae.params.theta.size
        == vae.params.g.size
    )
    assert all(np.shares_memory(view, vae.params.theta) for view in vae.params.values.values())
    assert all(np.shares_memory(view, vae.params.g) for view in vae.params.grads.values())


def test_initializers():
    """Glorot: Var W = 2 / (n_in + n_out), b = 0. The paper's: everything has variance 0.01."""
    assert not VAE(784, (500,), 20).params.values["encoder.0.b"].any()
    W = VAE(784, (500,), 20, init="glorot").params.values["encoder.0.W"]
    assert W.var() == pytest.approx(2 / 1284, rel=0.02) and abs(W).max() <= math.sqrt(6 / 1284)
    vae = VAE(784, (500,), 20, init="normal")
    assert vae.params.theta.var() == pytest.approx(0.01, rel=0.02)
    assert vae.params.values["decoder.0.b"].std() == pytest.approx(0.1, rel=0.2)


def test_same_seed_same_bits():
    """θ and samples are functions of the seed, to the bit."""
    assert VAE(9, seed=3).params.theta.tobytes() == VAE(9, seed=3).params.theta.tobytes()
    vae = VAE(9)
    assert (
        vae.sample(4, seed=1).tobytes()
        == vae.sample(4, seed=1).tobytes()
        != vae.sample(4, seed=2).tobytes()
    )


x, eps = np.zeros((2, 4)), np.zeros((2, 3))
BAD_CALLS = [
    (lambda: VAE(0), "n_x is 0"),
    (lambda: VAE(4, (5, -1)), "hidden is -1"),
    (lambda: VAE(4, n_z=0), "n_z is 0"),
    (lambda: VAE(4.5), "n_x is 4.5"),
    (
        lambda: VAE(4, activation="swish"),
        "activation is 'swish'; it should be one of tanh, relu, sigmoid",
    ),
    (lambda: VAE(4, init="zeros"), "init is 'zeros'"),
    (
        lambda: VAE(4, decoder="poisson"),
        "decoder is 'poisson'; it should be one of bernoulli, gaussian, sigmoid-gaussian, iso",
    ),
    (lambda: VAE(4, dtype=np.int64), "dtype is int64"),
    (lambda: VAE(4, image_shape=(3, 3)), "image_shape is"),
    (lambda: MODEL.encode(np.zeros((2, 5))), r"x has shape \(2, 5\); it should be \(B, 4\)"),
    (lambda: MODEL.encode(np.zeros(4)), r"x has shape \(4,\)"),
    (lambda: MODEL.encode(np.zeros((0, 4))), r"x has shape \(0, 4\)"),
    (lambda: MODEL.encode([[0, 0.5, np.nan, 0]]), r"x\[0, 2\] is nan"),
    (lambda: MODEL.encode([[0, 0.5, 1.01, 0]]), r"x\[0, 2\] is 1.01"),
    (lambda: MODEL.encode([[0, 0, 1 + 1e-9, 0]]), r"x\[0, 2\] is 1.000000001"),
    (lambda: VAE(4).elbo(x, np.full((2, 20), 1e300)), r"eps\[0, 0\] is inf"),
    (lambda: VAE(4, image_shape=(-2, -2)), "image_shape is -2"),
    (lambda: VAE(4, image_shape=(2, 2, 1)), "image_shape is"),
    (lambda: VAE(4, dtype=None), "dtype is float64"),
    (lambda: MODEL.encode([[0, 0, -0.5, 0]]), r"x\[0, 2\] is -0.5"),
    (lambda: MODEL.encode(np.full((2, 4), 255.0)), r"x\[0, 0\] is 255.*x / 255"),
    (lambda: MODEL.encode(np.full((2, 4), 1, np.uint8)), r"x is uint8.*x\.astype\(bool\)"),
    (lambda: MODEL.encode([["a", "b", "c", "d"]]), "x is of type"),
    (lambda: MODEL.elbo(x, np.zeros((3, 3))), r"eps has shape \(3, 3\); it should be \(2, 3\)"),
    (lambda: MODEL.elbo(x, np.zeros((2, 4))), r"eps has shape \(2, 4\)"),
    (lambda: MODEL.loss_and_grad(x, np.zeros((0, 2, 3))), r"eps has shape \(0, 2, 3\)"),
    (lambda: MODEL.elbo(x, np.full((2, 3), np.inf)), r"eps\[0, 0\] is inf"),
    (lambda: MODEL.decode(np.zeros((2, 4))), r"z has shape \(2, 4\); it should be \(B, 3\)"),
    (lambda: MODEL.decode([[0, np.nan, 0]]), r"z\[0, 1\] is nan"),
    (lambda: MODEL.sample(0), "n is 0"),
]
MODEL = VAE(4, (5,), 3, dtype=np.float64)


@pytest.mark.parametrize(("call", "message"), BAD_CALLS)
def test_bad_input_is_named(call, message):
    """ValueError or TypeError that names the argument, what it was and what it should be."""
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_inputs_are_not_changed():
    """No call writes into what it was given."""
    vae, x, eps = small(L=2)
    copies = x.copy(), eps.copy()
    vae.loss_and_grad(x, eps)
    vae.elbo_sampled(x, eps)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(eps, copies[1])


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (lambda: VAE(784), "VAE(784-500-20-500-784, tanh, bernoulli)"),
        (
            lambda: VAE(9, (6, 4), 2, decoder="gaussian", activation="relu"),
            "VAE(9-6-4-2-4-6-9, relu, gaussian)",
        ),
        (lambda: VAE(9, (), 2).layers, "{'mu': Affine(9, 2), 'logvar': Affine(9, 2), 'logits': "
         "Affine(2, 9)}"),
        (lambda: VAE(784).params, "Parameters(815,824 in 10 arrays)"),
        (lambda: Autoencoder(784), "Autoencoder(784-500-20-500-784, tanh)"),
        (lambda: Adam(VAE(4, (), 1).params, lr=1e-3), "Adam(lr=0.001, t=0)"),
    ],
)  # fmt: skip
def test_what_a_session_prints(made, shown):
    """The repr of what a person makes says its sizes, in one line."""
    assert repr(made()) == shown


def test_each_x_has_its_z():
    """Another number of rows of z is refused before any work."""
    vae = VAE(4, (3,), 2)
    with pytest.raises(ValueError, match=r"z has shape \(2, 2\); it should be \(3, 2\)"):
        vae.encoder_gradient(np.zeros((3, 4)), np.zeros((2, 2)))


def test_the_encoder_s_gradient_of_several_z_is_a_mean():
    """−1/(L B) Σ Σ ∇_φ log q(z_lb|x_b) is the mean over l of the gradients of each z_l."""
    vae, x, eps = small(L=3)
    gradients = []
    for z in (eps, *eps):
        vae.params.g[...] = 0
        vae.encoder_gradient(x, z)
        gradients.append(vae.params.g.copy())
    np.testing.assert_allclose(gradients[0], np.mean(gradients[1:], axis=0), rtol=1e-12, atol=1e-15)


def test_a_bound_of_a_seed():
    """Without ε, `elbo` draws it: the same seed gives the same bits, another seed others; and the
    mean over seeds is the mean over ε.
    """
    vae, x = VAE(3, (2,), 1, dtype=np.float64), [[0, 1, 1], [1, 0, 0]]
    assert (vae.elbo(x, seed=1) == vae.elbo(x, seed=1)).all()
    assert (vae.elbo(x, seed=1) != vae.elbo(x, seed=2)).all()
    rng = np.random.default_rng(0)
    drawn = np.array([vae.elbo(x, seed=rng) for _ in range(4000)])
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    of_each = np.array([vae.elbo(x, np.full((2, 1), point)) for point in z])
    exact = weight @ of_each / weight.sum()
    assert (np.abs(drawn.mean(axis=0) - exact) < 5 * error).all()


def test_one_data_point_is_a_row():
    """`reconstruct(x[0])` says what to write."""
    with pytest.raises(ValueError, match=r"x has shape \(3,\).*; of one data point, x\[None\]"):
        VAE(3, (2,), 1).reconstruct([0, 1, 1])
