"""The distributions of the model: diagonal Gaussian and Bernoulli, their log densities, KL, sampling, and gradients.

Everything here is in nats, and is *summed over the last axis* (pixels or latent dimensions): one number for each data point.
A Gaussian is given by its mean μ and by logvar = log σ², which may be any real number and so can be the output of a
network; σ = e^(½ logvar) and σ² = e^logvar are always positive. A Bernoulli is given by its logit a = log(p / (1 − p)),
for the same reason.

**Log density of a diagonal Gaussian.** Independent dimensions multiply, so their logarithms add:

    log N(z; μ, σ²) = −½ Σ_j [ log 2π + log σ_j² + (z_j − μ_j)² / σ_j² ]

**KL from the diagonal Gaussian to the standard normal** (AEVB appendix B). Both integrals are moments of q = N(μ, σ²):

    ∫ q log p dz = −½ Σ_j [ log 2π + E_q z_j² ]                  = −½ Σ_j [ log 2π + μ_j² + σ_j² ]
    ∫ q log q dz = −½ Σ_j [ log 2π + log σ_j² + E_q (z_j − μ_j)² / σ_j² ] = −½ Σ_j [ log 2π + log σ_j² + 1 ]

    KL(q ‖ p) = ∫ q log q dz − ∫ q log p dz = −½ Σ_j [ 1 + log σ_j² − μ_j² − σ_j² ]

**Log likelihood of a Bernoulli, from logits.** With p = σ(a) = 1 / (1 + e^(−a)) one has log p = −softplus(−a) and
log(1 − p) = −softplus(a), where softplus(a) = log(1 + e^a) and softplus(a) − softplus(−a) = a. So

    log p(x|z) = Σ_i [ x_i log p_i + (1 − x_i) log(1 − p_i) ]     AEVB appendix C.1, eq. (11)
               = Σ_i [ x_i (softplus(a_i) − softplus(−a_i)) − softplus(a_i) ]
               = Σ_i [ x_i a_i − softplus(a_i) ]

No probability is ever formed, so none can round to 0 or 1 and no logarithm can blow up. And softplus itself does not overflow
once e^max(a, 0) is taken out of the sum: 1 + e^a = e^max(a, 0) · (1 + e^−|a|), so

    softplus(a) = max(a, 0) + log(1 + e^−|a|)
"""

import numpy as np

from scratchvae.layers import sigmoid
from scratchvae.parameters import FloatArray

LOG_2PI = float(np.log(2 * np.pi))


def gaussian_log_density(z: FloatArray, mu: FloatArray, logvar: FloatArray) -> FloatArray:
    """log N(z; μ, σ²) = −½ Σ_j [ log 2π + log σ_j² + (z_j − μ_j)² / σ_j² ].

    z: (..., n). mu, logvar: the same shape, or one that broadcasts to it. Returns (...), in nats.
    A density is not a probability: it can exceed 1, and its logarithm can be positive.
    """
    epsilon = (z - mu) * np.exp(
        -0.5 * logvar
    )  # (z − μ) / σ, then squared: σ² alone would over- or underflow sooner
    return -0.5 * (LOG_2PI + logvar + epsilon * epsilon).sum(axis=-1)


def gaussian_log_density_backward(
    z: FloatArray, mu: FloatArray, logvar: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """∂ log N / ∂μ_j = (z_j − μ_j) / σ_j² and ∂ log N / ∂(log σ_j²) = ½ [ (z_j − μ_j)² / σ_j² − 1 ], as ∂e^(−s)/∂s = −e^(−s).

    z, mu, logvar: (..., n). Returns two arrays (..., n).
    """
    epsilon = (z - mu) * np.exp(-0.5 * logvar)  # (z − μ) / σ
    return epsilon * np.exp(-0.5 * logvar), 0.5 * (epsilon * epsilon - 1)


def standard_normal_log_density(z: FloatArray) -> FloatArray:
    """log N(z; 0, I) = −½ Σ_j [ log 2π + z_j² ]: the prior p(z). z: (..., n). Returns (...), in nats."""
    return -0.5 * (LOG_2PI + z * z).sum(axis=-1)


def gaussian_kl(mu: FloatArray, logvar: FloatArray) -> FloatArray:
    """KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ_j [ 1 + log σ_j² − μ_j² − σ_j² ]  (AEVB appendix B).

    mu, logvar: (..., n_z). Returns (...), in nats, ≥ 0.

    σ² − 1 is computed as expm1(log σ²): near σ = 1, with s = log σ², the error is then about eps / s of the KL, and not eps / s².
    """
    return 0.5 * (np.expm1(logvar) - logvar + mu * mu).sum(axis=-1)


def gaussian_kl_backward(mu: FloatArray, logvar: FloatArray) -> tuple[FloatArray, FloatArray]:
    """∂KL/∂μ_j = μ_j and ∂KL/∂(log σ_j²) = ½ (σ_j² − 1), since d e^s / ds = e^s for s = log σ².

    mu, logvar: (..., n_z). Returns two arrays of that shape.
    """
    return mu.copy(), 0.5 * np.expm1(logvar)


def reparameterize(mu: FloatArray, logvar: FloatArray, eps: FloatArray) -> FloatArray:
    """z = μ + σ ⊙ ε with σ = e^(½ log σ²): a sample of N(μ, σ²) when ε ~ N(0, I)  (AEVB section 2.4).

    Sampling has no derivative with respect to μ and σ, but z as a function of μ, σ and a given ε has one.
    mu, logvar: (B, n_z). eps: (B, n_z) or (L, B, n_z), of which z takes the shape.
    """
    return mu + np.exp(0.5 * logvar) * eps


def reparameterize_backward(
    dz: FloatArray, logvar: FloatArray, eps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """dμ = dz and d(log σ²) = dz ⊙ ε ⊙ ½ σ, each summed over the L samples that share μ and σ.

    ∂z/∂μ = 1. With s = log σ², σ = e^(s/2) and ∂z/∂s = ε · ∂e^(s/2)/∂s = ε · ½ e^(s/2) = ½ ε σ.
    dz, eps: (L, B, n_z). logvar: (B, n_z). Returns dmu, dlogvar: (B, n_z).
    """
    dmu = dz.sum(axis=0)  # ∂z/∂μ = 1
    dlogvar = (dz * eps).sum(axis=0) * (0.5 * np.exp(0.5 * logvar))  # ∂z/∂(log σ²) = ε ½ σ
    return dmu, dlogvar


def bernoulli_log_likelihood(x: FloatArray, logits: FloatArray) -> FloatArray:
    """log p(x|z) = Σ_i [ x_i a_i − softplus(a_i) ] for logits a  (AEVB appendix C.1, eq. (11)).

    x: (..., n_x), 0 or 1. logits: (..., n_x). Returns (...), in nats, ≤ 0.

    For a grey x between 0 and 1 this is the negative cross entropy of Bernoulli(x) and Bernoulli(σ(a)), which is no
    likelihood of x; its highest value is not 0 but minus the entropy Σ_i H(x_i) of the grey pixels.
    """
    log_p = x * logits
    log_p -= np.maximum(logits, 0)  # x a − max(a, 0) comes first: for a binary x it is exact
    log_p -= np.log1p(
        np.exp(-np.abs(logits))
    )  # log1p(t) = log(1 + t), to full precision for a small t
    return log_p.sum(axis=-1)


def bernoulli_log_likelihood_backward(x: FloatArray, logits: FloatArray) -> FloatArray:
    """∂ log p(x|z) / ∂a_i = x_i − σ(a_i), since softplus′(a) = e^a / (1 + e^a) = σ(a).

    x, logits: (..., n_x). Returns that shape.
    """
    return x - sigmoid(logits)
