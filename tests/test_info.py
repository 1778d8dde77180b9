"""Information theory: each test is one theorem, which a search tries to break."""

import decimal
import math
import tracemalloc
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import info
from scratchvae.distributions import bernoulli_log_likelihood, gaussian_kl, gaussian_log_density

# Weights, which become probabilities when divided by their sum: ordinary ones, zeros,
# and very small ones, which make a distribution nearly degenerate.
weights = st.one_of(
    st.floats(0.01, 1),
    st.just(0.0),
    st.sampled_from([1e-300, 1e-100, 1e-17, 1e-8]),
    st.floats(1e-6, 1e-2),
)


def normalised(w):
    w = np.asarray(w, float)
    return w / w.sum(axis=-1, keepdims=True)


def distributions(n):
    return st.lists(weights, min_size=n, max_size=n).filter(lambda w: sum(w) > 1e-3).map(normalised)


sizes = st.integers(2, 50)
one = sizes.flatmap(distributions)
positive = sizes.flatmap(
    lambda n: st.lists(st.floats(1e-3, 1), min_size=n, max_size=n).map(normalised)
)


@st.composite
def several(draw, k, strategy=distributions, max_n=50):
    """k distributions over the same states, some of them nearly equal."""
    n = draw(st.integers(2, max_n))
    result = [draw(strategy(n)) for _ in range(k)]
    for i in range(1, k):
        if draw(st.booleans()):  # near the first one
            step = draw(st.sampled_from([0.0, 1e-15, 1e-12, 1e-8, 1e-4]))
            result[i] = normalised((1 - step) * result[0] + step * result[i])
    return result


def h(p):
    """Entropy in nats, by the sum as it stands in the notes."""
    return -math.fsum(x * math.log(x) for x in p if x > 0)


# ---- §1.1 and §1.2: information and entropy ----


def test_numbers_of_the_notes():
    """Eight equally probable weathers: 3 bits. 75 % and 25 %: 0.811 bits.

    The last is a mean of 0.415 and 2. One even chance: 1 bit. 300 sunny days of 365: 0.68 bits.
    """
    assert info.entropy(np.full(8, 1 / 8)) == 3
    np.testing.assert_allclose(info.information([0.75, 0.25]), [2 - math.log2(3), 2], rtol=1e-15)
    assert (
        info.entropy([0.75, 0.25])
        == pytest.approx(2 - 0.75 * math.log2(3), rel=1e-15)
        == pytest.approx(0.811, abs=5e-4)
    )
    assert info.information(0.5) == info.entropy([0.5, 0.5]) == 1
    assert info.entropy([300 / 365, 65 / 365]) == pytest.approx(0.68, abs=5e-3)


@given(k=st.integers(0, 1000))
def test_a_bit_halves_the_uncertainty(k):
    """−log₂ 2⁻ᵏ = k: k halvings are k bits.

    The impossible would carry ∞ bits, the certain carries 0 (and not −0).
    """
    assert info.information(0.5**k) == pytest.approx(k, rel=4e-16)
    assert info.information(0.0) == np.inf and math.copysign(1, info.information(1.0)) == 1


@given(p=one)
def test_entropy_is_the_mean_surprise(p):
    """H(p) = −Σ p log p = E[−log p], with 0 log 0 = 0."""
    assert info.entropy(p, base=np.e) == pytest.approx(h(p), rel=1e-12, abs=1e-14)
    possible = p > 0
    assert info.entropy(p) == pytest.approx(
        p[possible] @ info.information(p[possible]), rel=1e-12, abs=1e-14
    )


@given(p=one)
def test_entropy_is_between_0_and_log_n(p):
    """0 ≤ H(p) ≤ log n; log n only for the uniform distribution."""
    H, n = info.entropy(p), len(p)
    assert 0 <= H <= math.log2(n) * (1 + 1e-15)
    # log n − H = KL(p ‖ uniform), and by Pinsker this is at least ½ ‖p − 1/n‖₁²
    assert math.log(n) - info.entropy(p, base=np.e) >= 0.5 * np.abs(p - 1 / n).sum() ** 2 - 1e-14


@given(n=sizes)
def test_entropy_of_uniform_and_degenerate(n):
    """H = log n for n equal states, H = 0 (and not −0) for one certain state."""
    assert info.entropy(np.full(n, 1 / n)) == pytest.approx(math.log2(n), rel=1e-14)
    for i in (0, n - 1):
        assert info.entropy(np.eye(n)[i]) == 0 and math.copysign(1, info.entropy(np.eye(n)[i])) == 1


@given(pq=several(2), base=st.one_of(st.floats(1.1, 20), st.floats(0.05, 0.9)))
def test_base_changes_the_unit_alone(pq, base):
    """H in base b is H in nats / log b; the same for H(p, q) and KL."""
    p, q = pq
    assert info.entropy(p, base=base) == pytest.approx(h(p) / math.log(base), rel=1e-12, abs=1e-12)
    for function in (info.cross_entropy, info.kl_divergence):
        assert function(p, q, base=base) == pytest.approx(
            function(p, q, base=np.e) / math.log(base), rel=1e-12, abs=1e-300
        )
    assert info.information(0.3, base=base) == pytest.approx(
        -math.log(0.3) / math.log(base), rel=1e-12
    )


@given(p=one, q=one)
def test_entropy_adds_for_independent_variables(p, q):
    """H(p ⊗ q) = H(p) + H(q)."""
    assert info.entropy(np.outer(p, q).ravel()) == pytest.approx(
        info.entropy(p) + info.entropy(q), rel=1e-12, abs=1e-12
    )


@given(pq=several(2), t=st.floats(0, 1))
def test_entropy_is_concave(pq, t):
    """H(t p + (1 − t) q) ≥ t H(p) + (1 − t) H(q): mixing adds uncertainty."""
    p, q = pq
    assert (
        info.entropy(normalised(t * p + (1 - t) * q))
        >= t * info.entropy(p) + (1 - t) * info.entropy(q) - 1e-13
    )


@given(p=one, cut=st.integers(1, 49))
def test_entropy_of_groups(p, cut):
    """H(p) = H(groups) + Σ_g P(g) H(p | g): first tell the group, then the state."""
    groups = [g for g in (p[: cut % len(p)], p[cut % len(p) :]) if g.sum() > 0]
    between = info.entropy(normalised([g.sum() for g in groups]))
    within = sum(g.sum() * info.entropy(normalised(g)) for g in groups)
    assert info.entropy(p) == pytest.approx(between + within, rel=1e-11, abs=1e-12)


@given(p=one, seed=st.integers(0, 2**32 - 1))
def test_the_amount_does_not_depend_on_the_wording(p, seed):
    """Other words for the same states have the same H: renaming keeps it (§1.1)."""
    p = p[p > 0]
    words = [f"tomorrow there will be weather {i}" for i in range(len(p))]
    order = np.random.default_rng(seed).permutation(len(p))
    said = {words[i]: p[i] for i in order}
    assert info.entropy(list(said.values())) == pytest.approx(info.entropy(p), rel=1e-12, abs=1e-14)


@given(p=one)
def test_a_repetition_is_redundant(p):
    """A message said twice informs as once: H(x, x) = H(x), not 2 H(x) (§1.1)."""
    twice = np.diag(p).ravel()  # P(first = i, second = j): 0 unless i = j
    assert info.entropy(twice) == pytest.approx(info.entropy(p), rel=1e-12, abs=1e-14)


@given(p=one)
def test_entropy_falls_short_of_log_n_by_a_kl(p):
    """log n − H(p) = KL(p ‖ uniform)."""
    n = len(p)
    shortfall = math.log2(n) - info.entropy(p)
    assert info.kl_divergence(p, np.full(n, 1 / n)) == pytest.approx(shortfall, abs=1e-12)


# ---- §1.3 and §1.4: cross entropy and KL ----


@given(t=st.floats(1e-300, 1e300))
def test_log_t_is_at_most_t_minus_1(t):
    """log t ≤ t − 1, equal only at t = 1: the term of KL for p = 1 and q = t is the gap."""
    gap = info._gibbs_terms(np.array([1.0]), np.array([t]))[0]
    assert gap >= 0 and info._gibbs_terms(np.array([1.0]), np.array([1.0]))[0] == 0
    assert gap == pytest.approx((t - 1) - math.log(t), rel=1e-14, abs=1e-15)
    assert gap > 0 or abs(t - 1) < 1e-14  # then (t − 1)²/2 is rounded away


@given(pq=several(2))
def test_jensens_inequality(pq):
    """E_p[log t] ≤ log E_p[t] with t = q(x): H(p, q) ≥ −log Σ p q; equal if t is constant."""
    p, q = pq
    assert info.cross_entropy(p, q) >= info.information(min(1, p @ q)) - 1e-13
    constant = np.full(len(p), 1 / len(p))
    assert info.cross_entropy(p, constant) == pytest.approx(
        info.information(p @ constant), rel=1e-13
    )


@given(
    pq=several(2, lambda n: st.lists(st.floats(1e-3, 1), min_size=n, max_size=n).map(normalised))
)
def test_the_safe_forms_agree_with_the_straight_forms(pq):
    """Where every p(x) > 0: H = −Σ p log p, H(p, q) = −Σ p log q, KL = Σ p log(p/q)."""
    p, q = pq
    assert info.entropy(p) == pytest.approx(-(p * np.log2(p)).sum(), rel=1e-12)
    assert info.cross_entropy(p, q) == pytest.approx(-(p * np.log2(q)).sum(), rel=1e-12)
    assert info.kl_divergence(p, q) == pytest.approx((p * np.log2(p / q)).sum(), abs=1e-13)


def test_blocks_of_rows_are_all_rows():
    """10,001 rows are more than two blocks: each row has its straight sum."""
    p, q = np.random.default_rng(0).dirichlet(np.full(10, 2.0), (2, 10_001))
    assert p.size > 2 * info.BLOCK
    np.testing.assert_allclose(info.entropy(p), -(p * np.log2(p)).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(
        info.kl_divergence(p, q), (p * np.log2(p / q)).sum(axis=1), rtol=1e-11
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [0, 1])
def test_long_sums_keep_their_digits(axis, order, dtype):
    """Two distributions of 300,000 states, along any axis of any layout: H and H(p, q) are
    within 4 machine epsilons of the exact sum of their terms.
    """
    rows = np.random.default_rng(0).random((2, 2, 300_000))
    p, q = (rows / rows.sum(axis=-1, keepdims=True)).astype(dtype)
    layout = [np.asarray(a if axis == 1 else a.T, order=order) for a in (p, q)]
    H, cross = info.entropy(layout[0], axis=axis), info.cross_entropy(*layout, axis=axis)
    for i in range(2):
        a, b = p[i].astype(np.float64), q[i].astype(np.float64)
        exact = [-math.fsum(a * np.log2(a)), -math.fsum(a * np.log2(b))]
        np.testing.assert_allclose([H[i], cross[i]], exact, rtol=4 * np.finfo(dtype).eps)


def test_a_long_uniform_distribution_sums_to_1():
    """n = 10⁷ equal states in float32: H = log n, to 4 machine epsilons of float32."""
    H = info.entropy(np.full(10_000_000, 1e-7, np.float32))
    np.testing.assert_allclose(H, math.log2(1e7), rtol=4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("order", ["C", "F"])
def test_gaussians_of_many_dimensions_keep_their_digits(order):
    """200,000 dimensions in float32, in any layout: the closed forms are within 4 machine
    epsilons of the exact sums of their terms.
    """
    mu, logvar = np.random.default_rng(0).uniform(0.5, 1, (2, 2, 200_000)).astype(np.float32)
    mu, logvar = np.asarray(mu, order=order), np.asarray(logvar, order=order)
    by_row = [
        0.5 * math.fsum(np.expm1(s) - s + m * m)
        for m, s in zip(mu.astype(float), logvar.astype(float))
    ]
    entropies = [0.5 * math.fsum(1 + math.log(2 * math.pi) + s) for s in logvar.astype(float)]
    tolerance = 4 * np.finfo(np.float32).eps
    kl = info.gaussian_kl(mu, logvar, np.float32(0), np.float32(0), base=np.e)
    np.testing.assert_allclose(kl, by_row, rtol=tolerance)
    np.testing.assert_allclose(info.gaussian_entropy(logvar, base=np.e), entropies, rtol=tolerance)


@given(pq=several(2))
def test_cross_entropy_is_entropy_plus_kl(pq):
    """H(p, q) = H(p) + KL(p ‖ q), and both are ∞ together, exactly where p > 0 = q."""
    p, q = pq
    cross, kl = info.cross_entropy(p, q), info.kl_divergence(p, q)
    assert np.isinf(cross) == np.isinf(kl) == bool(((p > 0) & (q == 0)).any())
    if np.isfinite(cross):
        assert cross == pytest.approx(info.entropy(p) + kl, rel=1e-12, abs=1e-12)
        assert cross == pytest.approx(
            -math.fsum(a * math.log2(b) for a, b in zip(p, q) if a > 0), rel=1e-12, abs=1e-13
        )


@given(pq=several(2))
def test_cross_entropy_is_least_at_q_equal_p(pq):
    """H(p, q) ≥ H(p), equal for q = p: the right code sends the shortest messages."""
    p, q = pq
    assert info.cross_entropy(p, p) == pytest.approx(info.entropy(p), rel=1e-14, abs=1e-300)
    assert info.cross_entropy(p, q) >= info.entropy(p) - 1e-13


@given(pq=several(2))
def test_kl_is_never_negative_and_0_only_at_equality(pq):
    """KL(p ‖ q) ≥ 0, and 0 only for p = q. Neighbours do not give −1e-17.

    By Pinsker's inequality, KL is at least ½ ‖p − q‖₁².
    """
    p, q = pq
    kl = info.kl_divergence(p, q, base=np.e)
    assert kl >= 0 and info.kl_divergence(p, p) == 0
    distance = np.abs(p - q).sum()
    # u − log(1 + u) is rounded by 1e-16 |u|
    assert kl >= 0.5 * distance**2 * (1 - 1e-9) - 3e-16 * distance
    assert kl > 0 or distance < 1e-14


@given(step=st.floats(1e-12, 1e-4), n=st.integers(1, 25))
def test_kl_of_neighbours_keeps_its_digits(step, n):
    """KL of near neighbours is right to 1e-3, where the straight sum is rounding error.

    For p = 1/2n and q = p (1 ± step), KL = −½ log(1 − step²) = step²/2 + step⁴/4 + ...
    """
    p = np.full(2 * n, 1 / (2 * n))
    q = p * np.tile([1 + step, 1 - step], n)
    assert info.kl_divergence(p, q, base=np.e) == pytest.approx(
        -0.5 * math.log1p(-(step**2)), rel=1e-3, abs=0
    )


@given(
    pq=several(2, lambda n: st.lists(st.floats(1e-6, 1), min_size=n, max_size=n).map(normalised))
)
def test_jensens_step(pq):
    """E_p[log q/p] ≤ log E_p[q/p] = log 1 = 0: why KL ≥ 0 in the notes (§1.5)."""
    p, q = pq
    mean_of_log, log_of_mean = math.fsum(p * np.log(q / p)), math.log(math.fsum(p * (q / p)))
    assert mean_of_log <= log_of_mean + 1e-14
    assert -mean_of_log == pytest.approx(info.kl_divergence(p, q, base=np.e), rel=1e-9, abs=1e-14)
    assert log_of_mean == pytest.approx(0, abs=1e-13)


@given(four=several(4), t=st.floats(0, 1))
def test_kl_is_convex(four, t):
    """KL(t p + (1 − t) p′ ‖ t q + (1 − t) q′) ≤ t KL(p ‖ q) + (1 − t) KL(p′ ‖ q′)."""
    p, p2, q, q2 = four
    left = info.kl_divergence(normalised(t * p + (1 - t) * p2), normalised(t * q + (1 - t) * q2))
    right = (t * info.kl_divergence(p, q) if t > 0 else 0) + (
        (1 - t) * info.kl_divergence(p2, q2) if t < 1 else 0
    )
    assert left <= right * (1 + 1e-12) + 1e-13


@given(pq=several(2))
def test_pinskers_inequality(pq):
    """TV(p, q) ≤ √(½ KL(p ‖ q)), KL in nats."""
    p, q = pq
    assert (
        info.total_variation(p, q)
        <= math.sqrt(0.5 * info.kl_divergence(p, q, base=np.e)) * (1 + 1e-9) + 1e-15
    )


@given(pq=several(2), m=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_data_processing(pq, m, seed):
    """KL(p T ‖ q T) ≤ KL(p ‖ q) for every channel T.

    No processing makes two distributions easier to tell apart.
    """
    p, q = pq
    T = np.random.default_rng(seed).dirichlet(np.full(m, 0.3), len(p))
    assert (
        info.kl_divergence(normalised(p @ T), normalised(q @ T))
        <= info.kl_divergence(p, q) * (1 + 1e-9) + 1e-13
    )


@given(four=several(4, max_n=8))
def test_kl_adds_for_products(four):
    """KL(p ⊗ p′ ‖ q ⊗ q′) = KL(p ‖ q) + KL(p′ ‖ q′).

    So n independent latent dimensions add their KL.
    """
    p, p2, q, q2 = four
    product = info.kl_divergence(np.outer(p, p2).ravel(), np.outer(q, q2).ravel())
    parts = info.kl_divergence(p, q) + info.kl_divergence(p2, q2)
    # a product of two tiny probabilities can be rounded to 0, and KL to ∞
    underflow = (np.outer(q, q2) < 1e-300).any()
    assert underflow or product == pytest.approx(parts, rel=1e-9, abs=1e-12)


# ---- §1.5: the metric axioms ----


@given(p=one)
def test_all_four_vanish_at_equality(p):
    """d(p, p) = 0 for KL, Jensen–Shannon divergence and distance, total variation."""
    for d in (
        info.kl_divergence,
        info.jensen_shannon_divergence,
        info.jensen_shannon_distance,
        info.total_variation,
    ):
        assert d(p, p) == 0


tenths = st.integers(1, 9).map(lambda k: np.array([k / 10, 1 - k / 10]))


def test_symmetry_of_kl_fails():
    """KL(p ‖ q) ≠ KL(q ‖ p): a search finds an example.

    Worked by hand: p = (0.1, 0.9), q = (0.5, 0.5): 0.531 bits one way, 0.737 the other.
    """
    p, q = find(
        st.tuples(tenths, tenths),
        lambda pq: abs(info.kl_divergence(*pq) - info.kl_divergence(*pq[::-1])) > 0.01,
    )
    assert info.kl_divergence(p, q) != pytest.approx(info.kl_divergence(q, p), abs=0.01)
    p, q = [0.1, 0.9], [0.5, 0.5]
    assert (
        info.kl_divergence(p, q)
        == pytest.approx(1 - h(p) / math.log(2), rel=1e-12)
        == pytest.approx(0.5310, abs=5e-5)
    )
    assert (
        info.kl_divergence(q, p)
        == pytest.approx(-0.5 * math.log2(4 * 0.09), rel=1e-12)
        == pytest.approx(0.7370, abs=5e-5)
    )


def test_triangle_inequality_of_kl_fails():
    """KL(p ‖ r) > KL(p ‖ q) + KL(q ‖ r) is possible: a search finds an example.

    Worked by hand: P(rain) = 0.5, 0.3, 0.1 gives 0.737 > 0.126 + 0.222 bits.
    """

    def gap(three):
        p, q, r = three
        return info.kl_divergence(p, r) - info.kl_divergence(p, q) - info.kl_divergence(q, r)

    assert gap(find(st.tuples(tenths, tenths, tenths), lambda three: gap(three) > 0.01)) > 0
    p, q, r = ([x, 1 - x] for x in (0.5, 0.3, 0.1))
    numbers = [info.kl_divergence(p, r), info.kl_divergence(p, q), info.kl_divergence(q, r)]
    by_hand = [
        0.5 * math.log2(0.5 / 0.1) + 0.5 * math.log2(0.5 / 0.9),
        0.5 * math.log2(0.5 / 0.3) + 0.5 * math.log2(0.5 / 0.7),
    ]
    by_hand.append(0.3 * math.log2(0.3 / 0.1) + 0.7 * math.log2(0.7 / 0.9))
    np.testing.assert_allclose(numbers, by_hand, rtol=1e-12)
    np.testing.assert_allclose(numbers, [0.7370, 0.1258, 0.2217], atol=5e-5)
    assert numbers[0] > numbers[1] + numbers[2]


@settings(max_examples=300)
@given(three=several(3, max_n=8))
@pytest.mark.parametrize("d", [info.jensen_shannon_distance, info.total_variation])
def test_the_same_search_finds_no_witness_against_the_metrics(d, three):
    """√JS and total variation obey the axioms of a metric, and are at most 1.

    d ≥ 0, d(p, q) = d(q, p), d(p, r) ≤ d(p, q) + d(q, r).
    """
    p, q, r = three
    assert 0 <= d(p, q) <= 1 + 1e-12
    assert d(p, q) == pytest.approx(d(q, p), rel=1e-12)
    assert d(p, r) <= (d(p, q) + d(q, r)) * (1 + 1e-7) + 1e-15


@given(pq=several(2))
def test_jensen_shannon_is_the_mean_kl_to_the_middle(pq):
    """JS = ½ KL(p ‖ m) + ½ KL(q ‖ m) = H(m) − ½ H(p) − ½ H(q), with m = ½ (p + q).

    The distance is its root.
    """
    p, q = pq
    m = 0.5 * (p + q)
    js = info.jensen_shannon_divergence(p, q)
    assert js == pytest.approx(
        0.5 * info.kl_divergence(p, m) + 0.5 * info.kl_divergence(q, m), rel=1e-9, abs=1e-25
    )
    assert js == pytest.approx(
        info.entropy(m) - 0.5 * info.entropy(p) - 0.5 * info.entropy(q), abs=1e-13
    )
    assert info.jensen_shannon_distance(p, q) == math.sqrt(js)


@given(pq=several(2, max_n=8))
def test_total_variation_is_the_largest_difference_of_an_event(pq):
    """½ Σ |p − q| = max over events A of P(A) − Q(A), all 2ⁿ of them tried."""
    p, q = pq
    n = len(p)
    events = np.array([[i >> k & 1 for k in range(n)] for i in range(2**n)])
    assert info.total_variation(p, q) == pytest.approx(
        (events @ (p - q)).max(), rel=1e-12, abs=1e-15
    )


# ---- the tree split ----


def test_a_split_worked_by_hand():
    """9 yes and 5 no, split into (2, 3), (4, 0), (3, 2): a gain of 0.247 bits.

    H = 0.940; the children have 0.971, 0, 0.971; 0.940 − 10/14 · 0.971 = 0.247.
    """
    assert info.entropy(np.array([9, 5]) / 14) == pytest.approx(0.940286, abs=5e-7)
    assert info.information_gain([9, 5], [[2, 3], [4, 0], [3, 2]]) == pytest.approx(
        0.246750, abs=5e-7
    )
    assert info.gini_impurity(np.array([9, 5]) / 14) == pytest.approx(2 * 9 * 5 / 14**2, rel=1e-14)
    assert info.misclassification_rate(np.array([9, 5]) / 14) == pytest.approx(5 / 14, rel=1e-14)


@given(
    children=hnp.arrays(
        int, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 100)
    )
)
def test_information_gain_is_what_the_split_says_of_the_class(children):
    """0 ≤ gain = H(parent) − Σ_k (N_k/N) H(child_k) ≤ H(parent).

    An empty child has the weight 0.
    """
    parent = children.sum(axis=0)
    if parent.sum() == 0:
        return
    left = (
        sum(child.sum() * h(child / child.sum()) for child in children if child.sum() > 0)
        / parent.sum()
    )
    gain = info.information_gain(parent, children, base=np.e)
    assert (
        gain == pytest.approx(h(parent / parent.sum()) - left, abs=1e-12)
        and 0 <= gain <= h(parent / parent.sum()) + 1e-12
    )


@given(
    children=hnp.arrays(
        int, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(1, 100)
    )
)
def test_information_gain_is_the_mutual_information_of_child_and_class(children):
    """gain = Σ_kc P(k, c) log [P(k, c) / (P(k) P(c))], the straight form."""
    joint = children / children.sum()
    of_child, of_class = joint.sum(axis=1), joint.sum(axis=0)
    straight = sum(
        joint[k, c] * math.log2(joint[k, c] / (of_child[k] * of_class[c]))
        for k, c in np.ndindex(joint.shape)
    )
    gain = info.information_gain(children.sum(axis=0), children)
    assert gain == pytest.approx(straight, abs=1e-13)


@given(
    child=st.lists(st.integers(1, 100), min_size=2, max_size=6),
    times=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_an_independent_split_gains_nothing(child, times):
    """Children with the same shares of the classes: the gain is 0, and not ±1e-17."""
    children = np.outer(times, child)
    assert info.information_gain(children.sum(axis=0), children) == 0


@pytest.mark.parametrize("unit", [5e-324, 1e-300, 1.0, 1e300, 1e308, 0.9 * 2.0**1023])
def test_information_gain_does_not_depend_on_the_unit_of_counts(unit):
    """A clean split of two equal classes is 1 bit, and equal shares are 0, for the least and
    the largest counts.
    """
    assert info.information_gain([unit, unit], [[unit, 0], [0, unit], [0, 0]]) == 1
    assert info.information_gain([unit, unit], [[unit, unit], [0, 0]]) == 0
    with pytest.raises(ValueError, match="children add to"):
        info.information_gain([unit, unit], [[unit, unit], [unit, 0]])


@given(p=one)
def test_impurities(p):
    """Gini = P(two draws differ) ≤ 1 − 1/n, and 0 ≤ 1 − max p ≤ Gini."""
    n = len(p)
    two_draws = sum(p[i] * p[j] for i in range(n) for j in range(n) if i != j)
    assert info.gini_impurity(p) == pytest.approx(two_draws, rel=1e-10, abs=1e-15)
    assert 0 <= info.misclassification_rate(p) <= info.gini_impurity(p) + 1e-15 <= 1 - 1 / n + 1e-14


# ---- messages ----


def decoded(bits, words):
    """The symbols of a string of bits, read from the left."""
    symbols, word, meaning = [], "", {w: i for i, w in enumerate(words) if w is not None}
    for bit in bits:
        word += bit
        if word in meaning:
            symbols.append(meaning[word])
            word = ""
    assert word == ""
    return symbols


@given(q=one, seed=st.integers(0, 2**32 - 1))
def test_huffman(q, seed):
    """Huffman: Σ 2^(−length) = 1, H ≤ mean length < H + 1, messages can be decoded."""
    words = info.huffman_code(q)
    assert [word is None for word in words] == [x == 0 for x in q]
    lengths = [math.inf if word is None else len(word) for word in words]
    assert math.fsum(2.0**-length for length in lengths) == 1
    assert (
        info.entropy(q) <= info.expected_length(q, lengths) + 1e-13
        and info.expected_length(q, lengths) < info.entropy(q) + 1 + 1e-13
    )
    if sum(q > 0) > 1:
        message = np.random.default_rng(seed).choice(len(q), 50, p=q).tolist()
        assert decoded("".join(words[i] for i in message), words) == message


@given(q=positive)
def test_huffman_is_no_longer_than_shannon(q):
    """Huffman's mean length is at most that of Shannon's lengths ⌈−log₂ q⌉."""
    huffman = [len(word) for word in info.huffman_code(q)]
    assert info.expected_length(q, huffman) <= info.expected_length(q, info.code_lengths(q)) + 1e-13


@given(q=one)
def test_shannon_lengths(q):
    """length = ⌈−log₂ q⌉, ∞ where q = 0, and Kraft: Σ 2^(−length) ≤ 1."""
    lengths = info.code_lengths(q)
    for length, x in zip(lengths, q):
        assert math.isinf(length) if x == 0 else 2.0**-length <= x < 2 * 2.0**-length
    assert math.fsum(2.0**-length for length in lengths) <= 1 + 1e-15


@given(
    pq=several(2, lambda n: st.lists(st.floats(1e-6, 1), min_size=n, max_size=n).map(normalised))
)
def test_a_wrong_code_costs_the_cross_entropy(pq):
    """Shannon's code for q costs H(p, q) under p, and less than one bit more (§1.3)."""
    p, q = pq
    mean_length, cross = info.expected_length(p, info.code_lengths(q)), info.cross_entropy(p, q)
    assert cross - 1e-12 <= mean_length < cross + 1


def test_codes_by_hand():
    """½, ¼, ⅛, ⅛ have the lengths 1, 2, 3, 3, by Huffman and by Shannon.

    A certain state needs no bits. A state without a codeword costs ∞ if it happens.
    """
    q = [0.5, 0.25, 0.125, 0.125]
    assert (
        info.code_lengths(q).tolist()
        == [1, 2, 3, 3]
        == [len(word) for word in info.huffman_code(q)]
    )
    assert info.expected_length(q, [1, 2, 3, 3]) == 1.75 == info.entropy(q)
    assert info.huffman_code([0.0, 1.0]) == [None, ""] and info.code_lengths(
        [0.0, 1.0]
    ).tolist() == [np.inf, 0]
    assert (
        info.expected_length([1.0, 0.0], [2, np.inf]) == 2
        and info.expected_length([0.5, 0.5], [2, np.inf]) == np.inf
    )


# ---- binary cross entropy ----

unit = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 1e-300, 0.5]))


@given(y=unit, y_hat=unit)
def test_binary_cross_entropy_is_that_of_two_bernoullis(y, y_hat):
    """−y log ŷ − (1 − y) log(1 − ŷ) = H((y, 1 − y), (ŷ, 1 − ŷ)), in nats by default."""
    expected = info.cross_entropy([y, 1 - y], [y_hat, 1 - y_hat], base=np.e)
    # 1 − ŷ is rounded by 2⁻⁵⁴ for ŷ < ½; the test below has the digits of a small ŷ
    assert info.binary_cross_entropy(y, y_hat) == pytest.approx(expected, rel=1e-14, abs=2e-16)


@given(
    y=st.sampled_from([0.0, 0.25, 1.0]),
    y_hat=st.one_of(st.floats(1e-300, 1), st.sampled_from([1e-20, 1e-6, 1e-300])),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_binary_cross_entropy_keeps_the_digits_of_a_small_prediction(y, y_hat, dtype):
    """−y log ŷ − (1 − y) log(1 − ŷ) in 350 decimal digits: −log(1 − 10⁻²⁰) is 10⁻²⁰, not 0."""
    y, y_hat = dtype(y), dtype(y_hat)
    found = info.binary_cross_entropy(y, y_hat)
    with decimal.localcontext() as context:
        context.prec = 350
        shares = [(y, Decimal(float(y_hat))), (1 - y, 1 - Decimal(float(y_hat)))]
        exact = [-Decimal(float(w)) * v.ln() if v else np.inf for w, v in shares if w > 0]
        expected = float(sum(exact)) if np.inf not in exact else np.inf
    tiny = float(np.finfo(dtype).tiny)  # below it, digits are lost
    assert found == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps), abs=tiny)


@given(y=unit, a=st.floats(-30, 30))
def test_binary_cross_entropy_from_logits(y, a):
    """softplus(a) − y a is the binary cross entropy of y and ŷ = sigmoid(a).

    For y near 1, softplus(a) and y a nearly cancel, and y a is rounded: an error of 2⁻⁵³ |a|.
    """
    p = 1 / (1 + math.exp(-a))
    q = 1 / (1 + math.exp(a))
    expected = -y * math.log(p) - (1 - y) * math.log(q)
    rounding = 1e-15 + 2**-53 * abs(a)
    assert info.binary_cross_entropy_from_logits(y, a) == pytest.approx(
        expected, rel=1e-12, abs=rounding
    )


@given(y=st.sampled_from([0.0, 1.0]), a=st.floats(-1e4, 1e4))
def test_binary_cross_entropy_from_logits_at_extremes(y, a):
    """For |a| up to 1e4 nothing overflows. The loss is log(1 + e^−|a|) if a has the
    right sign, and |a| more if it has the wrong one.

    It is −log p(x|z) of the Bernoulli decoder.
    """
    with np.errstate(all="raise", under="ignore"):
        loss = info.binary_cross_entropy_from_logits(y, a)
    right = (a > 0) == (y == 1)
    assert loss == pytest.approx(
        (0 if right else abs(a)) + math.log1p(math.exp(-abs(a))), rel=1e-13, abs=0
    )
    assert loss == pytest.approx(
        -bernoulli_log_likelihood(np.array([y]), np.array([a])), rel=1e-13, abs=0
    )


@given(y=unit, a=st.floats(-15, 15))
def test_the_form_in_logits_agrees_with_the_form_in_probabilities(y, a):
    """At ŷ = sigmoid(a), where 1 − ŷ still has digits."""
    straight = info.binary_cross_entropy(y, 1 / (1 + math.exp(-a)))
    safe = info.binary_cross_entropy_from_logits(y, a)
    assert safe == pytest.approx(straight, rel=1e-8, abs=1e-8)


def test_the_form_in_probabilities_fails_where_the_form_in_logits_does_not():
    """a = 40, y = 0: the loss is 40 + log(1 + e⁻⁴⁰); sigmoid(40) is rounded to 1."""
    assert info.binary_cross_entropy(0.0, 1 / (1 + math.exp(-40))) == math.inf
    assert info.binary_cross_entropy_from_logits(0.0, 40.0) == 40


def test_every_finite_logit_is_accepted():
    """Two logits of 1e308, whose sum is ∞: the loss of y = 0 is a itself."""
    loss = info.binary_cross_entropy_from_logits([0.0, 0.0], [1e308, 1e308])
    assert loss.tolist() == [1e308, 1e308]


# ---- Gaussians and densities ----

mus, logvars = st.floats(-3, 3), st.floats(-3, 3)


def density(mu, logvar):
    return lambda x: np.exp(
        -0.5 * ((x - mu) ** 2 / math.exp(logvar) + logvar + math.log(2 * math.pi))
    )


@given(mu_p=mus, logvar_p=logvars, mu_q=mus, logvar_q=logvars)
def test_gaussian_closed_forms_are_their_integrals(mu_p, logvar_p, mu_q, logvar_q):
    """H, H(p, q) and KL of two Gaussians are their integrals; H(p, q) = H(p) + KL."""
    p, q = density(mu_p, logvar_p), density(mu_q, logvar_q)
    reach, wide = 12 * math.exp(0.5 * logvar_p), 12 * math.exp(0.5 * logvar_q)
    low, high = min(mu_p - reach, mu_q - wide), max(mu_p + reach, mu_q + wide)
    H, kl = info.gaussian_entropy(logvar_p), info.gaussian_kl(mu_p, logvar_p, mu_q, logvar_q)
    cross = info.gaussian_cross_entropy(mu_p, logvar_p, mu_q, logvar_q)
    assert cross == pytest.approx(H + kl, rel=1e-12, abs=1e-12)
    assert info.differential_entropy(p, low, high) == pytest.approx(H, rel=1e-10, abs=1e-10)
    # beyond 1400 the density q(x) underflows to 0
    log_q_is_finite = (abs(mu_p - mu_q) + reach) ** 2 / math.exp(logvar_q) < 1400
    if log_q_is_finite:
        assert info.differential_cross_entropy(p, q, low, high) == pytest.approx(
            cross, rel=1e-9, abs=1e-10
        )
        assert info.differential_kl(p, q, low, high) == pytest.approx(kl, rel=1e-9, abs=1e-10)


@given(n=st.integers(1, 5), batch=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_diagonal_gaussians_add_over_dimensions(n, batch, seed):
    """n independent dimensions: the sum of n Gaussians of one dimension.

    With q = N(0, I) it is the KL of the VAE.
    """
    mu, logvar, m, s = np.random.default_rng(seed).standard_normal((4, batch, n))
    for function, arguments in (
        (info.gaussian_entropy, (logvar,)),
        (info.gaussian_cross_entropy, (mu, logvar, m, s)),
        (info.gaussian_kl, (mu, logvar, m, s)),
    ):
        by_dimension = sum(
            np.array([function(*(a[b, j] for a in arguments)) for b in range(batch)])
            for j in range(n)
        )
        np.testing.assert_allclose(function(*arguments), by_dimension, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        info.gaussian_kl(mu, logvar, 0, 0, base=np.e), gaussian_kl(mu, logvar), rtol=1e-12
    )


@given(scale=st.floats(0.01, 100), logvar_p=logvars, logvar_q=logvars, mu=st.floats(-1, 1))
def test_units_change_differential_entropy_but_not_kl(scale, logvar_p, logvar_q, mu):
    """y = c x: H(y) = H(x) + log c, and KL stays.

    So a differential entropy depends on the unit of x, and can be negative.
    """
    p, q = density(0, logvar_p), density(mu, logvar_q)
    reach = abs(mu) + 8 * math.exp(0.5 * max(logvar_p, logvar_q))
    p_scaled, q_scaled = (lambda y, f=f: f(y / scale) / scale for f in (p, q))
    H = info.differential_entropy(p, -reach, reach)
    assert info.differential_entropy(p_scaled, -reach * scale, reach * scale) == pytest.approx(
        H + math.log2(scale), abs=1e-9
    )
    kl = info.differential_kl(p, q, -reach, reach)
    if np.isfinite(kl):
        assert info.differential_kl(
            p_scaled, q_scaled, -reach * scale, reach * scale
        ) == pytest.approx(kl, rel=1e-9, abs=1e-9)


@given(mu=st.floats(1e-10, 1e-3))
def test_differential_kl_of_neighbours_keeps_its_digits(mu):
    """KL(N(0, 1) ‖ N(μ, 1)) = ½ μ² nats, down to 10⁻²⁰: no term is negative.

    q(x) − p(x) is rounded by 10⁻¹⁶ p(x), and is about μ x p(x).
    """
    kl = info.differential_kl(density(0, 0), density(mu, 0), -12, 12, base=np.e)
    assert kl == pytest.approx(0.5 * mu**2, rel=1e-9 + 1e-14 / mu, abs=0)


@pytest.mark.parametrize("step", [0.1, 0.01])
def test_a_rounded_variable_has_the_differential_entropy_less_log_step(step):
    """x ~ N(0.3, 1) rounded to steps of Δ: the entropy is about H(p) − log Δ, in Δ²."""
    edges = step * (np.arange(-round(10 / step), round(10 / step) + 1) - 0.5)
    below = np.array([0.5 * math.erfc(-(x - 0.3) / math.sqrt(2)) for x in edges])
    rounded = normalised(np.diff(below))
    expected = info.gaussian_entropy(0.0) - math.log2(step)
    assert info.entropy(rounded) == pytest.approx(expected, abs=0.1 * step**2)


def test_a_rounded_pair_keeps_its_kl():
    """Rounding to steps of Δ: KL of the rounded p, q is about that of the densities."""
    x = 0.01 * np.arange(-1000, 1001)
    p, q = normalised(density(0, 0)(x)), normalised(density(1, 0.5)(x))
    assert info.kl_divergence(p, q) == pytest.approx(info.gaussian_kl(0, 0, 1, 0.5), rel=1e-6)


@given(mu_p=mus, logvar_p=logvars, mu_q=mus, logvar_q=logvars)
def test_gaussian_kl_agrees_with_its_straight_form(mu_p, logvar_p, mu_q, logvar_q):
    """½ [σ_p²/σ_q² − 1 − log(σ_p²/σ_q²) + (μ_p − μ_q)²/σ_q²], in nats."""
    ratio = math.exp(logvar_p) / math.exp(logvar_q)
    straight = 0.5 * (ratio - 1 - math.log(ratio) + (mu_p - mu_q) ** 2 / math.exp(logvar_q))
    kl = info.gaussian_kl(mu_p, logvar_p, mu_q, logvar_q, base=np.e)
    assert kl == pytest.approx(straight, rel=1e-11, abs=1e-13)


def test_differential_entropies_known_in_closed_form():
    """Uniform on [0, w]: log w, negative for w < 1. Exponential with mean 1: 1 nat.

    KL of uniform [0, 1] from uniform [0, 2]: 1 bit; the other way: ∞.
    """
    for w in (0.25, 1.0, 8.0):
        assert info.differential_entropy(
            lambda x, w=w: np.full(x.shape, 1 / w), 0, w
        ) == pytest.approx(math.log2(w), abs=1e-12)
    assert info.differential_entropy(lambda x: np.exp(-x), 0, 60, base=np.e) == pytest.approx(
        1, rel=1e-10
    )
    # H = 0 at σ = 0.242
    assert info.gaussian_entropy(2 * math.log(0.2)) < 0 < info.gaussian_entropy(2 * math.log(0.25))
    narrow, wide = (lambda x: np.where(x < 1, 1.0, 0.0)), (lambda x: np.full(x.shape, 0.5))
    assert info.differential_kl(narrow, wide, 0, 2) == pytest.approx(1, rel=1e-12)
    assert info.differential_kl(wide, narrow, 0, 2) == np.inf


# ---- §1.6: minimising the estimated KL is maximising the likelihood ----


def test_categorical_family_has_one_optimum():
    """The θ with the least KL(p̂ ‖ q_θ) has the highest likelihood, to 1e-6.

    p̂ are the shares in the sample, q_θ a family on three states: log p̂ has no θ.
    """
    counts = np.array([50, 30, 20])
    p = counts / counts.sum()
    # q_θ = (θ, (1 − θ) · 0.6, (1 − θ) · 0.4): the best θ is 0.5
    theta = np.linspace(0.01, 0.98, 970_001)
    q = np.stack([theta, (1 - theta) * 0.6, (1 - theta) * 0.4], axis=1)
    least_kl = theta[np.argmin(info.kl_divergence(np.broadcast_to(p, q.shape), q))]
    likeliest = theta[np.argmax(counts @ np.log(q).T)]
    assert abs(least_kl - likeliest) <= 1e-6 and likeliest == pytest.approx(0.5, abs=2e-6)


def test_gaussian_family_has_one_optimum():
    """The θ with the least estimated KL has the highest likelihood, to 1e-6.

    Both use the same samples. The family is N(θ, 1), and p = N(1, 1).
    """
    x = np.random.default_rng(0).normal(1, 1, 10_000)

    def log_density(theta):
        return lambda samples: -0.5 * (samples - theta) ** 2 - 0.5 * math.log(2 * math.pi)

    def minimum(f, low=0.0, high=2.0):  # golden section: f falls, then rises
        ratio = (math.sqrt(5) - 1) / 2
        while high - low > 1e-8:
            a, b = high - ratio * (high - low), low + ratio * (high - low)
            low, high = (low, b) if f(a) < f(b) else (a, high)
        return (low + high) / 2

    least_kl = minimum(
        lambda theta: info.monte_carlo_kl(x, log_density(1), log_density(theta)).value
    )
    likeliest = minimum(lambda theta: -log_density(theta)(x).sum())
    assert least_kl == pytest.approx(likeliest, abs=1e-6) == pytest.approx(x.mean(), abs=1e-6)


def unit_gaussian(theta):
    """log N(x; θ, 1), as a function of the samples x."""
    return lambda x: -0.5 * (x - theta) ** 2 - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("n", [100, 1_000_000])
def test_the_least_true_kl_is_not_the_highest_likelihood(n):
    """p = N(1, 1), q_θ = N(θ, 1): the true KL is least at 1, the likelihood is highest
    at the mean of n samples. The two are 1/√n apart, which no n makes 0.
    """
    theta = np.linspace(0, 2, 20_001)
    x = np.random.default_rng(0).normal(1, 1, n)
    least_true = theta[np.argmin(info.gaussian_kl(1.0, 0.0, theta[:, None], 0.0))]
    likelihood = -((x**2).mean() - 2 * theta * x.mean() + theta**2)  # less constants
    likeliest = theta[np.argmax(likelihood)]
    assert least_true == pytest.approx(1, abs=1e-9)
    assert likeliest == pytest.approx(x.mean(), abs=1e-4)
    assert 0.01 / math.sqrt(n) < abs(likeliest - least_true) < 4 / math.sqrt(n)


@given(theta=st.floats(-2, 2))
def test_log_likelihood_is_minus_the_estimated_kl_and_a_constant(theta):
    """(1/N) Σ log q_θ(x_i) = −estimate + (1/N) Σ log p(x_i), and the last has no θ."""
    x = np.random.default_rng(1).normal(1, 1, 50)
    estimate = info.monte_carlo_kl(x, unit_gaussian(1), unit_gaussian(theta), base=np.e).value
    mean = math.fsum(unit_gaussian(theta)(x)) / 50
    assert mean == pytest.approx(-estimate + math.fsum(unit_gaussian(1)(x)) / 50, rel=1e-12)


def test_an_unknown_log_p_cancels_in_differences():
    """The difference of two estimates is the same for every log p, known or not."""
    x = np.random.default_rng(2).laplace(0, 1, 1000)

    def difference(log_p):
        first, second = (info.monte_carlo_kl(x, log_p, unit_gaussian(m)).value for m in (0, 1))
        return first - second

    known = difference(lambda x: -np.abs(x) - math.log(2))
    assert difference(np.zeros_like) == pytest.approx(known, rel=1e-12)
    by_hand = (unit_gaussian(1)(x) - unit_gaussian(0)(x)).mean() / math.log(2)
    assert known == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_monte_carlo_kl_is_within_4_standard_errors(seed):
    """(1/N) Σ log p(x_i)/q(x_i) is within 4 standard errors of the closed form.

    The standard error falls as 1/√N.
    """
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((2, 3))
    x = rng.standard_normal((40_000, 3)) * np.exp(0.5 * logvar) + mu
    log_p, log_q = (
        (lambda z: gaussian_log_density(z, mu, logvar)),
        (lambda z: gaussian_log_density(z, np.zeros(3), np.zeros(3))),
    )
    estimate = info.monte_carlo_kl(x, log_p, log_q)
    assert abs(estimate.value - info.gaussian_kl(mu, logvar, 0, 0)) < 4 * estimate.standard_error
    assert info.monte_carlo_kl(x[:10_000], log_p, log_q).standard_error == pytest.approx(
        2 * estimate.standard_error, rel=0.2
    )


# ---- shapes, dtypes, errors, cost ----


@given(
    shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5),
    axis=st.integers(-3, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_axis_and_any_batch(shape, axis, seed):
    """The axis is the distribution, the other axes are a batch.

    The results are those of one distribution at a time.
    """
    if not -len(shape) <= axis < len(shape):
        return
    rng = np.random.default_rng(seed)
    p, q = (a / a.sum(axis=axis, keepdims=True) for a in rng.uniform(0.1, 1, (2, *shape)))
    rows_p, rows_q = (np.moveaxis(a, axis, -1) for a in (p, q))
    for function in (
        info.cross_entropy,
        info.kl_divergence,
        info.jensen_shannon_divergence,
        info.jensen_shannon_distance,
        info.total_variation,
    ):
        by_row = [function(rows_p[i], rows_q[i]) for i in np.ndindex(rows_p.shape[:-1])]
        np.testing.assert_allclose(
            function(p, q, axis=axis).ravel(), by_row, rtol=1e-12, atol=1e-15
        )
    for function in (info.entropy, info.gini_impurity, info.misclassification_rate):
        by_row = [function(rows_p[i]) for i in np.ndindex(rows_p.shape[:-1])]
        np.testing.assert_allclose(function(p, axis=axis).ravel(), by_row, rtol=1e-12, atol=1e-15)


@given(
    pq=several(2, lambda n: st.lists(st.floats(1e-3, 1), min_size=n, max_size=n).map(normalised))
)
def test_float32_stays_float32(pq):
    """float32 gives float32, with the digits of float32.

    Sums may miss 1 by √(machine epsilon) of the dtype.
    """
    p, q = (a.astype(np.float32) for a in pq)
    for function in (info.cross_entropy, info.kl_divergence, info.total_variation):
        assert function(p, q).dtype == np.float32
        assert function(p, q) == pytest.approx(function(*pq), rel=1e-4, abs=1e-5)
    assert info.entropy(p).dtype == np.float32


BAD_CALLS = [
    (lambda: info.entropy([0.5, -0.1, 0.6]), r"p\[1\] is -0.1"),
    (lambda: info.entropy([[0.5, 0.5], [0.5, np.nan]]), r"p\[1, 1\] is nan"),
    (lambda: info.entropy([np.inf, 0.5]), r"p\[0\] is inf"),
    (lambda: info.entropy([]), "p is empty"),
    (lambda: info.entropy(1.0), "p is the single number"),
    (lambda: info.entropy([0.5, 0.4]), r"p sums to 0.9; a distribution sums to 1"),
    (lambda: info.entropy([[0.5, 0.5], [0.5, 0.6]]), r"p\[1\] sums to 1.1"),
    (lambda: info.entropy([0.5, 0.5 + 1e-7]), "sums to 1.0000001"),
    (lambda: info.entropy([3, 1]), "sums to 4; .*counts are not probabilities"),
    (lambda: info.entropy(["a", "b"]), "p is of type"),
    (lambda: info.entropy([0.5, 0.5], base=1), "base is 1"),
    (lambda: info.entropy([0.5, 0.5], base=0), "base is 0"),
    (lambda: info.entropy([0.5, 0.5], base=-2), "base is -2"),
    (lambda: info.entropy([0.5, 0.5], base=np.nan), "base is nan"),
    (lambda: info.kl_divergence([0.5, 0.5], [0.5, 0.25, 0.25]), r"p has shape \(2,\) and q \(3,\)"),
    (lambda: info.kl_divergence([0.5, 0.5], [[0.5, 0.5]]), r"p has shape \(2,\) and q \(1, 2\)"),
    (lambda: info.cross_entropy([0.5, 0.5], [1.5, -0.5]), r"q\[1\] is -0.5"),
    (lambda: info.information(1.5), "p is 1.5"),
    (lambda: info.binary_cross_entropy([0, 2], [0.5, 0.5]), r"y\[1\] is 2"),
    (lambda: info.binary_cross_entropy([0, 1], [0.5]), "y has shape"),
    (lambda: info.binary_cross_entropy_from_logits([0.5], [np.inf]), r"a\[0\] is inf"),
    (lambda: info.jensen_shannon_distance([0.5, 0.5], [1, 0], base=0.5), "base is 0.5"),
    (lambda: info.information_gain([2, 2], [[1, 1], [1, 2]]), r"children add to \[2. 3.\]"),
    (lambda: info.information_gain([2, 2], [[1, 1, 1]]), "children"),
    (lambda: info.information_gain([-1, 2], [[-1, 2]]), r"parent\[0\] is -1"),
    (lambda: info.code_lengths([[0.5, 0.5]]), r"q has shape \(1, 2\)"),
    (lambda: info.expected_length([0.5, 0.5], [1, 2, 3]), "lengths"),
    (lambda: info.expected_length([0.5, 0.5], [1, -2]), r"lengths\[1\] is -2"),
    (lambda: info.gaussian_kl(0, np.nan, 0, 0), "logvar_p is nan|logvar_p\\[\\] is nan"),
    (lambda: info.differential_entropy(density(0, 0), -1, 1), "mass 0.68"),
    (lambda: info.differential_kl(density(0, 0), lambda x: 2 * density(0, 0)(x), -9, 9), "q has"),
    (
        lambda: info.differential_cross_entropy(density(0, 0), density(0, 9), -9, 9),
        "q has the mass 0.",
    ),
    (lambda: info.differential_entropy(density(0, 0), 1, -1), "interval"),
    (lambda: info.differential_entropy(lambda x: -density(0, 0)(x), -9, 9), r"p\(x\)\[\d+\] is -"),
    (lambda: info.monte_carlo_kl([1.0], lambda x: x, lambda x: x), "2 draws or more"),
    (
        lambda: info.monte_carlo_kl([1.0, 2.0], lambda x: x, lambda x: x[:1]),
        r"log_q\(x\) has shape \(1,\)",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD_CALLS)
def test_bad_input_is_named(call, message):
    """ValueError or TypeError with the argument, the index, and what it was."""
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_one_hot_integers_are_distributions():
    """Whole numbers that are 0 and 1 and sum to 1 are probabilities."""
    assert info.cross_entropy([0, 1, 0], [0.25, 0.5, 0.25]) == 1


def test_inputs_are_not_changed_and_memory_is_bounded():
    """200,000 rows of ten states need less extra memory than the array itself.

    The arguments stay what they were.
    """
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(10), (2, 200_000))
    copies = p.copy(), q.copy()
    for function, arguments in (
        (info.entropy, (p,)),
        (info.cross_entropy, (p, q)),
        (info.kl_divergence, (p, q)),
    ):
        tracemalloc.start()
        function(*arguments)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= p.nbytes
    np.testing.assert_array_equal(p, copies[0])
    np.testing.assert_array_equal(q, copies[1])


def test_info_stands_alone():
    """info.py imports NumPy and the standard library, and nothing of the package."""
    imported = {
        line.split()[1].split(".")[0]
        for line in Path(info.__file__).read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported == {"heapq", "math", "collections", "numbers", "typing", "numpy"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussians_keep_their_dtype(dtype):
    """float32 in, float32 out, for the entropy, the cross entropy and the KL of Gaussians."""
    arrays = [np.ones(3, dtype) * a for a in (1, 0.5, -1, 0.25)]
    assert info.gaussian_entropy(arrays[1]).dtype == dtype
    assert info.gaussian_cross_entropy(*arrays).dtype == dtype
    assert info.gaussian_kl(*arrays).dtype == dtype


def test_extreme_gaussians_have_no_nan():
    """Where σ is a number of the dtype, KL is a number ≥ 0 or ∞, and 0 for q = p."""
    for s in (-1400.0, 0.0, 1400.0):
        assert info.gaussian_kl(3.0, s, 3.0, s) == 0
        for t in (-1400.0, 0.0, 1400.0):
            assert info.gaussian_kl(1e300, s, -1e300, t) > 0
        assert info.gaussian_kl(0.0, -1e6, 0.0, s) > 0  # p is a point


def test_limits_are_where_the_docstrings_put_them():
    """A sum may miss 1 by √(machine epsilon), a mass by 1e-6, a class by 1e-9 of its count, and
    log σ² of q in float32 may be −170: just inside is taken, just outside is refused.
    """
    for dtype, inside, outside in ((np.float64, 1.4e-8, 1.6e-8), (np.float32, 3.2e-4, 3.8e-4)):
        info.entropy(np.array([0.5, 0.5 + inside], dtype))
        with pytest.raises(ValueError, match="sums to"):
            info.entropy(np.array([0.5, 0.5 + outside], dtype))
    info.differential_entropy(lambda x: np.full(x.shape, 1 + 0.9e-6), 0, 1)
    with pytest.raises(ValueError, match="mass"):
        info.differential_entropy(lambda x: np.full(x.shape, 1 + 1.1e-6), 0, 1)
    info.information_gain([1.0, 1.0], [[1.0, 1 + 0.9e-9]])
    with pytest.raises(ValueError, match="children add to"):
        info.information_gain([1.0, 1.0], [[1.0, 1 + 1.1e-9]])
    zero = np.float32(0)
    info.gaussian_kl(zero, zero, zero, np.float32(-170))
    with pytest.raises(ValueError, match="logvar_q"):
        info.gaussian_kl(zero, zero, zero, np.float32(-171))


def test_standard_error_of_two_draws():
    """x = 0 and 2, log p − log q = x: the mean is 1, and the error √(Σ (x − 1)² / (2 · 1)) = 1."""
    estimate = info.monte_carlo_kl([0.0, 2.0], lambda x: x, lambda x: 0 * x, base=np.e)
    assert estimate == (1, pytest.approx(1, rel=1e-15))
