"""Monte Carlo EM: the decoder alone, trained with samples of the true posterior.

AEVB compares itself with it on small data sets (§5, appendix E). There is no encoder,
no q and no bound. The gradient of log p(x) itself is a mean over the posterior:

    ∇_θ log p(x) = ∇_θ p(x) / p(x)
                 = ∫ ∇_θ p(x, z) dz / p(x)
                 = ∫ p(x, z) ∇_θ log p(x, z) dz / p(x)        ∇p = p ∇ log p
                 = ∫ p(z|x) ∇_θ log p(x, z) dz                p(x, z) / p(x) = p(z|x)

So, with z ~ p(z|x), the derivative of log p(x, z) at a fixed z is an unbiased estimate
of the gradient of log p(x). That is the M-step of EM, and drawing z is its E-step:

    E    one move of HMC from the z that this data point had: 10 leapfrog steps
    M    5 updates of θ along ∇_θ log p(x, z)

The posterior is drawn by `hmc.py`, which needs no more than log p(x, z) and its
gradient.

**The chains.** One move from anywhere does not reach the posterior. So every data point
keeps its z, and the next visit goes on from there. θ has changed a little in between,
and so have the drawn bits of x: the chain follows. At its first visit z ~ N(0, I). With
many data points, visits are rare and the chains are late. That is why MCEM is slow for
N = 50,000, in the paper too, and why it cannot be used on data that arrive one by one.

**The step sizes** are tuned so that 90 % of the moves are accepted (AEVB appendix E). A
posterior may be wide for one data point and narrow for another, so each has its own δ.
Let a be 1 where the move of a data point of the minibatch was accepted, else 0, and ā
the mean of a over the minibatch:

    log δ ← log δ + 0.1 · (ā − 0.9)        of all data points
    log δ ← log δ + 0.1 · (a − ā)          of those of the minibatch

The first line changes every δ in every minibatch, long before a data point is visited often.
The second line compares the data points with one another.

**An encoder, afterwards.** Estimates of log p(x) may begin at q(z|x), which MCEM does
not have. `fit_encoder` gives it one: φ climbs the bound while θ stands still. It
changes no p(x). Its weights are drawn afresh, by Glorot. If they begin as MCEM left them,
or tiny, q(z|x) of some images can end in a wrong mode of their posterior, and more steps do
not help. From another start, other images may be wrong. So `best_encoder` takes several
encoders of one decoder, and finds the best for each x. By AEVB eq. (1) it is the one with
the highest bound, since log p(x) does not depend on φ:

    𝓛(x) = log p(x) − KL(q(z|x) ‖ p(z|x))

**What the paper leaves open**: where a chain starts, what is tuned by how much, and
whether a visit counts as one sample or as several. Here a data point counts once for
each visit.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.datasets import Images
from scratchvae.evaluation import seen_by
from scratchvae.history import Bound
from scratchvae.hmc import Chain
from scratchvae.layers import shapes_of
from scratchvae.optimizers import Adam, Optimizer
from scratchvae.parameters import FloatArray
from scratchvae.schedules import SCHEDULES
from scratchvae.training import AEVB
from scratchvae.vae import VAE

LEAPFROGS, ACCEPTANCE, UPDATES = 10, 0.9, 5  # AEVB appendix E
FIRST_STEP, TUNING, FORGETTING = 0.1, 0.1, 0.02


class MCEM(AEVB):
    """The steps of Monte Carlo EM, for `fit(vae, images, algorithm=MCEM)`.

    chains: z of each data point, (N, n_z), NaN before its first visit. delta: its step size
    δ, (N,). acceptance: the share of moves that were accepted, as a mean over about the last
    fifty minibatches.
    The encoder is not used, and its gradient is 0. Its weights do not learn, but weight decay,
    if the optimizer has it, moves them towards 0.
    """

    model: VAE
    weighs_kl = False

    def __init__(self, model: VAE, optimizer: Optimizer, n: int) -> None:
        """The chains, which begin at their first visit, and what is tuned."""
        super().__init__(model, optimizer, n)
        self.chains = np.full((n, model.n_z), np.nan, model.dtype)
        self.delta, self._acceptance = np.full(n, FIRST_STEP), np.array([ACCEPTANCE])
        self.state = {"chains": self.chains, "delta": self.delta, "acceptance": self._acceptance}
        model.params.g[...] = 0  # the encoder's part stays 0

    @property
    def acceptance(self) -> float:
        """The share of accepted moves, as a mean in which older minibatches count less."""
        return float(self._acceptance[0])

    def step(self, rows: np.ndarray, x: FloatArray, rng: np.random.Generator) -> Bound:
        """One E-step on these rows of the images, then the updates of the M-step.

        There is no bound. Returns the mean of log p(x, z) before the updates in its place, and
        0 in place of the KL.
        """
        vae, z = self.model, self.chains[rows]
        first = np.isnan(z[:, 0])  # at its first visit z ~ N(0, I)
        z[first] = rng.standard_normal((int(first.sum()), vae.n_z), vae.dtype)
        zeros = np.zeros_like(z)  # q(z|x) = N(0, I), so that eps of the chain is z
        chain = Chain(vae, x, zeros, zeros, z[None])
        accepted = chain.move(1.0, self.delta[rows], LEAPFROGS, rng)[0]
        share = accepted.mean()
        self.delta *= np.exp(TUNING * (share - ACCEPTANCE))
        self.delta[rows] *= np.exp(TUNING * (accepted - share))
        self._acceptance += FORGETTING * (share - self._acceptance)
        self.chains[rows] = chain.state.z[0]
        for _ in range(UPDATES):
            vae.log_joint_unchecked(x, chain.state.z)
            vae.decoder_gradient()
            self.optimizer.step()
        return Bound.mean(chain.state.log_p[0], np.zeros(len(z)))


def fit_encoder(
    vae: VAE,
    images: Images,
    steps: int,
    *,
    lr: float = 1e-3,
    seed: int | np.random.Generator = 0,
) -> None:
    """φ, drawn afresh by Glorot, climbs the bound of the images, while θ stands still; in place.

    images: (N, n_x), as for `fit`. steps: of Adam, on minibatches of 100, with a learning rate
    that falls from lr to nearly 0 (`schedules.py`, "cosine").
    """
    rng, adam = checks.generator("seed", seed, "encoder"), Adam(vae.params, lr)
    draw = seen_by(vae, None)
    fresh = type(vae)(**{**vae.settings, "init": "glorot"}, seed=rng)
    phi = shapes_of(vae.encoder_layers)
    of_theta = [g for name, g in vae.params.grads.items() if name not in phi]
    for name in phi:
        vae.params.values[name][...] = fresh.params.values[name]
    for step in range(steps):
        x = draw(images[rng.integers(0, len(images), 100)], rng, vae.dtype)
        vae.forward(x, vae.noise(len(x), rng))
        vae.backward()
        for g in of_theta:
            g[...] = 0  # Adam does not move a weight whose gradient was always 0
        adam.lr = lr * SCHEDULES["cosine"](step + 1, steps)
        adam.step()


def best_encoder(
    vaes: Sequence[VAE], x: FloatArray, seed: int | np.random.Generator = 0
) -> NDArray[np.intp]:
    """Which of these models, with one θ and several φ, has the highest bound of each x: (B,).

    The bound is a mean over 100 samples of z, the same noise for each model. x: (B, n_x).
    """
    eps = checks.generator("seed", seed, "best encoder").standard_normal((100, len(x), vaes[0].n_z))
    return np.argmax([vae.elbo(x, eps) for vae in vaes], axis=0)
