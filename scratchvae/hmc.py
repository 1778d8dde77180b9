"""Hamiltonian Monte Carlo: long moves that do not wander at random (Neal 2010).

It draws z from a density f(z) that is known up to a constant, such as p(x, z), which is
the posterior p(z|x) up to the constant p(x). A walk of small random steps goes √n steps
far in n steps. Here a momentum r ~ N(0, I) carries z many steps in one direction, and
the force ∂ log f / ∂z bends the path. A leapfrog step of size δ is

    r ← r + ½ δ ∂log f/∂z        z ← z + δ r        r ← r + ½ δ ∂log f/∂z

**It keeps volumes.** Each of its three lines adds to r something that depends on z
alone, or to z something that depends on r alone. That is a shear: its Jacobian is
triangular with ones on the diagonal, so its determinant is 1. **It can be run
backwards**: from (z′, −r′) the same steps lead to (z, −r). And it almost keeps the
energy −log f(z) + ½ ‖r‖². The end (z′, r′) is accepted with the probability

    min(1, exp( log f(z′) − ½ ‖r′‖²  −  log f(z) + ½ ‖r‖² ))

which corrects the rest (Metropolis), so that f stays the distribution of z.

**Why δ is drawn anew.** Let f = N(0, σ²), with one z. The force is −z/σ². Put the three
lines together, with cos θ = 1 − δ² / 2σ² and κ = δ / sin θ (for δ < 2σ):

    z′ = (1 − δ²/2σ²) z + δ r                     = cos θ · z + κ sin θ · r
    r′ = −(δ/σ²) (1 − δ²/4σ²) z + (1 − δ²/2σ²) r  = −(sin θ / κ) z + cos θ · r

since sin² θ = 1 − cos² θ = (δ²/σ²) (1 − δ²/4σ²). This turns (z, κ r) by the angle θ. So
n leapfrogs turn it by n θ:

    z′ = cos(n θ) z + κ sin(n θ) r

If n θ = k π, then z′ = ±z, whatever r is. The chain stands still or mirrors its start,
for ever. It keeps its energy, so every move is accepted, and the acceptance says that
all is well. It is a resonance. For n = 4 it begins at δ = 2 sin(π/8) σ = 0.77 σ.

So each move of each chain has a step size of its own, u δ, with u uniform on
[0.6, 1.2]. u is drawn without a look at z or r. For a given u the move keeps f, and so
does a mixture of such moves. After a move, the mean of cos² (n θ) is left of the variance with
which a chain began. At the resonance above it was 1, and now it is 0.69: after 20
moves, 0.1 %. The ends: the angle is about n u δ/σ, and the largest is twice the
smallest. For k = 1 it goes from 0.59 π to 1.21 π, and for a larger k through more than
a whole π. A smaller lower end wastes moves that go nowhere. A larger upper end brings
u δ near 2σ, where no leapfrog stays bounded. The acceptance to which δ is tuned is the
mean over u.

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

STRETCH = 0.6, 1.2  # u of each move, which multiplies the step size


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
        of_z, pairs = accept[:, :, None], zip(self, other)
        return State(*(np.where(of_z if new.ndim == 3 else accept, new, old) for new, old in pairs))


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

    def leapfrog(
        self, at: State, r: FloatArray, beta: float, size: FloatArray
    ) -> tuple[State, FloatArray]:
        """One step of the length size, (K, B, 1), from a state and a momentum r, (K, B, n_z)."""
        r = r + 0.5 * size * at.force(beta)  # r ← r + ½ δ ∂log f
        at = self._at(at.eps + size * r)  # z ← z + δ r
        return at, r + 0.5 * size * at.force(beta)  # r ← r + ½ δ ∂log f

    def move(
        self, beta: float, delta: NDArray[np.float64], leapfrogs: int, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """One move that keeps f as the distribution. Returns which chains accepted, (K, B).

        delta: δ of each data point, (B,); each chain has its own u for this move.
        """
        old = new = self.state
        u = rng.uniform(*STRETCH, old.log_p.shape)
        size = (u * delta)[:, :, None].astype(old.eps.dtype)  # u δ, (K, B, 1)
        r: FloatArray = rng.standard_normal(old.eps.shape, old.eps.dtype)  # the momentum
        before = old.log_f(beta) - 0.5 * (r * r).sum(axis=2)
        for _ in range(leapfrogs):
            new, r = self.leapfrog(new, r, beta, size)
        after = new.log_f(beta) - 0.5 * (r * r).sum(axis=2)
        accept: NDArray[np.bool_] = np.log(rng.random(before.shape)) < after - before
        self.state = new.where(accept, old)
        return accept
