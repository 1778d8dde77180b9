"""Hamiltonian Monte Carlo: a random walk that follows the gradient (Neal 2010).

It draws z from a density f(z) that is known up to a constant, such as p(x, z), which is
the posterior p(z|x) up to the constant p(x). A momentum r ~ N(0, I) carries z along the
force ∂ log f / ∂z, in leapfrog steps of size h:

    r ← r + ½ h ∂log f/∂z        z ← z + h r        r ← r + ½ h ∂log f/∂z

A leapfrog can be run backwards, and it keeps volumes. It almost keeps the energy
−log f(z) + ½ ‖r‖². The end (z′, r′) is accepted with the probability

    min(1, exp( log f(z′) − ½ ‖r′‖²  −  log f(z) + ½ ‖r‖² ))

which corrects the rest (Metropolis), so that f stays the distribution of z.

**Units.** Here f is a mixture of the two densities of a VAE on the log scale,

    log f(z) = (1 − β) log q(z|x) + β log p(x, z)

and z = μ + σ ⊙ eps is moved through eps, in units of the encoder's σ. By the chain rule
∂/∂eps = σ ⊙ ∂/∂z. The determinant of that change of variables is a constant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae.distributions import (
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
)
from scratchvae.parameters import FloatArray
from scratchvae.vae import VAE


class State(NamedTuple):
    """K points for each of B data points. eps, z, dlog_p, dlog_q: (K, B, n_z); others (K, B).

    log_p is log p(x, z), and log_q is log q(z|x). dlog_p, dlog_q: their ∂/∂eps.
    """

    eps: FloatArray
    z: FloatArray
    log_p: FloatArray
    log_q: FloatArray
    dlog_p: FloatArray
    dlog_q: FloatArray

    def log_f(self, beta: float) -> FloatArray:
        """(1 − β) log q + β log p."""
        return (1 - beta) * self.log_q + beta * self.log_p

    def force(self, beta: float) -> FloatArray:
        """∂ log f / ∂eps."""
        return (1 - beta) * self.dlog_q + beta * self.dlog_p

    def where(self, accept: NDArray[np.bool_], other: "State") -> "State":
        """These points where accept, (K, B), is True, elsewhere the other's."""
        of_z = accept[:, :, None]
        return State(
            *(
                np.where(of_z if new.ndim == 3 else accept, new, old)
                for new, old in zip(self, other)
            )
        )


class Chain:
    """K chains for each of B data points x, (B, n_x), that begin at eps, (K, B, n_z).

    mu, logvar: q(z|x), (B, n_z). `state` is where the chains are.
    """

    def __init__(
        self, vae: VAE, x: FloatArray, mu: FloatArray, logvar: FloatArray, eps: FloatArray
    ) -> None:
        self.vae, self.x, self.mu, self.logvar = vae, x, mu, logvar
        self.state = self._at(eps)

    def _at(self, eps: FloatArray) -> State:
        sigma, z = np.exp(0.5 * self.logvar), reparameterize(self.mu, self.logvar, eps)
        log_p = self.vae.log_joint_unchecked(self.x, z)
        log_q = gaussian_log_density(z, self.mu, self.logvar)
        dlog_p = self.vae.log_joint_backward()
        # log q depends on z − μ alone, so ∂/∂z = −∂/∂μ
        dlog_q = -gaussian_log_density_backward(z, self.mu, self.logvar)[0]
        return State(eps, z, log_p, log_q, sigma * dlog_p, sigma * dlog_q)

    def move(
        self, beta: float, h: NDArray[np.float64], leapfrogs: int, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """One move that keeps f as the distribution. Returns which chains accepted, (K, B).

        h: the step size of each data point, (B,).
        """
        old = new = self.state
        h = h[:, None].astype(old.eps.dtype)
        r: FloatArray = rng.standard_normal(old.eps.shape, old.eps.dtype)  # the momentum
        before = old.log_f(beta) - 0.5 * (r * r).sum(axis=2)
        for _ in range(leapfrogs):
            r = r + 0.5 * h * new.force(beta)  # r ← r + ½ h ∂log f
            new = self._at(new.eps + h * r)  # z ← z + h r
            r = r + 0.5 * h * new.force(beta)  # r ← r + ½ h ∂log f
        after = new.log_f(beta) - 0.5 * (r * r).sum(axis=2)
        accept: NDArray[np.bool_] = np.log(rng.random(before.shape)) < after - before
        self.state = new.where(accept, old)
        return accept
