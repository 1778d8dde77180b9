"""Diagonal Gaussian, Bernoulli, continuous Bernoulli: log density, KL, sampling, gradients.

AEVB is the paper of Kingma and Welling, *Auto-Encoding Variational Bayes*, arXiv
1312.6114.

**Conventions.** Everything is in nats. Every log density and every KL is a *sum over
the last axis* (the pixels or the latent dimensions), so it is one number for each data
point. σ is always a standard deviation. ⊙ is the product entry by entry. E_q is the
mean over z ~ q. N(0, I) has mean 0 and variance 1 in every dimension, and the
dimensions are independent.

- A Gaussian is given by its mean μ and by logvar = log σ². A network's output can be
  any real number, and so can log σ². But σ² = e^logvar and σ = e^(½ logvar) are always
  positive.
- A Bernoulli variable is 1 with probability p, and 0 with probability 1 − p. It is
  given by its logit a = log(p / (1 − p)), which can also be any real number.
- A result has the dtype of the arguments: float32 stays float32. No argument is
  changed.

**Log density of a diagonal Gaussian.** In one dimension

    N(z; μ, σ²) = 1 / √(2π σ²) · e^(−(z − μ)² / (2σ²))
    log N(z; μ, σ²) = −½ [ log 2π + log σ² + (z − μ)² / σ² ]

"Diagonal" means that the dimensions are independent. So their densities multiply, and
the logarithms of the densities add:

    log N(z; μ, σ²) = −½ Σ_j [ log 2π + log σ_j² + (z_j − μ_j)² / σ_j² ]

**KL from the diagonal Gaussian to the standard normal** (AEVB appendix B). In `info.py`
p was the truth. From here on p is the model, and q is the encoder's distribution. z is
drawn from q, so q stands first. Here q(z) = N(z; μ, σ²) and p(z) = N(z; 0, I). By
definition

    KL(q ‖ p) = ∫ q(z) [ log q(z) − log p(z) ] dz = E_q[log q(z)] − E_q[log p(z)]

log q(z) contains z only in (z_j − μ_j)², and log p(z) only in z_j². So two means are
needed. The first is the variance, E_q[(z_j − μ_j)²] = σ_j². For the second, write
z_j = μ_j + (z_j − μ_j), square it, and take the mean. E_q[z_j − μ_j] = 0, so

    E_q[z_j²] = μ_j² + 2 μ_j E_q[z_j − μ_j] + E_q[(z_j − μ_j)²] = μ_j² + σ_j²

Put the two means into the log densities:

    E_q[log q(z)] = −½ Σ_j [ log 2π + log σ_j² + E_q[(z_j − μ_j)²] / σ_j² ]
                  = −½ Σ_j [ log 2π + log σ_j² + 1 ]
    E_q[log p(z)] = −½ Σ_j [ log 2π + E_q[z_j²] ]
                  = −½ Σ_j [ log 2π + μ_j² + σ_j² ]

Subtract, and log 2π cancels:

    KL(q ‖ p) = −½ Σ_j [ 1 + log σ_j² − μ_j² − σ_j² ]

**Log likelihood of Bernoulli pixels.** p_i is the probability that pixel i is 1. So the
pixel's value x_i has the probability p_i if x_i = 1, and 1 − p_i if x_i = 0. In both
cases the log of this probability is x_i log p_i + (1 − x_i) log(1 − p_i): one of the
factors x_i and 1 − x_i is 1, and the other is 0. Given z, the pixels are independent, so
the probabilities multiply, and the log probabilities add:

    log p(x|z) = Σ_i [ x_i log p_i + (1 − x_i) log(1 − p_i) ]     AEVB appendix C.1, eq. (11)

The network gives the logit. a = log(p / (1 − p)) means that p / (1 − p) = e^a. Solve this
equation for p:

    p = e^a / (1 + e^a) = 1 / (1 + e^(−a)) = sigmoid(a)
    1 − p = 1 / (1 + e^a)

If p is computed in this way, eq. (11) fails when p rounds to 1. This happens when 1 +
e^(−a) is rounded to 1, that is when e^(−a) is below half the machine epsilon: 1.1e-16
in float64, that is a ≥ 37, and 6e-8 in float32, that is a ≥ 17. Then log(1 − p_i) = log
0 = −∞. For x_i = 0 the result is −∞, and for x_i = 1 it is 0 · (−∞) = NaN.

So compute it from the logits. Write softplus(a) = log(1 + e^a). Then log(1 − p) =
−softplus(a). In the sum, collect the two terms with x_i:

    log p(x|z) = Σ_i [ x_i (log p_i − log(1 − p_i)) + log(1 − p_i) ]
               = Σ_i [ x_i a_i − softplus(a_i) ]

No probability is computed, so no probability rounds to 0 or 1.

But softplus itself overflows: for a = 1000, e^a does. So for a > 0 take the factor e^a
out of the sum: 1 + e^a = e^a (e^(−a) + 1). For a ≤ 0 nothing overflows:

    a > 0:  softplus(a) = a + log(1 + e^(−a))          a ≤ 0:  softplus(a) = log(1 + e^a)

In both cases the exponent is −|a|. So both are

    softplus(a) = max(a, 0) + log(1 + e^(−|a|))

**A likelihood of grey pixels** (Loaiza-Ganem and Cunningham 2019, *The continuous
Bernoulli*, arXiv 1907.06845). For x in [0, 1] the formula of eq. (11) can be computed
too, but e^(x a − softplus(a)) is then no density of x: its integral over [0, 1] is not 1.
Divide it by its integral, and it is one. 1 + e^a, which does not depend on x, cancels:

    p(x) = e^(x a) / ∫₀¹ e^(t a) dt        ∫₀¹ e^(t a) dt = (e^a − 1) / a,  and 1 for a = 0
    log p(x) = x a − κ(a),                 κ(a) = log[(e^a − 1) / a]

The paper writes λ = sigmoid(a), and p(x) = C(λ) λ^x (1 − λ)^(1 − x). Since λ^x (1 −
λ)^(1 − x) = e^(x a) / (1 + e^a), its constant is C = (1 + e^a) a / (e^a − 1), and with
a = 2 artanh(2λ − 1) and (e^a − 1) / (e^a + 1) = 2λ − 1

    log C(λ) = log[ 2 artanh(1 − 2λ) / (1 − 2λ) ]

**Its mean** is not λ but the derivative of κ, because ∂/∂a log ∫ e^(t a) dt = ∫ t e^(t a)
dt / ∫ e^(t a) dt, the mean of t:

    E[x] = κ′(a) = e^a / (e^a − 1) − 1 / a = 1 + 1 / (e^a − 1) − 1 / a

**A draw** of it is F⁻¹(u) for u ~ U[0, 1), where F is the distribution function:

    F(x) = (e^(x a) − 1) / (e^a − 1) = u        x = log(1 + u (e^a − 1)) / a
"""

import numpy as np

from scratchvae.layers import sigmoid
from scratchvae.parameters import FloatArray

LOG_2PI = float(np.log(2 * np.pi))
SMALL = 0.2  # |logit| below which κ′ is a series


def gaussian_log_density(z: FloatArray, mu: FloatArray, logvar: FloatArray) -> FloatArray:
    """log N(z; μ, σ²) = −½ Σ_j [ log 2π + log σ_j² + (z_j − μ_j)² / σ_j² ].

    z, mu, logvar: (..., n). The three broadcast against each other. Returns (...) of the
    shape that they make together, in nats. A density is not a probability. It can be
    more than 1, and then its logarithm is positive.

    The last term is computed as ε², where ε = (z − μ) / σ. The reason is overflow. In
    float32, whose largest number is e^88.7, 1/σ² overflows for log σ² ≤ −89, but 1/σ only
    for log σ² ≤ −178.

    >>> z, mu, logvar = np.array([[3.0]]), np.array([[1.0]]), np.log([[4.0]])
    >>> gaussian_log_density(z, mu, logvar)
    array([-2.11208571])
    >>> -0.5 * (np.log(2 * np.pi) + np.log([4.0]) + (3 - 1) ** 2 / 4)  # the equation
    array([-2.11208571])
    """
    eps = (z - mu) * np.exp(-0.5 * logvar)  # ε = (z − μ) / σ, since 1 / σ = e^(−½ log σ²)
    return -0.5 * (LOG_2PI + logvar + eps * eps).sum(axis=-1)


def gaussian_log_density_backward(
    z: FloatArray, mu: FloatArray, logvar: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The derivatives of log N with respect to μ and log σ².

        ∂ log N / ∂μ_j        = (z_j − μ_j) / σ_j²
        ∂ log N / ∂(log σ_j²) = ½ [ (z_j − μ_j)² / σ_j² − 1 ]

    Only the term −½ [ log σ² + (z − μ)² / σ² ] depends on μ or σ. For the second
    derivative write s = log σ². Then 1/σ² = e^(−s), and d e^(−s) / ds = −e^(−s). So

        d/ds of −½ [ s + (z − μ)² e^(−s) ]  is  −½ [ 1 − (z − μ)² e^(−s) ]

    Compute (z − μ) / σ first, as in `gaussian_log_density`: then 1/σ² does not overflow.

    z, mu, logvar: (..., n). The three broadcast against each other. Returns dmu and
    dlogvar, each in the shape that they make together.

    >>> z, mu, logvar = np.array([5.0]), np.array([1.0]), np.log([4.0])
    >>> gaussian_log_density_backward(z, mu, logvar)  # 4 / 4 and ½ (16 / 4 − 1)
    (array([1.]), array([1.5]))
    """
    eps = (z - mu) * np.exp(-0.5 * logvar)  # ε = (z − μ) / σ
    return eps * np.exp(-0.5 * logvar), 0.5 * (eps * eps - 1)


def standard_normal_log_density(z: FloatArray) -> FloatArray:
    """log N(z; 0, I) = −½ Σ_j [ log 2π + z_j² ], the log density of the prior p(z).

    z: (..., n). Returns (...), in nats.

    >>> standard_normal_log_density(np.array([[0.0, 0.0], [1.0, 1.0]]))
    array([-1.83787707, -2.83787707])
    """
    return -0.5 * (LOG_2PI + z * z).sum(axis=-1)


def gaussian_kl(mu: FloatArray, logvar: FloatArray) -> FloatArray:
    """KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ_j [ 1 + log σ_j² − μ_j² − σ_j² ]  (AEVB appendix B).

    mu, logvar: (..., n_z). Returns (...), in nats, ≥ 0.

    The same sum is ½ Σ_j [ (σ_j² − 1) − log σ_j² + μ_j² ]. Near σ = 1, σ² is nearly 1,
    and σ² − 1 loses most of its digits. NumPy's expm1(s) is e^s − 1 with all digits. So
    the code computes, with s = log σ²,

        KL = ½ Σ_j [ expm1(s_j) − s_j + μ_j² ]

    The difference expm1(s) − s still loses some digits. Measured in float64, at s = 10⁻⁶
    and μ = 0: the relative error is 2 · 10⁻¹⁰, and 9 · 10⁻⁵ without expm1.

    >>> gaussian_kl(np.array([[0.0, 0.0], [2.0, 0.0]]), np.zeros((2, 2)))  # ½ μ² where σ = 1
    array([0., 2.])
    """
    return 0.5 * (np.expm1(logvar) - logvar + mu * mu).sum(axis=-1)


def gaussian_kl_backward(mu: FloatArray, logvar: FloatArray) -> tuple[FloatArray, FloatArray]:
    """∂KL/∂μ_j = μ_j and ∂KL/∂(log σ_j²) = ½ (σ_j² − 1).

    KL has the term ½ μ², and its derivative is μ. For the second, write s = log σ². KL
    has the term −½ (s − e^s), and its derivative with respect to s is −½ (1 − e^s). As
    in `gaussian_kl`, e^s − 1 is computed as expm1(s).

    mu, logvar: (..., n_z). Returns dmu and dlogvar, new arrays, (..., n_z)
    each.

    >>> gaussian_kl_backward(np.array([2.0]), np.log([5.0]))  # 2 and ½ (5 − 1)
    (array([2.]), array([2.]))
    """
    return mu.copy(), 0.5 * np.expm1(logvar)


def reparameterize(mu: FloatArray, logvar: FloatArray, eps: FloatArray) -> FloatArray:
    """z = μ + σ ⊙ ε with σ = e^(½ log σ²)  (AEVB section 2.4).

    If ε ~ N(0, I), then z ~ N(μ, σ²). "Draw z from N(μ, σ²)" has no derivative with
    respect to μ and σ. But for a given ε, z is a function of μ and σ, and it has
    derivatives.

    mu, logvar: (B, n_z). eps: the noise ε, (B, n_z), or (L, B, n_z) for L samples of z
    for each data point. Returns z in the shape of eps.

    >>> reparameterize(np.array([[0.0, 3.0]]), np.log([[4.0, 4.0]]), np.array([[1.0, -1.0]]))
    array([[2., 1.]])
    """
    return mu + np.exp(0.5 * logvar) * eps


def reparameterize_backward(
    dz: FloatArray, logvar: FloatArray, eps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """dμ = Σ_l dz_l and d(log σ²) = Σ_l dz_l ⊙ ε_l ⊙ ½ σ.

    dz is ∂loss/∂z, dμ is ∂loss/∂μ, d(log σ²) is ∂loss/∂(log σ²). All L samples
    z_l = μ + σ ⊙ ε_l use the same μ and σ. So the chain rule is a sum over l. With
    s = log σ² and σ = e^(s/2),

        dμ = Σ_l dz_l ⊙ ∂z_l/∂μ          ∂z_l/∂μ = 1
        ds = Σ_l dz_l ⊙ ∂z_l/∂s          ∂z_l/∂s = ε_l · ½ e^(s/2) = ε_l · ½ σ

    dz, eps: (L, B, n_z). logvar: (B, n_z). Returns dmu and dlogvar, (B, n_z) each.

    >>> eps = np.array([[[1.0]], [[2.0]]])
    >>> dz = np.ones((2, 1, 1))
    >>> reparameterize_backward(dz, np.log([[4.0]]), eps)  # 1 + 1 and (1 + 2) · ½ · 2
    (array([[2.]]), array([[3.]]))
    """
    dmu = dz.sum(axis=0)  # ∂z/∂μ = 1
    dlogvar = (dz * eps).sum(axis=0) * (0.5 * np.exp(0.5 * logvar))  # ∂z/∂(log σ²) = ε ½ σ
    return dmu, dlogvar


def bernoulli_log_likelihood(x: FloatArray, logits: FloatArray) -> FloatArray:
    """log p(x|z) = Σ_i [ x_i log p_i + (1 − x_i) log(1 − p_i) ], where p = sigmoid(a).

    This is AEVB appendix C.1, eq. (11). It is computed from the logits a, in two steps
    that the module docstring derives:

        log p(x|z) = Σ_i [ x_i a_i − softplus(a_i) ]
        softplus(a) = max(a, 0) + log(1 + e^(−|a|))

    x: (..., n_x), 0 or 1. logits: a, (..., n_x). The two broadcast against each other:
    x may be (B, n_x), and logits (L, B, n_x). Returns (...), in nats, ≤ 0.

    For a grey x between 0 and 1 the sum is not a log likelihood of x. It is minus the
    cross entropy of Bernoulli(x_i) and Bernoulli(p_i), summed over i. Its highest value
    is not 0 but minus the entropy of the grey pixels, −Σ_i H(Bernoulli(x_i)). A likelihood
    of grey pixels is that of a Gaussian, or `continuous_bernoulli_log_density`.

    >>> bernoulli_log_likelihood(np.array([[1.0, 0.0]]), np.log([[3.0, 3.0]]))  # p = ¾
    array([-1.67397643])
    >>> np.log([0.75]) + np.log([0.25])
    array([-1.67397643])
    """
    log_p = x * logits
    # x a − max(a, 0) is exact for x = 0 or 1: 0 if (x = 1, a ≥ 0) or (x = 0, a ≤ 0), else −|a|
    log_p -= np.maximum(logits, 0)
    log_p -= np.log1p(np.exp(-np.abs(logits)))  # log1p(t) = log(1 + t), with all digits
    return log_p.sum(axis=-1)


def bernoulli_log_likelihood_backward(x: FloatArray, logits: FloatArray) -> FloatArray:
    """∂ log p(x|z) / ∂a_i = x_i − sigmoid(a_i).

    softplus(a) = log(1 + e^a) has the derivative e^a / (1 + e^a) = sigmoid(a).

    x, logits: (..., n_x). The two broadcast against each other, as in
    `bernoulli_log_likelihood`. Returns the derivative with respect to the logits,
    (..., n_x).

    >>> bernoulli_log_likelihood_backward(np.array([1.0, 0.0]), np.log([3.0, 3.0]))  # x − ¾
    array([ 0.25, -0.75])
    """
    return x - sigmoid(logits)


def continuous_bernoulli_log_density(x: FloatArray, logits: FloatArray) -> FloatArray:
    """log p(x|z) = Σ_i [ x_i a_i − κ(a_i) ], κ(a) = log[(e^a − 1) / a].

    It is the log density of x in [0, 1]: the module docstring derives it.

    e^a overflows for a = 1000. (e^a − 1) / a is even in a but for the factor e^(a/2). So for
    a > 0 take e^a out, as in softplus: (e^a − 1) / a = e^a (1 − e^(−a)) / a. In both cases

        κ(a) = max(a, 0) + log[(1 − e^(−t)) / t],        t = |a|

    and 1 − e^(−t) is −expm1(−t), with all digits. t = 0 is 0 / 0, and the limit is 1. So t is at
    least the smallest number of the dtype; there the quotient is 1.

    x: (..., n_x), in [0, 1]. logits: a, (..., n_x). The two broadcast against each other.
    Returns (...), in nats; a density can be more than 1.

    >>> x, logits = np.array([[0.25, 0.9]]), np.array([[0.0, np.log(3)]])
    >>> continuous_bernoulli_log_density(x, logits)
    array([0.38965171])
    >>> (0.9 * np.log(3) - np.log([(3 - 1) / np.log(3)]))  # the equation; a = 0 is uniform
    array([0.38965171])
    """
    t = np.maximum(np.abs(logits), np.finfo(logits.dtype).tiny)
    log_p = x * logits - np.maximum(logits, 0)  # exact for x = 0 or 1
    log_p -= np.log(-np.expm1(-t) / t)
    return log_p.sum(axis=-1)


def continuous_bernoulli_log_density_backward(x: FloatArray, logits: FloatArray) -> FloatArray:
    """∂ log p(x|z) / ∂a_i = x_i − κ′(a_i) = x_i − E[x_i].

    x, logits: (..., n_x). The two broadcast against each other. Returns (..., n_x).

    >>> continuous_bernoulli_log_density_backward(np.array([0.25]), np.array([0.0]))  # ¼ − ½
    array([-0.25])
    """
    return x - continuous_bernoulli_mean(logits)


def continuous_bernoulli_mean(logits: FloatArray) -> FloatArray:
    """E[x] = κ′(a) = 1 + 1 / (e^a − 1) − 1 / a, and ½ for a = 0.

    Without its mean at 0 this is an odd function: κ′(a) − ½ = ½ coth(a / 2) − 1 / a. So
    compute it for t = |a|, and give it a's sign. For large t it is

        1 / (1 − e^(−t)) − 1 / t − ½

    For small t its two large terms cancel. There it is the series of coth, whose next term is
    below 10⁻¹⁴ for t ≤ 0.2:

        t / 12 − t³ / 720 + t⁵ / 30240 − t⁷ / 1209600 + ...

    logits: any shape. Returns the same shape, in [0, 1].

    >>> continuous_bernoulli_mean(np.array([-1e4, 0.0, np.log(3)]))
    array([1.00000000e-04, 5.00000000e-01, 5.89760773e-01])
    """
    t = np.abs(logits)
    small, large = np.minimum(t, SMALL), np.maximum(t, SMALL)
    square = small * small
    series = small * (1 / 12 - square * (1 / 720 - square * (1 / 30240 - square / 1209600)))
    closed = -1 / np.expm1(-large) - 1 / large - 0.5
    return 0.5 + np.copysign(np.where(t < SMALL, series, closed), logits)


def continuous_bernoulli_draw(logits: FloatArray, u: FloatArray) -> FloatArray:
    """x = F⁻¹(u) = log(1 + u (e^a − 1)) / a for a < 0; u for a = 0; F⁻¹(1 − u) for a > 0.

    If u ~ U[0, 1), then x has the density of `continuous_bernoulli_log_density`. e^a overflows
    for a = 1000. But if x has the logit −t, then 1 − x has the logit t. So draw x for −t, t =
    |a|, where e^(−t) ≤ 1, and take 1 − x where a > 0. t is at least the machine epsilon, where
    x is u but for rounding.

    logits, u: the same shape, u in [0, 1). Returns x in [0, 1].

    >>> continuous_bernoulli_draw(np.array([-1e4, 0.0, np.log(3)]), np.array([0.5, 0.5, 0.5]))
    array([6.93147181e-05, 5.00000000e-01, 6.30929754e-01])
    """
    t = np.maximum(np.abs(logits), np.finfo(logits.dtype).eps)
    x = -np.log1p(u * np.expm1(-t)) / t
    return np.where(logits > 0, 1 - x, x)
