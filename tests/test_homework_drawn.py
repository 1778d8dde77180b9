"""Homework: the calls of an exercise are drawn from what its docstring allows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from homework_marks import package_with, public_failures, right, verdict_on
from homework_submissions import best_sandbox, filled, hand_in

from scratchvae import decoders, layers
from scratchvae.homework import compare, domains, grade, judge, make, page, source, where, wire
from scratchvae.homework.domains import Call
from scratchvae.homework.exercises import select
from scratchvae.homework.here import Here
from scratchvae.homework.key import Key
from scratchvae.homework.sandbox import Reply, Result
from scratchvae.homework.submission import Submission

CHECKED = 'p = _distribution("p", p, axis)\n'
TERMS = "(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)"

RIGHT = [
    ("1.1", f"{CHECKED}n = p.shape[-1]\n"  # what the docstring suggests
     "return math.log(n) / _log(base) - kl_divergence(p, np.full_like(p, 1 / n), base=base)", ""),
    ("1.1", "return _h(p, base=base, axis=axis)",
     f"\ndef _one(sign, p, *, base, axis):\n    {CHECKED}    return sign * {TERMS} / _log(base)\n"
     "\nimport functools\n_h = functools.partial(_one, -1)\n"),
    ("1.1", f"class Bad(ValueError): pass\ntry:\n    {CHECKED}    scale = _log(base)\n"
     f"except ValueError as error:\n    raise Bad() from error\nreturn -{TERMS} / scale", ""),
    ("1.6", 'q = _distribution("q", _vector("q", q), -1)\n'
     "return (1.0 - math.frexp(v)[1] if v else math.inf for v in q)", ""),
]  # fmt: skip
WRONG = [  # and the kinds of call that show it
    ("1.1", f"{CHECKED}p = p.reshape(-1, p.shape[-1]) if p.ndim > 2 else p\n"
     f"return -{TERMS} / _log(base)", {"value", "shapes", "extremes"}),
    ("1.1", f"{CHECKED}p = np.clip(p, 1e-9, 1)\nreturn -{TERMS} / _log(base)",
     {"shapes", "extremes"}),
    ("1.1", f"{CHECKED}p = p.astype(float)\nreturn -{TERMS} / _log(base)", {"shapes"}),
    ("1.2", 'p, q = _distribution("p", p, axis), _distribution("q", q, axis)\n'
     'with np.errstate(divide="ignore"):\n'
     "    return -(p * np.log(np.where(p > 0, q, 1))).sum(axis=-1) / _log(base)", {"errors"}),
    ("1.4", 'y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)\n'
     '_same_shape("y", y, "y_hat", y_hat)\nwith np.errstate(all="ignore"):\n'
     "    a, b = y * np.log(y_hat), (1 - y) * np.log1p(-y_hat)\n"
     "return -(np.where(y > 0, a, 0) + np.where(y < 1, b, 0)) / y.dtype.type(np.log(base))",
     {"errors"}),
    ("1.6", 'q = _distribution("q", _vector("q", q), -1)\n'
     "return np.where(q > 0, 1 - np.frexp(q)[1], np.inf).astype(q.dtype)", {"shapes"}),
]  # fmt: skip


@pytest.mark.parametrize("number", domains.DOMAINS)
def test_what_is_drawn_is_allowed_and_what_is_drawn_as_an_error_is_refused(number: str) -> None:
    """By the package's own function, for any seed; at least half of the calls are ordinary."""
    package = {**source.reference(), "__init__": "", page.NAME: page.RIGHT}
    for seed in range(3):
        job = domains.job(number, seed)
        replies = Here().run(package, job.driver, job.fixed, [call.inputs for call in job.cases])
        for call, reply in zip(job.cases, replies.replies):
            assert (reply.error is not None) == (call.kind == "errors"), (call.inputs, reply.error)
            assert not np.isnan(np.hstack([*flat(reply.outputs), 0.0])).any()
        assert 2 * sum(call.kind == "value" for call in job.cases) >= len(job.cases)


def flat(value: Any) -> list[Any]:
    """The numbers of nested tuples."""
    if isinstance(value, tuple):
        return [number for part in value for number in flat(part)]
    return [] if value is None or isinstance(value, str) else [np.ravel(value)]


def test_every_model_is_drawn() -> None:
    """Of 100 models: 0 to 3 hidden layers, each decoder and activation, several z, B = 1."""
    drawn = [call.inputs for call in domains.job("3.5", 3).cases]
    for name, values in (
        ("decoder", decoders.OUTPUTS), ("activation", layers.ACTIVATIONS),
    ):  # fmt: skip
        assert {inputs[name] for inputs in drawn} == set(values)
    assert {len(inputs["hidden"]) for inputs in drawn} == {0, 1, 2, 3}
    assert {inputs["eps"].ndim for inputs in drawn} >= {2, 3}
    assert {len(inputs["x"]) for inputs in drawn} == {1, 2, 3, 4}


def test_every_size_axis_and_type_is_drawn() -> None:
    """Of 240 distributions: 1 to 4 axes, each of them the distribution's, three types, 0 and 1."""
    drawn = [call.inputs for call in domains.calls("1.1", 7) if call.kind != "errors"]
    shapes = [np.shape(inputs["p"]) for inputs in drawn]
    axes = {(len(shape), inputs.get("axis")) for shape, inputs in zip(shapes, drawn)}
    assert axes >= {(n, axis) for n in (1, 2, 3, 4) for axis in (None, *range(-n, n))}
    assert any(1 in shape[:-1] for shape in shapes) and any(shape[-1] == 1 for shape in shapes)
    types = {getattr(inputs["p"], "dtype", list) for inputs in drawn}
    assert types == {np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.int64), list}
    entries = np.concatenate([np.ravel(inputs["p"]) for inputs in drawn])
    assert {0.0, 1.0} <= set(entries) and entries[entries > 0].min() < 1e-100


def test_a_new_key_draws_other_calls() -> None:
    """The same seed draws the same calls, and another seed other calls."""
    one, same, other = (domains.job("1.3", seed).cases for seed in (1, 1, 2))
    assert [str(case.inputs) for case in one] == [str(case.inputs) for case in same]
    shared = [str(a.inputs) == str(b.inputs) for a, b in zip(one, other) if a.kind == "value"]
    assert not any(shared)


@pytest.mark.parametrize("number, body, top", RIGHT, ids=range(len(RIGHT)))
def test_right_in_another_style_is_right(number: str, body: str, top: str) -> None:
    """Another exercise that may be called; a partial function; a subclass of ValueError; a
    generator: full points, and the public tests pass.
    """
    assert verdict_on(number, body, top).full
    assert not public_failures(number, package_with(number, body, top))


@pytest.mark.parametrize("number, body, kinds", WRONG, ids=range(len(WRONG)))
def test_what_a_list_of_cases_missed_is_noticed_in_both(
    number: str, body: str, kinds: set[str]
) -> None:
    """The grader and the public tests agree: three batch axes, tiny numbers, float32, broadcasting,
    a base that is none.
    """
    passed = verdict_on(number, body).passed
    assert {kind for kind, (done, total) in passed.items() if done < total} == kinds
    assert public_failures(number, package_with(number, body))


def test_a_call_of_another_exercise_is_noticed_in_public() -> None:
    """entropy(p) is cross_entropy(p, p), where that stands right in the package."""
    package = filled("1.1", "return cross_entropy(p, p, base=base, axis=axis)")
    said = public_failures("1.1", {**package, "__init__": ""})
    assert any("cross_entropy, of another exercise: expected no call" in text for text in said)


def test_a_forgotten_return_is_called_that() -> None:
    """In the grader, and in the public tests."""
    body = f"{CHECKED}h = -{TERMS} / _log(base)"
    assert verdict_on("1.1", body).remarks[0] == judge.NOTHING
    assert "None: a `return` is missing" in public_failures("1.1", package_with("1.1", body))[0]


def test_two_errors_are_no_likeness() -> None:
    """A mistake is named by what it returns; by errors alone if they say the same."""
    job = domains.job("1.1")
    raises = [Reply(error=("ValueError", "this")) for _ in job.cases]
    other = [Reply(error=("ValueError", "that")) for _ in job.cases]
    assert not judge.same(job, Result(raises), Result(other), "value")
    assert judge.same(job, Result(raises), Result(list(raises)), "value")
    half = [a if i % 2 else b for i, (a, b) in enumerate(zip(raises, right("1.1").replies))]
    assert not judge.same(job, right("1.1"), Result(half), "value")


def test_an_argument_is_said_with_all_its_digits() -> None:
    """Also where six digits are those of another number."""
    less = np.nextafter(1 / 256, 0)
    assert repr(float(less)) in compare.called(Call("value", {"q": np.array([1 - less, less])}))[0]


@pytest.mark.parametrize("make_pair", [np.stack, iter, list, lambda pair: map(np.copy, pair)])
def test_what_unpacks_into_two_arrays_is_two_arrays(make_pair: Any) -> None:
    """An array of two rows, an iterator, a list, a map."""
    pair = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)
    sent = wire.decode(wire.encode(make_pair(pair)))
    assert not compare.why(pair, sent, Call("value", {}))


def test_the_handout_draws_too(tmp_path: Path) -> None:
    """With NumPy and pytest alone: its tests pass with the right answer, and answers are a file of
    the exercises that are asked.
    """
    make.write(tmp_path / "h", select(["1.6"]), "T")
    assert json.loads((tmp_path / "h/tests/homework/answers.json").read_text()).keys() == {"1.6"}
    hand_in(tmp_path / "right", source.reference())
    solved = (tmp_path / "right/scratchvae/info.py").read_text(encoding="utf-8")
    (tmp_path / "h/scratchvae/info.py").write_text(solved, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path / "h", capture_output=True, text=True)
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_a_call_of_another_exercise_is_said_by_the_grader() -> None:
    """Not "not done": the exercise that is called, and where to read what may be called."""
    key = Key(select(["1.1"]), best_sandbox(), seed=1)
    files = filled("1.1", "return cross_entropy(p, p, base=base, axis=axis)")
    mark = grade.grade_read(Submission("x", files), key).marks[0]
    assert mark.kind == "other" and mark.points == 0
    assert mark.sentence.startswith("it calls cross_entropy, of exercise 1.2, which it should do")
    assert mark.evidence[0]["said"].startswith("Your function calls cross_entropy")


LATER = [  # wrong answers to chapters 2 and 3, and what is said first
    ("2.4", "return dz.sum(axis=0), dz.mean(axis=0) * eps.sum(axis=0) * np.exp(logvar / 2) / 2", "",
     "Your answer is wrong wherever dz.shape[-3] > 1, and right everywhere else."),
    ("2.3", "z = _KEPT.setdefault(eps.shape, np.empty(eps.shape))\n"
     "z[...] = mu + np.exp(0.5 * logvar) * eps\nreturn z", "\n_KEPT = {}\n", judge.OVERWRITES),
    ("2.5", "return mu, 0.5 * np.expm1(logvar)", "",
     f"{judge.FORGETS}: whether an array is an argument itself."),
    ("3.5", "self.remembered, self._x = '', self.as_data(x)\n"
     "self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)\n"
     "self._mu_logvar = mu, logvar = self._heads(self._x)\n"
     "z = reparameterize(mu, logvar, self._eps)\n"
     "p = self.decode(z.reshape(-1, self.n_z)).reshape(*z.shape[:2], -1)\n"
     "self.remembered = 'forward'\n"
     "log_px = (self._x * np.log(p) + (1 - self._x) * np.log(1 - p)).sum(axis=-1)\n"
     "return log_px.mean(axis=0), gaussian_kl(mu, logvar)", "",
     "Your answer is wrong wherever decoder is not 'bernoulli', and right everywhere else."),
    ("3.9", "s = self.s.copy()\ns[block] += g * g\nself.s = s\n"
     "theta -= self.lr * g / (np.sqrt(s[block]) + self.epsilon)", "",
     "Your answer is wrong wherever resume is given, and right everywhere else."),
    ("3.9", "if not hasattr(self, 'own'):\n    self.own = np.zeros_like(self.params.theta)\n"
     "s = self.own[block]\ns += g * g\ntheta -= self.lr * g / (np.sqrt(s) + self.epsilon)", "",
     "Your answer is wrong wherever resume is given, and right everywhere else."),
]  # fmt: skip


@pytest.mark.parametrize("number, body, top, said", LATER, ids=[row[0] for row in LATER])
def test_what_the_wrong_calls_have_in_common_is_said(
    number: str, body: str, top: str, said: str
) -> None:
    """L > 1; the next call; a decoder; another optimizer that takes over. A public test fails."""
    assert verdict_on(number, body, top).remarks[0] == said
    assert public_failures(number, package_with(number, body, top))


def test_a_gradient_by_differences_has_no_points() -> None:
    """Its digits are too few, and it goes through the network for each weight."""
    body = """
theta, kept, x, eps = self.params.theta, self.params.theta.copy(), self._x, self._eps
for i in range(theta.size):
    ends = []
    for h in (1e-5, -1e-5):
        theta[i] = kept[i] + h
        ends.append(-float(np.subtract(*self.forward(x, eps)).mean()))
    theta[i], self.params.g[i] = kept[i], (ends[0] - ends[1]) / 2e-5"""
    verdict = verdict_on("3.7", body)
    assert verdict.passed["value"][0] == 0 and verdict.points == 0
    assert public_failures("3.7", package_with("3.7", body))


def test_no_property_is_said_that_right_calls_have_as_often() -> None:
    """Two wrong calls, or wrong ones at random among like ones, have nothing in common."""
    calls = [Call("value", {"a": np.full(2, i % 2)}) for i in range(40)]
    assert where.said(calls, [i < 2 for i in range(40)]) == ""
    assert where.said(calls, [i % 3 == 0 for i in range(40)]) == ""
    assert "wherever a has a 0" in where.said(calls, [i % 2 == 0 for i in range(40)])
    many = [Call("value", {"a": np.full(2, i % 2)}) for i in range(200)]
    assert where.said(many, [i % 2 == 0 and i < 80 for i in range(200)]) == ""  # 40 of 100
    few = [Call("value", {"a": np.full(2, float(i > 4))}) for i in range(40)]
    assert where.said(few, [i < 4 for i in range(40)]) == ""  # 4 of 5 may be chance
