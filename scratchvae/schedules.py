"""Schedules: what the learning rate, and the KL's weight β, are multiplied by in each epoch.

In epoch e = 1, 2, ..., E the learning rate is α · factor(e, E).

    constant    factor = 1
    iwae        factor = 10^(−i/7) for 3^i epochs, i = 0, 1, ..., 7     Burda et al. 2015, §5
    cosine      factor = ½ (1 + cos(π (e − 1) / E))                     Loshchilov and Hutter 2017

**Where stage i of `iwae` ends.** The stages 0 to i have 1 + 3 + ... + 3^i = (3^(i+1) −
1) / 2 epochs. So they end after epochs 1, 4, 13, 40, 121, 364, 1093 and 3280. Later
epochs stay in stage 7, with the factor 1/10.

`iwae` does not depend on E, and `cosine` does. The factor depends on the number of the
epoch alone, so a training that goes on needs nothing else to find it.

**Warm-up.** At the beginning the decoder makes nothing of z yet, and the KL alone would
pull q(z|x) to the prior. So β may rise to its value over the first epochs (Sønderby et
al. 2016): `warm_up`.
"""

from collections.abc import Callable
from math import cos, pi

Schedule = Callable[[int, int], float]


def constant(epoch: int, epochs: int) -> float:
    """1."""
    return 1.0


def iwae(epoch: int, epochs: int) -> float:
    """10^(−i/7), where i is the stage of the epoch: the least i with epoch ≤ (3^(i+1) − 1) / 2.

    >>> [round(iwae(epoch, 3280), 3) for epoch in (1, 2, 4, 5, 3280)]
    [1.0, 0.72, 0.72, 0.518, 0.1]
    """
    i = 0
    while i < 7 and epoch > (3 ** (i + 1) - 1) // 2:
        i += 1
    return 10 ** (-i / 7)


def cosine(epoch: int, epochs: int) -> float:
    """½ (1 + cos(π (epoch − 1) / epochs)): 1 in the first epoch, and nearly 0 in the last.

    >>> [round(cosine(epoch, 4), 3) for epoch in (1, 2, 3, 4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    return 0.5 * (1 + cos(pi * (epoch - 1) / epochs))


def warm_up(epoch: int, epochs: int) -> float:
    """epoch / (epochs + 1) up to 1: below 1 in the first `epochs` epochs, and 1 after them.

    >>> [warm_up(epoch, 3) for epoch in (1, 2, 3, 4, 5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return min(1.0, epoch / (epochs + 1))


SCHEDULES: dict[str, Schedule] = {"constant": constant, "iwae": iwae, "cosine": cosine}


def settings_of(schedule: str, epochs: int | None) -> dict[str, str]:
    """What has to be the same when a training goes on, by name. `cosine` needs its E."""
    if schedule == "constant":
        return {}
    return {"schedule": f"cosine over {epochs} epochs" if schedule == "cosine" else schedule}
