"""One training step of a small VAE: every quantity in the order in which it is computed.

The step is the package's own: `VAE.loss_and_grad` for one image x and one noise ε, then
the optimizer's `step`. `trace.record` gives the numbers. Each gradient among them is
compared with the complex step (`derivatives.py`):

    what the code computes                          it is the derivative
    dW, db of a layer                               of the loss in this weight
    the dy that a layer receives                    of the loss in the layer's output
    the dx that a layer returns                     of the loss in the layer's input
    what `reparameterize_backward` returns          of the loss in μ and log σ², through z
    what `gaussian_kl_backward` returns             of the KL in μ and log σ²
    what `*_likelihood_backward`, `*_density_backward` return      of log p(x|z)

The weights, the image and ε are drawn with one decimal, so that they can be copied.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from scratchvae.checks import one_of
from scratchvae.decoders import OUTPUTS
from scratchvae.layers import ACTIVATIONS, shapes_of
from scratchvae.optimizers import OPTIMIZERS
from scratchvae.parameters import FloatArray, views
from scratchvae.study.derivatives import Derivatives
from scratchvae.study.trace import PACKAGE, Step, record, source_of
from scratchvae.vae import VAE, affine_networks

FILES = ("layers.py", "distributions.py", "decoders.py", "vae.py", "optimizers.py")
GENERIC = ("forward", "backward", "backward_input", "backward_weights", "Layer.backward")
LR = 0.1
MOST_WEIGHTS = 20_000  # 7 s and 15,000 lines on one core; the time grows with their square


@dataclass(frozen=True)
class Quantity:
    """One number or array of the step.

    number: 1, 2, ... within the whole step; given ones have 0. phase: "given", "forward",
    "backward" or "update". owner: the layer, or "". equation: from the comment beside the
    line, or from the docstring, or else the code. difference: the largest |entry| of (this
    gradient − the complex step), or None for what is no gradient. key: as in `Step`.
    names: all that the code gives it.
    """

    number: int
    phase: str
    name: str
    owner: str
    value: Any
    equation: str
    code: str
    function: str
    file: str
    line: int
    difference: float | None = None
    key: int = -1
    names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array; () for a number."""
        return tuple(np.shape(self.value))


@dataclass(frozen=True)
class TrainingStep:
    """sizes, decoder, activation, optimizer, seed: as asked for. quantities: in their order."""

    sizes: tuple[int, ...]
    decoder: str
    activation: str
    optimizer: str
    seed: int
    loss: float
    quantities: tuple[Quantity, ...]
    steps: tuple[Step, ...]
    vae: VAE

    @property
    def largest_difference(self) -> float:
        """Of all gradients from their complex steps."""
        return max(q.difference for q in self.quantities if q.difference is not None)

    def find(self, name: str, owner: str = "", phase: str = "") -> Quantity:
        """The last quantity of this name. KeyError when there is none."""
        for q in reversed(self.quantities):
            if name in (q.name, *q.names) and owner in ("", q.owner) and phase in ("", q.phase):
                return q
        raise KeyError(name)


def check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """n_x, hidden units, n_z, hidden units, n_x: the decoder has the encoder's in reverse."""
    sizes = tuple(sizes)
    if len(sizes) < 5 or len(sizes) % 2 == 0 or sizes != sizes[::-1] or min(sizes) < 1:
        raise ValueError(
            f"sizes is {','.join(map(str, sizes))}; it should be an odd number of sizes, five or "
            "more, the same from both ends, as 4,3,2,3,4"
        )
    return sizes


def training_step(
    sizes: Sequence[int] = (4, 3, 2, 3, 4),
    *,
    decoder: str = "bernoulli",
    activation: str = "tanh",
    optimizer: str = "sgd",
    seed: int = 0,
) -> TrainingStep:
    """Draw the weights, one image and one ε, and take one step with the learning rate 0.1."""
    sizes = check_sizes(sizes)
    one_of("decoder", decoder, OUTPUTS)
    one_of("activation", activation, ACTIVATIONS)
    one_of("optimizer", optimizer, OPTIMIZERS)
    middle = len(sizes) // 2
    networks = affine_networks(sizes[0], sizes[1:middle], sizes[middle], decoder, activation)
    weights = sum(map(prod, shapes_of(networks.layers).values()))
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"sizes is {','.join(map(str, sizes))}, with {weights:,} weights; a trace shows each "
            f"number and should have at most {MOST_WEIGHTS:,}, as 100,50,10,50,100 has"
        )
    vae, x, eps = _drawn(sizes, decoder, activation, seed)
    given = [
        _given("x", x, "one image"),
        _given("eps", eps, "ε ~ N(0, I)"),
        *(_given(name, value.copy(), "") for name, value in vae.params.values.items()),
        _given("lr", LR, "α, the learning rate"),
    ]
    labels = {id(layer): name for name, layer in vae.layers.items()}
    updater = OPTIMIZERS[optimizer](vae.params, lr=LR)

    loss, steps = record(vae.loss_and_grad, x, eps, labels=labels, files=FILES)
    exact = _derivatives(vae, x, eps, steps)
    _, updates = record(updater.step, labels=labels, files=FILES)
    quantities = given + _quantities(steps, exact, 1)
    quantities += _quantities(updates, {}, quantities[-1].number + 1)
    return TrainingStep(
        sizes, decoder, activation, optimizer, seed, loss, tuple(quantities),
        (*steps, *updates), vae,
    )  # fmt: skip


def _drawn(
    sizes: tuple[int, ...], decoder: str, activation: str, seed: int
) -> tuple[VAE, FloatArray, FloatArray]:
    middle = len(sizes) // 2
    vae = VAE(
        sizes[0], sizes[1:middle], sizes[middle], decoder=decoder, activation=activation,
        dtype=np.float64,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    theta = vae.params.theta  # tenths, and none is 0: a zero can hide a wrong backward pass
    theta[...] = rng.choice([-1, 1], theta.size) * rng.integers(1, 10, theta.size) / 10
    bits = rng.integers(0, 2, (1, sizes[0])) / 1
    grey = rng.integers(0, 11, (1, sizes[0])) / 10
    eps = np.round(rng.standard_normal((1, sizes[middle])), 1) + 0.0  # −0 becomes 0
    return vae, bits if decoder == "bernoulli" else grey, eps


def _given(name: str, value: Any, equation: str) -> Quantity:
    owner, _, short = name.rpartition(".")
    return Quantity(0, "given", short, owner, value, equation, "", "", "", 0)


# ---- the gradients, by the complex step ----

# function that returns a gradient -> who calls its forward, its forward, places of the
# arguments, and whether it is the gradient of the loss
BACKWARD_OF = {
    "reparameterize_backward": ("vae", "reparameterize", (0, 1), True),
    "gaussian_kl_backward": ("vae", "gaussian_kl", (0, 1), False),
    "bernoulli_log_likelihood_backward": ("decoders", "bernoulli_log_likelihood", (1,), False),
    "gaussian_log_density_backward": ("decoders", "gaussian_log_density", (1, 2), False),
    "continuous_bernoulli_log_density_backward": (
        "decoders",
        "continuous_bernoulli_log_density",
        (1,),
        False,
    ),
}


def _derivatives(
    vae: VAE, x: FloatArray, eps: FloatArray, steps: Sequence[Step]
) -> dict[int, FloatArray]:
    """The complex step for each gradient among the steps, by its key."""
    found: dict[int, FloatArray] = {}
    with Derivatives(vae, x, eps) as exact:
        layers = vae.layers
        weights = views(exact.of_weights(), vae.params.shapes)
        for step in steps:
            shape = step.shape
            layer = layers.get(step.owner)
            if "dy" in step.arguments and layer is not None:
                key = step.arguments["dy"]
                if key not in found:
                    found[key] = exact.of_output(layer, steps[key].shape)
            if not step.numeric or step.key in found:
                continue
            if step.name in ("self.dW", "self.db"):
                found[step.key] = weights[f"{step.owner}.{step.name[-1]}"]
            elif step.name == "self._shared.ds":
                found[step.key] = weights["x_logvar"]
            elif step.function.endswith(".backward_input") and layer is not None:
                found[step.key] = exact.of_input(layer, shape)
            elif step.function in BACKWARD_OF and isinstance(step.statement.node, ast.Return):
                user, forward, places, of_loss = BACKWARD_OF[step.function]
                place = places[_place(steps, step)]
                found[step.key] = exact.of_argument(user, forward, place, shape, of_loss=of_loss)
    return found


def _place(steps: Sequence[Step], step: Step) -> int:
    """Which of the values of its `return` it is."""
    return sum(
        other.run == step.run and other.statement is step.statement for other in steps[: step.index]
    )


# ---- names and equations ----


def _quantities(steps: Sequence[Step], exact: dict[int, FloatArray], number: int) -> list[Quantity]:
    """What the steps compute that is new, with the name that the outermost function gives it."""
    named: dict[int, list[Step]] = {}
    for step in steps:
        if step.numeric:
            named.setdefault(step.key, []).append(step)
    found: list[Quantity] = []
    for step in steps:
        if not step.new or not step.numeric or _is_a_copy(step):
            continue
        names = _names(named[step.index])
        ours = np.asarray(step.value, float)
        theirs = exact.get(step.index)
        difference = None if theirs is None else float(np.abs(ours.ravel() - theirs.ravel()).max())
        found.append(
            Quantity(
                number=number + len(found),
                phase=_phase(step),
                name=names[0] if names else _own_name(step),
                owner=_owner(step, named[step.index]),
                value=step.value,
                equation=equation(step, _is_last(steps, step)),
                code=step.text,
                function=step.function,
                file=step.file,
                line=step.line,
                difference=difference,
                key=step.index,
                names=tuple(names),
            )
        )  # fmt: skip
    return found


def _is_a_copy(step: Step) -> bool:
    """Whether these are numbers that are shown already: x and ε; all of θ or of g in one vector."""
    return (step.function, step.name) in (
        ("VAE.loss_and_grad", "x"),
        ("VAE.loss_and_grad", "eps"),
        ("VAE.backward", "self.params.g"),
        ("Optimizer.step", "theta"),
        ("Optimizer.step", "g"),
    )


def _is_last(steps: Sequence[Step], step: Step) -> bool:
    """Whether no later statement of the same call computes this name again."""
    return not any(
        other.run == step.run and other.name == step.name and other.new
        for other in steps[step.index + 1 :]
    )


def _owner(step: Step, aliases: Sequence[Step]) -> str:
    """The layer whose method computes it, by itself or by a function that it calls."""
    callers = [a for a in aliases if a.functions == step.functions[: len(a.functions)]]
    return next((a.owner for a in [step, *callers] if a.owner), "")


def _phase(step: Step) -> str:
    if step.file == "optimizers.py":
        return "update"
    return "backward" if any("backward" in name for name in step.functions) else "forward"


def _names(steps: Sequence[Step]) -> list[str]:
    """The names of one array, that of the outermost function first; no number is a name."""
    good = [
        (step.depth, step.index, _plain(step.name))
        for step in steps
        if not step.name.startswith("return") and step.function not in GENERIC
    ]
    outermost = sorted(good, key=lambda item: (item[0], item[1]))
    return list(dict.fromkeys(name for _, _, name in outermost))


def _plain(name: str) -> str:
    return re.sub(r"^(self\.)?(_shared\.|_)?", "", name)


def _own_name(step: Step) -> str:
    """For what has no name in the code: from the docstring's equation, or from the function."""
    first = _docstring(step).splitlines()[:1]
    match = re.match(r"(\S+) = ", first[0]) if first else None
    return match[1] if match else step.function.rpartition(".")[2]


SYMBOLS = {"logvar": "log σ²", "mu": "μ", "eps": "ε", "theta": "θ"}


def _symbol(name: str) -> str:
    for ascii_name, symbol in SYMBOLS.items():
        name = name.replace(ascii_name, symbol)
    return name


@lru_cache
def _docstrings(file: str) -> dict[str, str]:
    path = PACKAGE / file
    return {
        **source_of(str(path)).docstrings,
        "": ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "",
    }


def _docstring(step: Step) -> str:
    return _docstrings(step.file).get(step.function, "")


def equation(step: Step, last: bool = True) -> str:
    """The comment beside the line if it is an equation; or the docstring's; or else the code.

    last: whether no later line of the function changes the value; only then is it what the
    docstring says. A comment "5." is the step 5 of the module's docstring.
    """
    if _is_on_the_way(step):
        return " ".join(step.text.split())  # θ -= np.multiply(..., out=work) is about θ
    comment = re.sub(r"^\d\. ?", "", step.statement.comment)
    if re.search(r"[=∂←Σ]", comment):
        return comment
    docstrings, code = _docstrings(step.file), " ".join(step.text.split())
    own, adds = docstrings.get(step.function, ""), isinstance(step.statement.node, ast.AugAssign)
    if isinstance(step.statement.node, ast.Return):
        return _returned_equation(own, step.name) or code
    number = re.match(r"\d\.", step.statement.comment)
    if number and not adds:
        match = re.search(rf"^ +{re.escape(number[0])} (.*? = .*?)(?:   |$)", docstrings[""], re.M)
        return _one_line(match[1]) if match else code
    name = re.escape(_symbol(_plain(step.name)))
    places = [(own, r"(?:←|=)"), (docstrings.get(step.function.rpartition(".")[0], ""), "=")]
    if adds:
        places.insert(0, (docstrings[""], r"\+="))
    for text, sign in places:
        match = re.search(rf"^ *(?:\d\. )?({name} +{sign} .*)", text, re.M)
        if match and (last or sign == r"\+="):
            return _one_line(match[1])
    return code


def _returned_equation(docstring: str, name: str) -> str:
    """The first line, or the displayed equation of the same number as the returned value."""
    first, *rest = docstring.splitlines() or [""]
    if re.search(r" = | ≃ |∂", first):
        return _one_line(first)
    displayed = [line for line in rest if line.startswith("    ") and " = " in line]
    number = int(name.rpartition(" ")[2]) if re.search(r" \d$", name) else 0
    return _one_line(displayed[number]) if number < len(displayed) else ""


def _one_line(text: str) -> str:
    """The equation without what is said after it, and with single spaces."""
    text = re.sub(r" +(\+?=) +", r" \1 ", text.strip())
    text = re.split(r"   |; (?=[a-z]+ )|\. [A-Z]|\. \w+:|\.$", text)[0]
    return re.sub(" +", " ", text).strip()


def _is_on_the_way(step: Step) -> bool:
    """Whether it is an intermediate result, `out=work` inside of `theta -= ...`."""
    node = step.statement.node
    return isinstance(node, ast.AugAssign) and ast.unparse(node.target) != step.name
