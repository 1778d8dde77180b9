"""Information theory: entropy, cross entropy, KL divergence, and what is built on them.

The file follows the lecture notes, §1.1 to §1.6, and needs no other file of the
package.

**Symbols.** A variable x has states, and each state has a probability.

    p, q         two distributions. p is the truth; q is a model, or a prediction
    p(x), q(x)   the probability of the state x: a number from 0 to 1
    Σ            the sum over all states x, unless an index says otherwise; Σ p(x) = 1
    x ~ p        x is drawn from p
    E_p[f(x)]    Σ p(x) f(x): the mean of f(x) when x ~ p
    log          the logarithm to any base. Base 2 gives bits, base e gives nats
    N(μ, σ²)     the Gaussian with mean μ and variance σ²; N alone counts samples

**Information** (notes §1.1). A message that halves the number of equally probable cases
carries one bit. Let eight kinds of weather be equally probable. A forecast that names
one of them leaves one case of eight: 8 → 4 → 2 → 1. These are three halvings, so it
carries 3 bits. In general, let an event have the probability P. After we hear that it
happened, only the fraction P of the cases is left. If P = (½)^k, the cases were halved
k = −log₂ P times. We define the information as −log₂ P for every P. Its other name is
*surprise*.

**Three quantities** are built from it:

    H(p)      = −Σ p(x) log p(x)      entropy: the mean surprise               notes §1.2
    H(p, q)   = −Σ p(x) log q(x)      cross entropy: the mean surprise of      notes §1.3
                                      somebody who expects q, while x ~ p
    KL(p ‖ q) = H(p, q) − H(p)        KL divergence or relative entropy:       notes §1.4
              = Σ p(x) log [p(x)/q(x)]    what it costs to use q in place of p

**Why log t ≤ t − 1** (natural logarithm, t > 0). The slope of t − 1 − log t is 1 − 1/t,
negative for t < 1 and positive for t > 1. So t − 1 − log t falls until t = 1, and rises
after it. Its lowest value is 1 − 1 − log 1 = 0. So t − 1 − log t ≥ 0, and it is 0 only
at t = 1.

**Jensen's inequality.** Let t > 0 be a random number with the mean m = E[t]. Then

    E[log t] ≤ log E[t]               equal only if t = m with probability 1

Proof. The inequality above, for t/m in place of t, says log t − log m ≤ t/m − 1, or

    log t ≤ log m + (t − m)/m

Take the mean of both sides. Because E[t − m] = 0, the right side becomes log m. When are
the two means equal? The right side minus the left side is never negative, so equal means
need a difference that is 0 with probability 1. It is 0 only at t/m = 1. So then t = m
with probability 1. □

The right side of the last formula is the tangent of log at m. The same proof works for
every other concave function f that has a slope at m. It lies below its tangent there:
f(t) ≤ f(m) + f′(m) (t − m). Take the mean of both sides: E[f(t)] ≤ f(m) = f(E[t]). For a
convex function such as −log, ≤ becomes ≥: the notes have this form. `vae.py` uses it for
the lower bound.

**Why KL ≥ 0** (notes §1.5). If q(x) = 0 < p(x) for some x, KL = ∞. If not, take
t = q(x)/p(x) with x ~ p. States with p(x) = 0 are never drawn: nothing is divided by 0.

    −KL(p ‖ q) = E_p[log (q(x)/p(x))] ≤ log E_p[q(x)/p(x)]        by Jensen's inequality
               = log Σ p(x) q(x)/p(x) = log Σ q(x) ≤ log 1 = 0    Σ over x with p(x) > 0

For densities, read ∫ ... dx in place of Σ: Jensen's inequality holds for every random
t > 0.

**No term is negative.** The inequality log t ≤ t − 1 says more: it holds for each state.
With p for p(x) and q for q(x), and t = q/p, it says

    p log (p/q) − p + q = p [(t − 1) − log t] ≥ 0                 if p > 0
                        = 0 − 0 + q ≥ 0                           if p = 0

Add these terms over all states. Because Σ p = Σ q = 1, the sum is KL (in nats).
A term is 0 only if q = p, so KL is 0 only if p and q are the same distribution.
`kl_divergence` adds exactly these terms. No term is negative, so the sum is not
negative, even if p and q are nearly equal and the computer rounds.

**From the formula to the code.** The straight form of the entropy is

    -(p * log(p)).sum()

It is right if every p(x) > 0. For p(x) = 0 the formula means 0 log 0 = 0, the limit of
t log t for t → 0. But the computer finds 0 · (−∞) = NaN. The straight form of KL,
`(p * log(p / q)).sum()`, has two more faults. p / q overflows if q is very small. And
if q is near to p, the terms almost cancel, and their sum is mostly rounding error. So
the code uses safe forms: the same numbers, without these faults.

**Conventions.** p is an array. Its last axis is the distribution, unless `axis` names
another one. The other axes are a batch: (..., n) is a batch of distributions of n
states. The unit is the bit, unless `base` names another base > 0, but not 1. (For a
base below 1 every result changes its sign.) 0 log 0 = 0. KL and H(p, q) are ∞ if
q(x) = 0 < p(x) for some x. float32 is computed and returned as float32, everything else
as float64.

Nothing is clipped or renormalised. A ValueError names the argument and the index of an
entry that is negative, NaN or infinite. It also names an empty array, two shapes that
differ, and a sum that is not 1. A sum may differ from 1 by √(machine epsilon): 1.5e-8
for float64, 3.5e-4 for float32. Counts are not probabilities: divide them by their sum.
"""

import heapq
import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]
Values = Any  # a NumPy float for one distribution, an array for a batch
LOG_2PI = math.log(2 * math.pi)  # a Python float: float32 + LOG_2PI is float32
BLOCK = 40_960  # entries at a time: so many stay in the processor's cache


# ---- notes §1.1 to §1.4 ----


def information(p: ArrayLike, *, base: float = 2.0) -> Values:
    """−log p: the information in the news of an event, its *surprise* (notes §1.1).

    Here p is not a distribution. It is the probability of one event, a number; an array
    p holds the probabilities of several events.

    The amount depends on p alone, and not on the wording: "rain tomorrow" and "tomorrow
    there will be rain" carry the same bits. And not everything that is said informs. A
    repetition is redundant: after the first message, the event is certain. So the
    second message has p = 1, which is 0 bits.

    >>> print(information([1 / 2, 1 / 4, 1 / 8, 1.0]))
    [1. 2. 3. 0.]

    p: any shape, in [0, 1]; p = 0 gives ∞. Returns the same shape, in bits (base 2).
    ValueError outside [0, 1].
    """
    with np.errstate(divide="ignore"):
        # 0 − x in place of −x: for x = 0 that is 0.0 in place of −0.0
        return 0 - np.log(_numbers("p", p, 0, 1)) / _log(base)


def entropy(p: ArrayLike, *, base: float = 2.0, axis: int = -1) -> Values:
    """H(p) = −Σ p(x) log p(x) = E_p[−log p(x)]: the mean surprise (notes §1.2).

    The formula has three readings: the mean information of a message that tells x; the
    mean surprise of somebody who sees x; the impurity of a group, if p(x) is the share
    of its members that are in the state x.

    >>> print(f"{0.75 * information(0.75) + 0.25 * information(0.25):.4f}")
    0.8113
    >>> print(f"{entropy([0.75, 0.25]):.4f}")
    0.8113

    H is 0 if one state is certain, and log n if all n states are equally probable. It
    is never more: H(p, uniform) = −Σ p(x) log(1/n) = log n, so log n − H(p) is
    KL(p ‖ uniform) ≥ 0.

    p: (..., n), distributions along `axis`. Returns (...), in bits (base 2).
    ValueError: see the top of the file.
    """
    p = _distribution("p", p, axis)
    return 0 - _sum_of_terms(_p_log_q, p, p) / _log(base)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, base: float = 2.0, axis: int = -1) -> Values:
    """H(p, q) = −Σ p(x) log q(x) = E_p[−log q(x)] (notes §1.3).

    A code gives each state a message of bits. The best code for q uses about −log₂ q(x)
    bits for the state x (`code_lengths` says why; here a length need not be whole). If
    x ~ p, the mean length of the messages is H(p, q). It is least for q = p, where it is
    H(p).

    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> print(f"{cross_entropy(p, q):.4f} bits in place of {entropy(p):.4f}")
    1.2075 bits in place of 1.0000

    p, q: (..., n), distributions along `axis`. Returns (...), in bits (base 2); ∞ if
    some x has p(x) > 0 and q(x) = 0. ValueError: see the top of the file.
    """
    p, q = _two_distributions(p, q, axis)
    return 0 - _sum_of_terms(_p_log_q, p, q) / _log(base)


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float = 2.0, axis: int = -1) -> Values:
    """KL(p ‖ q) = Σ p(x) log [p(x)/q(x)] = H(p, q) − H(p) (notes §1.4).

    If p is true and the code is made for q, the mean message is longer than it must be.
    KL is the difference. It is not symmetric, and not a metric (notes §1.5).

    >>> print(f"{kl_divergence([0.1, 0.9], [0.5, 0.5]):.4f}")
    0.5310
    >>> print(f"{kl_divergence([0.5, 0.5], [0.1, 0.9]):.4f}")
    0.7370

    p, q: (..., n), distributions along `axis`. Returns (...), in bits (base 2), ≥ 0. It
    is 0 only for p = q (or so near that it is rounded to 0). For q near p it keeps
    digits that H(p, q) − H(p) loses. It is ∞ if some x has p(x) > 0 and q(x) = 0. If Σ
    p or Σ q differs from 1 by the small allowed amount, (Σ q − Σ p) / log(base) is added
    to it, with the natural logarithm. ValueError: see the top of the file.
    """
    p, q = _two_distributions(p, q, axis)
    return _sum_of_terms(_gibbs_terms, p, q) / _log(base)


# ---- binary cross entropy, notes §1.3 ----


def binary_cross_entropy(y: ArrayLike, y_hat: ArrayLike, *, base: float = np.e) -> Values:
    """−y log ŷ − (1 − y) log(1 − ŷ), entry by entry (notes §1.3).

    y is the true label, 0 or 1 (or a probability); ŷ is the predicted probability of 1.
    This is the cross entropy H(p, q) of the two distributions over two states,
    p = (y, 1 − y) and q = (ŷ, 1 − ŷ). What the notes call Cost is its sum over all
    entries.

    >>> print(f"{binary_cross_entropy(1.0, 0.8):.4f}")
    0.2231
    >>> print(f"{cross_entropy([1.0, 0.0], [0.8, 0.2], base=np.e):.4f}")
    0.2231

    The straight form of the second term, log(1 - y_hat), loses a small ŷ: 1 − 10⁻²⁰ is
    rounded to 1, and log 1 = 0. The safe form is log1p(-y_hat): log1p(t) computes
    log(1 + t) with all digits.

    >>> print(binary_cross_entropy(0.0, 1e-20))
    1e-20

    y, y_hat: the same shape, in [0, 1]. Returns that shape, in **nats** by default, as
    a loss is. It is ∞ where ŷ = 0 and y > 0, and where ŷ = 1 and y < 1. ValueError for
    an entry outside [0, 1], and for two shapes that differ.
    """
    y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)
    _same_shape("y", y, "y_hat", y_hat)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rest = np.log1p(-np.where(y < 1, y_hat, 0))  # log (1 − ŷ)
        return 0 - (_p_log_q(y, y_hat) + (1 - y) * log_rest) / _log(base)


def binary_cross_entropy_from_logits(y: ArrayLike, a: ArrayLike, *, base: float = np.e) -> Values:
    """softplus(a) − y a: the binary cross entropy of y and ŷ = sigmoid(a) (notes §1.3).

    sigmoid(a) = 1 / (1 + e^(−a)), and a is called the logit of ŷ. The straight form is
    binary_cross_entropy(y, sigmoid(a)). It fails for a = 40: ŷ is rounded to 1, and
    log(1 − ŷ) is −∞. The safe form does not compute ŷ. With softplus(a) = log(1 + e^a),

        log ŷ       = log [e^a / (e^a + 1)] = a − softplus(a)
        log (1 − ŷ) = log [1 / (e^a + 1)]   = −softplus(a)
        −y log ŷ − (1 − y) log(1 − ŷ) = −y (a − softplus(a)) + (1 − y) softplus(a)
                                      = softplus(a) − y a

    If a is large, e^a overflows. So for a > 0 the code uses log(1 + e^a) =
    log [e^a (e^(−a) + 1)] = a + log(1 + e^(−a)). One formula serves both signs of a:

        softplus(a) = max(a, 0) + log(1 + e^−|a|)

    >>> print(f"{binary_cross_entropy_from_logits(1.0, np.log(4)):.4f}")  # ŷ = 0.8
    0.2231
    >>> print(binary_cross_entropy_from_logits(0.0, 40.0))
    40.0

    y: in [0, 1]; a: any finite numbers of the same shape. Returns that shape, in
    **nats** by default; finite for every finite a.
    """
    y, a = _numbers("y", y, 0, 1), _numbers("a", a)
    _same_shape("y", y, "a", a)
    return ((np.maximum(a, 0) - y * a) + np.log1p(np.exp(-np.abs(a)))) / _log(base)


# ---- for contrast: three that are symmetric, two of them metrics (notes §1.5) ----


def jensen_shannon_divergence(
    p: ArrayLike, q: ArrayLike, *, base: float = 2.0, axis: int = -1
) -> Values:
    """JS(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), where m = ½ (p + q) is the mean of p and q.

    JS is no metric, but its square root is: see `jensen_shannon_distance`. (SciPy's
    `jensenshannon` returns the root.)

    >>> print(jensen_shannon_divergence([1.0, 0.0], [0.0, 1.0]))
    1.0

    p, q: (..., n). Returns (...), in bits (base 2), from 0 to 1 bit, never ∞.
    """

    def terms(p: Array, q: Array) -> Array:
        # ½ p log (p/m) = ¼ · 2p log [2p / (p + q)]. m can be rounded to 0; p + q cannot. The
        # other parts of the terms cancel: −2p + (p + q) − 2q + (p + q) = 0
        return 0.25 * (_gibbs_terms(2 * p, p + q) + _gibbs_terms(2 * q, p + q))

    p, q = _two_distributions(p, q, axis)
    return _sum_of_terms(terms, p, q) / _log(base)


def jensen_shannon_distance(
    p: ArrayLike, q: ArrayLike, *, base: float = 2.0, axis: int = -1
) -> Values:
    """√JS(p, q): a metric. It is ≥ 0, symmetric, and obeys the triangle inequality.

    >>> print(jensen_shannon_distance([1.0, 0.0], [0.0, 1.0]))
    1.0

    p, q: (..., n). Returns (...), in √bits; base > 1.
    """
    if _log(base) <= 0:
        raise ValueError(f"base is {base}; for the distance it should be above 1")
    return np.sqrt(jensen_shannon_divergence(p, q, base=base, axis=axis))


def total_variation(p: ArrayLike, q: ArrayLike, *, axis: int = -1) -> Values:
    """½ Σ |p(x) − q(x)|: a metric.

    An event is a set of states. It has one probability under p and one under q. The
    total variation is the largest difference of the two, over all events. The best
    event holds all x with p(x) > q(x). Because Σ (p − q) = 0, the positive differences
    and the negative ones have the same total size. Each total is ½ Σ |p − q|.

    >>> print(f"{total_variation([0.7, 0.2, 0.1], [0.4, 0.4, 0.2]):.4f}")  # 0.7 − 0.4
    0.3000

    p, q: (..., n). Returns (...), from 0 to 1; no unit.
    """
    p, q = _two_distributions(p, q, axis)
    return _sum_of_terms(lambda p, q: 0.5 * np.abs(p - q), p, q)


# ---- impurity and the decision tree's split, notes §1.2 ----


def gini_impurity(p: ArrayLike, *, axis: int = -1) -> Values:
    """1 − Σ p(x)² = Σ p(x) (1 − p(x)): the chance that two draws from p differ.

    >>> print(gini_impurity([0.75, 0.25]))
    0.375

    p: (..., n). Returns (...), from 0 to 1 − 1/n; no unit.
    """
    return _sum_of_terms(lambda p: p * (1 - p), _distribution("p", p, axis))


def misclassification_rate(p: ArrayLike, *, axis: int = -1) -> Values:
    """1 − max p(x): how often the guess of the most probable state is wrong.

    >>> print(misclassification_rate([0.75, 0.25]))
    0.25

    p: (..., n). Returns (...), from 0 to 1 − 1/n; no unit.
    """
    return 1 - _distribution("p", p, axis).max(axis=-1)


def information_gain(parent: ArrayLike, children: ArrayLike, *, base: float = 2.0) -> float:
    """H(parent) − Σ_k (N_k / N) H(child_k): how much a split tells about the class.

    A node of a decision tree holds N rows, and each row has a class c (notes §1.2,
    detail 2). A split sends N_k of them to the child k. N_kc of these have the class c.
    Draw one row. Its child and its class have the probabilities

        P(k, c) = N_kc / N    P(k) = Σ_c P(k, c) = N_k / N    P(c) = Σ_k P(k, c)

    In the child k, the class c has the share P(c|k) = N_kc / N_k = P(k, c) / P(k). So

        H(parent)              = −Σ_c P(c) log P(c) = −Σ_kc P(k, c) log P(c)
        Σ_k (N_k/N) H(child_k) = −Σ_k P(k) Σ_c P(c|k) log P(c|k)
                               = −Σ_kc P(k, c) log [P(k, c) / P(k)]
        the difference         =  Σ_kc P(k, c) log [P(k, c) / (P(k) P(c))]
                               =  Σ_k P(k) Σ_c P(c|k) log [P(c|k) / P(c)]

    The line before the last is the KL divergence of the joint distribution P(k, c) from
    the product P(k) P(c). It is 0 if child and class are independent. Its name is the
    *mutual information* of child and class. The last line is the same number: the mean
    KL of a child's shares from the shares of all. The code computes this mean, because it
    is never negative, and exactly 0 if every child has the shares of all. A difference of
    two entropies can be rounded to a number below 0.

    >>> print(f"{information_gain([9, 5], [[2, 3], [4, 0], [3, 2]]):.4f}")
    0.2467
    >>> print(information_gain([2, 2], [[1, 1], [1, 1]]))
    0.0

    parent: (n,), the count of each class; children: (K, n), the same for each of K
    children, which must add to the parent. These are counts and not probabilities,
    because the sizes N_k are needed. A child may be empty. In bits (base 2), ≥ 0.
    ValueError: a negative count, all counts 0, other shapes, or children that do not
    add to the parent: their sum differs, in any class, by more than 1e-9 of the
    parent's count of that class.
    """
    parent, children = _numbers("parent", parent, 0), _numbers("children", children, 0)
    counts, (_, power) = parent, np.frexp(parent.max())
    parent = np.asarray(np.ldexp(parent, -power), float)  # over 2^power: no sum overflows,
    children = np.asarray(np.ldexp(children, -power), float)  # and no digit is lost
    fit = parent.ndim == 1 and children.ndim == 2 and children.shape[1] == len(parent)
    if not fit or parent.sum() == 0:
        shapes = f"parent has shape {parent.shape}, children {children.shape}"
        raise ValueError(f"{shapes}; they should be (n,) and (K, n), not all zero")
    if not np.allclose(_sum(children.T), parent, rtol=1e-9, atol=0):
        with np.errstate(over="ignore"):
            added = np.ldexp(_sum(children.T), power)
        raise ValueError(f"children add to {added}; they should add to the parent, {counts}")
    N_k, N_c = _sum(children), _sum(children.T)
    in_child = children / np.where(N_k > 0, N_k, 1)[:, None]  # P(c|k); an empty child has 0
    in_all = np.broadcast_to(N_c / _sum(N_c), in_child.shape)  # P(c)
    gains = _sum_of_terms(_gibbs_terms, in_child, in_all)  # KL of each child
    return float(_sum(N_k / _sum(N_k) * gains) / _log(base))


# ---- messages that really are sent, notes §1.3 ----


def code_lengths(q: ArrayLike) -> NDArray[np.float64]:
    """⌈−log₂ q(x)⌉: the length of each codeword in Shannon's code for q, in bits.

    ⌈·⌉ rounds up, because a codeword has whole bits. No codeword may be the beginning
    of another; then a reader knows where each one ends. Such a code with given lengths
    exists if Σ 2^(−length) ≤ 1, and only then (Kraft's inequality). Here every
    2^(−length) ≤ q(x), so the sum is at most Σ q(x) = 1.

    No code has a mean length below H(q). With r(x) = 2^(−length(x)), mean length − H(q) =
    Σ q log₂ (q/r). It is ≥ 0 by the proof that KL ≥ 0, which needs only Σ r ≤ 1.

    >>> print(code_lengths([0.5, 0.25, 0.15, 0.1]))
    [1. 2. 3. 4.]

    q: (n,). Returns (n,), whole numbers, exact also for a q(x) just below a power of ½;
    ∞ where q(x) = 0, a state without a codeword. They are float64 also for a float32 q.
    ValueError if q is not one distribution, (n,); see also the top of the file.
    """
    q = _distribution("q", _vector("q", q), -1)
    # q = f · 2^k with ½ ≤ f < 1, so −log₂ q is in (−k, 1 − k]: rounded up, it is 1 − k.
    # frexp gives k exactly. A computed logarithm could be rounded past a whole number.
    return np.where(q > 0, 1.0 - np.frexp(q)[1], np.inf)


def huffman_code(q: ArrayLike) -> list[str | None]:
    """Huffman's code for q: the code with the least mean length, Σ q(x) length(x).

    No codeword is the beginning of another. At first each state is a group of its own.
    Join the two least probable groups into one: put 0 before all codewords of the one,
    and 1 before all codewords of the other. Repeat this until one group is left. The
    mean length is at least H(q), and less than H(q) + 1 bits.

    >>> huffman_code([0.5, 0.25, 0.15, 0.1])
    ['0', '10', '111', '110']

    q: (n,). Returns n codewords of "0" and "1"; None where q(x) = 0; "" if one state is
    certain.
    """
    q = _distribution("q", _vector("q", q), -1)
    words: list[str | None] = [None if probability == 0 else "" for probability in q]
    # (probability, number, states) of each group; the number decides between equal ones
    groups = [(float(q[i]), i, [i]) for i in range(len(q)) if q[i] > 0]
    heapq.heapify(groups)
    while len(groups) > 1:
        rarer, rare = heapq.heappop(groups), heapq.heappop(groups)
        for bit, (_, _, states) in (("0", rarer), ("1", rare)):
            for i in states:
                words[i] = f"{bit}{words[i]}"
        heapq.heappush(groups, (rarer[0] + rare[0], rarer[1], rarer[2] + rare[2]))
    return words


def expected_length(p: ArrayLike, lengths: ArrayLike) -> float:
    """Σ p(x) length(x): the mean length of the messages when x ~ p.

    >>> print(expected_length([0.5, 0.25, 0.25], [1, 2, 2]))
    1.5

    p: (n,). lengths: (n,), ≥ 0; the result has their unit. ∞ stands for a state without
    a codeword, and costs nothing while its p(x) = 0.
    """
    p, lengths = _distribution("p", _vector("p", p), -1), _array("lengths", lengths)
    _same_shape("p", p, "lengths", lengths)
    if not (lengths >= 0).all():
        raise ValueError(f"{_first('lengths', lengths, ~(lengths >= 0))}; it should be 0 or more")
    return float(_sum(p[p > 0] * lengths[p > 0]))


# ---- Gaussians in closed form; logvar is log σ². In these formulas log is the natural
# logarithm, so they are in nats; the code divides by log(base) ----


def gaussian_entropy(logvar: ArrayLike, *, base: float = 2.0) -> Values:
    """H(N(μ, σ²)) = ½ Σ_j [1 + log 2π + log σ_j²], the same for every μ.

    The density of N(μ, σ²) has −log p(z) = ½ [log 2π + log σ² + (z − μ)²/σ²]. H is the
    mean of this, and E_p[(z − μ)²] = σ². H is negative for σ < 0.242. The reason is in
    `differential_entropy`.

    >>> print(f"{gaussian_entropy(0.0):.4f}")  # σ = 1
    2.0471

    logvar: a number, or (..., n) for n independent dimensions j. Returns a number or
    (...), in bits (base 2).
    """
    logvar = np.atleast_1d(_numbers("logvar", logvar))
    with np.errstate(over="ignore"):  # ∞ is the nearest number of the dtype
        return 0.5 * _sum(1 + LOG_2PI + logvar) / _log(base)


def gaussian_cross_entropy(
    mu_p: ArrayLike, logvar_p: ArrayLike, mu_q: ArrayLike, logvar_q: ArrayLike, *, base: float = 2.0
) -> Values:
    """H(p, q) = ½ Σ_j [log 2π + log σ_q² + (σ_p² + (μ_p − μ_q)²) / σ_q²].

    Here p = N(μ_p, σ_p²) and q = N(μ_q, σ_q²), and the index j of each symbol is not
    written. H is the mean of −log q(z) = ½ [log 2π + log σ_q² + (z − μ_q)²/σ_q²], and

        E_p[(z − μ_q)²] = E_p[((z − μ_p) + (μ_p − μ_q))²] = σ_p² + 0 + (μ_p − μ_q)²

    because z − μ_p has the mean 0.

    >>> print(f"{gaussian_cross_entropy(0.0, 0.0, 1.0, 0.0):.4f}")
    2.7684

    All four: a number or (..., n), of shapes that broadcast. Returns a number or (...),
    in bits (base 2); may be negative.
    """
    mu_p, logvar_p, mu_q, logvar_q = _gaussians(mu_p, logvar_p, mu_q, logvar_q)
    with np.errstate(over="ignore"):  # ∞ is the nearest number of the dtype
        square = np.exp(logvar_p - logvar_q) + ((mu_p - mu_q) * np.exp(-0.5 * logvar_q)) ** 2
        return 0.5 * _sum(LOG_2PI + logvar_q + square) / _log(base)


def gaussian_kl(
    mu_p: ArrayLike, logvar_p: ArrayLike, mu_q: ArrayLike, logvar_q: ArrayLike, *, base: float = 2.0
) -> Values:
    """KL(p ‖ q) = ½ Σ_j [σ_p²/σ_q² − 1 − log(σ_p²/σ_q²) + (μ_p − μ_q)²/σ_q²].

    This is H(p, q) − H(p) of the two functions above. (AEVB appendix B has it for
    q = N(0, I).) With r = log(σ_p²/σ_q²) the first three terms are e^r − 1 − r. That is
    the straight form. The safe form is expm1(r) − r: expm1(r) computes e^r − 1 with all
    its digits, also for r near to 0.

    >>> print(f"{gaussian_kl(0.0, 0.0, 1.0, 0.0):.4f}")  # 2.7684 − 2.0471
    0.7213

    All four: a number or (..., n), of shapes that broadcast. Returns a number or (...),
    in bits (base 2), ≥ 0.
    """
    mu_p, logvar_p, mu_q, logvar_q = _gaussians(mu_p, logvar_p, mu_q, logvar_q)
    with np.errstate(over="ignore"):  # ∞ is the nearest number of the dtype
        r = logvar_p - logvar_q
        square = ((mu_p - mu_q) * np.exp(-0.5 * logvar_q)) ** 2
        return 0.5 * _sum(np.expm1(r) - r + square) / _log(base)


def _gaussians(
    mu_p: ArrayLike, logvar_p: ArrayLike, mu_q: ArrayLike, logvar_q: ArrayLike
) -> list[Array]:
    # 1/σ_q has to be a number of the dtype; σ_p = 0 is a point
    least = -170 if _array("logvar_q", logvar_q).dtype == np.float32 else -1400
    named = {
        "mu_p": _numbers("mu_p", mu_p), "logvar_p": _numbers("logvar_p", logvar_p),
        "mu_q": _numbers("mu_q", mu_q), "logvar_q": _numbers("logvar_q", logvar_q, least),
    }  # fmt: skip
    try:
        return list(np.broadcast_arrays(*map(np.atleast_1d, named.values())))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in named.items())
        raise ValueError(f"the shapes are {shapes}; they should broadcast") from None


# ---- continuous variables: densities, by quadrature and by sampling ----

Density = Callable[[Array], ArrayLike]
PANELS, NODES = 400, 16
LARGEST = 1e300  # of a number on the axis of a density


def differential_entropy(p: Density, low: float, high: float, *, base: float = 2.0) -> float:
    """H(p) = −∫ p(x) log p(x) dx over [low, high] (notes §1.2), for a continuous x.

    Here p(x) is a density, not a probability. The probability of a short interval of
    width Δ at x is p(x) Δ. Round x to steps of Δ. The rounded x has an entropy, the sum

        −Σ p(x) Δ log [p(x) Δ] = −Σ p(x) Δ log p(x) − Σ p(x) Δ log Δ
                               ≈ −∫ p(x) log p(x) dx − log Δ = H(p) − log Δ

    because a sum of p(x) Δ is nearly an integral of p(x) dx, and ∫ p(x) dx = 1.
    The entropy of the rounded x, H(p) − log Δ, is a mean surprise. H(p) alone is not: it
    is the part that does not depend on Δ.
    So H(p) may be negative (a density may be above 1), and it depends on the unit of x:
    in centimetres in place of metres the density is 100 times lower, and H(p) is log 100
    higher.

    >>> p = lambda x: np.full(x.shape, 4.0)  # uniform on [0, ¼]
    >>> print(f"{differential_entropy(p, 0, 0.25):.4f}")
    -2.0000

    p: the density, called with an array of points. ValueError if its mass on the
    interval differs from 1 by more than 1e-6: widen the interval. In bits (base 2). The integral is
    computed by Gauss's rule with 16 nodes on each of 400 equal panels. Its error is
    about 1e-12 for a smooth density, and larger for a density with jumps.
    """
    return differential_cross_entropy(p, p, low, high, base=base)


def differential_cross_entropy(
    p: Density, q: Density, low: float, high: float, *, base: float = 2.0
) -> float:
    """H(p, q) = −∫ p(x) log q(x) dx over [low, high] (notes §1.3), for a continuous x.

    Draw x ~ p, round x to steps of Δ, and send it in a code made for q. For small Δ the
    mean length of the messages is about H(p, q) − log Δ. H(p, q) is not a length: it may
    be negative.

    >>> p = lambda x: 1.0 * (x < 1)  # uniform on [0, 1]
    >>> q = lambda x: np.full(x.shape, 0.5)  # uniform on [0, 2]
    >>> print(f"{differential_cross_entropy(p, q, 0, 2):.4f}")
    1.0000

    p, q, errors, unit: as in `differential_entropy`. ∞ where p(x) > 0 and q(x) = 0.
    """
    x, weights = _quadrature(low, high)
    p_x, q_x = _density("p", p, x, weights), _density("q", q, x, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(0 - _sum(weights * _p_log_q(p_x, q_x)) / _log(base))


def differential_kl(p: Density, q: Density, low: float, high: float, *, base: float = 2.0) -> float:
    """KL(p ‖ q) = ∫ p(x) log [p(x) / q(x)] dx over [low, high] (notes §1.4).

    It is H(p, q) − H(p). The two terms log Δ cancel. So KL of two densities means the
    same as KL of two distributions: it is ≥ 0, and does not depend on the unit of x. As in
    `kl_divergence`, no term is negative: the code integrates p log(p/q) − p + q.

    >>> p = lambda x: 1.0 * (x < 1)  # uniform on [0, 1]
    >>> q = lambda x: np.full(x.shape, 0.5)  # uniform on [0, 2]
    >>> print(f"{differential_kl(p, q, 0, 2):.4f} and {differential_kl(q, p, 0, 2)}")
    1.0000 and inf

    p, q, errors, unit: as in `differential_entropy`. ∞ where p(x) > 0 and q(x) = 0.
    """
    x, weights = _quadrature(low, high)
    p_x, q_x = _density("p", p, x, weights), _density("q", q, x, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_sum(weights * _gibbs_terms(p_x, q_x)) / _log(base))


def _quadrature(low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points x and weights w: ∫ f(x) dx ≈ Σ w f(x). Gauss-Legendre on each panel."""
    for name, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool) or not isinstance(bound, Real):
            raise TypeError(f"{name} is {_shown(bound)}; it should be a number")
    if not -LARGEST <= low < high <= LARGEST:
        interval = f"the interval from low to high is [{_shown(low)}, {_shown(high)}]"
        raise ValueError(f"{interval}; it should be finite, with low below high")
    low, high = float(low), float(high)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = (high - low) / PANELS / 2
    centres = low + half * (2 * np.arange(PANELS) + 1)
    return (centres[:, None] + half * nodes).ravel(), np.tile(half * weights, PANELS)


def _density(
    name: str, density: Density, x: NDArray[np.float64], weights: NDArray[np.float64]
) -> Array:
    """The density at the points x; its mass, by the weights, has to be 1."""
    values = _array(f"{name}(x)", _called(name, density, x))
    if values.shape not in (x.shape, ()):
        raise ValueError(f"{name}(x) has shape {values.shape}; it should be {x.shape}")
    values = _numbers(f"{name}(x)", np.broadcast_to(values, x.shape), 0)
    mass = _sum(weights * values)
    if not abs(mass - 1) <= 1e-6:
        has = f"{name} has the mass {mass:.9g} on the interval"
        raise ValueError(f"{has}; it should have 1 (to 1e-6)")
    return values


def _called(name: str, function: Density, x: Array) -> ArrayLike:
    if not callable(function):
        raise TypeError(f"{name} is {_shown(function)}; it should be a function of an array")
    return function(x)


class Estimate(NamedTuple):
    """A sample mean, and its standard error: the samples' standard deviation / √N."""

    value: float
    standard_error: float


def monte_carlo_kl(
    samples: ArrayLike, log_p: Density, log_q: Density, *, base: float = 2.0
) -> Estimate:
    """KL(p ‖ q) ≈ (1/N) Σ_i [log p(x_i) − log q(x_i)], x_i ~ p (notes §1.6).

    **KL and likelihood.** Let q = q_θ have a parameter θ. The estimate is a difference:

        estimate = (1/N) Σ_i log p(x_i) − (1/N) Σ_i log q_θ(x_i)

    The first mean does not depend on θ. The second is the log likelihood of θ, divided
    by N. So in nats, log likelihood = −N · estimate + a constant. Therefore, the θ with
    the least *estimated* KL is the θ with the highest likelihood of the same samples.

    The θ with the least *true* KL is in general another number. No sample changes it.
    For p = N(1, 1) and q_θ = N(θ, 1), the true KL is least at θ = 1, but the likelihood
    is highest at the mean of the samples. As N grows, the estimate comes nearer to the
    true KL. The θ of the highest likelihood comes nearer to the θ of the least true KL.

    **If log p is unknown**, (1/N) Σ_i log p(x_i) is unknown. But it is the same for every
    q. It cancels if two models are compared: KL(p ‖ q₁) − KL(p ‖ q₂) is estimated by
    (1/N) Σ_i [log q₂(x_i) − log q₁(x_i)]. To compare two models, pass
    `lambda x: np.zeros(len(x))` as log_p for both, and subtract the two results.

    >>> x = np.random.default_rng(0).standard_normal(10_000)  # p = N(0, 1), q = N(1, 1)
    >>> log_p, log_q = lambda x: -(x**2) / 2, lambda x: -((x - 1) ** 2) / 2
    >>> kl, error = monte_carlo_kl(x, log_p, log_q)  # −½ log 2π left out twice: it cancels
    >>> print(f"{kl:.4f} ± {error:.4f}, true {gaussian_kl(0, 0, 1, 0):.4f}")
    0.7122 ± 0.0144, true 0.7213

    samples: N ≥ 2 draws of p along the first axis. log_p, log_q: the log densities in
    nats, called with all samples; each returns (N,). In bits (base 2). The estimate may
    be negative by chance; it is ∞ if q is 0 at a sample.
    """
    x = _numbers("samples", samples)
    if x.ndim == 0 or len(x) < 2:
        raise ValueError(f"samples has shape {x.shape}; it should hold 2 draws or more")
    logs = []
    for name, f in (("log_p", log_p), ("log_q", log_q)):
        values = _array(f"{name}(x)", _called(name, f, x)).astype(np.float64)
        if values.shape != (len(x),) or np.isnan(values).any():
            shape = f"{name}(x) has shape {values.shape}"
            raise ValueError(f"{shape}; it should be {(len(x),)}, without NaN")
        logs.append(values)
    with np.errstate(invalid="ignore"):
        difference = (logs[0] - logs[1]) / _log(base)
        return Estimate(float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(x))))


# ---- the terms of the sums above ----


def _sum(array: Array) -> Values:
    """Σ over the last axis, in the array's own dtype, with its digits.

    It adds in float64, also for float32. And NumPy adds by halves, the first half and the
    second half, where the axis lies in one piece in memory: the error grows with log n. In
    float32, n = 10⁷ equal probabilities added one by one do not even sum to 1.
    """
    return np.ascontiguousarray(array).sum(axis=-1, dtype=np.float64).astype(array.dtype)


def _sum_of_terms(terms: Callable[..., Array], *arrays: Array) -> Values:
    """Σ over the last axis: the same as `_sum(terms(*arrays))`.

    That line would hold the terms of all rows in memory at once. This function computes
    a block of rows, sums its terms, and goes on to the next block. For a million rows
    of ten states, the extra memory of KL is 0.3 times the size of p; that line would need
    6 times.
    """
    n = arrays[0].shape[-1]
    rows = [array.reshape(-1, n) for array in arrays]
    sums = np.empty(len(rows[0]), np.result_type(*arrays))
    step = max(1, BLOCK // n)
    with np.errstate(divide="ignore", invalid="ignore"):  # log 0 = −∞ is meant
        for start in range(0, len(sums), step):
            block = slice(start, start + step)
            sums[block] = _sum(terms(*(array[block] for array in rows)))
    return sums.reshape(arrays[0].shape[:-1])[()]  # [()] makes a number of an array ()


def _p_log_q(p: Array, q: Array) -> Array:
    """p log q, entry by entry, and 0 where p = 0.

    The straight form is p * log(q). For p = q = 0 the computer finds 0 · (−∞) = NaN.
    The safe form replaces q by 1 wherever p = 0. There log 1 = 0, and the term is 0.
    The tests check that the two forms agree.
    """
    return p * np.log(np.where(p > 0, q, 1))


def _gibbs_terms(p: Array, q: Array) -> Array:
    """p log(p/q) − p + q, entry by entry: never negative, and 0 only for p = q.

    Their sum is KL, and KL ≥ 0 is called Gibbs's inequality.
    The straight form is p * log(p / q) - p + q. It has three faults. So there are two
    forms: `far` = p (log p − log q) + q − p, and, where |q − p| ≤ ½ p, a form for near
    numbers, below.
    - p = 0 gives 0 · log 0 = NaN. So `far` uses `safe_p`, which is 1 if p = 0: for
      p = 0 < q, `far` is 0 · (log 1 − log q) + q = q. For p = q = 0 the form for near
      numbers is taken (0 ≤ 0), and it is 0.
    - p / q overflows if q is very small. So `far` has log p − log q in its place.
    - If q is near to p, then p log(p/q) and q − p almost cancel, and their sum is
      mostly rounding error. So there the term is written another way. With
      u = (q − p)/p,

        p log(p/q) − p + q = p [u − log(q/p)] = p [u − log(1 + u)]

      and log1p(u) computes log(1 + u) with all its digits, also for a small u.
    The tests check that these forms and the straight form agree.
    """
    safe_p = np.where(p > 0, p, 1)
    change = q - p
    near = np.abs(change) <= 0.5 * p
    u = np.where(near, change, 0) / safe_p
    far = p * (np.log(safe_p) - np.log(q)) + change
    return np.where(near, p * (u - np.log1p(u)), far)


# ---- what arguments have to be ----


def _log(base: float) -> float:
    """log(base). Divide nats by it: log x to this base is (natural log x) / log(base)."""
    if isinstance(base, bool) or not isinstance(base, Real):
        raise TypeError(f"base is {_shown(base)}; it should be a number")
    if not (0 < base < np.inf and base != 1):
        raise ValueError(f"base is {_shown(base)}; it should be above 0, finite, and not 1")
    return math.log(base)  # math.log(e) is exactly 1


def _array(name: str, value: ArrayLike) -> NDArray[Any]:
    """value as an array of real numbers, without a mask."""
    parts = value if isinstance(value, list | tuple) else [value]
    if any(hasattr(part, "filled") for part in parts):  # only NumPy's masked arrays have it
        raise TypeError(f"{name} is a masked array; it should have a number in every place")
    try:
        array = np.asarray(value)
    except Exception as error:  # a foreign object's own conversion may raise anything
        raise ValueError(f"{name} is {_shown(value)}; it should be an array of numbers") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} is of type {array.dtype}; it should hold real numbers")
    return array


def _shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a foreign object's text may fail, and a very long number's does
        return f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(name: str, value: ArrayLike, low: float = -np.inf, high: float = np.inf) -> Array:
    """value as float32 or float64, not empty, every entry finite and in [low, high]."""
    array = _array(name, value)
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}; it should hold numbers")
    with np.errstate(over="ignore"):  # a longer float may become ∞, which is refused below
        array = array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
    least, most = array.min(), array.max()  # both are NaN if one entry is
    if not (low <= least and most <= high and np.isfinite(least) and np.isfinite(most)):
        wrong = ~((array >= low) & (array <= high) & np.isfinite(array))
        entry = _first(name, array, wrong)
        raise ValueError(f"{entry}; it should be finite and in [{low:g}, {high:g}]")
    return array


def _first(name: str, array: Array, wrong: Any) -> str:
    """The first entry where wrong is True, as a text: "p[0, 2] is -0.1"."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{name}{list(index) or ''} is {array[index]}"


def _distribution(name: str, value: ArrayLike, axis: int) -> Array:
    """value as probabilities along the last axis, which was `axis`."""
    array = _numbers(name, value, 0)
    if array.ndim == 0:
        raise ValueError(f"{name} is the single number {array}; it should be an array")
    if isinstance(axis, bool) or not isinstance(axis, Integral):
        raise TypeError(f"axis is {_shown(axis)}; it should be a whole number")
    if not -array.ndim <= axis < array.ndim:
        last = array.ndim - 1
        raise ValueError(f"axis is {_shown(axis)}; for {name} it should be {-array.ndim} to {last}")
    array = np.ascontiguousarray(np.moveaxis(array, int(axis), -1))
    with np.errstate(over="ignore"):
        total = _sum(array)
    off = ~(np.abs(total - 1) <= np.sqrt(np.finfo(array.dtype).eps))
    if off.any():
        index = tuple(int(i) for i in np.argwhere(off)[0])
        whole = _array(name, value).dtype.kind in "iu"
        counts = ": counts are not probabilities, divide them by their sum" if whole else ""
        entry = f"{name}{list(index) or ''} sums to {total[index]:.9g}"
        raise ValueError(f"{entry}; a distribution sums to 1{counts}")
    return array


def _two_distributions(p: ArrayLike, q: ArrayLike, axis: int) -> tuple[Array, Array]:
    _same_shape("p", p, "q", q)
    return _distribution("p", p, axis), _distribution("q", q, axis)


def _same_shape(name: str, array: ArrayLike, other_name: str, other: ArrayLike) -> None:
    a, b = _array(name, array).shape, _array(other_name, other).shape
    if a != b:
        raise ValueError(f"{name} has shape {a} and {other_name} {b}; they should have the same")


def _vector(name: str, value: ArrayLike) -> ArrayLike:
    array = _array(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; it should be one distribution, (n,)")
    return array
