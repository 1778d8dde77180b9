"""The command `scratchvae explore`."""

import argparse

from scratchvae import checks
from scratchvae.checkpoint import load_model
from scratchvae.cli import data_for
from scratchvae.evaluation import seen_by
from scratchvae.explorer.page import check_decoder, page
from scratchvae.files import written_whole
from scratchvae.options import Commands, command, file_name, positive, share
from scratchvae.progress import say

PIXELS = ("bits", "grey")
IN_THE_PLANE, TO_CHOOSE_FROM = 600, 120  # test images in the file, for n_z = 2 and for others
AT_MOST = 1_500_000  # numbers in all of them: the page encodes them when it opens
CALIBRATION = 4000  # training images for the second moments of the layers' inputs
PIXELS_BAR, BOUND_BAR = 0.01, 0.3  # above these, --precise is worth its size


def add_commands(commands: Commands) -> None:
    """Add `explore` to the commands of `scratchvae`."""
    example = "explore runs/plane/model.npz --out explore.html"
    added = command(commands, explore, example, "model")
    added.add_argument(
        "--out", type=file_name(".html"), metavar="HTML",
        help="the file to write (explore.html by the model)",
    )  # fmt: skip
    share(added, "--max-memory", "--data")
    added.add_argument(
        "--pixels",
        choices=PIXELS,
        help="what the model sees (bits for a Bernoulli decoder, else grey)",
    )
    added.add_argument(
        "--images",
        type=positive,
        metavar="N",
        help="test images in the file (600 for n_z = 2, the points of its plane; else 120; fewer "
        "if they are large)",
    )
    added.add_argument(
        "--precise", action="store_true", help="weights in 16 bits, not 8: a file twice as large"
    )
    share(added, "--seed")


def explore(args: argparse.Namespace) -> int:
    """Write the latent space as one HTML file, to drag, draw and morph in a browser."""
    vae = load_model(args.model, max_memory=args.max_memory)
    if vae.image_shape is None:
        raise ValueError(f"{args.model} has no image_shape; the explorer needs a model of pictures")
    check_decoder(vae)
    data = data_for(vae, args)
    out = args.out or args.model.parent / "explore.html"
    pixels = args.pixels or vae.pixels
    usual = IN_THE_PLANE if vae.n_z == 2 else TO_CHOOSE_FROM
    n = args.images or min(usual, max(2, AT_MOST // vae.n_x))
    if args.images is not None and n > len(data.test_images):
        raise ValueError(f"--images is {n}; there are {len(data.test_images)} test images")
    with written_whole(out) as part:
        part.touch()  # an error now is better than after the work
        rng = checks.generator("--seed", args.seed, "explorer pixels")
        seen = seen_by(vae, pixels)
        html, difference = page(
            vae,
            seen(data.test_images[:n], rng, vae.dtype),
            None if data.test_labels is None else data.test_labels[:n],
            calibration=seen(data.train_images[:CALIBRATION], rng, vae.dtype),
            name=data.name,
            class_names=data.class_names,
            ink=data.ink,
            model=f"{args.model.resolve().parent.name}/{args.model.name}",
            precise=args.precise,
            seed=args.seed,
        )
        part.write_text(html, encoding="utf-8")
    say(f"wrote {out}: {len(html.encode()) / 1e6:.2f} MB; open it in a browser")
    say(
        f"weights in {16 if args.precise else 8} bits: means within {difference.pixels:.4f}, "
        f"bounds within {difference.bound:.3f} nats of the model's"
    )
    far = difference.pixels > PIXELS_BAR or difference.bound > BOUND_BAR
    if far and not args.precise:
        say("this is more than usual; --precise writes 16 bits")
    return 0
