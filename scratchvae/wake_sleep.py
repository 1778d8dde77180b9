"""Wake-sleep: the same two networks, trained by two objectives in place of one.

AEVB compares itself with it (§5). Its source is Hinton, Dayan, Frey and Neal 1995. The
encoder q(z|x) and the decoder p(x|z) are those of a VAE. In every step each phase moves
one of them:

    wake     x from the data, z ~ q(z|x)        θ moves along ∇_θ log p(x, z)
    sleep    z̃ ~ p(z), x̃ ~ p(x|z̃): a dream     φ moves along ∇_φ log q(z̃|x̃)

The drawn z, z̃ and x̃ are constants in both derivatives. So no derivative goes through a
sample, and z may be discrete too. The loss whose gradient is computed here is

    loss = −(1/B) Σ_b [ log p(x_b, z_b) + log q(z̃_b|x̃_b) ]

**The wake phase climbs the bound.** Only the first term of 𝓛 = E_q[log p(x, z)] −
E_q[log q(z|x)] depends on θ, and q does not. So ∇_θ 𝓛 = E_q[∇_θ log p(x, z)]: the wake
phase is the θ-part of the gradient of the VAE, with one sample of z.

**The sleep phase does not.** Its mean over dreams is a mean over p(x, z) = p(z|x) p(x):

    E_p(x,z)[∇_φ log q(z|x)]
        = E_p(x)[ ∇_φ ∫ p(z|x) log q(z|x) dz ]                  p does not depend on φ
        = E_p(x)[ ∇_φ ∫ p(z|x) (log q(z|x) − log p(z|x)) dz ]   log p(z|x) does not either
        = −∇_φ E_p(x)[ KL(p(z|x) ‖ q(z|x)) ]

The φ-part of the gradient of the bound is, by AEVB eq. (1), where log p(x) does not
depend on φ,

    ∇_φ 𝓛(x) = −∇_φ KL(q(z|x) ‖ p(z|x))

So the sleep phase differs from it twice. **It is the other KL**: p first. That one is
large where p has mass and q has none, so q covers all of the posterior, and the bound
may fall. **And x is a dream**, not a data point: the encoder learns the images that the
model makes, which differ from the data as long as the model is poor. Therefore the two
phases together descend on no common objective.
"""

import numpy as np

from scratchvae.history import Bound
from scratchvae.parameters import FloatArray
from scratchvae.training import AEVB
from scratchvae.vae import VAE


class WakeSleep(AEVB):
    """The steps of wake-sleep, for `fit(vae, images, algorithm=WakeSleep)`.

    vae: any VAE. Its bound is reported, which wake-sleep does not climb.
    """

    model: VAE
    weighs_kl = False

    def step(self, rows: np.ndarray, x: FloatArray, rng: np.random.Generator) -> Bound:
        """Wake with z ~ q(z|x), sleep with as many dreams, then one update of θ and φ.

        Both gradients are taken before the update. Returns the minibatch's mean bound.
        """
        vae = self.model
        reconstruction, kl = vae.forward(x, vae.noise(len(x), rng))  # wake, at z = μ + σ ⊙ ε
        vae.decoder_gradient()
        z_dreamt, x_dreamt = vae.dream(len(x), rng)  # sleep
        vae.encoder_gradient(x_dreamt, z_dreamt)
        self.optimizer.step()
        return Bound.mean(reconstruction, kl)
