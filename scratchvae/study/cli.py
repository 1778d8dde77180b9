"""The commands `scratchvae trace` and `scratchvae study`."""

import argparse
from functools import partial
from pathlib import Path

from scratchvae.decoders import OUTPUTS
from scratchvae.files import made
from scratchvae.layers import ACTIVATIONS
from scratchvae.optimizers import OPTIMIZERS
from scratchvae.options import Commands, command, from_zero, sizes
from scratchvae.progress import say


def add_commands(commands: Commands) -> None:
    """Add `trace` and `study` to the commands of `scratchvae`."""
    _add_trace(commands)
    _add_study(commands)


# ---- trace ----


def _add_trace(commands: Commands) -> None:
    traced = command(commands, trace, "trace --seed 7 --worksheet > sheet-7.txt")
    traced.add_argument(
        "--sizes",
        type=partial(sizes, least=0),  # the step says what is wrong with 0
        default=(4, 3, 2, 3, 4),
        metavar="N,N,...",
        help="n_x, hidden units, n_z, hidden units, n_x (4,3,2,3,4)",
    )
    traced.add_argument("--decoder", choices=OUTPUTS, default="bernoulli", help="p(x|z)")
    traced.add_argument("--activation", choices=ACTIVATIONS, default="tanh")
    traced.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd")
    traced.add_argument(
        "--seed", type=from_zero, default=0, help="for the weights, the image and ε (0)"
    )
    traced.add_argument(
        "--short", action="store_true", help="only what is computed by hand, without the update"
    )
    traced.add_argument("--no-code", action="store_true", help="equations, but no line of code")
    form = traced.add_mutually_exclusive_group()
    form.add_argument("--worksheet", action="store_true", help="leave the numbers blank")
    form.add_argument("--key", action="store_true", help="print the worksheet's numbers alone")
    form.add_argument("--json", action="store_true", help="print it for programs")
    traced.add_argument(
        "--out", type=Path, metavar="DIR", help="draw the computation into DIR/trace.png as well"
    )


def trace(args: argparse.Namespace) -> int:
    """Show one training step of a small VAE: every quantity, its equation, line and numbers."""
    from scratchvae.study import sheet, step

    traced = step.training_step(
        args.sizes,
        decoder=args.decoder,
        activation=args.activation,
        optimizer=args.optimizer,
        seed=args.seed,
    )
    if args.short:
        traced = sheet.short(traced)
    if args.no_code:
        traced = sheet.without_code(traced)
    if args.json:
        shown = sheet.as_json(traced)
    else:
        shown = sheet.key(traced) if args.key else sheet.text(traced, values=not args.worksheet)
    say(shown, end="")
    if args.out is not None:
        from scratchvae.study import graph

        graph.draw(traced, made(args.out) / "trace.png")
        say(f"wrote {args.out / 'trace.png'}", error=True)
    return 0


# ---- study ----


def _add_study(commands: Commands) -> None:
    made = command(commands, study, "study --out book, and then open book/index.html")
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="the book's folder")
    made.add_argument(
        "--no-edits",
        action="store_true",
        help="do not try the small edits of the homework's functions: some seconds less",
    )
    made.add_argument(
        "--print",
        action="store_true",
        dest="printed",
        help="make print.html too: the notes as one page that prints as a whole",
    )
    made.add_argument(
        "--base",
        default="",
        metavar="URL",
        help="where the book will be published: each page then names its own address",
    )
    made.add_argument(
        "--repository",
        default="",
        metavar="URL",
        help="where the project's repository is: tests and demos then have links to it",
    )
    made.add_argument(
        "--notebooks",
        type=Path,
        metavar="DIR",
        help="publish these notebooks with it; `python -m demos notebooks` makes them",
    )
    made.add_argument(
        "--student", action="store_true", help="without the answers to the homework's exercises"
    )
    made.add_argument(
        "--hide", metavar="N[,N...]", help="with --student: only these, as 2.2, or chapters, as 2"
    )


def study(args: argparse.Namespace) -> int:
    """Make the book: the notes and the source as web pages, to open from a folder."""
    from scratchvae.study import book

    if args.hide is not None and not args.student:
        raise ValueError("--hide names the exercises for --student: give both")
    hidden = None if args.hide is None else [n.strip() for n in args.hide.split(",")]
    report = book.build(
        args.out,
        edits=not args.no_edits,
        base=args.base,
        repository=args.repository,
        notebooks=args.notebooks,
        printed=args.printed,
        student=args.student,
        hidden=hidden,
    )
    set_ = len(report.formulas) - len(report.monospace)
    say(
        f"wrote {args.out / 'index.html'} and {len(report.files) - 1} other files in "
        f"{report.seconds:.0f} s; {set_} of {len(report.formulas)} formulas are typeset"
    )
    return 0
