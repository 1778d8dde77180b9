"""SGD, Adagrad, Adam: one step over the flat vector θ, given the gradient g of the loss.

    SGD       θ ← θ − α g                                                      α: the learning rate, lr
    Adagrad   s ← s + g²            θ ← θ − α g / (√s + ε)                     Duchi et al. 2011; the paper's choice
    Adam      m ← β₁ m + (1 − β₁) g     v ← β₂ v + (1 − β₂) g²                 Kingma and Ba 2015, Algorithm 1
              m̂ = m / (1 − β₁ᵗ)         v̂ = v / (1 − β₂ᵗ)       θ ← θ − α m̂ / (√v̂ + ε)

Products, quotients and roots are entry by entry.

**Why Adam divides by 1 − βᵗ.** Both m̂ and v̂ are weighted means over all steps so far. m starts at 0, so
m_t = (1 − β₁) Σ_{i ≤ t} β₁^(t−i) g_i, whose weights add to (1 − β₁)(1 + β₁ + ... + β₁^(t−1)) = 1 − β₁ᵗ, not to 1; dividing makes
them add to 1. Without it the first step would have m = 0.1 g beside √v = 0.03 |g|: three times too long.

**How it is computed.** Keep the weighted sums themselves, without the factor 1 − β that would be divided out again:

    M ← β₁ M + g        w₁ = 1 + β₁ + ... + β₁^(t−1) = (1 − β₁ᵗ) / (1 − β₁)        m̂ = M / w₁
    V ← β₂ V + g²       w₂ = 1 + β₂ + ... + β₂^(t−1) = (1 − β₂ᵗ) / (1 − β₂)        v̂ = V / w₂

    α m̂ / (√v̂ + ε) = (α / w₁) M / (√V / √w₂ + ε) = (α √w₂ / w₁) · M / (√V + ε √w₂)

so that the numbers are gathered in two constants, and the long vectors are passed over as few times as can be.

**Weight decay** λ adds λ θ to g. It is the gradient of ½ λ ‖θ‖² = −λ log N(θ; 0, I) + const: the paper's prior p(θ) = N(0, I), which makes
the estimate an approximate MAP. The bound of the whole data set is N times the mean bound (AEVB eq. (8)), so beside the *mean* loss of
a minibatch that prior has λ = 1 / N. It acts on the whole vector, on the encoder's weights too.

**In place and block by block.** Written with whole vectors, each operation would carry megabytes to memory and back. A block of θ,
g and the moments stays in the cache until all operations on it are done.
"""

import numpy as np

from scratchvae import checks
from scratchvae.parameters import FloatArray, Parameters

BLOCK = 65_536


class Optimizer:
    """What the three share: the learning rate α = lr > 0, the weight decay λ ≥ 0, and the walk over the blocks."""

    def __init__(self, params: Parameters, lr: float, weight_decay: float = 0.0) -> None:
        self.params = params
        self.lr = checks.positive_number("lr", lr)
        self.weight_decay = checks.number_from_zero("weight_decay", weight_decay)

    def step(self) -> None:
        """One update of params.theta against params.g, which stays as it is."""
        work = np.empty(BLOCK, self.params.theta.dtype)
        for start in range(0, self.params.theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            theta, g = self.params.theta[block], self.params.g[block]
            if self.weight_decay:
                g = g + self.weight_decay * theta  # ∂/∂θ of ½ λ ‖θ‖² is λ θ
            self.update(theta, g, block, work[: theta.size])

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """Move one block of θ in place. theta, g: the block. work: room for one array of its size."""
        raise NotImplementedError


class SGD(Optimizer):
    """θ ← θ − α g."""

    def __init__(self, params: Parameters, lr: float = 0.01, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, weight_decay)

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """θ ← θ − α g."""
        theta -= np.multiply(g, self.lr, out=work)


class Adagrad(Optimizer):
    """θ ← θ − α g / (√s + ε), where s adds up g² from the first step on: each weight's steps shrink with the gradients it has met."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.02,
        *,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.epsilon = checks.positive_number("epsilon", epsilon)
        self.s = np.zeros_like(params.theta)

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """s ← s + g², then θ ← θ − α g / (√s + ε)."""
        s = self.s[block]
        s += np.multiply(g, g, out=work)
        np.sqrt(s, out=work)
        work += self.epsilon
        np.divide(g, work, out=work)
        work *= self.lr
        theta -= work  # θ ← θ − α g / (√s + ε)


class Adam(Optimizer):
    """θ ← θ − α m̂ / (√v̂ + ε), with m̂ and v̂ the running means of g and g², corrected for their start at 0."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.beta1, self.beta2 = checks.fraction("beta1", beta1), checks.fraction("beta2", beta2)
        self.epsilon = checks.positive_number("epsilon", epsilon)
        self.M, self.V = np.zeros_like(params.theta), np.zeros_like(params.theta)
        self.t = 0

    def step(self) -> None:
        """t ← t + 1, then one update of params.theta."""
        self.t += 1
        super().step()

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """M ← β₁ M + g, V ← β₂ V + g², then θ ← θ − (α √w₂ / w₁) · M / (√V + ε √w₂)."""
        M, V = self.M[block], self.V[block]
        M *= self.beta1
        M += g  # M ← β₁ M + g
        V *= self.beta2
        V += np.multiply(g, g, out=work)  # V ← β₂ V + g²

        w1 = (1 - self.beta1**self.t) / (1 - self.beta1)
        w2 = (1 - self.beta2**self.t) / (1 - self.beta2)
        np.sqrt(V, out=work)
        work += self.epsilon * w2**0.5
        np.divide(M, work, out=work)
        work *= self.lr * w2**0.5 / w1
        theta -= work  # θ ← θ − (α √w₂ / w₁) · M / (√V + ε √w₂)


OPTIMIZERS: dict[str, type[SGD] | type[Adagrad] | type[Adam]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "adam": Adam,
}
