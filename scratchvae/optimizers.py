"""SGD, Adagrad, Adam: one step of the vector θ, from the gradient g of the loss.

**The equations** of one step:

    SGD       θ ← θ − α g

    Adagrad   s ← s + g²
              θ ← θ − α g / (√s + epsilon)

    Adam      m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
              m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
              θ ← θ − α m̂ / (√v̂ + epsilon)

**Symbols.** α is the learning rate, `lr`. t is the number of the step: 1, 2, 3, ... s,
m and v start at 0. β₁ and β₂, in [0, 1), say how much of the old m and v stays. epsilon
is a small number, so that nothing is divided by 0. Products, quotients, squares and
roots are entry by entry. Adagrad is the paper's choice; its source is Duchi et al.
2011. Adam's source is Kingma and Ba 2015, Algorithm 1.

**Why Adam divides by 1 − βᵗ.** m̂ and v̂ are weighted means of g and g² over all steps
so far. Here g_i is the gradient of step i. m starts at 0, and after t steps it is

    m_t = (1 − β₁) [ g_t + β₁ g_{t−1} + β₁² g_{t−2} + ... + β₁^(t−1) g_1 ]

The weights of a mean must add to 1. These weights add to

    (1 − β₁) (1 + β₁ + ... + β₁^(t−1)) = 1 − β₁ᵗ

So divide by 1 − β₁ᵗ. For v the same holds with β₂ and g². What happens without this
division? With the usual β₁ = 0.9 and β₂ = 0.999, the first step has m = 0.1 g and
√v = √0.001 |g| = 0.032 |g|. So m / √v = ±3.2, but m̂ / √v̂ = ±1. The first step would
be 3.2 times too long.

**How Adam is computed.** m has the factor 1 − β₁, and the sum of its weights has it
too. In m̂ it cancels. So keep the sums without this factor: U = m / (1 − β₁) and
V = v / (1 − β₂). w₁ and w₂ are the sums of their weights:

    U ← β₁ U + g        w₁ = 1 + β₁ + ... + β₁^(t−1) = (1 − β₁ᵗ) / (1 − β₁)        m̂ = U / w₁
    V ← β₂ V + g²       w₂ = 1 + β₂ + ... + β₂^(t−1) = (1 − β₂ᵗ) / (1 − β₂)        v̂ = V / w₂

Put m̂ and v̂ into the step. Then multiply the numerator and the denominator by √w₂:

    α m̂ / (√v̂ + epsilon) = (α / w₁) U / (√V / √w₂ + epsilon)
                         = (α √w₂ / w₁) · U / (√V + epsilon √w₂)

α √w₂ / w₁ and epsilon √w₂ are two plain numbers. So there are fewer operations on the
long vectors.

**Weight decay** adds λ θ to g. λ θ is the gradient of ½ λ ‖θ‖², so the loss has this
term in addition (L2). λ θ goes into U and V as g does. The decay of AdamW does not: it
takes α λ θ from θ, beside the step. The term ½ λ ‖θ‖² comes from a prior on θ. The paper
has p(θ) = N(0, I), and

    −log N(θ; 0, I) = ½ ‖θ‖² + const

With the prior, θ maximises (bound of the whole data set) + log p(θ). This is an
approximate MAP (maximum a posteriori) estimate. The bound of the whole data set of N
images is N times the mean bound of one (AEVB eq. (8)), and the loss is minus the *mean*
bound. So divide by −N:

    loss + ½ ‖θ‖² / N + const

So the paper's prior is λ = 1 / N. It acts on the whole θ, on the encoder's weights too.

**In place, block by block.** An operation on a whole vector moves megabytes from memory
and back. A block of θ, g and the sums is small, and it stays in the processor's cache
until all operations on it are done.
"""

import numpy as np

from scratchvae import checks
from scratchvae.parameters import FloatArray, Parameters

BLOCK = 40_960  # Adam uses five arrays of it: 0.8 megabytes in float32


class Optimizer:
    """What the three optimizers share.

    lr: the learning rate α > 0. weight_decay: λ ≥ 0. `step` goes through θ block by
    block, and `update`, which each optimizer has of its own, moves one block.
    settings: the constructor's arguments after params, each an attribute too: a file and other
    processes make the optimizer of them. sums: the vectors that it keeps, attributes that the
    constructor makes as `np.zeros_like(params.theta)`.
    """

    settings: tuple[str, ...] = ("lr", "weight_decay")
    sums: tuple[str, ...] = ()

    def as_set(self) -> dict[str, float]:
        """The settings as they are now: they may change between two steps."""
        return {name: getattr(self, name) for name in self.settings}

    def check_rebuilt(self) -> None:
        """Check that type(self)(params, **settings), with the sums and t, is this optimizer.

        A file and another process get nothing else of it. TypeError, with the name, for an
        attribute that is neither a setting nor one of the sums.
        """
        kind = type(self)
        for key, value in vars(self).items():
            if isinstance(value, np.ndarray) and key not in kind.sums:
                raise TypeError(
                    f"optimizer has the array {key}; it should be in {kind.__name__}.sums"
                )
        twin = kind(self.params, **self.as_set())
        checks.made_of_settings("optimizer", self, twin, ("params", "t", *kind.sums))

    def __init__(self, params: Parameters, lr: float, weight_decay: float = 0.0) -> None:
        self.params = checks.instance("params", params, Parameters, "Parameters: model.params")
        self.lr = checks.positive_number("lr", lr)
        self.weight_decay = checks.number_from_zero("weight_decay", weight_decay)
        self.t = 0  # the number of steps so far

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr={self.lr:g}, t={self.t})"

    def step(self) -> None:
        """t ← t + 1, then one update of params.theta, from params.g, which stays as it is."""
        self.t += 1
        work = np.empty(BLOCK, self.params.theta.dtype)
        for start in range(0, self.params.theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            theta, g = self.params.theta[block], self.params.g[block]
            if self.weight_decay:
                g = g + self.weight_decay * theta  # the gradient of ½ λ ‖θ‖² is λ θ
            self.update(theta, g, block, work[: theta.size])

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """Change one block of θ in place. g has the weight decay in it.

        theta, g: this block of θ and of g. block: its slice, θ[block]. work: an array
        of the same length, for intermediate results; its old numbers do not matter.
        """
        raise NotImplementedError


class SGD(Optimizer):
    """θ ← θ − α g."""

    def __init__(self, params: Parameters, lr: float = 0.01, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, weight_decay)

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """θ ← θ − α g."""
        theta -= np.multiply(g, self.lr, out=work)


class Adagrad(Optimizer):
    """θ ← θ − α g / (√s + epsilon), where s is the sum of g² over all steps so far.

    s only grows, so the steps of each weight become smaller.
    """

    settings = ("lr", "epsilon", "weight_decay")
    sums = ("s",)

    def __init__(
        self, params: Parameters, lr: float = 0.02, *, epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, weight_decay)
        self.epsilon = checks.positive_number("epsilon", epsilon)
        self.s = np.zeros_like(params.theta)

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """s ← s + g², then θ ← θ − α g / (√s + epsilon).

        self.s is as long as θ: self.s[block] is changed in place, as theta is. g is not
        changed.
        """
        s = self.s[block]
        s += np.multiply(g, g, out=work)
        np.sqrt(s, out=work)
        work += self.epsilon
        np.divide(g, work, out=work)
        work *= self.lr
        theta -= work  # θ ← θ − α g / (√s + epsilon)


class Adam(Optimizer):
    """θ ← θ − α m̂ / (√v̂ + epsilon).

    m̂ and v̂ are weighted means of g and of g² over all steps so far.
    """

    settings = ("lr", "beta1", "beta2", "epsilon", "weight_decay")
    sums = ("U", "V")

    def __init__(
        self, params: Parameters, lr: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999,
        epsilon: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, weight_decay)
        self.beta1, self.beta2 = checks.fraction("beta1", beta1), checks.fraction("beta2", beta2)
        self.epsilon = checks.positive_number("epsilon", epsilon)
        self.U, self.V = np.zeros_like(params.theta), np.zeros_like(params.theta)

    def update(self, theta: FloatArray, g: FloatArray, block: slice, work: FloatArray) -> None:
        """U ← β₁ U + g, V ← β₂ V + g², θ ← θ − (α √w₂ / w₁) U / (√V + epsilon √w₂).

        self.U = m / (1 − β₁) and self.V = v / (1 − β₂) are as long as θ: their [block] is
        changed in place, as theta is. self.t is already the number of this step. g is not
        changed.
        """
        U, V = self.U[block], self.V[block]
        U *= self.beta1
        U += g  # U ← β₁ U + g
        V *= self.beta2
        V += np.multiply(g, g, out=work)  # V ← β₂ V + g²

        w1 = (1 - self.beta1**self.t) / (1 - self.beta1)
        w2 = (1 - self.beta2**self.t) / (1 - self.beta2)
        np.sqrt(V, out=work)
        work += self.epsilon * w2**0.5
        np.divide(U, work, out=work)
        work *= self.lr * w2**0.5 / w1
        theta -= work  # θ ← θ − (α √w₂ / w₁) · U / (√V + epsilon √w₂)


OPTIMIZERS: dict[str, type[SGD] | type[Adagrad] | type[Adam]] = {
    "sgd": SGD, "adagrad": Adagrad, "adam": Adam
}  # fmt: skip
