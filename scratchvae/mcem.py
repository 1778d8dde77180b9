"""Monte Carlo EM: the decoder alone, trained with samples of the true posterior.

AEVB compares itself with it on small data sets (§5, appendix E). There is no encoder,
no q and no bound. The gradient of log p(x) itself is a mean over the posterior:

    ∇_θ log p(x) = ∇_θ p(x) / p(x)
                 = ∫ ∇_θ p(x, z) dz / p(x)
                 = ∫ p(x, z) ∇_θ log p(x, z) dz / p(x)        ∇p = p ∇ log p
                 = ∫ p(z|x) ∇_θ log p(x, z) dz                p(x, z) / p(x) = p(z|x)

So, with z ~ p(z|x), the derivative of log p(x, z) at a fixed z is an unbiased estimate
of the gradient of log p(x). That is the M-step of EM, and drawing z is its E-step:

    E    one move of HMC from the z that this data point had: 10 leapfrog steps of size h
    M    5 updates of θ along ∇_θ log p(x, z)

The posterior is drawn by `hmc.py`, which needs no more than log p(x, z) and its gradient.

**The chains.** One move from anywhere does not reach the posterior. So every data point
keeps its z, and the next visit goes on from there. θ has changed a little in between,
and so have the drawn bits of x: the chain follows. At first z ~ N(0, I). With many data
points, visits are rare and the chains are late. That is why MCEM is slow for N =
50,000, in the paper too, and why it cannot be used on data that arrive one by one.

**The step size** is tuned so that 90 % of the moves are accepted (AEVB appendix E):

    log h ← log h + 0.1 · (accepted share of the minibatch − 0.9)

**An encoder, afterwards.** The estimators of log p(x) begin at q(z|x), which MCEM does
not have. `fit_encoder` gives it one: φ climbs the bound while θ stands still. It
changes no p(x). It only puts the estimator's chains where the posterior is.

**What the paper leaves open**: where a chain starts, what is tuned by how much, and
whether a visit counts as one sample or as several. Here a data point counts once for
each visit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.datasets import Images
from scratchvae.distributions import standard_normal_log_density
from scratchvae.evaluation import Bound, seen_by
from scratchvae.hmc import Chain
from scratchvae.optimizers import Adam
from scratchvae.parameters import FloatArray
from scratchvae.training import Alone
from scratchvae.vae import VAE
from scratchvae.wake_sleep import decoder_gradient

LEAPFROGS, ACCEPTANCE, UPDATES = 10, 0.9, 5  # AEVB appendix E
FIRST_STEP, TUNING, FORGETTING = 0.1, 0.1, 0.02


class MCEM(Alone):
    """The steps of Monte Carlo EM, for `fit(vae, images, steps=MCEM)`.

    chains: z of each data point, (N, n_z). h: the step size. acceptance: the share of moves
    that were accepted, as a mean over about the last fifty minibatches.
    The encoder is not used, and its weights do not learn.
    """

    model: VAE

    def first_state(self) -> dict[str, NDArray[Any]]:
        """The chains, from N(0, I), and the two numbers that are tuned."""
        N, n_z = len(self.images), self.model.n_z
        start = checks.generator("the number of images", N, "chains")
        self.chains = start.standard_normal((N, n_z), self.model.dtype)
        self._tuned = np.array([FIRST_STEP, ACCEPTANCE])  # h, acceptance
        self.model.params.g[...] = 0  # the encoder's part stays 0
        return {"chains": self.chains, "tuned": self._tuned}

    @property
    def h(self) -> float:
        """The step size of the leapfrog."""
        return float(self._tuned[0])

    @property
    def acceptance(self) -> float:
        """The share of accepted moves, as a mean in which older minibatches count less."""
        return float(self._tuned[1])

    def step(self, rows: np.ndarray, x: FloatArray, rng: np.random.Generator) -> Bound:
        """One E-step on these rows of the images, then the updates of the M-step.

        Returns the means of log p(x, z) = log p(x|z) − (−log p(z)) before the updates, where
        the bound, the reconstruction and the KL stand elsewhere.
        """
        vae, z = self.model, self.chains[rows]
        still = np.zeros_like(z)  # q(z|x) = N(0, I), so that eps of the chain is z
        chain = Chain(vae, x, still, still, z[None])
        share = chain.move(1.0, np.full(len(x), self.h), LEAPFROGS, rng).mean()
        self._tuned[0] *= np.exp(TUNING * (share - ACCEPTANCE))
        self._tuned[1] += FORGETTING * (share - self._tuned[1])
        self.chains[rows] = z = chain.state.z[0]
        before = None
        for _ in range(UPDATES):
            log_px_z = decoder_gradient(vae, x, z)
            before = log_px_z if before is None else before
            self.optimizer.step()
        assert before is not None
        return Bound.mean(before, -standard_normal_log_density(z))


def fit_encoder(vae: VAE, images: Images, steps: int, *, lr: float = 1e-3, seed: int = 0) -> None:
    """φ climbs the bound of the images, while θ stands still; in place.

    images: (N, n_x), as for `fit`. steps: of Adam, on minibatches of 100.
    """
    rng, adam = checks.generator("seed", seed, "encoder"), Adam(vae.params, lr)
    draw = seen_by(vae, None)
    of_theta = [
        g
        for name, g in vae.params.grads.items()
        if name.split(".")[0] not in ("encoder", "mu", "logvar")
    ]
    for _ in range(steps):
        x = draw(images[rng.integers(0, len(images), 100)], rng, vae.dtype)
        vae.forward(x, vae.noise(len(x), rng))
        vae.backward()
        for g in of_theta:
            g[...] = 0  # Adam does not move a weight whose gradient was always 0
        adam.step()
