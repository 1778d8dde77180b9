"""What commands print of a model: its bounds and its active units, log p(x), rows of a table.

Everything that is printed is ASCII. Where a number is not as it should be, a sentence says
what this means and what to try.
"""

import argparse
import csv
import io
from collections.abc import Sequence
from functools import partial

import numpy as np

from scratchvae import checks
from scratchvae.datasets import ImageSet
from scratchvae.decoders import OUTPUTS
from scratchvae.evaluation import active_units, evaluate, seen_by
from scratchvae.likelihood import DEFAULTS, LogLikelihood, log_likelihood
from scratchvae.parameters import FloatArray
from scratchvae.progress import say
from scratchvae.vae import VAE

APART = 0.1  # of the size of the training bound: a test bound that is lower by more is said
COMPARED, PARTED = 10, 4  # images whose log p(x) is estimated from the prior too; errors


def print_bounds(vae: VAE, data: ImageSet, args: argparse.Namespace, seed: int) -> None:
    """The bounds, the active units, and what it means where these are not as they should be.

    The test bound is far below if it is so by more than APART of the training bound's size. A
    density's bound depends on the units of x, and may be near 0: its size is at least n_x nats.
    Then each number's density is lower by 10 % on test data.
    """
    kind, bounds = kind_of(data), {}
    say(f"{f'nats per {kind}':16}{'bound':>10} = {'reconstruction':>14} - {'KL':>6}")
    seen = {"seed": seed, "pixels": args.pixels, "workers": args.workers}
    for name, images in (("train", data.train_images), ("test", data.test_images)):
        bounds[name] = bound = evaluate(vae, images, **seen)
        say(f"{name:16}{bound.elbo:10.2f} = {bound.reconstruction:14.2f} - {bound.kl:6.2f}")
    if vae.beta != 1:
        say(f"(trained with beta {vae.beta:g}; this is the bound, in which the KL counts once)")
    if _grey_for_a_bernoulli(vae, args):
        say(
            "(grey pixels: a cross entropy and no likelihood; not comparable with bounds of bits. "
            "For a likelihood: --pixels bits, --decoder sigmoid-gaussian or continuous-bernoulli)"
        )
    if vae.pixels != "bits" and args.pixels == "bits":
        say("(bits by a density, which is no likelihood of them: --decoder bernoulli has one)")
    _print_units(data)
    gap, scale = bounds["train"].elbo - bounds["test"].elbo, abs(bounds["train"].elbo)
    if OUTPUTS[vae.decoder].pixels != "bits":
        scale = max(scale, vae.n_x)
    if gap > APART * scale:
        has_sigma = OUTPUTS[vae.decoder].min_sigma is not None
        wider = f", a larger --min-sigma than {vae.min_sigma:.3g}" if has_sigma else ""
        say(
            f"the test bound is {gap:.2f} nats lower, more than {APART:.0%} of {scale:.2f}: the "
            "model fits its training data too closely. Try fewer --epochs, fewer --hidden units"
            f"{wider}, or more data"
        )
    if len(data.test_images) < 2:
        say(f"active latent units: not known from one test {kind}")
        return
    active = active_units(vae, data.test_images, **seen)
    say(f"active latent units: {active} of {vae.n_z}")
    if not active:
        table = data.image_shape is None and data.units is None
        scaled = "" if not table or OUTPUTS[vae.decoder].unit_mean else "--standardize, "
        sigma = ""
        if vae.decoder == "isotropic":
            learnt = np.hypot(vae.min_sigma, np.exp(0.5 * vae.params.values["x_logvar"][0]))
            sigma = f"sigma began at 1 and is {learnt:.2f}: as long as it is large, z pays little. "
        say(
            "no unit is active: the mean of q(z|x) hardly depends on x, so z tells nothing of x, "
            f"and all samples are alike. {sigma}Try {scaled}more --epochs, a larger --lr, --warmup "
            "or a smaller --beta"
        )


def print_likelihood(vae: VAE, data: ImageSet, args: argparse.Namespace) -> None:
    """log p(x) of some test images, beside their bound, and of a few of them from the prior."""
    if args.images > len(data.test_images):
        raise ValueError(
            f"--images is {args.images}; there are {len(data.test_images)} test images"
        )
    if _grey_for_a_bernoulli(vae, args):
        raise ValueError(
            "--pixels is grey; a Bernoulli decoder gives a likelihood of bits alone: leave it out"
        )
    rng = checks.generator("--seed", args.seed, "likelihood pixels")
    x = seen_by(vae, args.pixels)(data.test_images[: args.images], rng, vae.dtype)
    # x is drawn already, so it is taken as it is
    bound = evaluate(vae, x, seed=args.seed, pixels="grey", workers=args.workers).elbo
    estimate = partial(
        log_likelihood, vae, n_temperatures=args.temperatures, workers=args.workers,
        progress=not args.quiet,
    )  # fmt: skip
    result, n = estimate(x, args.n_samples, seed=args.seed, method=args.likelihood), len(x)
    error = float(np.sqrt((result.standard_error**2).sum()) / n)
    say(f"first {n} test {kind_of(data)}s, nats per {kind_of(data)}")
    say(f"bound            {bound:10.2f} with one z for each")
    say(
        f"log p(x)         {result.log_p.mean():10.2f} +- {error:.2f} by {args.likelihood}, "
        f"{args.n_samples or DEFAULTS[args.likelihood]} samples"
    )
    least, few = result.effective.min(), int((result.effective < result.needed).sum())
    say(f"effective samples: median {np.median(result.effective):.0f}, least {least:.1f}")
    if few:
        better = "--likelihood ais" if args.likelihood != "ais" else "more --temperatures"
        wrong = "high" if args.likelihood == "hmc" else "low"
        say(
            f"{few} of {n} images have fewer than {result.needed:.0f}: their log p(x) may be too "
            f"{wrong} by many times the error; use {better}"
        )
    if args.likelihood != "importance":
        moves = f"{args.temperatures} temperatures, " if args.likelihood == "ais" else ""
        say(f"{moves}acceptance rate {result.acceptance:.2f}")
    _print_units(data)
    # the first images again, from a start that does not know q (`likelihood.py`)
    prior = estimate(x[:COMPARED], seed=rng, method="ais", start="prior")
    _print_from_the_prior(prior, result, args)


def _print_from_the_prior(
    prior: LogLikelihood, from_q: LogLikelihood, args: argparse.Namespace
) -> None:
    """The two starts of AIS compared, for the first images."""
    n = len(prior.log_p)
    of_q = from_q.log_p[:n]
    with np.errstate(invalid="ignore"):  # −∞ from both starts
        gap = prior.log_p - of_q
    apart = PARTED * np.hypot(prior.standard_error, from_q.standard_error[:n])
    error = float(np.sqrt((prior.standard_error**2).sum()) / n)
    say(
        f"of the first {n} alone: from the prior {prior.log_p.mean():.2f} +- {error:.2f} by ais, "
        f"from q {of_q.mean():.2f}"
    )
    unless = ", or because hmc's Gaussian does not fit it" if args.likelihood == "hmc" else ""
    higher, lower = gap > apart, gap < -apart
    if higher.any():
        say(
            f"{higher.sum()} of {n} images: from the prior log p(x) is higher by more than "
            f"{PARTED} errors, by up to {gap[higher].max():.1f} nats: what begins at q is too low, "
            f"because q(z|x) misses their posterior{unless}"
        )
    if lower.any():
        too_high = ", or hmc is too high" if args.likelihood == "hmc" else ""
        say(
            f"{lower.sum()} of {n} images: from the prior log p(x) is lower by more than "
            f"{PARTED} errors, by up to {-gap[lower].min():.1f} nats: {args.temperatures} "
            f"temperatures are too few to come from so far{too_high}"
        )
    if not (higher | lower).any():
        say(f"both starts agree within {PARTED} errors")


def _grey_for_a_bernoulli(vae: VAE, args: argparse.Namespace) -> bool:
    return vae.pixels == "bits" and args.pixels not in (None, "bits")


def kind_of(data: ImageSet) -> str:
    return "row" if data.image_shape is None else "image"


def _print_units(data: ImageSet) -> None:
    """The constant from a bound of standardized rows to one of rows, see `Units.log_scale`."""
    if data.units is not None:
        say(
            f"(of standardized rows; add {-data.units.log_scale:.2f}, minus the sum of log sd, for "
            "rows in the data's units)"
        )


def print_rows(columns: Sequence[str] | None, rows: FloatArray) -> None:
    """Rows as a .csv has them, below the columns' names if there are any.

    Nine digits are all that a float32 has.
    """
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    if columns is not None:
        table.writerow(columns)
    table.writerows([f"{number:.9g}" for number in row] for row in rows)
    say(lines.getvalue(), end="")
