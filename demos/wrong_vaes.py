# %% [markdown]
"""A museum of wrong VAEs: a rising bound is no evidence that a program is right.

The claim. Put a mistake into a VAE and train it. In most cases the reported bound rises, as
if all were well. Whether the program is right is another question, and there are four
kinds of evidence:

    the reported bound rises      the number that the wrong program itself prints
    the gradient check passes     the gradient is that of the reported loss
    z and x have their moments    the samplers' means, variances and correlations
    the true bound                of the trained weights, computed by the right program

Opening exhibit: log σ² read as log σ. A well-known library had this mistake in its sampler,
z = μ + σ² ⊙ ε in place of μ + σ ⊙ ε, and the same mistake in the backward pass. The two
agree, so a gradient check passes. The reported bound rises, and it is even higher than the
right program's. But the KL still takes log σ² for what it is: the bound is none. The
samples have the variance σ⁴ where the model says σ². One test sees it: it compares the
variance of many samples with the declared one.

Each mistake is a function of the homework's catalogue. The toy has 12 pixels, 12 hidden
units and n_z = 2, and takes 600 steps. A test of `tests/` is run under each mistake, and it
fails.

    python demos/wrong_vaes.py          twelve mistakes
    python demos/wrong_vaes.py --all    all that can be trained, by several processes
    python demos/wrong_vaes.py --find   look for the tests anew, and write museum.json
"""

# %%
import importlib.util
import json
import sys
from concurrent.futures import ProcessPoolExecutor

import museum
import numpy as np
from common import BLUE, GREY, ORANGE, finish, options, panels

from scratchvae.processes import cores

DOZEN = {  # and in few words
    "log σ² read as log σ": "log σ² read as log σ, twice",
    "mean over the pixels": "mean over the pixels, twice",
    "KL without its ½": "KL without its ½, twice",
    "KL with its sign turned round": "the KL's sign turned round, twice",
    "3.5 forward_without_noise": "no noise: z = μ",
    "3.11 bits_by_a_threshold": "bits by a threshold, not drawn",
    "3.12 turn_with_one_noise": "one ε for the whole minibatch",
    "2.3 sample_without_sigma": "z = μ + ε, without σ",
    "2.8 bernoulli_gradient_times_slope": "the sigmoid's slope again in da",
    "3.7 gradient_of_mu_through_dz_alone": "no gradient through σ",
    "3.7 gradient_through_mu_alone": "no gradient from log σ² to h",
    "2.6 sigmoid_that_overflows": "1 / (1 + e^(−a)) as it stands",
}
OPENING = "log σ² read as log σ"
MISSING = [name for name in ("pytest", "hypothesis") if importlib.util.find_spec(name) is None]
if not (museum.ROOT / "tests").is_dir():  # in a notebook that stands alone
    MISSING.append("the repository's tests")


def examine(name):
    """What one sees of the case, and whether its test fails under it (None: not run)."""
    case = museum.case(name)
    test = json.loads(museum.CAUGHT_BY.read_text(encoding="utf-8")).get(name, "")
    fails = bool(museum.failing_tests(case, [test])) if test and not MISSING else None
    return museum.look_at(case), test, fails


def main():
    """Examine the mistakes, print the table, assert the claim, draw the picture."""
    everything, anew = "--all" in sys.argv, "--find" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument not in ("--all", "--find")]
    args = options(__doc__)
    if anew:
        missing = [name for name, test in museum.find_all(cores()).items() if not test]
        print(f"wrote {museum.CAUGHT_BY}; no test fails under: {', '.join(missing) or 'none'}")
    names = [case.name for case in museum.cases()] if everything else list(DOZEN)

    # %% The cases
    if everything:
        with ProcessPoolExecutor(cores()) as pool:
            found = list(pool.map(examine, names))
    else:
        found = [examine(name) for name in names]
    right = museum.right_bounds("2.2")
    print(f"true bounds of five right programs: {min(right):.2f} to {max(right):.2f} nats\n")
    print(f"{'':38}  reported bound, nats  rises  gradient  moments  true bound  as good")
    for seen, test, fails in found:
        print(line(seen))
        if not everything:
            state = {True: "fails", False: "PASSES", None: "not run"}[fails]
            print(f"{'':6}{museum.case(seen.name).sentence[:90]}")
            print(f"{'':6}{state}: {test.removeprefix('tests/').split('[')[0]}")

    # %% The claim
    rises = [seen for seen, _, _ in found if seen.improves]
    worse = [seen for seen in rises if not seen.as_good]
    checked = [seen for seen in worse if seen.gradient]
    blind = [seen for seen in checked if seen.moments]
    print(f"\n{len(found)} mistakes. The reported bound rises for {len(rises)} of them.")
    print(f"Of these {len(rises)}, {len(worse)} have a worse true bound than the right program.")
    print(f"Of these {len(worse)}, {len(checked)} pass a gradient check,")
    print(f"and of these {len(checked)}, {len(blind)} have the right moments too.")
    print(of_the_tests(found))
    opening = next(seen for seen, _, _ in found if seen.name == OPENING)
    assert opening.improves and opening.gradient and not opening.moments and not opening.as_good
    assert opening.reported[1] > max(right) + 0.5 > opening.true + 1
    assert len(rises) > len(found) / 2 and len(worse) > len(rises) / 3 and len(checked) >= 3
    assert not any(signs_of(*item)[-1] for item in found), of_the_tests(found)

    draw(found, right, args, everything)


def of_the_tests(found):
    """Under how many mistakes a test fails, and whether it was run to know."""
    caught = sum(not signs_of(*item)[-1] for item in found)
    if MISSING:
        return (
            f"No test was run: {' and '.join(MISSING)} should be installed, by pip install -e "
            f'".[test]".\n{museum.CAUGHT_BY.name} has a test that fails under each of {caught}.'
        )
    ran = sum(fails is not None for _, _, fails in found)
    return f"A test fails under {caught} of {len(found)}; {ran} tests were run."


def line(seen):
    """A row of the table."""
    ends = "stops with an error " if seen.stopped else " → ".join(map(number, seen.reported))
    marks = [
        "yes" if good else "no"
        for good in (seen.improves, seen.gradient, seen.moments, seen.as_good)
    ]
    true = "" if seen.true is None else number(seen.true)
    return (
        f"{seen.name:38}  {ends:>20}  {marks[0]:>5}  {marks[1]:>8}  {marks[2]:>7}  {true:>10}"
        f"  {marks[3]:>7}"
    )


def number(value):
    """Two decimals, or a power of ten."""
    return f"{value:.2f}" if abs(value) < 1e4 else f"{value:.0e}"


# %% The picture
def curves():
    """Of the opening exhibit, every 20 steps: the reported bound, the true one, the right one."""
    case, thetas = museum.case(OPENING), []

    def keep(step, vae):
        if step % 20 == 19:
            thetas.append(vae.params.theta.copy())

    with museum.put_in(case.mistakes):
        _, reported = museum.train(case.number, after_step=keep)
    true = [museum.true_bound(theta, case.number) for theta in thetas]
    thetas.clear()
    museum.train(case.number, after_step=keep)
    right = [museum.true_bound(theta, case.number) for theta in thetas]
    return reported.reshape(-1, 20).mean(axis=1), np.array(true), np.array(right)


def draw(found, right, args, everything):
    """Left the opening exhibit, right the evidence on each mistake."""
    rows = len(found)
    height = 6.4 if not everything else 11
    figure, (axes, table) = panels(
        1, 2, (12.5, height), "A rising bound is no evidence that a program is right",
        gridspec_kw={"width_ratios": [1, 1.5]},
    )  # fmt: skip
    reported, true, of_right = curves()
    steps = np.arange(20, museum.STEPS + 1, 20)
    axes.plot(steps, reported, color=ORANGE, lw=2.5, label="wrong program: what it reports")
    axes.plot(steps, of_right, color=GREY, lw=2.5, ls="--", label="right program: true bound")
    axes.plot(steps, true, color=BLUE, lw=2.5, ls=":", label="wrong program: true bound")
    axes.set(
        title="log σ² read as log σ, forward and backward:\nthe program reports "
        f"{number(reported[-3:].mean())}, and its true bound is {number(true[-1])}",
        xlabel="step", ylabel="bound, nats per image",
    )  # fmt: skip
    axes.legend(frameon=False, loc="lower right")

    order = sorted(found, key=lambda item: signs_of(*item), reverse=True)
    shown = order if everything else found
    heads = (
        "reported\nbound rises", "gradient\ncheck passes", "moments\nare right",
        "true bound\nis as good", "tests pass\n(not run)" if MISSING else "tests\npass",
    )  # fmt: skip
    signs = np.array([signs_of(*item) for item in shown])
    table.set(xlim=(0, 5), ylim=(rows, 0))
    for column in range(5):
        for row in range(rows):
            good = signs[row, column]
            colour = "0.9" if good else ORANGE
            table.barh(row + 0.5, 0.94, 1 if everything else 0.86, column + 0.03, color=colour)
            if not everything:
                sign = "yes" if good else "no"
                table.text(column + 0.5, row + 0.5, sign, ha="center", va="center", fontsize=12)
        count = f"{signs[:, column].sum()} of {rows}"
        table.text(column + 0.5, rows * 1.015, count, ha="center", va="top", fontsize=12)
    table.xaxis.tick_top()
    table.set_xticks(np.arange(5) + 0.5, heads, fontsize=11)
    names = [] if everything else [DOZEN[item[0].name] for item in shown]
    table.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=11)
    table.tick_params(length=0)
    table.spines[:].set_visible(False)
    words = "each row is a mistake" if everything else ""
    table.set_ylabel(words)
    finish(figure, args)


def signs_of(seen, test, fails):
    """Which of the five kinds of evidence speak for the program."""
    caught = bool(test) and fails is not False
    return *map(bool, (seen.improves, seen.gradient, seen.moments, seen.as_good)), not caught


if __name__ == "__main__":
    main()
