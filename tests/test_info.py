"""Information theory: one theorem of the notes in each test, and searches that try to break it."""

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import info
from scratchvae.distributions import bernoulli_log_likelihood, gaussian_kl, gaussian_log_density

# Weights that become probabilities when divided by their sum: ordinary ones, zeros, ones that leave a distribution nearly degenerate.
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
    """Eight weathers alike: 3 bits. 75 % and 25 %: 0.811 bits, of 0.415 and 2. One even chance: 1 bit. A certainty: 0."""
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
    """−log₂ 2⁻ᵏ = k: k halvings are k bits. What cannot happen would tell infinitely much, what is certain nothing."""
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
    # log n − H = KL(p ‖ uniform), which Pinsker's inequality keeps away from 0 when p is not uniform
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
    """H(p) = H(groups) + Σ_g P(g) H(p | g): first say the group, then the state within it."""
    groups = [g for g in (p[: cut % len(p)], p[cut % len(p) :]) if g.sum() > 0]
    between = info.entropy(normalised([g.sum() for g in groups]))
    within = sum(g.sum() * info.entropy(normalised(g)) for g in groups)
    assert info.entropy(p) == pytest.approx(between + within, rel=1e-11, abs=1e-12)


# ---- §1.3 and §1.4: cross entropy and KL ----


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
    """KL(p ‖ q) ≥ 0, = 0 only for p = q: not −1e-17 for neighbours, and by Pinsker ½ ‖p − q‖₁² at least."""
    p, q = pq
    kl = info.kl_divergence(p, q, base=np.e)
    assert kl >= 0 and info.kl_divergence(p, p) == 0
    distance = np.abs(p - q).sum()
    assert (
        kl >= 0.5 * distance**2 * (1 - 1e-9) - 3e-16 * distance
    )  # u − log(1 + u) is rounded by 1e-16 |u|
    assert kl > 0 or distance < 1e-14


@given(step=st.floats(1e-12, 1e-4), n=st.integers(1, 25))
def test_kl_of_neighbours_keeps_its_digits(step, n):
    """For p = 1/2n and q = p (1 ± step), KL = −½ log(1 − step²) = step²/2 + step⁴/4 + ...: to 1e-3 even where the plain sum is noise."""
    p = np.full(2 * n, 1 / (2 * n))
    q = p * np.tile([1 + step, 1 - step], n)
    assert info.kl_divergence(p, q, base=np.e) == pytest.approx(
        -0.5 * math.log1p(-(step**2)), rel=1e-3, abs=0
    )


@given(
    pq=several(2, lambda n: st.lists(st.floats(1e-6, 1), min_size=n, max_size=n).map(normalised))
)
def test_jensens_step(pq):
    """E_p[log q/p] ≤ log E_p[q/p] = log 1 = 0: the step of the notes' proof that KL ≥ 0 (§1.5)."""
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
    """KL(p T ‖ q T) ≤ KL(p ‖ q) for every channel T: no processing makes two distributions easier to tell apart."""
    p, q = pq
    T = np.random.default_rng(seed).dirichlet(np.full(m, 0.3), len(p))
    assert (
        info.kl_divergence(normalised(p @ T), normalised(q @ T))
        <= info.kl_divergence(p, q) * (1 + 1e-9) + 1e-13
    )


@given(four=several(4, max_n=8))
def test_kl_adds_for_products(four):
    """KL(p ⊗ p′ ‖ q ⊗ q′) = KL(p ‖ q) + KL(p′ ‖ q′): n independent latent dimensions add their KL."""
    p, p2, q, q2 = four
    product = info.kl_divergence(np.outer(p, p2).ravel(), np.outer(q, q2).ravel())
    parts = info.kl_divergence(p, q) + info.kl_divergence(p2, q2)
    underflow = (
        np.outer(q, q2) < 1e-300
    ).any()  # a product of two tiny probabilities can round to 0, and KL then to ∞
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
    """KL(p ‖ q) ≠ KL(q ‖ p): a search finds a witness; pinned: p = (0.1, 0.9), q = (0.5, 0.5), 0.531 bits one way and 0.737 back."""
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
    """KL(p ‖ r) > KL(p ‖ q) + KL(q ‖ r): a search finds it; pinned: P(rain) = 0.5, 0.3, 0.1 with 0.737 > 0.126 + 0.223 bits."""

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
    """√JS and total variation: d ≥ 0, d(p, q) = d(q, p), d(p, r) ≤ d(p, q) + d(q, r), and at most 1."""
    p, q, r = three
    assert 0 <= d(p, q) <= 1 + 1e-12
    assert d(p, q) == pytest.approx(d(q, p), rel=1e-12)
    assert d(p, r) <= (d(p, q) + d(q, r)) * (1 + 1e-7) + 1e-15


@given(pq=several(2))
def test_jensen_shannon_is_the_mean_kl_to_the_middle(pq):
    """JS = ½ KL(p ‖ m) + ½ KL(q ‖ m) = H(m) − ½ H(p) − ½ H(q), m = ½ (p + q); the distance is its root."""
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
    """9 yes and 5 no, split into (2, 3), (4, 0), (3, 2): H = 0.940, children 0.971, 0, 0.971; gain 0.940 − 10/14 · 0.971 = 0.247 bits."""
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
    """gain = H(parent) − Σ_k (N_k/N) H(child_k) ≥ 0, and at most H(parent); an empty child weighs nothing."""
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


@given(p=one)
def test_impurities(p):
    """Gini = P(two draws differ), misclassification = 1 − max p; both between 0 and 1 − 1/n; p (1 − p) twice is Gini of two."""
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
    """Kraft: Σ 2^(−length) = 1 for a full tree; H ≤ mean length < H + 1; what was encoded is decoded."""
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
    """Shannon's code for q, used under p, costs at least H(p, q) and less than one bit more (§1.3)."""
    p, q = pq
    mean_length, cross = info.expected_length(p, info.code_lengths(q)), info.cross_entropy(p, q)
    assert cross - 1e-12 <= mean_length < cross + 1


def test_codes_by_hand():
    """½, ¼, ⅛, ⅛ have the lengths 1, 2, 3, 3, of Huffman and of Shannon; a certainty needs no bits."""
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
    """−y log ŷ − (1 − y) log(1 − ŷ) = H(Bernoulli(y), Bernoulli(ŷ)), in nats by default."""
    expected = info.cross_entropy([y, 1 - y], [y_hat, 1 - y_hat], base=np.e)
    assert info.binary_cross_entropy(y, y_hat) == pytest.approx(expected, rel=1e-14, abs=1e-300)


@given(y=unit, a=st.floats(-30, 30))
def test_binary_cross_entropy_from_logits(y, a):
    """softplus(a) − y a is the same at ŷ = σ(a)."""
    p = 1 / (1 + math.exp(-a))
    q = 1 / (1 + math.exp(a))
    expected = -y * math.log(p) - (1 - y) * math.log(q)
    assert info.binary_cross_entropy_from_logits(y, a) == pytest.approx(
        expected, rel=1e-12, abs=1e-15
    )


@given(y=st.sampled_from([0.0, 1.0]), a=st.floats(-1e4, 1e4))
def test_binary_cross_entropy_from_logits_at_extremes(y, a):
    """At |a| up to 1e4: |a| when wrong, e^−|a| when right, nothing overflows; and it is −log p(x|z) of the decoder."""
    with np.errstate(all="raise", under="ignore"):
        loss = info.binary_cross_entropy_from_logits(y, a)
    right = (a > 0) == (y == 1)
    assert loss == pytest.approx(
        (0 if right else abs(a)) + math.log1p(math.exp(-abs(a))), rel=1e-13, abs=0
    )
    assert loss == pytest.approx(
        -bernoulli_log_likelihood(np.array([y]), np.array([a])), rel=1e-13, abs=0
    )


# ---- Gaussians and densities ----

mus, logvars = st.floats(-3, 3), st.floats(-3, 3)


def density(mu, logvar):
    return lambda x: np.exp(
        -0.5 * ((x - mu) ** 2 / math.exp(logvar) + logvar + math.log(2 * math.pi))
    )


@given(mu_p=mus, logvar_p=logvars, mu_q=mus, logvar_q=logvars)
def test_gaussian_closed_forms_are_their_integrals(mu_p, logvar_p, mu_q, logvar_q):
    """H, H(p, q) and KL of two Gaussians: closed form against quadrature; H(p, q) = H(p) + KL."""
    p, q = density(mu_p, logvar_p), density(mu_q, logvar_q)
    reach = 12 * math.exp(0.5 * logvar_p)
    low, high = mu_p - reach, mu_p + reach
    H, kl = info.gaussian_entropy(logvar_p), info.gaussian_kl(mu_p, logvar_p, mu_q, logvar_q)
    cross = info.gaussian_cross_entropy(mu_p, logvar_p, mu_q, logvar_q)
    assert cross == pytest.approx(H + kl, rel=1e-12, abs=1e-12)
    assert info.differential_entropy(p, low, high) == pytest.approx(H, rel=1e-10, abs=1e-10)
    log_q_is_finite = (abs(mu_p - mu_q) + reach) ** 2 / math.exp(
        logvar_q
    ) < 1400  # beyond, the density q(x) underflows to 0
    if log_q_is_finite:
        assert info.differential_cross_entropy(p, q, low, high) == pytest.approx(
            cross, rel=1e-9, abs=1e-10
        )
        assert info.differential_kl(p, q, low, high) == pytest.approx(kl, rel=1e-9, abs=1e-10)


@given(n=st.integers(1, 5), batch=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_diagonal_gaussians_add_over_dimensions(n, batch, seed):
    """n independent dimensions: the sum of n univariate ones; against N(0, I) it is the KL of the VAE."""
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
    """y = c x: H rises by log c, KL stays. A differential entropy depends on the unit of x, and can be negative."""
    p, q = density(0, logvar_p), density(mu, logvar_q)
    reach = (
        8 * math.exp(0.5 * min(logvar_p, logvar_q))
        if logvar_p <= logvar_q
        else 8 * math.exp(0.5 * logvar_p)
    )
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


def test_differential_entropies_known_in_closed_form():
    """Uniform on [0, w]: log w, negative for w < 1. Exponential of mean 1: 1 nat. KL of uniform [0, 1] from [0, 2]: 1 bit, back: ∞."""
    for w in (0.25, 1.0, 8.0):
        assert info.differential_entropy(
            lambda x, w=w: np.full(x.shape, 1 / w), 0, w
        ) == pytest.approx(math.log2(w), abs=1e-12)
    assert info.differential_entropy(lambda x: np.exp(-x), 0, 60, base=np.e) == pytest.approx(
        1, rel=1e-10
    )
    assert (
        info.gaussian_entropy(2 * math.log(0.2)) < 0 < info.gaussian_entropy(2 * math.log(0.25))
    )  # σ = 0.242 divides them
    narrow, wide = (lambda x: np.where(x < 1, 1.0, 0.0)), (lambda x: np.full(x.shape, 0.5))
    assert info.differential_kl(narrow, wide, 0, 2) == pytest.approx(1, rel=1e-12)
    assert info.differential_kl(wide, narrow, 0, 2) == np.inf


# ---- §1.6: minimising KL is maximising likelihood ----


def test_categorical_family_has_one_optimum():
    """Over q_θ on three states, the θ of least KL(p̂ ‖ q_θ) and of highest likelihood agree to 1e-6: log p̂ does not depend on θ."""
    counts = np.array([50, 30, 20])
    p = counts / counts.sum()
    theta = np.linspace(
        0.01, 0.98, 970_001
    )  # q_θ = (θ, (1 − θ) · 0.6, (1 − θ) · 0.4): the best θ is 0.5
    q = np.stack([theta, (1 - theta) * 0.6, (1 - theta) * 0.4], axis=1)
    least_kl = theta[np.argmin(info.kl_divergence(np.broadcast_to(p, q.shape), q))]
    likeliest = theta[np.argmax(counts @ np.log(q).T)]
    assert abs(least_kl - likeliest) <= 1e-6 and likeliest == pytest.approx(0.5, abs=2e-6)


def test_gaussian_family_has_one_optimum():
    """Over N(θ, 1), the θ of the least Monte Carlo KL from p = N(1, 1) and of the highest likelihood of the same samples agree to 1e-6."""
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


@pytest.mark.parametrize("seed", range(5))
def test_monte_carlo_kl_is_within_4_standard_errors(seed):
    """(1/N) Σ log p(x_i)/q(x_i) is within 4 standard errors of the closed form; the error falls as 1/√N."""
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
    """The axis is the distribution, the other axes a batch: the same numbers as one distribution at a time."""
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
    """float32 in, float32 out, with float32's digits; sums are allowed to miss 1 by √eps of the dtype."""
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
    """ValueError or TypeError with the argument, the index, what it was; nothing is repaired."""
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_one_hot_integers_are_distributions():
    """Whole numbers that are 0 and 1 and sum to 1 are probabilities."""
    assert info.cross_entropy([0, 1, 0], [0.25, 0.5, 0.25]) == 1


def test_inputs_are_not_changed_and_memory_is_bounded():
    """200,000 rows of ten states: no more than three times the array in extra memory, and the arguments stay what they were."""
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
        assert peak <= 3 * p.nbytes
    np.testing.assert_array_equal(p, copies[0])
    np.testing.assert_array_equal(q, copies[1])


def test_info_stands_alone():
    """info.py imports NumPy and the standard library, and nothing of the package."""
    imported = {
        line.split()[1].split(".")[0]
        for line in Path(info.__file__).read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported == {"heapq", "math", "collections", "typing", "numpy"}
