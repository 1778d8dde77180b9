"""The floor of σ, and the continuous Bernoulli: against 120 digits, quadrature and old code."""

import json
from decimal import Decimal, localcontext

import numpy as np
import pytest

from scratchvae import VAE, FileFormatError, evaluate, fit, load_model, save_model
from scratchvae.archive import write_arrays
from scratchvae.decoders import (
    MIN_SIGMA,
    OUTPUTS,
    ContinuousBernoulli,
    Gaussian,
    Output,
    floored_logvar,
    floored_logvar_backward,
)
from scratchvae.distributions import (
    continuous_bernoulli_draw,
    continuous_bernoulli_log_density,
    continuous_bernoulli_log_density_backward,
    continuous_bernoulli_mean,
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
)
from scratchvae.evaluation import check_rebuilt
from scratchvae.gradient_check import check_gradient
from scratchvae.layers import Affine

FLOORED = "gaussian", "sigmoid-gaussian", "isotropic"
EXTREME = [-1e4, -700.0, -50.0, -11.0, -3.0, -1e-3, 0.0, 1e-8, 0.19, 0.21, 5.0, 50.0, 700.0, 1e4]


def digits(function, values):
    """function of each number, computed in 120 digits."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 120, 10**9, -(10**9)
        return np.array([float(function(Decimal(float(value)))) for value in values])


# ---- the floor of σ ----


@pytest.mark.parametrize("min_sigma", [1e-30, MIN_SIGMA, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_floored_variance_and_its_derivative(min_sigma, dtype):
    """log σ² = log(σ_min² + e^s) and d log σ²/ds = e^s / (σ_min² + e^s), for s of any size."""
    s, square = np.array(EXTREME, dtype), Decimal(min_sigma) ** 2
    tolerance = 8 * np.finfo(dtype).eps
    with np.errstate(all="raise", under="ignore"):
        logvar = floored_logvar(s, min_sigma)
        ds = floored_logvar_backward(np.ones_like(s), s, min_sigma)
    assert logvar.dtype == ds.dtype == dtype
    exact = digits(lambda t: (square + t.exp()).ln(), s)
    np.testing.assert_allclose(logvar, exact, rtol=tolerance, atol=tolerance)
    # the rounding of s − m is a relative error of the factor
    exact = digits(lambda t: t.exp() / (square + t.exp()), s)
    np.testing.assert_allclose(ds, exact, rtol=200 * tolerance, atol=1e-37)


def test_no_floor_is_the_identity():
    """σ_min = 0: log σ² = s and ds = dlog σ², to the bit."""
    s = np.array(EXTREME)
    np.testing.assert_array_equal(floored_logvar(s, 0.0), s)
    np.testing.assert_array_equal(floored_logvar_backward(s, s[::-1], 0.0), s)


class Plain(Output):
    """A decoder of one's own, with the two arguments of `Output`: AEVB's Gaussian, no floor."""

    def __init__(self, n_h, n_x):
        self.mu, self.logvar = Affine(n_h, n_x), Affine(n_h, n_x)
        self.layers = {"x_mu": self.mu, "x_logvar": self.logvar}

    def mean(self, h):
        return self.mu.forward(h)

    def draw(self, h, rng):
        mu, logvar = self.mean(h), self.logvar.forward(h)
        return reparameterize(mu, logvar, rng.standard_normal(mu.shape, mu.dtype))

    def log_likelihood(self, x, h):
        mu, logvar = self.mean(h), self.logvar.forward(h)
        self.last = x, mu.reshape(-1, *x.shape), logvar.reshape(-1, *x.shape)
        return gaussian_log_density(*self.last)

    def backward(self, weight):
        dmu, dlogvar = (
            (weight * d).reshape(-1, self.last[0].shape[1])
            for d in gaussian_log_density_backward(*self.last)
        )
        return self.mu.backward(dmu) + self.logvar.backward(dlogvar)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_a_floor_it_is_aevb_s_decoder(monkeypatch, dtype):
    """min_sigma = 0 gives the bits of log σ² = affine(h). A decoder of one's own that knows no
    floor gets none: min_sigma > 0 is refused for it.
    """
    monkeypatch.setitem(OUTPUTS, "plain", Plain)
    rng = np.random.default_rng(0)
    x, eps = rng.standard_normal((5, 6)), rng.standard_normal((2, 5, 2))
    ours = VAE(6, (4,), 2, decoder="gaussian", dtype=dtype, min_sigma=0)
    theirs = VAE(6, (4,), 2, decoder="plain", dtype=dtype)
    assert ours.loss_and_grad(x, eps) == theirs.loss_and_grad(x, eps)
    assert ours.params.g.tobytes() == theirs.params.g.tobytes()
    assert ours.sample(3, 1, draw=True).tobytes() == theirs.sample(3, 1, draw=True).tobytes()
    assert theirs.settings["min_sigma"] == 0 and VAE(6, decoder="plain", min_sigma=0)
    with pytest.raises(ValueError, match=r"min_sigma is 0\.5; it should be left out: the decoder"):
        VAE(6, decoder="plain", min_sigma=0.5)


@pytest.mark.parametrize("min_sigma", [None, 0.3])
@pytest.mark.parametrize("s", [-50.0, -11.0, 0.0, 50.0])
@pytest.mark.parametrize("decoder", FLOORED)
def test_gradient_at_and_above_the_floor(decoder, s, min_sigma):
    """∂loss/∂θ against central differences, for σ at its floor and far above it. In float32 the
    loss and its gradient are finite.
    """
    vae = VAE(6, (4,), 2, decoder=decoder, dtype=np.float64, min_sigma=min_sigma)
    rng = np.random.default_rng(0)
    vae.params.theta += 0.1 * rng.standard_normal(vae.params.theta.size)
    vae.params.values["x_logvar" if decoder == "isotropic" else "x_logvar.b"] += s
    x, eps = rng.random((5, 6)), rng.standard_normal((2, 5, 2))
    vae.loss_and_grad(x, eps)
    found = check_gradient(lambda: -float(vae.elbo(x, eps).mean()), vae.params)
    assert all(comparison.close for comparison in found)
    small = VAE(**{**vae.settings, "dtype": "float32"})
    small.params.theta[...] = vae.params.theta
    assert np.isfinite(small.loss_and_grad(x, eps)) and np.isfinite(small.params.g).all()


@pytest.mark.parametrize("decoder", FLOORED)
def test_the_floor_bounds_the_density(decoder):
    """log N(x; μ, σ²) ≤ −log σ_min − ½ log 2π for each number, and it is reached for s → −∞.

    The draws have the standard deviation σ_min then.
    """
    vae = VAE(4, (), 1, decoder=decoder, dtype=np.float64, min_sigma=0.02)
    vae.params.theta[...] = 0
    vae.params.values["x_logvar" if decoder == "isotropic" else "x_logvar.b"][...] = -60
    mu = 0.5 if decoder == "sigmoid-gaussian" else 0.0
    most = 4 * (-np.log(0.02) - 0.5 * np.log(2 * np.pi))
    reconstruction, _ = vae.forward(np.full((1, 4), mu), np.zeros((1, 1)))
    assert reconstruction[0] == pytest.approx(most, rel=1e-12)
    assert vae.sample(5000, draw=True).std() == pytest.approx(0.02, rel=0.03)


def test_the_floor_is_a_setting(tmp_path):
    """1/255 by default for a Gaussian, 0 for others; it is in the settings, in the model's file,
    and in a model that is made of the settings. Another number than one ≥ 0 is refused.
    """
    assert VAE(4).min_sigma == VAE(4, decoder="continuous-bernoulli").min_sigma == 0
    for decoder in FLOORED:
        assert VAE(4, decoder=decoder).min_sigma == MIN_SIGMA == 1 / 255
        vae = VAE(4, (3,), 2, decoder=decoder, min_sigma=0.25)
        assert json.loads(json.dumps(vae.settings))["min_sigma"] == 0.25
        check_rebuilt("vae", vae)
        save_model(vae, tmp_path / "m.npz")
        x = np.random.default_rng(0).random((3, 4))
        for twin in (VAE(**vae.settings), load_model(tmp_path / "m.npz")):
            np.testing.assert_array_equal(twin.elbo(x), vae.elbo(x))
        assert (VAE(4, (3,), 2, decoder=decoder).elbo(x) != vae.elbo(x)).all()
    for wrong in (-0.1, np.nan, np.inf, 1e400):
        with pytest.raises(ValueError, match="min_sigma is"):
            VAE(4, decoder="gaussian", min_sigma=wrong)
    with pytest.raises(TypeError, match="min_sigma is"):
        VAE(4, decoder="gaussian", min_sigma="0.1")


@pytest.mark.parametrize("decoder", ["bernoulli", *FLOORED])
def test_an_earlier_file_has_no_floor(tmp_path, decoder):
    """A file of version 3 has no min_sigma: its model has the numbers that it had. A file of
    version 4 without it is refused.
    """
    vae = VAE(4, (3,), 2, decoder=decoder, dtype=np.float64, min_sigma=0)
    config = {name: value for name, value in vae.settings.items() if name != "min_sigma"}
    content = {"format": "scratchvae.VAE", "config": json.dumps(config), "data": "null"}
    path, x = tmp_path / "m.npz", np.eye(4)
    write_arrays(path, {**content, "version": 3, "theta": vae.params.theta})
    old = load_model(path)
    assert old.min_sigma == 0
    np.testing.assert_array_equal(old.elbo(x), vae.elbo(x))
    write_arrays(path, {**content, "version": 4, "theta": vae.params.theta})
    with pytest.raises(FileFormatError, match="its settings have activation"):
        load_model(path)


def test_constant_pixels_do_no_harm():
    """Let a pixel be 0 in training, and one level higher in a test image. As s → −∞ without a
    floor, the training bound grows by −½ s, and the test bound falls by ½ (1/255)² e^(−s). With
    the floor of one level, the training bound stays, and the test bound is ½ nat below it.
    """
    x, eps, s = np.array([[0.5, 0.0], [0.5, 1 / 255]]), np.zeros((2, 1)), np.array([-30, -40])
    for min_sigma in (0, None):
        vae = VAE(2, (), 1, decoder="gaussian", dtype=np.float64, min_sigma=min_sigma)
        vae.params.theta[...] = 0
        bounds = []
        for value in s:
            vae.params.values["x_logvar.b"][1] = value
            bounds.append(vae.elbo(x, eps))
        (train, test), (later, later_test) = bounds
        if min_sigma == 0:
            assert later - train == pytest.approx(5, rel=1e-12)
            assert train - test == pytest.approx(0.5 * np.exp(30) / 255**2, rel=1e-12)
            assert later_test < -1e12
        else:
            assert later == pytest.approx(train, abs=1e-7)
            assert train - test == pytest.approx(0.5, abs=1e-7)


# ---- the continuous Bernoulli ----


def kappa(a):
    """log[(e^a − 1) / a] of a Decimal."""
    return ((a.exp() - 1) / a).ln() if a else Decimal(0)


def mean(a):
    """1 + 1 / (e^a − 1) − 1 / a of a Decimal."""
    return 1 + 1 / (a.exp() - 1) - 1 / a if a else Decimal("0.5")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_normalizer_and_the_mean(dtype):
    """κ(a) and κ′(a) to 1e-13 in float64, for a from −10⁴ to 10⁴, near 0, and at 0."""
    a = np.array([*EXTREME, 1e-30, -1e-16, 1e-4, -0.5, 0.2], dtype)
    tolerance = 1e-13 if dtype == np.float64 else 2e-6
    with np.errstate(all="raise", under="ignore"):
        ours = -continuous_bernoulli_log_density(np.zeros((len(a), 1), dtype), a[:, None])
        means = continuous_bernoulli_mean(a)
        da = continuous_bernoulli_log_density_backward(np.ones(1, dtype), a)
    assert ours.dtype == means.dtype == dtype
    np.testing.assert_allclose(ours, digits(kappa, a), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(means, digits(mean, a), rtol=0, atol=tolerance)
    np.testing.assert_allclose(da, 1 - digits(mean, a), rtol=0, atol=tolerance)


@pytest.mark.parametrize("a", [-40.0, -2.0, 0.0, 0.01, 3.0, 40.0])
def test_it_is_a_density_with_its_mean(a):
    """∫₀¹ p dx = 1 and ∫₀¹ x p dx = κ′(a), by the trapezoid rule."""
    x, logits = np.linspace(0, 1, 200_001), np.full(200_001, a)
    p = np.exp(continuous_bernoulli_log_density(x[:, None], logits[:, None]))
    assert np.trapezoid(p, x) == pytest.approx(1, abs=1e-8)
    exact = continuous_bernoulli_mean(logits[:1])[0]
    assert np.trapezoid(x * p, x) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.499, 0.9])
def test_it_is_the_paper_s_density(p):
    """log p(x) = log C(λ) + x log λ + (1 − x) log(1 − λ), C = 2 artanh(1 − 2λ) / (1 − 2λ)."""
    x = np.linspace(0, 1, 5)
    log_C = np.log(2 * np.arctanh(1 - 2 * p) / (1 - 2 * p))
    ours = continuous_bernoulli_log_density(x[:, None], np.full((5, 1), np.log(p / (1 - p))))
    np.testing.assert_allclose(ours, log_C + x * np.log(p) + (1 - x) * np.log(1 - p), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_draw_inverts_the_distribution_function(dtype):
    """F(x) = (e^(x a) − 1) / (e^a − 1) = u for a ≤ 0, and 1 − u for a > 0. x is in [0, 1], for
    any a.
    """
    u = np.array([0.0, 1e-6, 0.25, 0.5, 0.9, 1 - np.finfo(dtype).epsneg], dtype)
    for a in EXTREME:
        with np.errstate(all="raise", under="ignore"):
            x = continuous_bernoulli_draw(np.full(6, a, dtype), u)
        assert x.dtype == dtype and (x >= 0).all() and (x <= 1).all()
        if 1e-3 <= abs(a) <= 50 and dtype == np.float64:
            exact = digits(lambda t, a=Decimal(a): ((t * a).exp() - 1) / (a.exp() - 1), x)
            np.testing.assert_allclose(exact, 1 - u if a > 0 else u, rtol=0, atol=1e-12)
        elif abs(a) < 1e-3:
            np.testing.assert_allclose(x, 1 - u if a > 0 else u, atol=1e-6)


def test_the_moments_of_draws():
    """`draw` has the mean κ′(a), and the variance κ″(a), which is κ′ by differences."""
    rng, n = np.random.default_rng(0), 40_000
    for a in (-30.0, -1.0, 0.0, 4.0):
        x = continuous_bernoulli_draw(np.full(n, a), rng.random(n))
        low, middle, high = continuous_bernoulli_mean(np.array([a - 1e-4, a, a + 1e-4]))
        variance = (high - low) / 2e-4
        assert abs(x.mean() - middle) < 5 * np.sqrt(variance / n)
        assert x.var() == pytest.approx(variance, rel=0.05)


def test_the_decoder_of_grey_levels():
    """Its mean is κ′(a), not sigmoid(a). Grey levels are its default; a float outside of [0, 1] is
    refused before any work.
    """
    vae = VAE(3, (), 1, decoder="continuous-bernoulli", dtype=np.float64)
    vae.params.theta[...] = 0
    vae.params.values["logits.b"][...] = [0, np.log(3), -np.log(3)]
    np.testing.assert_allclose(vae.decode([[1.0]]), [[0.5, 0.589760773, 0.410239227]], rtol=1e-8)
    levels = np.array([[0, 128, 255]] * 4, np.uint8)
    assert vae.pixels == "grey" and evaluate(vae, levels) == evaluate(vae, levels / 255)
    fit(vae, levels, epochs=1, pixels="dequantized", progress=False)
    for call in (lambda x: fit(vae, x, progress=False), lambda x: evaluate(vae, x)):
        with pytest.raises(ValueError, match=r"images\[1, 2\] is 1\.5; every pixel"):
            call(np.array([[0, 0, 1], [0, 0.5, 1.5]]))
    with pytest.raises(ValueError, match=r"test_images\[0, 0\] is -1"):
        fit(vae, levels, test_images=np.array([[-1.0, 0, 0]]), progress=False)
    assert issubclass(ContinuousBernoulli, Output) and not issubclass(ContinuousBernoulli, Gaussian)
