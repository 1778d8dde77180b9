"""log p(x): the estimators where every z can be summed over, their bookkeeping, and what
they refuse. PPCA's closed form: test_ppca.py.
"""

import math
import tracemalloc

import numpy as np
import pytest
from conftest import write_idx
from hypothesis import given
from hypothesis import strategies as st

from scratchvae import VAE, checks, cli, log_likelihood, save_model
from scratchvae import likelihood as module
from scratchvae.likelihood import LogMean

PATTERNS = np.array([[i >> k & 1 for k in range(4)] for i in range(16)], float)


def by_quadrature(vae, x, n=401, reach=8.0):
    """log ∫ p(x|z) N(z; 0, I) dz by the trapezoid rule on a grid, for n_z = 1 or 2 and a
    Bernoulli decoder.
    """
    axis = np.linspace(-reach, reach, n)
    z = np.stack(np.meshgrid(*[axis] * vae.n_z, indexing="ij"), axis=-1).reshape(-1, vae.n_z)
    p = vae.decode(z)
    log_joint = (
        np.log(p) @ x.T
        + np.log1p(-p) @ (1 - x).T
        - 0.5 * (z * z + math.log(2 * math.pi)).sum(axis=1)[:, None]
    )
    return np.log(np.exp(log_joint).sum(axis=0) * (axis[1] - axis[0]) ** vae.n_z)


def model(n_z, seed=3):
    vae = VAE(4, (5,), n_z, dtype=np.float64, seed=2)
    rng = np.random.default_rng(seed)
    vae.params.theta[...] = rng.standard_normal(vae.params.theta.size)
    vae.params.values["mu.W"][...] *= (
        0.3  # q(z|x) near the prior and as wide: it covers the posterior, and no weight is huge
    )
    vae.params.values["mu.b"][...] = vae.params.values["logvar.b"][...] = 0
    vae.params.values["logvar.W"][...] = 0
    return vae


@pytest.mark.parametrize(
    ("method", "n_samples"), [("importance", 4000), ("ais", 200), ("hmc", 2000)]
)
@pytest.mark.parametrize("n_z", [1, 2])
def test_each_method_finds_the_integral(method, n_samples, n_z):
    """On a nonlinear model with four pixels, each estimate is within 5 standard errors (or
    0.02 nats) of the integral, for all 16 x.
    """
    vae = model(n_z)
    truth = by_quadrature(vae, PATTERNS)
    assert np.exp(truth).sum() == pytest.approx(1, abs=1e-6)
    result = log_likelihood(vae, PATTERNS, n_samples, method=method, n_temperatures=30)
    tolerance = np.maximum(
        5 * result.standard_error, 0.02 if method != "hmc" else 0.1
    )  # the posterior is no Gaussian
    assert (np.abs(result.log_p - truth) < tolerance).all()
    assert np.isnan(result.acceptance) if method == "importance" else 0.4 < result.acceptance <= 1


def test_it_is_the_log_of_the_mean_not_the_mean_of_the_logs():
    """E[L_1] = 𝓛 < E[L_50] < log p(x): with 50 weights the gap of the bound nearly closes."""
    vae = model(2)
    truth = by_quadrature(vae, PATTERNS).mean()
    rows = np.repeat(PATTERNS, 200, axis=0)
    L1, L5, L50 = (log_likelihood(vae, rows, k, seed=k).log_p.mean() for k in (1, 5, 50))
    rng = np.random.default_rng(0)
    bound = np.mean([vae.elbo(PATTERNS, rng.standard_normal((16, 2))).mean() for _ in range(400)])
    assert abs(L1 - bound) < 0.1
    assert L1 + 0.05 < L5 < L50 < truth + 0.01 and truth - L50 < 0.1 * (truth - L1)


@given(
    log_w=st.lists(st.one_of(st.floats(-3, 3), st.floats(-1000, 1000)), min_size=2, max_size=30),
    cuts=st.lists(st.integers(1, 29), max_size=3),
)
def test_streaming_log_mean(log_w, cuts):
    """log (1/K) Σ e^(log w) and its error are the same whether the weights come at once or
    in parts, and never overflow.
    """
    log_w = np.array(log_w)[:, None]
    whole, parts = LogMean(1), LogMean(1)
    whole.add(log_w)
    for part in np.split(log_w, sorted(cut for cut in cuts if cut < len(log_w))):
        if len(part):
            parts.add(part)
    w = np.exp(log_w[:, 0] - log_w.max())
    expected = log_w.max() + math.log(w.mean())
    error = w.std(ddof=1) / math.sqrt(len(w)) / w.mean()
    for mean in (whole, parts):
        log_mean, standard_error = mean.result()
        assert log_mean[0] == pytest.approx(expected, rel=1e-12, abs=1e-11)
        assert standard_error[0] == pytest.approx(error, rel=1e-6, abs=1e-7)


def test_annealing_with_one_temperature_is_importance_weighting():
    """With T = 1 the only factor is p(x, z)/q(z|x) at z ~ q: the same expectation, within
    errors.
    """
    vae = model(2)
    one = log_likelihood(vae, PATTERNS, 3000, method="ais", n_temperatures=1, seed=1)
    weighted = log_likelihood(vae, PATTERNS, 3000, seed=2)
    error = np.hypot(one.standard_error, weighted.standard_error)
    assert (np.abs(one.log_p - weighted.log_p) < 5 * error).all()


@pytest.mark.parametrize("method", ["importance", "ais"])
def test_memory_does_not_grow_with_n_samples(method, monkeypatch):
    """Ten times the samples take no more memory."""
    monkeypatch.setattr(module, "ROWS", 200)
    vae, peaks = VAE(50, (20,), 2), []
    x = np.zeros((3, 50), np.float32)
    for n_samples in (400, 4000):
        tracemalloc.start()
        log_likelihood(vae, x, n_samples, method=method, n_temperatures=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize(
    ("method", "start", "n_samples"),
    [("importance", "q", 1000), ("ais", "q", 32), ("ais", "prior", 32), ("hmc", "q", 100)],
)
def test_the_standard_error_is_that_of_the_integral(method, start, n_samples):
    """112 pairs of a model and an x: (estimate − integral) / standard error has a mean within
    ± 0.3 and a standard deviation of 1.3 at most. (Of 112 true normals they are 0 ± 0.1, 1 ± 0.07.)
    """
    z = []
    for seed in range(7):
        vae = model(1 + seed % 2, seed)
        options = {"method": method, "start": start, "n_temperatures": 20, "seed": seed}
        result = log_likelihood(vae, PATTERNS, n_samples, **options)
        z.extend((result.log_p - by_quadrature(vae, PATTERNS, 201)) / result.standard_error)
    assert abs(np.mean(z)) < 0.3 and 0.7 < np.std(z) < 1.3


@pytest.mark.parametrize(("method", "n_samples"), [("ais", 100), ("hmc", 400)])
def test_from_the_prior_q_does_not_matter(method, n_samples):
    """start="prior": the integral within 5 standard errors, and the same bits for any encoder."""
    vae = model(1)
    truth = by_quadrature(vae, PATTERNS)
    options = {"method": method, "start": "prior", "n_temperatures": 30}
    result = log_likelihood(vae, PATTERNS, n_samples, **options)
    assert (np.abs(result.log_p - truth) < 5 * result.standard_error).all()
    vae.params.values["mu.b"][...] = 30
    again = log_likelihood(vae, PATTERNS, n_samples, **options)
    np.testing.assert_array_equal(result.log_p, again.log_p)


@pytest.mark.parametrize("method", ["importance", "ais", "hmc"])
def test_same_seed_same_numbers(method):
    """The estimate is a function of the seed."""
    first, again, other = (
        log_likelihood(model(1), PATTERNS[:3], 40, method=method, n_temperatures=3, seed=seed).log_p
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("n_z", "arguments", "message"),
    [
        (2, {"n_samples": 0}, "n_samples is 0"),
        (2, {"n_samples": 2.5}, "n_samples is 2.5"),
        (2, {"method": "exact"}, "method is 'exact'; it should be one of importance, ais, hmc"),
        (2, {"method": "ais", "n_temperatures": 0}, "n_temperatures is 0"),
        (2, {"method": "ais", "start": "posterior"}, "start is 'posterior'; .* one of q, prior"),
        (2, {"start": "prior"}, "start is 'prior'; for 'importance' it should be 'q'"),
        (5, {"method": "hmc"}, "n_z is 5; .*use 'ais'"),
        (2, {"method": "hmc", "n_samples": 11}, "n_samples is 11; .*12 or more"),
        (2, {"method": "hmc", "n_samples": 10**12}, "GiB of memory"),
        (2, {"x": np.full((1, 4), 0.5) * 3}, r"x\[0, 0\] is 1.5"),
        (2, {"x": np.zeros((1, 3))}, r"x has shape \(1, 3\)"),
    ],
)
def test_bad_input_is_named(n_z, arguments, message):
    """ValueError or TypeError before any work."""
    with pytest.raises((ValueError, TypeError), match=message):
        log_likelihood(model(n_z), **{"x": PATTERNS, **arguments})


def test_the_effective_number_of_samples():
    """ESS = (Σ w)² / Σ w², from the weights of the same draws; one sample is one."""
    vae, K, seed = model(1), 200, 3
    result = log_likelihood(vae, PATTERNS, K, seed=seed)
    rng = checks.generator("seed", seed, "likelihood", 0)
    w = np.exp(vae.log_weights(PATTERNS, rng.standard_normal((K, len(PATTERNS), 1), vae.dtype)))
    expected = w.sum(axis=0) ** 2 / (w * w).sum(axis=0)
    np.testing.assert_allclose(result.effective, expected, rtol=1e-6)
    assert (log_likelihood(vae, PATTERNS, 1).effective == 1).all()


def test_a_poor_encoder_shows_in_the_effective_number_and_not_in_the_error():
    """q far too narrow: the estimate is many errors too low, and ESS is below what is needed."""
    vae = model(2)
    good = log_likelihood(vae, PATTERNS, 3000, seed=1)
    vae.params.values["logvar.b"][...] -= 12
    poor = log_likelihood(vae, PATTERNS, 3000, seed=1)
    low = good.log_p - poor.log_p
    assert (good.effective > good.needed).all() and poor.needed == 100
    assert np.median(low / poor.standard_error) > 5  # the error does not show it
    assert np.median(poor.effective) < poor.needed


@pytest.mark.parametrize(("method", "K", "needed"), [("importance", 40, 10), ("hmc", 80, 10)])
def test_what_the_effective_number_should_be(method, K, needed):
    """A quarter of the weights, at most 100; "hmc" has half as many weights as samples."""
    assert log_likelihood(model(1), PATTERNS[:2], K, method=method).needed == needed


@pytest.mark.parametrize(("method", "target"), [("ais", 0.65), ("hmc", 0.9)])
@pytest.mark.parametrize("width", [-6.0, 6.0])
def test_the_step_sizes_are_tuned(method, target, width):
    """Whether q is 20 times too wide or too narrow, about the target's share is accepted."""
    vae = model(2)
    vae.params.values["logvar.b"][...] = width
    result = log_likelihood(vae, PATTERNS[:4], 60, method=method, n_temperatures=200)
    assert abs(result.acceptance - target) < 0.12


def two_modes():
    """A model of 4 x 4 bits with n_z = 1, its images, and log p(x) of each. The last 8 pixels are
    off for |z| < 1, else on; the first 8 are on for z > 1. So an image with all pixels on belongs
    to z > 1, and there is a wrong mode at z < −1, 24 nats lower, behind a barrier. The encoder says
    z = −1.7 ± 0.4 for every image: right for the images whose first half is off.
    """
    vae = VAE(16, (2,), 1, dtype=np.float64, image_shape=(4, 4))
    values = vae.params.values
    vae.params.theta[...] = 0
    values["decoder.0.W"][...], values["decoder.0.b"][...] = 3, (-3, 3)  # tanh(3 (z ∓ 1))
    values["logits.W"][0, :8], values["logits.W"][0, 8:] = 3, 6
    values["logits.W"][1, 8:], values["logits.b"][8:] = -6, 6
    values["mu.b"][...], values["logvar.b"][...] = -1.7, 2 * np.log(0.4)
    x = np.ones((6, 16))
    x[::2, :8] = 0
    return vae, x, by_quadrature(vae, x, 4001)


@pytest.mark.parametrize(("method", "n_samples"), [("importance", 1000), ("ais", 16), ("hmc", 200)])
def test_an_encoder_in_a_wrong_mode_is_noticed(method, n_samples):
    """From q, each estimate is 20 nats too low for the half of the images in a wrong mode, and its
    own numbers do not show it. AIS from the prior is right for all images.
    """
    vae, x, truth = two_modes()
    from_q = log_likelihood(vae, x, n_samples, seed=1, method=method)  # 0: a chain of 16 comes over
    prior = log_likelihood(vae, x, 50, method="ais", start="prior")
    wrong = np.array([False, True] * 3)
    assert (np.abs(from_q.log_p - truth)[~wrong] < 0.3).all()
    assert (from_q.log_p < truth - 20)[wrong].all() and from_q.standard_error.max() < 1
    assert (from_q.effective > from_q.needed).all()
    assert (np.abs(prior.log_p - truth) < np.maximum(0.1, 4 * prior.standard_error)).all()


@pytest.mark.parametrize(
    ("method", "right"),
    [("importance", False), ("ais", False), ("hmc", False), ("importance", True), ("ais", True)],
)
def test_the_command_says_where_q_is_wrong(method, right, tmp_path, capsys):
    """`evaluate --likelihood` says for how many images the start at the prior is higher, by how
    much; where q is right, that both starts agree. (The posterior ends in a cliff, which the
    Gaussian of "hmc" does not fit, so that one is never right here.)
    """
    vae, x, _ = two_modes()
    if right:  # μ = 1.7 where the first pixel is on
        vae.params.values["encoder.0.W"][0], vae.params.values["mu.W"][...] = 20, 1.7
    save_model(vae, tmp_path / "model.npz")
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", 255 * x.reshape(-1, 4, 4))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.zeros(len(x)))
    options = ("--likelihood", method, "--images", "6", "--quiet")
    command = ["evaluate", str(tmp_path / "model.npz"), "--data", str(tmp_path), *options]
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    higher = "3 of 6 images: from the prior log p(x) is higher by more than 4 errors"
    assert (higher in out) != right
    assert ("both starts agree within 4 errors" in out) == right


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("method", "start"), [("importance", "q"), ("ais", "q"), ("ais", "prior"),
                                               ("hmc", "q"), ("hmc", "prior")])  # fmt: skip
@pytest.mark.parametrize("logvar", [-120.0, -1000.0])
def test_no_estimate_is_nan(dtype, method, start, logvar):
    """A Gaussian decoder without a floor, whose σ² is so small that log p(x|z) overflows: log
    p(x) is −∞ with an error of ∞, where it is not finite.
    """
    vae = VAE(3, (4,), 2, decoder="gaussian", dtype=dtype, min_sigma=0)
    vae.params.values["x_logvar.b"][...] = logvar
    result = log_likelihood(vae, np.eye(3), 20, method=method, start=start, n_temperatures=5)
    assert not np.isnan(result.log_p).any() and not np.isnan(result.effective).any()
    lost = ~np.isfinite(result.log_p)
    assert (result.log_p[lost] == -np.inf).all() and (result.standard_error[lost] == np.inf).all()
    assert (result.effective[lost] < result.needed).all()
    assert lost.all() == (dtype == np.float32 or logvar < -709)
