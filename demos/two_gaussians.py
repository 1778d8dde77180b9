# %% [markdown]
"""Entropy, cross entropy and KL of two Gaussians: closed forms beside integrals.

The claim (notes §1.2, §1.3 and §1.4). For a continuous variable the sums become
integrals:

    H(p)      = −∫ p(x) log p(x) dx
    H(p, q)   = −∫ p(x) log q(x) dx
    KL(p ‖ q) =  ∫ p(x) log [p(x) / q(x)] dx = H(p, q) − H(p)

For p = N(μ_p, σ_p²) and q = N(μ_q, σ_q²) each has a closed form. It needs two facts.
The second one follows from x − μ_q = (x − μ_p) + (μ_p − μ_q) and E_p[x − μ_p] = 0.

    −log q(x)       = ½ [log 2π + log σ_q² + (x − μ_q)² / σ_q²]
    E_p[(x − μ_q)²] = σ_p² + (μ_p − μ_q)²

So

    H(p, q)   = ½ [log 2π + log σ_q² + (σ_p² + (μ_p − μ_q)²) / σ_q²]
    H(p)      = H(p, p) = ½ [log 2π + log σ_p² + 1]
    KL(p ‖ q) = ½ [log (σ_q² / σ_p²) − 1 + (σ_p² + (μ_p − μ_q)²) / σ_q²]

Two things differ from the discrete case.

- H(p) may be negative, and it depends on the unit of x. With x in a unit that is u
  times as long, all σ are u times as small, and H(p) and H(p, q) fall by log u. The KL
  stays.
- The integrand p log(p/q) is negative where q > p. Only its integral is never negative.
"""

# %%
import numpy as np
from common import BLUE, GREEN, GREY, ORANGE, finish, note, options, panels

from scratchvae import info

args = options(__doc__)
NATS = {"base": np.e}
P, Q = (0.0, 0.8), (1.5, 1.4)  # μ and σ


# %% The densities, and each number in closed form and by quadrature, in nats
def density(mu, sigma):
    """N(x; μ, σ²) as a function of x."""
    return lambda x: np.exp(-0.5 * ((x - mu) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)


def closed_forms(p, q):
    """H(p), H(p, q) and KL(p ‖ q) by the formulas at the top. p, q: μ and σ."""
    (mu_p, sigma_p), (mu_q, sigma_q) = p, q
    logvar_p, logvar_q = 2 * np.log(sigma_p), 2 * np.log(sigma_q)
    return (
        info.gaussian_entropy(logvar_p, **NATS),
        info.gaussian_cross_entropy(mu_p, logvar_p, mu_q, logvar_q, **NATS),
        info.gaussian_kl(mu_p, logvar_p, mu_q, logvar_q, **NATS),
    )


def integrals(p, q):
    """The same by quadrature, over 14 σ to either side."""
    low, high = min(mu - 14 * s for mu, s in (p, q)), max(mu + 14 * s for mu, s in (p, q))
    f, g = density(*p), density(*q)
    return (
        info.differential_entropy(f, low, high, **NATS),
        info.differential_cross_entropy(f, g, low, high, **NATS),
        info.differential_kl(f, g, low, high, **NATS),
    )


UNITS = {"in its unit": 1, "in a unit 10 times as long": 10}
values = []
for unit, u in UNITS.items():
    p, q = [(mu / u, sigma / u) for mu, sigma in (P, Q)]
    print(f"x {unit}: p = N({p[0]:g}, {p[1]:g}²), q = N({q[0]:g}, {q[1]:g}²), in nats")
    values.append({})
    for names, pair in (
        (("H(p)", "H(p, q)", "KL(p ‖ q)"), (p, q)),
        (("H(q)", "H(q, p)", "KL(q ‖ p)"), (q, p)),
    ):
        closed, summed = closed_forms(*pair), integrals(*pair)
        for name, value, integral in zip(names, closed, summed):
            print(f"   {name:10} {value:8.5f} closed, {integral:8.5f} by quadrature")
            assert abs(value - integral) < 1e-9
        entropy, cross, kl = closed
        assert abs(kl - (cross - entropy)) < 1e-12 and kl > 0
        values[-1] |= zip(names, closed)
own, longer = values
for name in own:  # the unit changes H by log 10, and KL not at all
    change = 0 if name.startswith("KL") else np.log(10)
    assert abs(own[name] - longer[name] - change) < 1e-12
assert longer["H(p)"] < 0 < own["H(p)"] and own["KL(q ‖ p)"] > own["KL(p ‖ q)"] + 1

# %% The parts of the integrand p log(p/q): below 0 where q > p
x = np.linspace(-5, 7.5, 5001)
p_x, q_x = density(*P)(x), density(*Q)(x)
integrand = {"KL(p ‖ q)": p_x * np.log(p_x / q_x), "KL(q ‖ p)": q_x * np.log(q_x / p_x)}
for name, curve in integrand.items():
    gains, losses = (np.trapezoid(part, x) for part in (curve.clip(min=0), curve.clip(max=0)))
    print(f"{name}: the positive part {gains:.4f}, the negative part {losses:.4f} nats")
    assert losses < 0 and abs(gains + losses - own[name]) < 1e-3

# %% The picture
figure, ((densities, costs), (forward, reverse)) = panels(
    2, 2, (12, 7.8), "Two Gaussians: entropy, cross entropy and KL are areas under curves"
)
for values_x, name, colour, style in ((p_x, "p", BLUE, "-"), (q_x, "q", ORANGE, "--")):
    mu, sigma = P if name == "p" else Q
    label = f"{name} = N({mu:g}, {sigma:g}²): H({name}) = {own[f'H({name})']:.3f} nats"
    densities.plot(x, values_x, color=colour, ls=style, lw=2, label=label)
densities.set(title="The densities", xlabel="x", ylabel="density", ylim=(0, 0.66))

p_cost, q_cost = -p_x * np.log(p_x), -p_x * np.log(q_x)
costs.plot(x, p_cost, color=BLUE, lw=2, label=f"−p log p: area H(p) = {own['H(p)']:.3f}")
costs.plot(
    x, q_cost, color=GREEN, lw=2, ls="-.", label=f"−p log q: area H(p, q) = {own['H(p, q)']:.3f}"
)
costs.set(title="Entropy and cross entropy", xlabel="x", ylabel="nats per unit of x")
costs.set(ylim=(-0.05, 1.35))

for axes, (name, curve) in zip((forward, reverse), integrand.items()):
    first, second = name[3], name[-2]
    formula = f"{first} log({first}/{second})"
    axes.plot(x, curve, color="k", lw=1.2)
    axes.fill_between(x, curve, 0, where=curve > 0, color=GREY, label=f"{formula} > 0")
    axes.fill_between(
        x, curve, 0, where=curve < 0, fc="w", ec="k", hatch="////", lw=0, label=f"{formula} < 0"
    )
    axes.axhline(0, color="k", lw=0.8)
    axes.set(title=f"The integrand of {name}", xlabel="x", ylabel="nats per unit of x")
    note(axes, f"grey minus hatched area:\n{name} = {own[name]:.3f}", (-4.8, curve.max() * 0.9))
for axes in figure.axes:
    axes.set_xlim(-5, 7.5)
    axes.legend(frameon=False, fontsize=9, loc="upper right")
finish(figure, args)
