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

(Metropolis); else z stays. This keeps f as the distribution of z. Let ρ = f(z) N(r; 0, I) be
the density of (z, r), and ρ′ its value at the end. Of the density ρ, the part
ρ · min(1, ρ′/ρ) = min(ρ, ρ′) goes from (z, r) to (z′, −r′). The move from (z′, −r′) brings as
much back to (z, r): it runs backwards, min(ρ, ρ′) is symmetric, and volumes are equal. The
sign of r′ does not matter, because each move draws r anew.

**Why δ is drawn anew.** Let f = N(0, σ²), with one z. The force is −z/σ². Put the three
lines together, with an angle ω: cos ω = 1 − δ² / 2σ², and κ = δ / sin ω (for δ < 2σ):

    z′ = (1 − δ²/2σ²) z + δ r                     = cos ω · z + κ sin ω · r
    r′ = −(δ/σ²) (1 − δ²/4σ²) z + (1 − δ²/2σ²) r  = −(sin ω / κ) z + cos ω · r

since sin² ω = 1 − cos² ω = (δ²/σ²) (1 − δ²/4σ²). This turns (z, κ r) by the angle ω. So
n leapfrogs turn it by n ω:

    z′ = cos(n ω) z + κ sin(n ω) r

If n ω = k π with a whole k, then z′ = ±z, whatever r is. The chain stands still or mirrors
its start, for ever. It keeps its energy, so every move is accepted, and the acceptance does
not show the fault. This is a resonance. For n = 4 the first is at δ = 2 sin(π/8) σ = 0.77 σ.

So each move of each chain has a step size of its own, u δ, with u uniform on
[0.6, 1.2]. u does not depend on z or r. For a given u the move keeps f, and so does a
mixture of such moves. By the last formula, a chain that begins with some variance of z
keeps the part cos² (n ω) of it after a move. At the resonance above the part is 1. With
the drawn u it is 0.69 on average, and below 0.1 % after 20 moves.

Why these ends of u? The angle n ω is about n u δ/σ, and the largest is twice the smallest.
At the resonance k = 1 it goes from 0.59 π to 1.21 π, and for a larger k through more than
a whole π. With a smaller lower end, more moves would hardly leave their start. With a
larger upper end, u δ would come near 2σ, and from there on leapfrogs go to infinity. The
acceptance to which δ is tuned is the mean over u.

**Units.** Here log f is a weighted mean of two log densities of a VAE,

    log f(z) = (1 − β) log q(z|x) + β log p(x, z)

and z = μ + σ ⊙ eps is moved through eps, in units of the encoder's σ. By the chain rule
∂/∂eps = σ ⊙ ∂/∂z. The determinant of that change of variables is a constant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import distributions
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
        sigma = np.exp(0.5 * self.logvar)
        z = distributions.reparameterize(self.mu, self.logvar, eps)
        log_p = self.vae.log_joint_unchecked(self.x, z)
        log_q = distributions.gaussian_log_density(z, self.mu, self.logvar)
        dlog_p = self.vae.log_joint_backward()
        # log q depends on z − μ alone, so ∂/∂z = −∂/∂μ
        dlog_q = -distributions.gaussian_log_density_backward(z, self.mu, self.logvar)[0]
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
