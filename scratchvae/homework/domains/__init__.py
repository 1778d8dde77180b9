"""What the arguments of an exercise may be, as something to draw from.

The grader draws some hundreds of calls, with a seed that nobody knows before. The public tests
draw from the same descriptions with a fixed seed. The kinds of check, each worth 1 point, and
`value` the rest:

    value      ordinary numbers in float64: every shape, axis and option
    shapes     float32 stays float32; lists and whole numbers where they are allowed
    inputs     the arguments are afterwards as they were, and what was returned before
    memory     what `backward`, or another call, needs of `forward` is there
    extremes   zeros, certainty, tiny and huge numbers, numbers at which digits cancel
    errors     an error where the docstring promises one

A formula that gives no right value has no points for being careful: the other kinds count
when one value in ten is right.

Small calls are drawn often, since the smallest one that fails is shown.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scratchvae.homework.domains import chapter_1, chapter_2, chapter_3
from scratchvae.homework.domains.draws import Draws, Inputs

PUBLIC = 1, 0.5  # seed and share of the public tests
KINDS = ("value", "shapes", "inputs", "memory", "extremes", "errors")
IN_TURN = ("value", "value", "shapes", "value", "extremes", "memory", "errors")


class Call(NamedTuple):
    """One call.

    rtol, atol: how far a right answer may be off, relative to its largest entry, for extremes to
    each entry, and absolutely. any_dtype: the type is not looked at: `np.log(2 * np.pi)`, written
    into a formula, makes float64 of float32 in some versions of NumPy.
    """

    kind: str
    inputs: Inputs
    rtol: float = 1e-12
    atol: float = 1e-14
    any_dtype: bool = False


class Domain(NamedTuple):
    """driver, fixed: how it is called, by `drivers.py`. kinds: besides "value".

    size: calls that the grader draws; the public tests draw half of them.
    """

    driver: str
    fixed: dict[str, str]
    draw: Callable[[Draws, str], Inputs]
    kinds: tuple[str, ...]
    size: int


DRAW = chapter_1.DRAW | chapter_2.DRAW | chapter_3.DRAW
TABLE = """
1.1  call info.entropy                                         150 shapes extremes errors
1.2  call info.cross_entropy                                   150 shapes extremes errors
1.3  call info.kl_divergence                                   150 shapes extremes errors
1.4  call info.binary_cross_entropy                            150 shapes extremes errors
1.5  call info.information_gain                                150 shapes extremes errors
1.6  call info.code_lengths                                    150 shapes extremes errors
2.1  call distributions.gaussian_log_density                   80 shapes extremes
2.2  call distributions.gaussian_kl                            80 shapes extremes
2.3  call distributions.reparameterize                         80 shapes extremes
2.4  call distributions.reparameterize_backward                80 shapes extremes
2.5  call_for_new distributions.gaussian_kl_backward           80 shapes memory extremes
2.6  call_without_warning layers.sigmoid                       80 shapes extremes
2.7  call distributions.bernoulli_log_likelihood               80 shapes extremes
2.8  call distributions.bernoulli_log_likelihood_backward      80 shapes extremes
2.9  call distributions.gaussian_log_density_backward          80 shapes extremes
3.1  affine_forward -             80 shapes memory
3.2  affine_backward_weights -    80 shapes
3.3  affine_backward_input -      80 shapes
3.4  tanh_backward_input -        80 shapes extremes
3.5  vae_forward -                80 shapes memory errors
3.6  vae_log_weights -            80 shapes memory errors
3.7  vae_backward -               70 shapes extremes errors
3.8  central_difference -         80 shapes errors
3.9  optimizer Adagrad            80 shapes extremes
3.10 optimizer Adam              80 shapes extremes
3.11 binarize -                   48 shapes extremes errors
3.12 training_step -              60 shapes
4.1  log_mean -                  80 shapes extremes
4.2  importance_weighted_bound -  60 shapes extremes
page.1 one_page 4                 12
page.2 one_page 3                 12
page.3 one_page 1                 12
page.4 one_page 2                 12
page.5 one_page 0                 12
"""


def _domain(driver: str, what: str, size: str, *kinds: str) -> Domain:
    """A row of the table after its number. what: of the driver, if it has several."""
    module, _, name = what.rpartition(".")
    fixed = {"module": module, "name": name} if module else {}
    fixed |= {"optimizer": {"name": what}, "one_page": {"layer": what}}.get(driver, {})
    draw = DRAW[name if module or driver == "optimizer" else driver]
    return Domain(driver, fixed, draw, kinds, int(size))


DOMAINS = {number: _domain(*row) for number, *row in map(str.split, TABLE.strip().splitlines())}


class Job(NamedTuple):
    """How an exercise is called: the driver, what is the same in every call, and the calls."""

    driver: str
    fixed: dict[str, str]
    cases: list[Call]


def job(number: str, seed: int = 0, share: float = 1.0) -> Job:
    """The exercise's job, whose calls are drawn with this seed. share: of its size."""
    domain = DOMAINS[number]
    return Job(domain.driver, domain.fixed, calls(number, seed, share))


def calls(number: str, seed: int, share: float = 1.0) -> list[Call]:
    """The exercise's calls, the kinds in turn. share: of its size."""
    domain, found = DOMAINS[number], []
    turns = [kind for kind in IN_TURN if kind == "value" or kind in domain.kinds]
    for i in range(int(share * domain.size)):
        rng = np.random.Generator(np.random.PCG64([seed, i]))  # the same in all versions of NumPy
        kind = turns[i % len(turns)]
        draws = Draws(rng, i // len(turns))
        inputs = domain.draw(draws, kind)
        if kind == "value" and i % 5 == 0:
            inputs["order"] = "F"  # as a transposed array
        rtol, atol, any_dtype = _tolerance(number, kind, inputs)
        found.append(Call(kind, inputs, *(draws.digits or (rtol, atol)), any_dtype))
    return found


def _tolerance(number: str, kind: str, inputs: Inputs) -> tuple[float, float, bool]:
    """rtol, atol and any_dtype.

    64 times the smallest step of the type; of ordinary numbers nine digits in chapter 1, and
    twelve after it, which no difference quotient has.
    """
    if number == "1.6":
        return 0.0, 0.0, False  # whole numbers
    arrays = [np.asarray(v) for v in inputs.values() if isinstance(v, np.ndarray | list)]
    single = any(array.dtype == np.float32 for array in arrays)
    error = 64 * float(np.finfo(np.float32 if single else np.float64).eps)
    if number[0] == "1":
        return error if single or kind == "extremes" else 1e-9, error, False
    if number == "2.6" and kind == "extremes":
        return 1e-12, 1.2e-16, False  # half of the smallest step below 1
    if number == "3.8":
        return 1e-6, 1e-8, False
    if number == "3.11":
        return 0.0, 0.03 * (kind == "value"), False  # of a share of 10,000 bits, 6 standard errors
    if number == "4.1" and kind == "shapes":
        return 1e-10, 1e-12, False  # the sums are float64
    size = max([1.0, *(float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in arrays)])
    return (1e-3, 1e-4, number == "2.1") if single else (1e-12, error * size, False)
