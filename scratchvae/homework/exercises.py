"""The table of exercises: which function, which equation, how many points, what it builds on.

An exercise *builds on* others when its public tests fail without them: the tests or the rest of
the package call their functions. The list is whole: with these alone the tests pass.
It *may call* others: a right answer can do with them or without them. Where the exercise is graded
both kinds are right, and every other exercise is blank.
It *hides* private helpers that are its answer under another name: they are not in the handout,
and what else calls them is blanked with it.
`also_blank` names other functions that give the answer away: they are blanked with it, and not
asked for.
It is *derived* in sections of the modules' docstrings, which the hard level leaves out: `level.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    """One function or method to be written.

    number: "2.4". module: the file's name without .py. name: the function, or Class.method.
    equation: the mathematics, in one line. source: where the notes or the paper have it.
    points: of which 1 goes to each kind of check beside the value (see `domains`).
    """

    number: str
    title: str
    module: str
    name: str
    equation: str
    source: str
    points: int
    builds_on: tuple[str, ...] = ()
    may_call: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    also_blank: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    @property
    def marker(self) -> str:
        """The pytest marker of its public tests."""
        return f"exercise_{self.number.replace('.', '_')}"

    @property
    def where(self) -> str:
        """module.name, as the README writes it."""
        return f"{self.module}.{self.name}"


_FORWARD = ("2.1", "2.2", "2.3", "2.6", "2.7", "3.1")
_BACKWARD = (*(f"2.{i}" for i in range(1, 10)), "3.1", "3.2", "3.3", "3.4", "3.5")

EXERCISES = (
    Exercise(
        "1.1", "entropy", "info", "entropy", "H(p) = −Σ p log p", "notes §1.2", 8,
        may_call=("1.3",), hides=("_p_log_q",),
        derived=("Three quantities", "From the formula to the code"),
    ),
    Exercise(
        "1.2", "cross entropy", "info", "cross_entropy", "H(p, q) = −Σ p log q", "notes §1.3", 8,
        hides=("_p_log_q",), derived=("Three quantities", "From the formula to the code"),
    ),
    Exercise(
        "1.3", "KL divergence", "info", "kl_divergence", "KL(p ‖ q) = Σ p log(p/q)",
        "notes §1.4", 8,
        may_call=("1.1", "1.2"), hides=("_gibbs_terms",),
        derived=("Three quantities", "No term is negative", "From the formula to the code"),
    ),
    Exercise(
        "1.4", "binary cross entropy", "info", "binary_cross_entropy",
        "−y log ŷ − (1 − y) log(1 − ŷ)", "notes §1.3", 8,
        hides=("_p_log_q",),
    ),
    Exercise(
        "1.5", "information gain of a split", "info", "information_gain",
        "H(parent) − Σ_k (N_k / N) H(child_k)", "notes §1.2", 7,
        may_call=("1.1", "1.2", "1.3"),
    ),
    Exercise("1.6", "Shannon's code lengths", "info", "code_lengths", "⌈−log₂ q⌉", "notes §1.3", 7),
    Exercise(
        "2.1", "log density of a diagonal Gaussian", "distributions", "gaussian_log_density",
        "log N(z; μ, σ²) = −½ Σ [log 2π + log σ² + (z − μ)² / σ²]", "AEVB eq. (9), (12)", 8,
        also_blank=("info.gaussian_cross_entropy",),
        derived=("Log density of a diagonal Gaussian",),
    ),
    Exercise(
        "2.2", "KL of a Gaussian from the prior", "distributions", "gaussian_kl",
        "KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ [1 + log σ² − μ² − σ²]", "notes §2, AEVB appendix B", 8,
        also_blank=("info.gaussian_kl", "info.gaussian_cross_entropy"),
        derived=("KL from the diagonal Gaussian to the standard normal", "Its estimate"),
    ),
    Exercise(
        "2.3", "reparameterization", "distributions", "reparameterize", "z = μ + σ ⊙ ε",
        "notes §2, AEVB §2.4", 7,
    ),
    Exercise(
        "2.4", "backward of the reparameterization", "distributions", "reparameterize_backward",
        "dμ = Σ_l dz, d(log σ²) = Σ_l dz ⊙ ε ⊙ ½ σ", "notes §2, AEVB §2.4", 8,
    ),
    Exercise(
        "2.5", "backward of the KL", "distributions", "gaussian_kl_backward",
        "∂KL/∂μ = μ, ∂KL/∂(log σ²) = ½ (σ² − 1)", "AEVB appendix B", 7,
        derived=("KL from the diagonal Gaussian to the standard normal",),
    ),
    Exercise(
        "2.6", "the logistic function", "layers", "sigmoid", "σ(a) = 1 / (1 + e^(−a))",
        "AEVB appendix C.1", 6,
    ),
    Exercise(
        "2.7", "log likelihood of a Bernoulli, from logits", "distributions",
        "bernoulli_log_likelihood", "log p(x|z) = Σ [x a − softplus(a)]",
        "AEVB appendix C.1, eq. (11)", 8,
        may_call=("2.6",), also_blank=("info.binary_cross_entropy_from_logits",),
        derived=("Log likelihood of Bernoulli pixels",),
    ),
    Exercise(
        "2.8", "backward of the Bernoulli", "distributions", "bernoulli_log_likelihood_backward",
        "∂ log p(x|z) / ∂a = x − σ(a)", "AEVB appendix C.1", 7, ("2.6",),
        derived=("Log likelihood of Bernoulli pixels",),
    ),
    Exercise(
        "2.9", "backward of the Gaussian log density", "distributions",
        "gaussian_log_density_backward", "∂/∂μ = (z − μ) / σ², ∂/∂(log σ²) = ½ [(z − μ)² / σ² − 1]",
        "AEVB appendix C.2", 8,
        derived=("Log density of a diagonal Gaussian",),
    ),
    Exercise(
        "3.1", "affine layer, forward", "layers", "Affine.forward", "y = x W + b", "notes §2", 6,
        also_blank=("parallel._Part.forward",),
    ),
    Exercise(
        "3.2", "affine layer, gradient of the weights", "layers", "Affine.backward_weights",
        "dW = xᵀ dy, db = Σ_b dy_b", "chain rule", 7, ("3.1",),
        also_blank=("parallel._Part.backward_weights",),
    ),
    Exercise(
        "3.3", "affine layer, gradient of the input", "layers", "Affine.backward_input",
        "dx = dy Wᵀ", "chain rule", 6, ("3.1",), also_blank=("parallel._Part.backward_input",),
    ),
    Exercise(
        "3.4", "tanh layer, backward", "layers", "Tanh.backward_input", "dx = dy ⊙ (1 − y²)",
        "chain rule", 7,
    ),
    Exercise(
        "3.5", "the two terms of the bound", "vae", "VAE.forward",
        "(1/L) Σ_l log p(x|z_l) and KL(q(z|x) ‖ p(z))", "AEVB eq. (7), (10)", 10, _FORWARD,
        derived=("Its estimate",),
    ),
    Exercise(
        "3.6", "the log weights, whose mean is the bound with a sampled KL", "vae",
        "VAE.log_weights", "log w_l = log p(x|z_l) + log p(z_l) − log q(z_l|x)", "AEVB eq. (6)", 8,
        ("2.1", "2.3", "2.6", "2.7", "3.1"), ("3.5",),
        also_blank=("likelihood._annealed", "likelihood._anneal"), derived=("Its estimate",),
    ),
    Exercise(
        "3.7", "the gradient of the bound", "vae", "VAE.backward",
        "∂loss/∂θ, loss = −(1/B) Σ_b 𝓛(x_b)", "∇ of AEVB eq. (10)", 12, _BACKWARD,
        also_blank=("vae.VAE.decoder_gradient", "vae.VAE.encoder_gradient"),
        derived=("Its gradient, from the loss backwards",),
    ),
    Exercise(
        "3.8", "central differences", "gradient_check", "central_difference",
        "∂f/∂θ_i ≈ (f(θ + h e_i) − f(θ − h e_i)) / 2h", "Taylor's theorem", 6,
        also_blank=("gradient_check.complex_step",), derived=("Central differences",),
    ),
    Exercise(
        "3.9", "Adagrad", "optimizers", "Adagrad.update", "s ← s + g², θ ← θ − α g / (√s + ε)",
        "AEVB §5, Duchi et al. 2011", 7,
        derived=("The equations",),
    ),
    Exercise(
        "3.10", "Adam", "optimizers", "Adam.update", "θ ← θ − α m̂ / (√v̂ + ε)",
        "Kingma and Ba 2015, Algorithm 1", 8,
        derived=("The equations", "Why Adam divides by 1 − βᵗ", "How Adam is computed"),
    ),
    Exercise(
        "3.11", "bits from grey pixels", "datasets", "binarize", "x ~ Bernoulli(pixel)",
        "AEVB §5", 6,
    ),
    Exercise(
        "3.12", "one turn of Algorithm 1", "training", "training_step", "draw ε, find g, update θ",
        "AEVB Algorithm 1", 8, (*_BACKWARD, "3.7", "3.9", "3.10"),
        also_blank=("mcem.fit_encoder", "wake_sleep.WakeSleep.step"),
        derived=("The algorithm",),
    ),
    Exercise(
        "4.1", "the log of a mean of weights that come in parts", "likelihood", "LogMean.add",
        "m ← max, S₁ ← S₁ e^(m_old − m) + Σ e^(log w − m), "
        "S₂ ← S₂ e^(2 (m_old − m)) + Σ e^(2 (log w − m))", "Burda et al. 2015, eq. (8)", 8,
    ),
    Exercise(
        "4.2", "the importance-weighted bound", "likelihood", "importance_weighted_bound",
        "L_K = log (1/K) Σ_k p(x, z_k) / q(z_k|x)", "Burda et al. 2015, eq. (8)", 10,
        ("2.1", "2.3", "2.6", "2.7", "3.1", "3.6", "4.1"), ("3.5",),
        also_blank=("likelihood._annealed", "likelihood._anneal", "likelihood._posterior"),
        derived=("Importance weighting", "Its estimate"),
    ),
)  # fmt: skip

_PAGE = (
    ("da; dW3, db3", "∂loss/∂a = (sigmoid(a) − x) / B", "AEVB appendix C.1", 2),
    ("ds2; dW2, db2", "h2 = tanh s2, tanh′ = 1 − tanh²", "chain rule", 2),
    ("dz, dmu; dW_mu, db_mu", "∂z/∂μ = 1, ∂KL/∂μ = μ", "AEVB appendix B", 2),
    ("dlogvar; dW_logvar, db_logvar", "∂z/∂σ = ε, ∂KL/∂(log σ²) = ½ (σ² − 1)", "AEVB §2.4", 3),
    ("ds1; dW1, db1", "h1 → μ and h1 → log σ²: both gradients add", "chain rule", 3),
)
# The gradients of demos/one_page.py, in the order of the page: an assignment of its own.
PAGE = tuple(
    Exercise(f"page.{i}", title, "one_page", "loss_and_gradient", equation, where, points)
    for i, (title, equation, where, points) in enumerate(_PAGE, 1)
)
BY_NUMBER = {exercise.number: exercise for exercise in (*EXERCISES, *PAGE)}


def closure(number: str) -> set[str]:
    """The numbers of what the exercise builds on or may call, and of what those do."""
    found: set[str] = set()
    todo = [number]
    while todo:
        exercise = BY_NUMBER[todo.pop()]
        new = {*exercise.builds_on, *exercise.may_call} - found
        found |= new
        todo += new
    return found - {number}


def select(numbers: Iterable[str] | None = None) -> list[Exercise]:
    """The exercises of these numbers, in the table's order. ValueError for another number.

    "2.4" is one, "2" all of chapter 2, None all. "page", which stands alone, is `PAGE`.
    """
    if numbers is None:
        return list(EXERCISES)
    wanted, numbers = set[str](), list(numbers)
    table = PAGE if {number.split(".")[0] for number in numbers} == {"page"} else EXERCISES
    for number in numbers:
        found = [e.number for e in table if number in (e.number, e.number.split(".")[0])]
        if not found:
            raise ValueError(
                f"there is no exercise {number!r}; `scratchvae homework list` shows the numbers"
            )
        wanted.update(found)
    return [exercise for exercise in table if exercise.number in wanted]


def weights(text: str, chosen: Iterable[Exercise]) -> dict[str, float]:
    """The teacher's own points, as "1.1=10,2=4": number -> points; {} for "".

    ValueError for another form, for a number that is not among the chosen exercises, and for
    points that are not above 0 and at most 1000.
    """
    numbers, own = [exercise.number for exercise in chosen], dict[str, float]()
    for part in filter(None, text.split(",")):
        number, _, points = part.partition("=")
        found = [e.number for e in select([number.strip()])]
        try:
            most = float(points)
        except ValueError:
            most = 0.0
        if not 0 < most <= 1000:
            raise ValueError(f"--points {part!r}: it should be N=POINTS, as 2.4=10")
        if not set(found) <= set(numbers):
            raise ValueError(f"--points {part!r}: graded are {', '.join(numbers)}")
        own |= dict.fromkeys(found, most)
    return own
