"""What a chapter ends in: numbers to explain, and a picture, from your own functions.

    python look.py 1

prints them, and draws look_1.png where the whole package and Matplotlib are. The questions are
printed last, and stand in ASSIGNMENT.md.
"""

import inspect
import io
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import numpy as np

Draw = Callable[[Any, Any], None]  # of the left half of the picture, and of the right

LETTERS = " abcdefghijklmnopqrstuvwxyz"
ENGLISH = """we want to send the weather of the next days in as few letters as we can if it hardly
ever rains then dry is no news and a short word will do for it but a storm is rare and it may
have a long word so the length of a word should grow with the surprise that it brings"""
LATIN = """lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt
ut labore et dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco
laboris nisi ut aliquip ex ea commodo consequat duis aute irure dolor in reprehenderit"""


def shares(text: str) -> Any:
    """Of each of the LETTERS its share in the text, each counted once too often."""
    counts = np.array([1 + text.replace("\n", " ").count(letter) for letter in LETTERS])
    return counts / counts.sum()


def chapter_1() -> Draw:
    """1. English letters are sent in a code that is made for Latin. How many bits is that too
       many for each letter, which two of the printed numbers give it, and why is it not the
       same the other way round?
    2. Shannon's code for English needs more bits than H(p). What is the reason, how large can
       this difference be at most, and what would make it smaller?
    3. Every letter is counted once too often. What would H(p, q) be without this, and what
       would it mean?
    """
    from scratchvae.info import code_lengths, cross_entropy, entropy, kl_divergence

    p, q = shares(ENGLISH), shares(LATIN)
    print("p: letters of an English text; q: of a Latin one. In bits for each letter")
    print(f"log2 27                         {np.log2(27):.3f}")
    print(f"H(p)                            {entropy(p):.3f}")
    print(f"H(p, q)                         {cross_entropy(p, q):.3f}")
    print(f"KL(p || q)                      {kl_divergence(p, q):.3f}")
    print(f"KL(q || p)                      {kl_divergence(q, p):.3f}")
    print(f"Shannon's code for p, mean      {p @ code_lengths(p):.3f}")

    def draw(left: Any, right: Any) -> None:
        order = np.argsort(-p)
        for axes, other, name in ((left, p, "English, p"), (right, q, "Latin, q")):
            axes.bar(range(27), -np.log2(p[order]), color="0.8", label="-log2 p")
            axes.plot(code_lengths(other)[order], "k_", ms=9, mew=2, label=f"code made for {name}")
            axes.set_xticks(range(27), [LETTERS[i].replace(" ", "_") for i in order], fontsize=8)
            axes.set(ylabel="bits", ylim=(0, 13))
            axes.legend(frameon=False)

    return draw


def chapter_2() -> Draw:
    """1. How large is log p(x) minus the bound of the best q, what is this difference called, and
       why is it not 0, although the bound is the largest of all?
    2. The best q is narrower than the posterior, and leaves out one of its sides. Which, and why?
       Explain it from the order of q and p in KL(q || p(z|x)).
    3. What would the best q be, and what its KL from the prior, without any toss; and with 20
       tosses, half of them 1? Change TOSSES, and see.
    """
    from scratchvae.distributions import (
        bernoulli_log_likelihood,
        gaussian_kl,
        gaussian_log_density,
        reparameterize,
    )

    TOSSES = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]  # of a coin: z ~ N(0, 1), p(1|z) = sigmoid(3 z)
    x = np.array(TOSSES)
    mus, logvars = np.linspace(-0.5, 2, 51), np.linspace(-4, 0.5, 46)
    mu, logvar = (part.reshape(-1, 1) for part in np.meshgrid(mus, logvars))
    # a mean over eps ~ N(0, 1) by Gauss's rule: 30 numbers and their weights
    eps, weights = np.polynomial.hermite_e.hermegauss(30)
    z = reparameterize(mu, logvar, np.repeat(eps[:, None, None], len(mu), axis=1))
    logits = 3 * np.repeat(z, len(x), axis=2)
    likelihood = weights / weights.sum() @ bernoulli_log_likelihood(x, logits)
    bound = likelihood - gaussian_kl(mu, logvar)
    best = int(bound.argmax())
    grid = np.linspace(-6, 6, 2401)[:, None]
    prior = gaussian_log_density(grid, np.zeros((1, 1)), np.zeros((1, 1)))
    joint = prior + bernoulli_log_likelihood(x, 3 * np.repeat(grid, len(x), axis=1))
    log_p = np.log(np.exp(joint).sum() * 0.005)
    posterior = np.exp(joint - log_p) * 0.005
    mean = float(posterior @ grid[:, 0])
    deviation = float(posterior @ (grid[:, 0] - mean) ** 2) ** 0.5
    q = np.exp(gaussian_log_density(grid, mu[best], logvar[best]))
    print("q(z) = N(mu, sigma^2), of 2346 the one with the highest bound. In nats")
    print(f"posterior: mean, deviation      {mean:.3f}, {deviation:.3f}")
    print(f"q: mu, sigma                    {mu[best, 0]:.3f}, {np.exp(logvar[best, 0] / 2):.3f}")
    print(f"the bound                       {bound[best]:.3f}")
    print(f"KL(q || prior)                  {gaussian_kl(mu, logvar)[best]:.3f}")
    print(f"log p(x), by a sum over z       {log_p:.3f}")

    def draw(left: Any, right: Any) -> None:
        left.plot(grid, np.exp(prior), "k:", label="prior p(z)")
        left.plot(grid, np.exp(joint - log_p), "k", lw=3, label="posterior p(z|x)")
        left.plot(grid, q, color="tab:orange", ls="--", label="best q(z)")
        left.set(xlabel="z", ylabel="density", xlim=(-2, 4))
        left.legend(frameon=False)
        levels = bound.max() - np.array([3.2, 1.6, 0.8, 0.4, 0.2, 0.1, 0.05])
        right.contour(mus, logvars, bound.reshape(46, 51), levels, colors="0.4", linestyles="-")
        right.plot(mu[best], logvar[best], "o", color="tab:orange")
        right.set(xlabel="mu", ylabel="log sigma^2", title="the bound; lines 0.05, 0.1 ... below")

    return draw


def pictures() -> Any:
    """All 16 pictures of 4 x 4 pixels whose rows are black or white: (16, 16)."""
    rows = np.arange(16)[:, None] >> np.arange(4) & 1
    return np.repeat(rows, 4, axis=1).astype(np.float64)


def trained(steps: int, said: bool = False) -> Any:
    """A VAE of the 16 pictures, with 2 latent numbers; said: print how it learns."""
    from scratchvae.optimizers import Adam
    from scratchvae.training import training_step
    from scratchvae.vae import VAE

    vae, x, rng = VAE(16, (32,), 2, dtype=np.float64, seed=1), pictures(), np.random.default_rng(1)
    optimizer = Adam(vae.params, 0.01)
    for step in range(steps):
        training_step(vae, np.repeat(x, 4, axis=0), optimizer, rng)
        if said and step + 1 in (1, 100, 400, steps):
            reconstruction, kl = vae.forward(x, rng.standard_normal((500, 16, 2)))
            bound = (reconstruction - kl).mean()
            print(f"{step + 1:5}  {reconstruction.mean():8.3f}  {kl.mean():6.3f}  {bound:8.3f}")
    return vae


def chapter_3() -> Draw:
    """1. The KL rises while the model learns, although the bound has it with a minus sign. Why is
       this worth it, and what does a KL of 0 say about z?
    2. No model can have a mean bound above -log 16 = -2.773 on these 16 pictures. Why not? And
       why is the KL near to log 16, or above it, as soon as the pictures are told apart?
    3. In the picture, what lies between two of the 16 pictures, and why is the place of a picture
       in the plane another one with another seed?
    """
    print("16 pictures, a VAE 16-32-2-32-16. In nats for each picture")
    print(" step  E[log p(x|z)]    KL     bound")
    vae = trained(1500, said=True)

    def draw(left: Any, right: Any) -> None:
        side, edge = np.linspace(-2, 2, 11), ((0, 0), (0, 0), (1, 0), (1, 0))
        z = np.array([[a, b] for b in side[::-1] for a in side])
        tiles = np.pad(vae.decode(z).reshape(11, 11, 4, 4), edge, constant_values=0.5)
        left.imshow(tiles.transpose(0, 2, 1, 3).reshape(55, 55), cmap="gray", vmin=0, vmax=1)
        left.set(title="decoded: z from -2 to 2, both ways", xticks=[], yticks=[])
        mu, logvar = vae.encode(pictures())
        for i, (m, s) in enumerate(zip(mu, 2 * np.exp(logvar / 2))):
            t = np.linspace(0, 2 * np.pi, 60)
            right.plot(m[0] + s[0] * np.cos(t), m[1] + s[1] * np.sin(t), color="0.5")
            right.text(m[0], m[1], f"{i:04b}"[::-1], ha="center", va="center", fontsize=8)
        right.set(title="q(z|x): 2 sigma; names are rows, from above", aspect="equal")

    return draw


def chapter_4() -> Draw:
    """1. Why does L_K rise with K, and which number does it come near to?
    2. What is the difference of log p(x) and L_1 called, and on what does it depend: the encoder,
       the decoder, or both? What would L_K be for all K if it were 0?
    3. Somebody takes the mean of the K logs in place of the log of the mean. What would the curve
       of this be, and why?
    """
    from scratchvae.likelihood import importance_weighted_bound

    vae, x, rng = trained(150), pictures(), np.random.default_rng(2)
    Ks, means = (1, 2, 5, 10, 20, 50, 100), []
    print("L_K of 16 pictures, for a VAE that is hardly trained. In nats for each picture")
    for K in Ks:
        runs = [importance_weighted_bound(vae, x, K, rng)[0].mean() for _ in range(40)]
        means.append((np.mean(runs), np.std(runs)))
        print(f"L_{K:<5}  {np.mean(runs):8.3f}   varies by {np.std(runs):.3f}")
    side = np.linspace(-6, 6, 61)
    z = np.array([[[a, b]] for a in side for b in side])
    joint = vae.log_joint(x, np.repeat(z, 16, axis=1))
    log_p = float(np.log(np.exp(joint).sum(axis=0) * 0.2**2).mean())
    print(f"log p(x)  {log_p:7.3f}   by a sum over a grid of z")

    def draw(left: Any, right: Any) -> None:
        mean, spread = np.array(means).T
        left.errorbar(Ks, mean, spread, color="k", marker="o", capsize=3, label="L_K")
        left.axhline(log_p, color="tab:orange", ls="--", label="log p(x)")
        left.set(xscale="log", xlabel="K", ylabel="nats for each picture")
        left.legend(frameon=False)
        right.loglog(Ks, log_p - mean, "ko-")
        right.set(xlabel="K", ylabel="log p(x) - L_K, nats")

    return draw


def main(arguments: list[str]) -> int:
    """Run one chapter. 0: done; 1: an exercise is not; 2: no such chapter."""
    chapters = {name[8:]: f for name, f in globals().items() if name.startswith("chapter_")}
    if len(arguments) != 1 or arguments[0] not in chapters:
        print(f"look.py: name a chapter, of {', '.join(sorted(chapters))}")
        return 2
    chapter = chapters[arguments[0]]
    try:
        with redirect_stdout(io.StringIO()) as printed:
            draw = chapter()
        print(printed.getvalue(), end="")
        try:
            from scratchvae.figures import Picture
        except ImportError:
            print("no picture: it needs the whole package, and Matplotlib")
        else:
            figure = Picture(figsize=(10, 4.4), layout="constrained")
            draw(*figure.subplots(1, 2))
            figure.savefig(f"look_{arguments[0]}.png", dpi=100)
            print(f"wrote look_{arguments[0]}.png")
    except NotImplementedError as error:
        print(f"look.py: chapter {arguments[0]} cannot be looked at yet: {error} is not done")
        return 1
    print(f"\n{inspect.cleandoc(chapter.__doc__)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
