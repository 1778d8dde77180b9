"""Sheets: numbers in their ranges, keys by an independent computation, marks as planned."""

import csv
import io
import itertools
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scratchvae import cli as core
from scratchvae.distributions import gaussian_kl
from scratchvae.homework import catalogue, cli
from scratchvae.homework.sheets import (
    choose,
    mark,
    markdown,
    page,
    section_1_2,
    section_1_4,
    section_2_estimator,
)
from scratchvae.homework.sheets.question import TEMPLATES
from scratchvae.homework.sheets.words import plain
from scratchvae.info import entropy, kl_divergence

SEEDS = range(12)  # 1,000 of each template take minutes; they were run by hand
GUIDE = (Path(cli.__file__).parent / "README.md").read_text(encoding="utf-8")
WEEKS = re.findall(r"^scratchvae homework sheet --topics (\S+)", GUIDE, re.MULTILINE)  # five
log, log2, exp = math.log, math.log2, math.exp


# ---- each answer again, from the drawn numbers, with Python's math alone ----


def H(p: list[float], q: list[float] | None = None) -> float:
    return -math.fsum(a * log2(b) for a, b in zip(p, q or p) if a)


def KL(p: list[float], q: list[float]) -> float:
    return math.fsum(a * log2(a / b) if b else math.inf for a, b in zip(p, q) if a)


def nats(p: list[float], q: list[float]) -> float:
    return KL(p, q) * log(2)


def gauss(mu: float, logvar: float) -> float:
    return (mu * mu + exp(logvar) - 1 - logvar) / 2


def coin(a: float) -> list[float]:
    return [a, 1 - a]


def gini(a: float, b: float) -> float:
    return 2 * a * b / (a + b) ** 2


def of_tree(v: list[float]) -> list[float]:
    a, b = v[:2], v[-2:]
    whole = [a[0] + b[0], a[1] + b[1]]
    share = [sum(a) / sum(whole), sum(b) / sum(whole)]
    h = [H([x / sum(n) for x in n]) for n in (whole, a, b)]
    g = [gini(*n) for n in (whole, a, b)]
    mean = [share[0] * f[1] + share[1] * f[2] for f in (h, g)]
    return [*h, h[0] - mean[0], *g, g[0] - mean[1]]


def shortest(p: list[float]) -> float:
    """The least mean length of a code: the sum of all joined pairs."""
    groups, total = sorted(p), 0.0
    while len(groups) > 1:
        joined = groups[0] + groups[1]
        total += joined
        groups = sorted([*groups[2:], joined])
    return total


def of_lengths(p: list[float]) -> str:
    """How often each state is joined; of two groups alike, the one with the later states first."""
    groups = [(x, [i]) for i, x in enumerate(p)]
    joined = [0] * len(p)
    while len(groups) > 1:
        groups.sort(key=lambda group: (round(group[0], 9), -min(group[1])))
        (a, first), (b, second), *groups = groups
        for i in first + second:
            joined[i] += 1
        groups.append((a + b, first + second))
    return "".join(map(str, joined))


def of_equation_1(v: list[float]) -> list[float]:
    prior, q, like = v[:3], v[3:6], v[6:9]
    joint = [a * b for a, b in zip(prior, like)]
    px = sum(joint)
    post = [j / px for j in joint]
    kl = nats(q, post)
    return [*joint, *post, px, log(px), log(px) - kl, kl]


def of_pass(v: list[float]) -> tuple[list[float], list[float]]:
    """The VAE 2-2-1-2-2 written out, number by number; its gradient by central differences."""
    x, eps = [1.0, v[-2]], v[-1]

    def run(w: list[float], shift: dict[str, float]) -> dict[str, float]:
        W1, b1, Wm, bm = w[0:4], w[4:6], w[6:8], w[8]
        Wv, bv, W2, b2, W3, b3 = w[9:11], w[11], w[12:14], w[14:16], w[16:20], w[20:22]
        f: dict[str, float] = {}
        for i in (0, 1):
            u = x[0] * W1[i] + x[1] * W1[2 + i] + b1[i] + shift.get(f"u{i}", 0)
            f[f"h{i}"] = math.tanh(u)
        f["mu"] = f["h0"] * Wm[0] + f["h1"] * Wm[1] + bm + shift.get("mu", 0)
        f["lv"] = f["h0"] * Wv[0] + f["h1"] * Wv[1] + bv + shift.get("lv", 0)
        f["s"] = exp(f["lv"] / 2)
        f["z"] = f["mu"] + f["s"] * eps + shift.get("z", 0)
        for i in (0, 1):
            f[f"k{i}"] = math.tanh(f["z"] * W2[i] + b2[i] + shift.get(f"v{i}", 0))
        like = 0.0
        for i in (0, 1):
            a = f["k0"] * W3[i] + f["k1"] * W3[2 + i] + b3[i] + shift.get(f"a{i}", 0)
            f[f"p{i}"] = 1 / (1 + exp(-a))
            like += log(f[f"p{i}"] if x[i] else 1 - f[f"p{i}"])
        f["KL"], f["like"] = gauss(f["mu"], f["lv"]), like
        f["loss"] = f["KL"] - like
        return f

    step = 1e-5

    def d(name: str) -> float:
        both = [run(v, {name: sign * step})["loss"] for sign in (1, -1)]
        return (both[0] - both[1]) / (2 * step)

    back = [d(name) for name in ("a0", "a1", "v0", "v1", "z", "mu", "lv", "u0", "u1")]
    return list(run(v, {}).values()), back


def of_adam(v: list[float]) -> list[float]:
    g1, g2, theta, lr = v
    m, s = [0.1 * g1], [0.001 * g1**2]
    m.append(0.9 * m[0] + 0.1 * g2)
    s.append(0.999 * s[0] + 0.001 * g2**2)
    m_hat, s_hat = m[1] / 0.19, s[1] / (1 - 0.999**2)
    first = theta - lr * math.copysign(1, g1)
    return [first, m_hat, s_hat, first - lr * m_hat / math.sqrt(s_hat), lr]


def of_contours(v: list[float]) -> list[float | str]:
    a, b = v[-4:-2], v[-2:]
    kl = [gauss(m, 2 * log(s)) for m, s in zip(a, b)]
    moved = "μ" if gauss(0, 2 * log(b[0])) < gauss(a[0], 0) else "σ"
    return [*kl, "A" if kl[0] > kl[1] else "B", kl[0], moved]


def of_order(v: list[float]) -> str:
    return "".join(str(v[:6].index(i) + 1) for i in range(6))


def of_latent(v: list[float]) -> list[float]:
    kl = [gauss(m, s) for m, s in zip(v[:2], v[2:])]
    first, second = ([exp(s), exp(s / 2), k] for s, k in zip(v[2:], kl))
    return [*first, *second, sum(kl)]


def of_pixels(v: list[float]) -> list[float]:
    p = [1 / (1 + exp(-a)) for a in v[:3]]
    logs = [log(a if x else 1 - a) for a, x in zip(p, v[3:])]
    return [*p, *logs, *(x - a for a, x in zip(p, v[3:])), sum(logs)]


def of_tosses(v: list[float]) -> list[float | str]:
    n, heads, a, b = 10 * v[0], *v[1:]
    both = [(heads * log(t) + (n - heads) * log(1 - t)) / n for t in (a, b)]
    return [*both, "A" if both[0] > both[1] else "B", abs(both[0] - both[1]), heads / n]


def of_models(v: list[float]) -> list[float | str]:
    a, b = sum(v[:4]) / 4, sum(v[-4:]) / 4
    return [a, b, b - a, "1" if b < a else "2"]


def of_wrong(v: list[float]) -> list[float]:
    return [gauss(v[1], v[3]) + gauss(v[2], v[4])]


def of_binary(v: list[float]) -> list[float]:
    loss = [-log(p if y else 1 - p) for p, y in zip(v[:4], v[4:])]
    return [*loss, sum(loss)]


def of_mixture(v: list[float]) -> list[float]:
    p, first, share = v[:3], v[3], v[4]
    q = [first, 1 - first, 0.0]
    mixed = [(1 - share) * a + share / 3 for a in q]
    return [math.inf, H(q, p), H(p, mixed)]


def of_true(v: list[float]) -> list[float | str]:
    mean, theta = v[0], v[-5]
    return [(theta - mean) ** 2 / 2, mean, mean + sum(v[-4:]) / 4, "B"]


def of_sampled(v: list[float]) -> list[float]:
    p, q, n = v[:3], v[3:6], v[6:]
    return [sum(k * log(a / b) for k, a, b in zip(n, p, q)) / sum(n), nats(p, q)]


def of_two_metrics(v: list[float]) -> list[float]:
    p, q = v[:2], v[2:]
    m = [(a + b) / 2 for a, b in zip(p, q)]
    js = (KL(p, m) + KL(q, m)) / 2
    return [KL(p, m), KL(q, m), js, math.sqrt(js), abs(p[0] - q[0])]


def of_jensen(v: list[float]) -> list[float | str]:
    w, s, t = v
    mean = w * s + (1 - w) * t
    return [w * log(s) + (1 - w) * log(t), mean, log(mean), "B"]


def of_weights(v: list[float]) -> list[float | str]:
    w = v[-3:]
    return [log(sum(map(exp, w)) / 3), sum(w) / 3, "A", "A"]


def of_optimum(v: list[float]) -> list[float | str]:
    n, low = 2 ** v[0], -v[0] * log(2)
    a = round(low - v[3], 2)
    kl = round(v[1] * v[0] / 2, 3)
    return [a, a + round(kl + v[2], 3) - kl, "B", -log(n)]


def of_gaussian_grad(v: list[float]) -> list[float]:
    mu, lv, eps, dz = v
    s = exp(lv / 2)
    return [s, mu + s * eps, dz, dz * eps * s / 2]


def of_eps_zero(v: list[float]) -> list[float | str]:
    mu, lv, dz = v
    d = (exp(lv) - 1) / 2
    return [0.0, d, d, dz + mu, "up" if d < 0 else "down"]


def of_collapse(v: list[float]) -> list[float]:
    at, high, first, drop = v
    return [at, high * min(1, (at - 1) / 3), first - drop + 3]


def of_rain(v: list[float]) -> list[float]:
    r = v[-1]
    return [-log2(1 - r), -log2(r), H(coin(r))]


AGAIN = {
    "halvings": lambda v: [v[0] - v[1], -log2(v[2])],
    "weather_table": lambda v: [*(-log2(p) for p in v), "ABCD"[v.index(min(v))]],
    "two_events": lambda v: [-log2(v[0]), -log2(v[1]), -log2(v[0] * v[1])],
    "uncertainty_halved": lambda v: [log2(2 * v[0]), log2(v[0])],
    "said_twice": lambda v: [-log2(v[0]), 0.0, -log2(v[1]), -log2(v[0] * v[1])],
    "forecast": of_rain,
    "tree": of_tree,
    "four_states": lambda v: [*(-log2(p) for p in v), *(-p * log2(p) for p in v), H(v)],
    "uniform_is_highest": lambda v: [log2(v[0]), H(v[1:]), "u", "A"],
    "uniform_density": lambda v: [log2(v[-2]), log2(v[-2] * v[-1]), 1.0],
    "wrong_entropy": lambda v: [H(v[1:])],
    "code_for_q": lambda v: [
        *(-log2(q) for q in v[3:]), H(v[:3], v[3:]), H(v[:3]), KL(v[:3], v[3:])],
    "huffman": lambda v: [of_lengths(v), shortest(v), H(v), shortest(v) - H(v)],
    "binary_loss": of_binary,
    "which_order": lambda v: [H(v[:2], v[2:]), H(v[2:], v[:2]), "A", H(v[:2])],
    "from_a_logit": lambda v: [
        1 / (1 + exp(-v[0])), log(1 + exp(-v[0])), log(1 + exp(v[0])), -v[0]],
    "held_impossible": of_mixture,
    "both_directions": lambda v: [KL(v[:2], v[2:]), KL(v[2:], v[:2]), "A"],
    "terms_of_kl": lambda v: [
        *(a * log2(a / b) for a, b in zip(v, v[3:])), KL(v[:3], v[3:]), H(v[:3], v[3:]), H(v[:3])],
    "infinite": lambda v: [KL(coin(v[0]), v[1:3]), math.inf],
    "sign_of_the_slide": lambda v: [-nats(v[:2], v[2:]), nats(v[:2], v[2:])],
    "two_densities": lambda v: [log2(1 + v[1] / v[0]), math.inf],
    "wrong_kl": lambda v: [KL(v[1:3], v[3:])],
    "triangle": lambda v: [KL(coin(v[0]), coin(v[1])), None, None, None],
    "no_symmetry": lambda v: [None, None, None, 1 - v[0]],
    "jensen": of_jensen,
    "proof_in_disorder": lambda v: [of_order(v), of_order(v)[2], -nats(v[6:8], v[8:])],
    "proof_with_gaps": lambda v: [-nats([*coin(v[1]), 0.0], v[2:]), log(v[2] + v[3])],
    "two_metrics": of_two_metrics,
    "tosses": of_tosses,
    "true_and_estimated": of_true,
    "estimated_kl": of_sampled,
    "two_models": of_models,
    "equation_1": of_equation_1,
    "equation_3": lambda v: [
        sum(a * b for a, b in zip(v[3:6], v[6:])), nats(v[3:6], v[:3]),
        sum(a * b for a, b in zip(v[3:6], v[6:])) - nats(v[3:6], v[:3])],
    "bound_in_disorder": lambda v: [of_order(v), v[7] + v[6], v[7] + v[8]],
    "importance_weights": of_weights,
    "kl_is_not_zero": of_optimum,
    "assumed_gaussian": lambda v: [
        sum(v) / 2, v[1] / sum(v), nats([0.5, 0.5], [v[0] / sum(v), v[1] / sum(v)])],
    "kl_of_gaussians": of_latent,
    "sample_and_gradient": of_gaussian_grad,
    "at_eps_zero": of_eps_zero,
    "equation_10": lambda v: [
        gauss(v[0], v[1]), (v[2] + v[3]) / 2, (v[2] + v[3]) / 2 - gauss(v[0], v[1]),
        gauss(v[0], v[1]) - (v[2] + v[3]) / 2],
    "bernoulli_pixels": of_pixels,
    "read_contours": of_contours,
    "wrong_gaussian_kl": of_wrong,
    "forward_pass": lambda v: of_pass(v)[0],
    "backward_pass": lambda v: of_pass(v)[1],
    "adam": of_adam,
    "collapse": of_collapse,
    "one_reduction": lambda v: [
        (v[1] + v[2] - v[3] - v[4]) / 2, (v[1] + v[2]) / 2 - (v[3] + v[4]) / 200 / v[0],
        100 * v[0]],
}  # fmt: skip
SIGNED = {"one_reduction": (3, 4)}  # drawn without the minus with which they are used


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_key_is_right(name: str) -> None:
    """Every drawn number is in its range, and every answer is what the formulas of the notes
    give for these numbers, written out here without the package.

    float64, a few operations: 1e-9; central differences with h = 1e-5: 1e-6; Adam's epsilon of
    1e-8 is not in the formula of the sheet: 1e-6.
    """
    for seed in SEEDS:
        draw = TEMPLATES[name].draw(seed)
        question = TEMPLATES[name].function(draw)
        assert all(low <= value <= high for value, low, high in draw.drawn)
        values = [-v if i in SIGNED.get(name, ()) else v for i, v in enumerate(draw.values)]
        again = AGAIN[name](values)
        assert len(again) == len(question.answers) > 0
        for answer, expected in zip(question.answers, again):
            if isinstance(expected, str):
                assert answer.value == expected
            elif expected is not None:
                assert answer.value == pytest.approx(expected, rel=1e-6, abs=1e-6)


SLIPS = [
    (module, program, number, name)
    for module, program, number in (
        (section_1_2, section_1_2.ENTROPY, "1.1"),
        (section_1_4, section_1_4.KL_PROGRAM, "1.3"),
        (section_2_estimator, section_2_estimator.KL_PROGRAM, "2.2"),
    )
    for name in module.SLIPS
]


@pytest.mark.parametrize("module, program, number, name", SLIPS)
def test_a_wrong_program_has_one_wrong_line(
    module: Any, program: str, number: str, name: str
) -> None:
    """The program has five lines or more below its first. As it should be, it gives what the
    exercise's own function gives; with one other line, what the mistake of this name gives.

    Sums of two or three terms: 1e-12.
    """
    slip = module.SLIPS[name]
    assert program.count(slip.right) == 1 and len(program.splitlines()) > 5
    lists = {
        "1.1": [[0.2, 0.3, 0.5]], "1.3": [[0.2, 0.3, 0.5], [0.4, 0.5, 0.1]],
        "2.2": [[0.3, -1.2], [0.4, -0.7]],
    }[number]  # fmt: skip
    base = {} if number == "2.2" else {"base": 10}
    right = {"1.1": entropy, "1.3": kl_divergence, "2.2": gaussian_kl}[number]
    wrong = next(m.function for m in catalogue.of(number) if m.name == name)
    for text, function in (
        (program, right), (program.replace(slip.right, slip.wrong), wrong)
    ):  # fmt: skip
        found: dict[str, Any] = {"log": log, "exp": exp}
        exec(text, found)
        mine = found[re.match(r"def (\w+)", text)[1]]  # type: ignore[index]
        expected = float(function(*map(np.array, lists), **base))
        assert mine(*lists, **base) == pytest.approx(expected, rel=1e-12)


CLEAR = {  # what is compared, of all answers of the question
    "both_directions": lambda a: a[0] - a[1],
    "which_order": lambda a: a[0] - a[1],
    "tosses": lambda a: a[3],
    "jensen": lambda a: a[0] - a[2],
    "true_and_estimated": lambda a: a[1] - a[2],
    "importance_weights": lambda a: a[0] - a[1],
    "tree": lambda a: a[3],
    "read_contours": lambda a: a[0] - a[1],
    "proof_with_gaps": lambda a: a[0] - a[1],
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_compared_is_clear(name: str) -> None:
    """Two numbers of which a question asks the larger differ by five tolerances or more."""
    for seed in range(60):
        answers = TEMPLATES[name].question(seed).answers
        values = [a.value if isinstance(a.value, float) else math.nan for a in answers]
        assert abs(CLEAR[name](values)) >= 5 * 0.002


def test_each_blank_says_its_points_and_its_tolerance() -> None:
    """On every sheet: the points at the letters, 1 where none stand, and those of the words add
    up to the question's; a ± other than the sheet's stands at its letter or at the question;
    a sentence says so on these sheets alone.
    """
    for template, lang in itertools.product(TEMPLATES.values(), ("en", "ko")):
        made = choose.sheet([template], 1)
        [question] = made.questions
        text = markdown.markdown([made], "T", lang)
        rules, _, body = text.partition("## 1.")
        head, body = body.split("\n", 1)
        marks = re.findall(r"\(([a-z], (?:±|\d+ points|\d+점)[^()]*)\) ", body)
        told = {mark[0]: mark for mark in marks}
        points = {k: re.search(r"(\d+)( points|점)", v) for k, v in told.items()}
        letters = [letter for letter, _ in zip(choose.LETTERS, question.answers)]
        of_all = sum(int(m[1]) if (m := points.get(letter)) else 1 for letter in letters)
        assert of_all + question.hand == int(re.search(r"\d+", head)[0])  # type: ignore[index]
        for letter, answer in zip(letters, question.answers):
            stands = re.search(r"±([\d.]+)", told.get(letter, "")) or re.search(r"±([\d.]+)", head)
            assert answer.tolerance == (float(stands[1]) if stands else 0.002)
        assert ("beside" in rules or "옆에" in rules) == ("±" in head or bool(told))
        if question.hand:
            assert f"{question.hand}점" in body or f"({question.hand} of the" in body


def test_a_picture_stands_alone() -> None:
    """A picture has its colours in itself, and no class of a page's style."""
    for name in ("read_contours", "collapse"):
        picture = TEMPLATES[name].question(0).picture
        assert "class=" not in picture and "style" not in picture
        shapes = re.findall(r"<(?:rect|polyline)[^>]*>", picture)
        assert all('fill="none"' in shape and "stroke=" in shape for shape in shapes)


def follows_from_the_right_ones(name: str, seed: int) -> None:
    answers = TEMPLATES[name].question(seed).answers
    right = [a.value if isinstance(a.value, float) else math.nan for a in answers]
    for answer in answers:
        if answer.follows is not None:
            again = answer.follows(right)
            assert again == answer.value or again == pytest.approx(answer.value, abs=1e-6)
        assert answer.accepts is None or answer.accepts(right)
        for mistake, value in answer.wrong:
            assert abs(value - answer.value) > 2 * answer.tolerance, mistake


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_follows_from_right_numbers_is_right(name: str) -> None:
    """The rule for follow-up errors gives the key's number for the key's earlier numbers, and no
    classical mistake is within the tolerance of the right answer.
    """
    for seed in SEEDS:
        follows_from_the_right_ones(name, seed)


@pytest.mark.parametrize("week", WEEKS)
def test_no_two_of_a_class_of_200_are_alike(week: str) -> None:
    """200 names give 200 different sheets, question by question, and the same ones again."""
    names = [f"Student {i}" for i in range(200)]
    templates = choose.choose(week.split(","), 45)
    sheets = choose.of_class(templates, names)
    for questions in zip(*(one.questions for one in sheets)):
        assert len({choose.looks(question) for question in questions}) == 200
    again = choose.of_class(templates, names[:5])
    assert [one.number for one in again] == [one.number for one in sheets[:5]]


def test_both_languages_have_the_same_formulas_and_numbers() -> None:
    """Each question, label and step in Korean has Hangul, and the numbers of the English one."""
    for template, seed in itertools.product(TEMPLATES.values(), (0, 1)):
        question = template.question(seed)
        en, ko = question.text
        assert re.search("[가-힣]", ko) and not re.search("[가-힣]", en)
        numbers = [set(re.findall(r"\d+\.\d+", text)) for text in (en, ko)]
        assert numbers[0] == numbers[1], template.name
        for lang in ("en", "ko"):
            made = choose.sheet([template], seed)
            for key in (False, True):
                html = page.page([made], "T", lang, key=key)
                assert "$" not in re.sub("<pre>.*?</pre>", "", html, flags=re.S)
                assert plain(question.text, lang)[:9] in markdown.markdown([made], "T", lang)


def test_a_sheet_shows_no_answer_and_its_key_shows_all() -> None:
    """A sheet has an empty blank for each answer; the key has each value, rounded."""
    made = choose.sheet(tuple(TEMPLATES.values()), 3)
    empty, full = (page.page([made], "T", key=key) for key in (False, True))
    assert empty.count("<b></b>") == len(made.answers)
    assert "<b></b>" not in full
    for answer in made.answers.values():
        assert f"<b>{page.result(answer, 'en')}</b>" in full


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


def test_the_guide_has_a_sheet_for_each_of_five_weeks() -> None:
    """Five sheets of at most 45 minutes; together they ask of every topic."""
    weeks = [choose.choose(week.split(","), 45) for week in WEEKS]
    assert len(weeks) == 5
    assert all(30 <= sum(template.minutes for template in week) <= 45 for week in weeks)
    assert {template.topic for week in weeks for template in week} == set(choose.topics())


@pytest.mark.skipif(CHROMIUM is None, reason="it prints with Chromium")
def test_the_sheets_of_five_weeks_have_two_sides(tmp_path: Path) -> None:
    """All five, in both languages, one after another in one file: at most 20 sides of paper."""
    parts = [
        page.page([choose.sheet(choose.choose(week.split(","), 45), 5)], "Week", lang)
        for week in WEEKS for lang in ("en", "ko")
    ]  # fmt: skip
    bodies = [re.search("<body>(.*)</body>", part, re.S)[1] for part in parts]  # type: ignore
    langs = [f'<div lang="{lang}">{body}</div>' for body, lang in zip(bodies, itertools.cycle(
        ("en", "ko")))]  # fmt: skip
    whole = re.sub("<body>.*</body>", lambda _: f"<body>{''.join(langs)}</body>", parts[0],
                   flags=re.S)  # fmt: skip
    whole = whole.replace("[lang=ko] body", "[lang=ko]").replace(
        ".sheet:first-of-type { break-before: auto; }", ""
    )
    (tmp_path / "all.html").write_text(whole, encoding="utf-8")
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
         f"--user-data-dir={tmp_path}/profile", f"--print-to-pdf={tmp_path}/all.pdf",
         str(tmp_path / "all.html")],
        capture_output=True, check=True,
    )  # fmt: skip
    sides = re.findall(rb"/Type\s*/Page\b", (tmp_path / "all.pdf").read_bytes())
    assert 10 < len(sides) <= 20


# ---- marks ----


def right_texts(made: choose.Sheet) -> dict[str, str]:
    """What somebody writes who has everything right, with three decimals."""
    return {
        name: answer.value if isinstance(answer.value, str) else f"{answer.value:.3f}"
        for name, answer in made.answers.items()
    }


def planned(seed: int) -> tuple[str, list[str], list[float], list[str]]:
    """An answer file with one planned error for each of some blanks: csv, names of the blanks,
    points that are lost, and what should be said.
    """
    templates = choose.choose(WEEKS[seed % 5].split(","), 45)
    made = choose.sheet(templates, 1000 + seed)
    texts, lost, said_ = right_texts(made), [], []
    rng = np.random.default_rng(seed)
    spoiled: set[str] = set()
    for name in rng.permutation(list(made.answers))[:4]:
        answer = made.answers[name]
        if name[:-1] in {other[:-1] for other in spoiled} or isinstance(answer.value, str):
            continue
        if answer.accepts:
            continue
        if answer.wrong:
            _, value = answer.wrong[int(rng.integers(len(answer.wrong)))]
            texts[name] = f"{value:.5f}"
            first = next(m for m, v in answer.wrong if abs(v - value) <= answer.tolerance)
            said_.append(f"{name}: {plain(first, 'en')}")
        else:
            off = max(0.08, 3 * answer.tolerance) * (-1 if answer.value > 0.5 else 1)
            texts[name] = f"{answer.value + off if math.isfinite(answer.value) else 0:.3f}"
        lost.append(answer.points)
        spoiled.add(name)
        # the student goes on with the wrong number
        question = int(name[:-1])
        mine = [n for n in made.answers if int(n[:-1]) == question]
        own = [mark.number(texts[n]) for n in mine]
        for i, later in enumerate(mine):
            follows = made.answers[later].follows
            if later > name and follows is not None:
                value = follows(own)
                texts[later] = value if isinstance(value, str) else f"{value:.6f}"
                own[i] = mark.number(texts[later])
    header = ["name", "sheet", *texts]
    out = io.StringIO()
    csv.writer(out).writerows([header, [f"S{seed}", made.number, *texts.values()]])
    return out.getvalue(), sorted(spoiled), lost, said_


@pytest.mark.parametrize("seed", range(60))
def test_marks_are_as_planned(seed: int, tmp_path: Path) -> None:
    """60 files with planned errors: only the planned blanks have no points, what follows from
    them has its points, and each classical mistake is named.
    """
    text, spoiled, lost, expected = planned(seed)
    path = tmp_path / "answers.csv"
    path.write_text(text, encoding="utf-8")
    [one] = mark.read(path, choose.choose(WEEKS[seed % 5].split(","), 45))
    assert sorted(m.name for m in one.marks if m.state in (mark.WRONG, mark.EMPTY)) == spoiled
    hand = sum(question.hand for question in one.sheet.questions)
    assert one.points == one.sheet.points - hand - sum(lost)
    for sentence in expected:
        assert sentence in one.comments()


def test_a_number_is_read_as_it_is_written() -> None:
    """Signs, commas, fractions, units and infinities that people write."""
    written = {
        "0.811": 0.811, " −0,5 ": -0.5, "3/4": 0.75, ".25": 0.25, "+2": 2.0, "1.5 bits": 1.5,
        "2비트": 2.0, "inf": math.inf, "−∞": -math.inf, "무한대": math.inf, "1e-3": 0.001,
    }  # fmt: skip
    for text, value in written.items():
        assert mark.number(text) == value, text
    for text in ("", "?", "1.2.3", "0.5 apples", "1/0"):
        assert math.isnan(mark.number(text)), text


@pytest.mark.parametrize(
    "data, sentence",
    [
        (b"", "it should have name and sheet"),
        (b"a,b\n1,2\n", "has the columns a, b"),
        (b"name,sheet,9z\nx,1,2\n", "no blank is called 9z"),
        (b"name,sheet\nx,y\n", "row 2: sheet is 'y'"),
        (b"name,sheet,1w\nx,1,9\n", "1w is '9'; it should be from 0 to 2"),
        (b"name,sheet\rx,1\r", "is no table"),
    ],
)
def test_a_table_that_is_none_is_refused(data: bytes, sentence: str, tmp_path: Path) -> None:
    """A sentence says which file, and what it should be."""
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        mark.read(path, choose.choose(["uniform_is_highest"], 45))


# ---- the commands ----


def run(*arguments: object) -> int:
    return core.main([*map(str, ("homework", *arguments))], rooms=[cli.add_commands])


def test_a_class_has_a_sheet_each_and_one_key(tmp_path: Path) -> None:
    """From an export of Canvas: sheets, files for each, a key for all, a table to fill; the table,
    filled with the key, has full points but for the answers in words; the gradebook gets them.
    """
    export = tmp_path / "canvas.csv"
    export.write_text(
        'Student,ID,Week 2\n"    Points Possible",,10\n"Park, Ada",7,\n"이순신",8,\n',
        encoding="utf-8",
    )
    out = tmp_path / "week2.html"
    common = ["--topics", "1.4,triangle", "--minutes", "20"]
    assert run("sheet", *common, "--class", export, "--out", out, "--lang", "ko") == 0
    assert len(list((tmp_path / "week2").iterdir())) == 4
    assert out.read_text("utf-8").count('<section class="sheet">') == 2
    key = (tmp_path / "week2-key.html").read_text("utf-8")
    table = tmp_path / "week2-answers.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["Park, Ada", "이순신"]
    templates = choose.choose(["1.4", "triangle"], 20)
    for row in rows:
        made = choose.sheet(templates, int(row["sheet"]))
        assert all(page.result(answer, "ko") in key for answer in made.answers.values())
        row |= right_texts(made)
    with open(table, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    marks = tmp_path / "marks.csv"
    filling = ["--into", export, "--column", "Week 2"]
    assert run("grade-sheet", table, *common, "--csv", marks, *filling) == 0
    made = choose.sheet(templates, 0)
    full = made.points - sum(question.hand for question in made.questions)
    points = [row["points"] for row in csv.DictReader(io.StringIO(marks.read_text("utf-8-sig")))]
    assert points == [str(full)] * 2
    assert f'"Park, Ada",7,{full}' in export.read_text("utf-8")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["sheet", "--topics", "9", "--out", "a.html"], "'9' is no topic"),
        (["sheet", "--topics", "1.1"], "--topics and --out should be given"),
        (["sheet", "--topics", "1.1", "--minutes", "1", "--out", "a.md"], "fits into 1 minutes"),
        (["grade-sheet", "none.csv"], "--topics should be"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument is an exit code of 2, and a sentence that says what it should be."""
    assert run(*arguments) == 2
    assert sentence in capsys.readouterr().err
